//! The end of a future: polled after it, handed on, let go of, and what its wakers leave behind.

use std::panic::panic_any;

use plugwright_plugin::abi::{
    Failure, FutureFunctions, KeepAlive, RawFuture, RawSlice, RawWaker, Reply, WakerFunctions,
};

use super::*;

/// What was done, in order: the functions of a future that does nothing else write it here.
#[derive(Default)]
struct Steps(Mutex<Vec<&'static str>>);

impl Steps {
    fn note(&self, step: &'static str) {
        self.0.lock().expect("no panic").push(step);
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(*self.0.lock().expect("no panic"), expected);
    }

    /// Of what points to them.
    ///
    /// # Safety
    /// The test keeps them meanwhile.
    unsafe fn of<'a>(pointer: *const ()) -> &'a Self {
        // SAFETY: by this function's contract.
        unsafe { &*pointer.cast() }
    }
}

/// Stands for the library of a future or of a waker.
struct Library(Arc<Steps>);

impl Drop for Library {
    fn drop(&mut self) {
        self.0.note("the library");
    }
}

fn library(steps: &Arc<Steps>) -> KeepAlive {
    KeepAlive::new(Arc::new(Library(Arc::clone(steps))))
}

type Poll3 = unsafe extern "C" fn(*mut (), *const RawWaker, *mut ()) -> Reply<u8>;
type Release = unsafe extern "C" fn(*mut ()) -> Reply<u8>;

fn raw(steps: &Arc<Steps>, poll: Poll3, release: Release) -> RawFuture {
    let functions = FutureFunctions {
        size: size_of::<FutureFunctions>(),
        poll: Some(poll),
        release: Some(release),
    };
    RawFuture {
        state: Arc::as_ptr(steps).cast_mut().cast(),
        functions: Box::leak(Box::new(functions)),
        keep: library(steps).into_raw(),
    }
}

fn future(steps: &Arc<Steps>, poll: Poll3, release: Release) -> PluginFuture<'static, bool> {
    // SAFETY: all that it needs is there, and what it points to lives as long as the test.
    unsafe { PluginFuture::from_abi(raw(steps, poll, release)) }.expect("all is there")
}

unsafe extern "C" fn ready(state: *mut (), _: *const RawWaker, output: *mut ()) -> Reply<u8> {
    // SAFETY: it is the test's.
    unsafe { Steps::of(state) }.note("a poll");
    // SAFETY: a place for a bool.
    unsafe { output.cast::<u8>().write(1) };
    Reply::ok(1)
}

unsafe extern "C" fn let_go(state: *mut ()) -> Reply<u8> {
    // SAFETY: it is the test's.
    unsafe { Steps::of(state) }.note("the future");
    Reply::ok(0)
}

/// A failure that tells when it is let go of.
#[repr(C)]
struct Told {
    raw: Failure,
    steps: *const (),
}

fn failure(steps: *const ()) -> *mut Failure {
    unsafe extern "C" fn release(failure: *mut Failure) {
        // SAFETY: made below, and released once.
        let told = unsafe { Box::from_raw(failure.cast::<Told>()) };
        // SAFETY: they are the test's.
        unsafe { Steps::of(told.steps) }.note("the failure");
    }
    let raw = Failure {
        release: Some(release),
        kind: CallErrorKind::Panicked as u32,
        line: 0,
        column: 0,
        message: RawSlice::of(""),
        file: RawSlice::of(""),
        plugin: RawSlice::of(""),
    };
    Box::into_raw(Box::new(Told { raw, steps })).cast()
}

/// Polls it three times.
#[track_caller]
fn check_thrice(
    mut future: impl Future<Output = Result<u64, CallError>> + Unpin,
    expected: CallErrorKind,
) {
    let waker = Arc::default();
    for kind in [expected, CallErrorKind::Completed, CallErrorKind::Completed] {
        let Poll::Ready(Err(error)) = poll_once(&mut future, &waker) else {
            panic!("an error")
        };
        assert_eq!(error.kind(), kind);
    }
}

/// What failed is told once; who polls on is told that it has ended, as often as he does.
#[test]
fn what_failed_has_ended() {
    let store = memory();
    check_thrice(store.try_number(true), CallErrorKind::Panicked);
    // The call that was to give it fails.
    check_thrice(store.try_number(false), CallErrorKind::Poisoned);
}

/// The other side is not asked again after the end, and its library goes last.
#[test]
fn after_the_end() {
    let steps = Arc::default();
    let mut future = future(&steps, ready, let_go);
    assert_eq!(poll_once(&mut future, &Arc::default()), Poll::Ready(true));
    let error = panic_of(|| poll_once(&mut future, &Arc::default()));
    assert_eq!(error.kind(), CallErrorKind::Completed);
    steps.check(&["a poll"]);
    drop(future);
    steps.check(&["a poll", "the future", "the library"]);
}

/// Nobody is told what the end of a future fails with, and nothing of it stays.
#[test]
fn what_is_told_to_nobody_is_let_go_of() {
    unsafe extern "C" fn fails(state: *mut ()) -> Reply<u8> {
        Reply::failed(failure(state))
    }
    let steps = Arc::default();
    drop(future(&steps, ready, fails));
    steps.check(&["the failure", "the library"]);
}

/// What is handed on is the same future, with nothing around it.
#[test]
fn what_is_handed_on_stays_as_it_is() {
    let steps = Arc::default();
    let raw = raw(&steps, ready, let_go);
    let (state, functions) = (raw.state, raw.functions);
    // SAFETY: as in `future`.
    let handed_on = unsafe { PluginFuture::<bool>::from_abi(raw) }
        .expect("all is there")
        .into_abi();
    assert_eq!((handed_on.state, handed_on.functions), (state, functions));
    steps.check(&[]);
    // SAFETY: it is owned here.
    drop(unsafe { PluginFuture::<bool>::from_abi(handed_on) });
    steps.check(&["the future", "the library"]);
}

#[interface(id = "org.example.async-liar", version = "1.0")]
pub(crate) trait Liar: Send + Sync {
    fn lie(&self, neither: bool) -> PluginFuture<'static, bool>;
}

struct Lies(Arc<Steps>);

impl Liar for Lies {
    fn lie(&self, neither: bool) -> PluginFuture<'static, bool> {
        unsafe extern "C" fn two(_: *mut (), _: *const RawWaker, _: *mut ()) -> Reply<u8> {
            Reply::ok(2)
        }
        unsafe extern "C" fn seven(_: *mut (), _: *const RawWaker, output: *mut ()) -> Reply<u8> {
            // SAFETY: a place for a bool.
            unsafe { output.cast::<u8>().write(7) };
            Reply::ok(1)
        }
        future(&self.0, if neither { two } else { seven }, let_go)
    }
}

/// A future that lies is told of with the method that gave it.
#[test]
fn lies_are_told_with_their_method() {
    let steps = Arc::default();
    let liar: Box<dyn Liar> = Box::new(Lies(Arc::clone(&steps)));
    // SAFETY: an object of this very interface, given away just now.
    let liar = unsafe { <Box<dyn Liar>>::from_abi(liar.into_abi()) }.expect("it fits");
    for neither in [false, true] {
        let error = panic_of(|| block_on(liar.lie(neither)));
        assert_eq!(
            (error.kind(), error.method()),
            (CallErrorKind::Invalid, "Liar::lie")
        );
    }
}

/// A destructor that panics is told of with the plugin whose future it was.
#[test]
fn a_panic_at_the_end_names_its_plugin() {
    let store = memory();
    let raw = store.bad_drop().into_abi();
    // SAFETY: an honest future has functions.
    let functions = unsafe { &*raw.functions };
    let release = functions.release.expect("it is there");
    // SAFETY: it is owned, and given up once.
    let reply = unsafe { release(raw.state) };
    // SAFETY: returned just now.
    let error = unsafe { reply.take::<u8>("drop") }.expect_err("it panicked");
    assert_eq!(
        (error.kind(), error.plugin()),
        (CallErrorKind::Panicked, "org.example.async")
    );
    // SAFETY: the reference that came with it is given up once.
    drop(unsafe { KeepAlive::from_raw(raw.keep) });
}

/// What clones a waker gives a place for the clone.
#[test]
fn a_clone_without_a_place() {
    unsafe extern "C" fn clones(_: *mut (), waker: *const RawWaker, _: *mut ()) -> Reply<u8> {
        // SAFETY: who polls lends its waker.
        let waker = unsafe { &*waker };
        // SAFETY: it has functions.
        let clone = unsafe { &*waker.functions }.clone.expect("it is there");
        // SAFETY: without a place, which is seen.
        unsafe { clone(waker.data, waker.table, std::ptr::null_mut()) }
    }
    let steps = Arc::default();
    let future = future(&steps, clones, let_go);
    let error = panic_of(|| block_on(future));
    assert_eq!(error.kind(), CallErrorKind::Invalid);
    assert_eq!(error.message(), "expected a place for the waker's clone");
}

/// A clone that wakes for the last time lets go of its library behind that.
#[test]
fn a_waker_that_woke_lets_go_of_its_library() {
    unsafe extern "C" fn clone(
        data: *const (),
        table: *const (),
        output: *mut RawWaker,
    ) -> Reply<u8> {
        // SAFETY: the test keeps them.
        unsafe { Arc::increment_strong_count(data.cast::<Steps>()) };
        // SAFETY: the reference was made just now.
        let steps = unsafe { Arc::from_raw(data.cast::<Steps>()) };
        let clone = RawWaker {
            data,
            table,
            functions: &raw const FUNCTIONS,
            keep: library(&steps).into_raw(),
        };
        // SAFETY: a place for a waker.
        unsafe { output.write(clone) };
        Reply::ok(0)
    }
    unsafe extern "C" fn wake(data: *const (), _: *const ()) {
        // SAFETY: the test keeps them.
        unsafe { Steps::of(data) }.note("a wake");
    }
    unsafe extern "C" fn wake_by_ref(data: *const (), _: *const ()) {
        // SAFETY: as above.
        unsafe { Steps::of(data) }.note("a wake by reference");
    }
    unsafe extern "C" fn release(data: *const (), _: *const ()) {
        // SAFETY: as above.
        unsafe { Steps::of(data) }.note("the waker");
    }
    static FUNCTIONS: WakerFunctions = WakerFunctions {
        size: size_of::<WakerFunctions>(),
        clone: Some(clone),
        wake: Some(wake),
        wake_by_ref: Some(wake_by_ref),
        release: Some(release),
    };
    #[track_caller]
    fn check(ends: fn(Waker), expected: &[&str]) {
        let steps = Arc::<Steps>::default();
        let (kept, waker) = mpsc::channel();
        let waits = PluginFuture::<bool>::new(std::future::poll_fn(move |context| {
            kept.send(context.waker().clone()).expect("somebody waits");
            Poll::Pending
        }));
        let waits = waits.into_abi();
        let lent = RawWaker {
            data: Arc::as_ptr(&steps).cast(),
            table: std::ptr::null(),
            functions: &raw const FUNCTIONS,
            keep: KeepAlive::forever().into_raw(),
        };
        // SAFETY: an honest future has functions.
        let functions = unsafe { &*waits.functions };
        let mut place = false;
        let poll = functions.poll.expect("it is there");
        // SAFETY: waker and place live as long as the call.
        let reply = unsafe { poll(waits.state, &raw const lent, (&raw mut place).cast()) };
        // SAFETY: returned just now.
        assert_eq!(unsafe { reply.take::<u8>("poll") }, Ok(0));
        // SAFETY: it is still owned here.
        drop(unsafe { PluginFuture::<bool>::from_abi(waits) });
        steps.check(&[]);
        ends(waker.recv().expect("it was polled"));
        steps.check(expected);
    }
    check(Waker::wake, &["a wake", "the library"]);
    check(drop, &["the waker", "the library"]);
    check(
        |waker| {
            let second = waker.clone();
            second.wake();
            waker.wake_by_ref();
        },
        &[
            "a wake by reference",
            "a wake by reference",
            "the waker",
            "the library",
        ],
    );
}

/// A waker that panics is told of to nobody, and what it carried is let go of.
#[test]
fn what_a_waker_panics_with_is_let_go_of() {
    struct Bad(Arc<Steps>);
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic_any(Library(Arc::clone(&self.0)));
        }
    }
    let (store, steps) = (memory(), Arc::<Steps>::default());
    let waker = Waker::from(Arc::new(Bad(Arc::clone(&steps))));
    let mut waits = store.forever();
    let polled = Pin::new(&mut waits).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop((waits, waker));
    assert_eq!(store.wake_all(), 1);
    steps.check(&["the library"]);
}
