//! How often a result's bytes are copied: a vector once, a buffer never. Told by the places in
//! memory that are made for them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use plugwright_plugin::{Buffer, Portable, interface};

/// The system's allocator, which counts large pieces that one thread asks for.
struct Counting;

/// What counts as large.
const LARGE: usize = 1 << 20;

thread_local! {
    // Without a destructor, so that it can be used whenever something is allocated.
    static LARGE_PIECES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            LARGE_PIECES.set(LARGE_PIECES.get() + 1);
        }
        // SAFETY: by this function's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
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
