//! How often a result's bytes are copied: a vector once, a buffer never. Told by the places in
//! memory that are made for them. And that all of these are given back, as large as they were.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use fixture_matrix_interface::types::{Failed, Growing, Pair, Point, Settings};
use fixture_matrix_interface::{Echo, Later, Matrix, block_on};
use plugwright_plugin::remote::Invocation;
use plugwright_plugin::{Buffer, CallErrorKind, Interface, Portable, interface};

use crate::failures::faulty;
use crate::matrix::echo_as;

/// The system's allocator, which counts large pieces that one thread asks for.
struct Counting;

/// What counts as large.
const LARGE: usize = 1 << 20;

thread_local! {
    // Without a destructor, so that it can be used whenever something is allocated.
    static LARGE_PIECES: Cell<usize> = const { Cell::new(0) };
    /// How many bytes this thread asked for and did not give back.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            LARGE_PIECES.set(LARGE_PIECES.get() + 1);
        }
        HELD.set(HELD.get().wrapping_add(layout.size()));
        // SAFETY: by this function's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: by this function's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[interface(id = "org.example.bulk", version = "1.0")]
pub(crate) trait Bulk: Send + Sync {
    fn bytes(&self) -> Vec<u8>;
    fn text(&self) -> String;
    fn buffer(&self) -> Buffer;
    fn take(&self, bytes: Vec<u8>) -> usize;
    fn keep(&self, buffer: Buffer) -> Buffer;
    fn sum(&self, bytes: &[u8]) -> u64;
}

struct Megabyte;

impl Bulk for Megabyte {
    fn bytes(&self) -> Vec<u8> {
        vec![7; LARGE]
    }
    fn text(&self) -> String {
        "a".repeat(LARGE)
    }
    fn buffer(&self) -> Buffer {
        vec![7; LARGE].into()
    }
    fn take(&self, bytes: Vec<u8>) -> usize {
        bytes.len()
    }
    fn keep(&self, buffer: Buffer) -> Buffer {
        buffer
    }
    fn sum(&self, bytes: &[u8]) -> u64 {
        bytes.iter().copied().map(u64::from).sum()
    }
}

/// How many large pieces are asked for while this runs.
fn pieces<T>(run: impl FnOnce() -> T) -> (usize, T) {
    let before = LARGE_PIECES.get();
    let value = run();
    (LARGE_PIECES.get() - before, value)
}

#[test]
fn a_vector_is_copied_once_and_a_buffer_never() {
    let object: Box<dyn Bulk> = Box::new(Megabyte);
    // SAFETY: made just now, and used once: it is called through its vtable from now on.
    let object = unsafe { <Box<dyn Bulk>>::from_abi(object.into_abi()) }.expect("it fits");

    // One where it is made, and one where it arrives.
    let (made, bytes) = pieces(|| object.bytes());
    assert_eq!((made, bytes.len()), (2, LARGE));
    let (made, text) = pieces(|| object.text());
    assert_eq!((made, text.len()), (2, LARGE));
    let (made, length) = pieces(|| object.take(bytes));
    assert_eq!((made, length), (1, LARGE));

    let (made, buffer) = pieces(|| object.buffer());
    assert_eq!((made, buffer.len()), (1, LARGE));
    let place = buffer.as_ptr();
    let (made, buffer) = pieces(|| object.keep(buffer));
    assert_eq!((made, buffer.as_ptr()), (0, place));

    let (made, sum) = pieces(|| object.sum(&buffer));
    assert_eq!((made, sum), (0, 7 << 20));
}

/// Each call gives back what it asked for: what crosses is freed by who made it, with the size that
/// it was made with.
#[track_caller]
fn check(what: &str, call: impl Fn()) {
    // What is made once stays.
    call();
    let before = HELD.get();
    call();
    assert_eq!(HELD.get(), before, "bytes that {what} left");
}

/// A vector with room for more than it has.
fn roomy<T: Clone>(element: &T) -> Vec<T> {
    let mut vector = Vec::with_capacity(10);
    vector.extend(std::iter::repeat_n(element.clone(), 3));
    vector
}

#[test]
fn calls_leave_nothing_behind() {
    let echo = echo_as::<dyn Matrix>();
    let text = || "grüß dich".repeat(9);
    let point = || Point {
        x: 0.5,
        label: text(),
        inner: Pair(1, Some(2)),
    };
    check("texts", || assert_eq!(echo.string(text()), text()));
    check("numbers", || assert_eq!(echo.vec(roomy(&1)).len(), 3));
    check("lists", || {
        assert_eq!(echo.strings(roomy(&text())).len(), 3);
    });
    check("structs", || {
        assert_eq!(echo.points(roomy(&point())).len(), 3);
    });
    check("boxes", || {
        assert_eq!(*echo.boxed(Box::new(point())), point());
    });
    check("arrays", || drop(echo.array([text(), text(), text()])));
    check("tuples", || drop(echo.pair((1, text()))));
    check("maps", || drop(echo.tree_map([(text(), 1)].into())));
    check("sets", || drop(echo.hash_set([text()].into())));
    check("paths", || drop(echo.path(text().into())));
    check("options", || drop(echo.option_of_string(Some(text()))));
    check("results", || drop(echo.result(Err(text()))));
    check("buffers", || drop(echo.buffer(roomy(&1).into())));
    check("what is encoded", || drop(echo.settings(Settings::some())));
    check("enums", || {
        let failed = Failed::Tuple(text(), 3);
        drop(echo.own_error(Err(failed)));
    });
    check("enums that grow", || {
        drop(echo.growing(Growing::With(vec![text()], 3)));
        drop(echo.growing(Growing::Added { text: text() }));
    });
    check("what is lent", || {
        let (words, points) = (["a", "b"], [point(), point()]);
        drop(echo.words_lent(&words));
        drop(echo.many_lent(&points));
        drop(echo.one_lent(&points[0]));
        drop(echo.lists_lent(vec![&[Pair(1, None)], &[]], &(9, text())));
    });
    let object = echo_as::<dyn Matrix>().into_object();
    let methods = <dyn Matrix as Interface>::SHAPE.methods;
    for (name, bytes) in [
        ("strings", &[2, 1, b'a', 1, b'b'][..]),
        ("words_lent", &[2, 1, b'a', 1, b'b']),
        ("lists_lent", &[2, 1, 7, 0, 1, 8, 0, 9, 1, b'a']),
        ("increment", &[1, 1, 0]),
        ("strings", &[2, 1, b'a', 1, 0xff]),
    ] {
        let place = methods.iter().position(|method| method.name == name);
        let number = u32::try_from(place.expect("there is one")).expect("few");
        check(name, || {
            drop(object.invoke(&Invocation::new(), number, bytes));
        });
    }
    check("objects", || {
        let other = echo.relay(Box::new(Echo));
        assert_eq!(other.string(text()), text());
        let (one, many, maybe) = echo.objects(Some(other), vec![std::sync::Arc::new(Echo)], None);
        assert!(one.is_some() && many.len() == 1 && maybe.is_err());
    });
}

#[test]
fn futures_and_failures_leave_nothing_behind() {
    let later = echo_as::<dyn Later>();
    check("futures", || {
        assert_eq!(block_on(later.string("a".repeat(99))).len(), 99);
        let other = later.relay(Box::new(Echo));
        assert_eq!(block_on(other.string("a".repeat(99))).len(), 99);
        // One that nobody polled.
        drop(later.string("a".repeat(99)));
    });
    let poisoned = faulty();
    poisoned.try_formatted("luck").expect_err("it panics");
    check("failures", || {
        let error = poisoned.try_number(true).expect_err("it is poisoned");
        assert_eq!(error.kind(), CallErrorKind::Poisoned);
    });
}
