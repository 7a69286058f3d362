//! A connection as a library of its process has it: functions that lead to whoever owns the pipe.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugwright_plugin::abi::{
    Failure, InterfaceTable, InvokeContext, KeepAlive, RawInterface, RawLink, RawSlice, RawVec,
    Reply, VtableHead,
};
use plugwright_plugin::remote::{Invocation, Link, Object};
use plugwright_plugin::{CallError, CallErrorKind, Handle, Portable, interface};

use crate::transport::piped;

#[interface(id = "org.example.linked", version = "1.0")]
pub(crate) trait Linked: Send + Sync {
    fn left(&self) -> Option<u64>;
}

/// How many milliseconds the caller still waits.
struct Waits;

impl Linked for Waits {
    fn left(&self) -> Option<u64> {
        let left = plugwright_plugin::remote::time_left()?;
        Some(left.as_millis().try_into().expect("short"))
    }
}

/// Asks another one.
struct Asks(Handle<dyn Linked>);

impl Linked for Asks {
    fn left(&self) -> Option<u64> {
        self.0.left()
    }
}

fn raw_of(object: impl Linked + 'static) -> RawInterface {
    let object: Box<dyn Linked> = Box::new(object);
    object.into_abi()
}

fn handle_of(raw: RawInterface) -> Handle<dyn Linked> {
    // SAFETY: an object of this very interface, which is used once.
    let object = unsafe { <Box<dyn Linked>>::from_abi(raw) }.expect("it fits");
    object.__plugwright_handle().expect("it crossed").clone()
}

/// The time that a caller waits is that of the calls which his own is made of, on the far side of a
/// connection, too.
#[test]
fn a_limit_crosses_with_the_calls_inside() {
    let (remote, _end) = piped(&handle_of(raw_of(Waits)));
    let asks = handle_of(raw_of(Asks(remote))).into_object();
    let left = |invocation: &Invocation| {
        let bytes = asks.invoke(invocation, 0, &[]).expect("in time");
        let milliseconds = bytes.strip_prefix(&[1])?;
        Some(u64::from_le_bytes(
            milliseconds.try_into().expect("a number"),
        ))
    };
    assert_eq!(left(&Invocation::new()), None);
    let hour = Invocation::new().with_limit(Some(Duration::from_secs(3600)));
    assert!((3_000_000..=3_600_000).contains(&left(&hour).expect("a limit")));
}

/// Writes down what it is asked for.
struct Notes {
    notes: Mutex<Vec<String>>,
    gives: Result<Vec<u8>, CallError>,
    is_open: bool,
}

impl Notes {
    fn note(&self, note: String) {
        self.notes.lock().expect("no panic").push(note);
    }
}

impl Link for Notes {
    fn call(
        &self,
        object: u64,
        method: u32,
        input: &[u8],
        limit: Option<Duration>,
    ) -> Result<Vec<u8>, CallError> {
        self.note(format!("call {object} {method} {input:?} {limit:?}"));
        self.gives.clone()
    }
    fn export(&self, _: Object) -> u64 {
        self.note("export".to_owned());
        17
    }
    fn import(&self, number: u64) -> Option<Object> {
        self.note(format!("import {number}"));
        (number == 17).then(|| handle_of(raw_of(Waits)).into_object())
    }
    fn retain(&self, object: u64) {
        self.note(format!("retain {object}"));
    }
    fn release(&self, object: u64) {
        self.note(format!("release {object}"));
    }
    fn is_open(&self) -> bool {
        self.is_open
    }
}

type Uses = Box<dyn FnOnce(&RawLink)>;

thread_local! {
    /// What is done with the connection of the call.
    static USES: RefCell<Option<Uses>> = const { RefCell::new(None) };
}

unsafe extern "C" fn uses(
    _: *const (),
    context: *const InvokeContext,
    _: u32,
    _: RawSlice,
    output: *mut RawVec,
) -> u32 {
    let uses = USES.take().expect("it was put there");
    // SAFETY: the caller lends the context.
    let link = unsafe { &*context }.link;
    // SAFETY: and the connection.
    uses(unsafe { &*link });
    // SAFETY: the caller gives a place.
    unsafe { output.write(Vec::<u8>::new().into_abi()) };
    0
}

/// What the connection is asked for while a library uses it so.
#[track_caller]
fn check(
    gives: Result<Vec<u8>, CallError>,
    is_open: bool,
    run: impl FnOnce(&RawLink) + 'static,
    expected: &[&str],
) {
    let mut raw = raw_of(Waits);
    // SAFETY: the vtable of an honest object says how long it is, in words.
    let words = unsafe { (*raw.object.vtable).size } / size_of::<usize>();
    // SAFETY: as above.
    let vtable = unsafe { std::slice::from_raw_parts(raw.object.vtable.cast(), words) };
    let mut vtable: Vec<*const ()> = vtable.to_vec();
    // SAFETY: every vtable begins with its head.
    unsafe { &mut *vtable.as_mut_ptr().cast::<VtableHead>() }.invoke = Some(uses);
    raw.object.vtable = vtable.leak().as_ptr().cast();
    let notes = Arc::new(Notes {
        notes: Mutex::default(),
        gives,
        is_open,
    });
    USES.set(Some(Box::new(run)));
    let invocation = Invocation::new().with_link(Arc::clone(&notes) as Arc<dyn Link>);
    let called = handle_of(raw).into_object().invoke(&invocation, 0, &[]);
    assert_eq!(called, Ok(vec![]));
    assert_eq!(*notes.notes.lock().expect("no panic"), expected);
    drop(invocation);
    assert_eq!(Arc::strong_count(&notes), 1, "nobody has it any more");
}

/// A call as the library makes it: its status and its bytes.
fn call(link: &RawLink, input: RawSlice, time_left: u64) -> (u32, Vec<u8>) {
    let mut output = MaybeUninit::uninit();
    // SAFETY: the connection is lent; the input is one whose fault is seen, if any.
    let status = unsafe {
        (link.call)(
            link.keep.context,
            5,
            6,
            input,
            time_left,
            output.as_mut_ptr(),
        )
    };
    // SAFETY: it is always written.
    let output: RawVec = unsafe { output.assume_init() };
    // SAFETY: a vector, which is owned here.
    let bytes = unsafe { Vec::<u8>::from_abi(output) }.expect("a vector");
    (status, bytes)
}

#[test]
fn calls_are_carried_with_their_limit() {
    check(
        Ok(vec![1, 2]),
        true,
        |link| {
            assert_eq!(call(link, RawSlice::of("a"), 7), (0, vec![1, 2]));
            assert_eq!(call(link, RawSlice::of(""), u64::MAX), (0, vec![1, 2]));
        },
        &["call 5 6 [97] Some(7ns)", "call 5 6 [] None"],
    );
}

/// A failure has a status that is none of a result, whatever its kind: also one of a later version.
#[test]
fn failures_are_no_results() {
    let mut later = CallError::crashed("gone").to_bytes();
    let crashed = CallError::from_bytes(&later);
    later[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let unknown = CallError::from_bytes(&later);
    assert_eq!(unknown.kind(), CallErrorKind::Unknown);
    for (error, expected) in [(crashed, CallErrorKind::Crashed as u32), (unknown, 1)] {
        let kind = error.kind();
        check(
            Err(error),
            true,
            move |link| {
                let (status, bytes) = call(link, RawSlice::of(""), u64::MAX);
                assert_eq!(status, expected);
                assert_eq!(CallError::from_bytes(&bytes).kind(), kind);
            },
            &["call 5 6 [] None"],
        );
    }
}

/// What is no slice is not read, and nothing is carried.
#[test]
fn bytes_that_are_none_are_not_carried() {
    let none = || RawSlice {
        pointer: std::ptr::null(),
        length: 3,
    };
    check(
        Ok(vec![]),
        true,
        move |link| {
            let (status, bytes) = call(link, none(), u64::MAX);
            assert_eq!(status, CallErrorKind::Invalid as u32);
            assert_eq!(CallError::from_bytes(&bytes).kind(), CallErrorKind::Invalid);
        },
        &[],
    );
}

#[test]
fn references_reach_who_owns_the_pipe() {
    check(
        Ok(vec![]),
        true,
        |link| {
            let context = link.keep.context;
            // SAFETY: the connection is lent, and the object is given away.
            assert_eq!(unsafe { (link.export)(context, raw_of(Waits)) }, 17);
            let mut object = MaybeUninit::<RawInterface>::uninit();
            // SAFETY: there is a place for an object.
            let found = unsafe { (link.import)(context, 17, object.as_mut_ptr()) };
            assert_eq!(found, 1);
            // SAFETY: it was written, and is owned here.
            assert_eq!(handle_of(unsafe { object.assume_init() }).left(), None);
            // SAFETY: as above; without such an object nothing is written.
            let found = unsafe { (link.import)(context, 18, std::ptr::null_mut()) };
            assert_eq!(found, 0);
            // SAFETY: the connection is lent.
            unsafe { (link.retain)(context, 3) };
            // SAFETY: as above.
            unsafe { (link.release)(context, 4) };
            // SAFETY: as above.
            assert_eq!(unsafe { (link.is_open)(context) }, 1);
        },
        &["export", "import 17", "import 18", "retain 3", "release 4"],
    );
    check(
        Ok(vec![]),
        false,
        // SAFETY: as above.
        |link| assert_eq!(unsafe { (link.is_open)(link.keep.context) }, 0),
        &[],
    );
}

#[interface(id = "org.example.linked-taker", version = "1.0")]
pub(crate) trait Takes: Send + Sync {
    fn take(&self, linked: Box<dyn Linked>);
}

impl Takes for Waits {
    fn take(&self, _: Box<dyn Linked>) {}
}

/// A handle for an object on the other side of what only takes notes.
fn far(says: Vec<u8>) -> (Handle<dyn Takes>, Arc<Notes>) {
    let notes = Arc::new(Notes {
        notes: Mutex::default(),
        gives: Ok(says),
        is_open: true,
    });
    let link = Arc::clone(&notes) as Arc<dyn Link>;
    (Handle::remote(link, 5).expect("it is what it says"), notes)
}

/// What an object of `Takes` says that it has.
fn description() -> Vec<u8> {
    let takes: Box<dyn Takes> = Box::new(Waits);
    // SAFETY: an object of this very interface, which is used once.
    let takes = unsafe { <Box<dyn Takes>>::from_abi(takes.into_abi()) }.expect("it fits");
    let takes = takes.__plugwright_handle().expect("it crossed").clone();
    let says = takes
        .into_object()
        .invoke(&Invocation::new(), u32::MAX, &[]);
    says.expect("every object says it")
}

/// An object that is given away is said to have what its vtable has room for, whatever its table
/// says of methods behind that.
#[test]
fn an_object_is_said_to_have_what_it_has() {
    let mut raw = raw_of(Waits);
    // SAFETY: every vtable begins with its head, which says how long it is.
    let head = unsafe { &*raw.object.vtable };
    let words = head.size / size_of::<usize>();
    // SAFETY: as above; all behind the size are pointers.
    let vtable = unsafe { std::slice::from_raw_parts(raw.object.vtable.cast(), words) };
    let mut vtable: Vec<*const ()> = vtable.to_vec();
    // What stands behind it is none of it.
    vtable.push(vtable[words - 1]);
    // SAFETY: what was made by the SDK has a table with a fingerprint for each method.
    let table = unsafe { &*head.interface };
    // SAFETY: as above.
    let fingerprint = unsafe { *table.fingerprints };
    let fingerprints = vec![fingerprint, 3].leak();
    let more = Box::leak(Box::new(InterfaceTable {
        methods: 2,
        minor: 1,
        fingerprints: fingerprints.as_ptr(),
        ..*table
    }));
    // SAFETY: as above.
    unsafe { &mut *vtable.as_mut_ptr().cast::<VtableHead>() }.interface = more;
    raw.object.vtable = vtable.leak().as_ptr().cast();
    let (takes, notes) = far(description());
    // What it answers is no result of that, which is of no interest here.
    let linked: Box<dyn Linked> = Box::new(handle_of(raw));
    drop(takes.try_take(linked));
    // One object, of the sender; the argument is that, which has one method.
    let mut input = vec![1, 0, 17, 0, 1];
    input.extend_from_slice(&fingerprint.to_le_bytes());
    let expected = [
        format!("call 5 {} [] None", u32::MAX),
        "export".to_owned(),
        format!("call 5 0 {input:?} None"),
    ];
    assert_eq!(*notes.notes.lock().expect("no panic"), expected);
    drop(takes);
    assert_eq!(notes.notes.lock().expect("no panic")[3..], ["release 5"]);
    assert_eq!(Arc::strong_count(&notes), 1, "nobody has it any more");
}

/// What a connection hands about lets go of its object first, of what that fails with, and then of
/// its library.
#[test]
fn an_object_goes_before_its_library() {
    static STEPS: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    fn step(step: &'static str) {
        STEPS.lock().expect("no panic").push(step);
    }
    struct Library;
    impl Drop for Library {
        fn drop(&mut self) {
            step("the library");
        }
    }
    unsafe extern "C" fn retain(_: *const ()) {}
    unsafe extern "C" fn release(_: *const ()) -> Reply<u8> {
        unsafe extern "C" fn told(failure: *mut Failure) {
            // SAFETY: made below, and released once.
            drop(unsafe { Box::from_raw(failure) });
            step("the failure");
        }
        step("the object");
        let none = RawSlice::of("");
        Reply::failed(Box::into_raw(Box::new(Failure {
            release: Some(told),
            kind: CallErrorKind::Panicked as u32,
            line: 0,
            column: 0,
            message: none,
            file: none,
            plugin: none,
        })))
    }
    let mut raw = raw_of(Waits);
    // SAFETY: the vtable of an honest object says how long it is, in words.
    let words = unsafe { (*raw.object.vtable).size } / size_of::<usize>();
    // SAFETY: as above.
    let vtable = unsafe { std::slice::from_raw_parts(raw.object.vtable.cast(), words) };
    let mut vtable: Vec<*const ()> = vtable.to_vec();
    // SAFETY: every vtable begins with its head.
    let head = unsafe { &mut *vtable.as_mut_ptr().cast::<VtableHead>() };
    head.retain = Some(retain);
    head.release = Some(release);
    // The object itself stays: nobody lets go of it here.
    raw.object.vtable = vtable.leak().as_ptr().cast();
    raw.keep = KeepAlive::new(Arc::new(Library)).into_raw();
    let object = handle_of(raw).into_object();
    STEPS.lock().expect("no panic").clear();
    drop(object);
    assert_eq!(
        *STEPS.lock().expect("no panic"),
        ["the object", "the failure", "the library"]
    );
}
