//! Asynchronous methods: futures of a plugin that the host awaits and the other way round, who
//! wakes whom, and what becomes of those that are dropped, panic or lie.

mod ends;
mod owners;
mod receivers;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fixture_matrix_interface::block_on;
use plugwright_plugin::abi::Entry;
use plugwright_plugin::{
    CallError, CallErrorKind, Handle, LocalPluginFuture, PluginFuture, Portable, interface, plugin,
};

use crate::{create, summary_of};

#[derive(Debug, PartialEq, Portable)]
pub(crate) enum Broken {
    Empty,
    Call(CallError),
}

impl From<CallError> for Broken {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

#[interface(id = "org.example.async-store", version = "1.1")]
pub(crate) trait Store: Send + Sync {
    fn read(&self, key: &str) -> PluginFuture<'_, Result<String, Broken>>;
    fn number(&self, panics: bool) -> PluginFuture<'_, u64>;
    fn ask(&self, host: Box<dyn Service>) -> PluginFuture<'_, Result<u32, Broken>>;
    /// Waits for ever, and keeps the waker that it is polled with.
    fn forever(&self) -> PluginFuture<'_, ()>;
    /// Wakes what was kept, and forgets it.
    fn wake_all(&self) -> usize;
    fn detached(&self, panics: bool) -> PluginFuture<'static, u32>;
    fn hand_on(&self, host: Box<dyn Service>) -> PluginFuture<'static, u32>;
    fn bad_drop(&self) -> PluginFuture<'_, ()>;
    #[since("1.1")]
    fn twice(&self, number: u32) -> PluginFuture<'_, u32> {
        PluginFuture::new(async move { number * 2 })
    }
}

#[interface(id = "org.example.async-service", version = "1.0")]
pub(crate) trait Service: Send + Sync {
    fn wait(&self) -> PluginFuture<'static, u32>;
    fn spawn(&self, task: PluginFuture<'static, u32>);
}

#[plugin(id = "org.example.async", provides(Store))]
#[derive(Default)]
pub(crate) struct Memory {
    prefix: String,
    wakers: Mutex<Vec<Waker>>,
}

impl Store for Memory {
    fn read(&self, key: &str) -> PluginFuture<'_, Result<String, Broken>> {
        let key = key.to_owned();
        PluginFuture::new(async move {
            assert_ne!(key, "panic", "asked to panic");
            if key.is_empty() {
                return Err(Broken::Empty);
            }
            Ok(self.prefix.clone() + &key)
        })
    }

    fn number(&self, panics: bool) -> PluginFuture<'_, u64> {
        PluginFuture::new(async move {
            assert!(!panics, "asked to panic");
            7
        })
    }

    fn ask(&self, host: Box<dyn Service>) -> PluginFuture<'_, Result<u32, Broken>> {
        PluginFuture::new(async move {
            let first = host.wait().await;
            Ok(first + host.wait().await)
        })
    }

    fn forever(&self) -> PluginFuture<'_, ()> {
        PluginFuture::new(std::future::poll_fn(|context| {
            let waker = context.waker().clone();
            self.wakers.lock().expect("no panic").push(waker);
            Poll::Pending
        }))
    }

    fn wake_all(&self) -> usize {
        let wakers = std::mem::take(&mut *self.wakers.lock().expect("no panic"));
        let count = wakers.len();
        wakers.into_iter().for_each(Waker::wake);
        count
    }

    fn detached(&self, panics: bool) -> PluginFuture<'static, u32> {
        PluginFuture::new(async move {
            assert!(!panics, "asked to panic");
            9
        })
    }

    fn hand_on(&self, host: Box<dyn Service>) -> PluginFuture<'static, u32> {
        host.spawn(PluginFuture::new(async { 11 }));
        host.wait()
    }

    fn bad_drop(&self) -> PluginFuture<'_, ()> {
        struct Bad;
        impl Drop for Bad {
            fn drop(&mut self) {
                panic!("asked to panic");
            }
        }
        let bad = Bad;
        PluginFuture::new(async move {
            std::future::pending::<()>().await;
            drop(bad);
        })
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_async_70e031e7"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const ENTRY: Entry = entry;

pub(crate) fn memory() -> Handle<dyn Store> {
    create(ENTRY, &summary_of!("org.example.async", dyn Store))
}

/// What a host offers: a value that another thread has ready.
#[derive(Default)]
pub(crate) struct Threads(pub(crate) Arc<Seen>);

#[derive(Default)]
pub(crate) struct Seen {
    dropped: Mutex<usize>,
    changed: Condvar,
    tasks: Mutex<Vec<PluginFuture<'static, u32>>>,
}

impl Seen {
    /// How many of the host's futures are gone; waits for so many, since they may go on another
    /// thread.
    pub(crate) fn dropped(&self, expected: usize) -> usize {
        let dropped = self.dropped.lock().expect("no panic");
        let limit = Duration::from_secs(60);
        let waited = self
            .changed
            .wait_timeout_while(dropped, limit, |dropped| *dropped < expected);
        *waited.expect("no panic").0
    }
}

/// Is ready when a thread of its own says so.
struct Later {
    slot: Arc<Mutex<(bool, Option<Waker>)>>,
    begun: bool,
    seen: Arc<Seen>,
}

impl Future for Later {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let slot = Arc::clone(&self.slot);
        let mut inside = slot.lock().expect("no panic");
        if inside.0 {
            return Poll::Ready(20);
        }
        inside.1 = Some(context.waker().clone());
        drop(inside);
        if !self.begun {
            self.begun = true;
            std::thread::spawn(move || {
                let mut inside = slot.lock().expect("no panic");
                inside.0 = true;
                let waker = inside.1.take();
                drop(inside);
                waker.expect("it was polled").wake();
            });
        }
        Poll::Pending
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        *self.seen.dropped.lock().expect("no panic") += 1;
        self.seen.changed.notify_all();
    }
}

impl Service for Threads {
    fn wait(&self) -> PluginFuture<'static, u32> {
        PluginFuture::new(Later {
            slot: Arc::default(),
            begun: false,
            seen: Arc::clone(&self.0),
        })
    }

    fn spawn(&self, task: PluginFuture<'static, u32>) {
        self.0.tasks.lock().expect("no panic").push(task);
    }
}

/// Counts who wakes and who holds it.
#[derive(Default)]
pub(crate) struct Counting(pub(crate) AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn poll_once<F: Future + Unpin>(
    future: &mut F,
    waker: &Arc<Counting>,
) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(waker));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

#[track_caller]
pub(crate) fn panic_of<T: std::fmt::Debug>(run: impl FnOnce() -> T) -> CallError {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    let payload = payload.expect_err("must panic");
    *payload.downcast::<CallError>().expect("a CallError")
}

#[test]
fn a_value_arrives() {
    let store = memory();
    assert_eq!(block_on(store.read("a")), Ok("a".to_owned()));
    assert_eq!(block_on(store.read("")), Err(Broken::Empty));
    assert_eq!(block_on(store.number(false)), 7);
    assert_eq!(block_on(store.try_number(false)), Ok(7));
    assert_eq!(block_on(store.twice(4)), 8);
}

/// The plugin awaits the host, whose thread wakes the plugin, which wakes the host.
#[test]
fn the_plugin_awaits_the_host() {
    let (store, host) = (memory(), Threads::default());
    let seen = Arc::clone(&host.0);
    assert_eq!(block_on(store.ask(Box::new(host))), Ok(40));
    assert_eq!(seen.dropped(2), 2);
}

#[test]
fn futures_are_handed_on_and_taken() {
    let (store, host) = (memory(), Threads::default());
    let seen = Arc::clone(&host.0);
    let future = store.hand_on(Box::new(host));
    drop(store);
    assert_eq!(block_on(future), 20, "it borrows nothing");
    let tasks = std::mem::take(&mut *seen.tasks.lock().expect("no panic"));
    let thread = std::thread::spawn(|| tasks.into_iter().map(block_on).sum::<u32>());
    assert_eq!(thread.join().expect("no panic"), 11);
}

#[test]
fn dropping_cancels() {
    let (store, host) = (memory(), Threads::default());
    let (seen, waker) = (Arc::clone(&host.0), Arc::new(Counting::default()));
    let mut future = store.ask(Box::new(host));
    assert!(poll_once(&mut future, &waker).is_pending());
    assert_eq!(seen.dropped(0), 0);
    drop(future);
    assert_eq!(seen.dropped(1), 1, "the host's own future");
}

/// What a plugin keeps of a future that is gone wakes nobody wrongly, and lets go in the end.
#[test]
fn wakers_outlive_their_future() {
    let (store, waker) = (memory(), Arc::new(Counting::default()));
    let mut future = store.forever();
    for _ in 0..3 {
        assert!(poll_once(&mut future, &waker).is_pending());
    }
    drop(future);
    // The three clones on the plugin's side are one on this side.
    assert_eq!(Arc::strong_count(&waker), 2);
    assert_eq!(store.wake_all(), 3);
    assert_eq!(waker.0.load(Ordering::SeqCst), 3);
    assert_eq!(Arc::strong_count(&waker), 1);
    // Another waker is another clone, and the one before is let go of.
    let (first, second) = (Arc::new(Counting::default()), Arc::new(Counting::default()));
    let mut future = store.number(false);
    let mut waits = store.forever();
    assert!(poll_once(&mut waits, &first).is_pending());
    assert!(poll_once(&mut waits, &second).is_pending());
    assert!(poll_once(&mut future, &first).is_ready());
    drop(waits);
    assert_eq!(store.wake_all(), 2);
    assert_eq!(
        [
            first.0.load(Ordering::SeqCst),
            second.0.load(Ordering::SeqCst)
        ],
        [1, 1]
    );
    drop(future);
    assert_eq!(
        (Arc::strong_count(&first), Arc::strong_count(&second)),
        (1, 1)
    );
}

#[test]
fn a_panic_is_the_methods_error() {
    let store = memory();
    let error = block_on(store.read("panic")).expect_err("it panicked");
    let Broken::Call(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(
        (error.plugin(), error.method()),
        ("org.example.async", "Store::read")
    );
    assert!(error.message().contains("asked to panic"), "{error}");
    // The object is poisoned: the next call gives a future that fails.
    let error = block_on(store.try_number(false)).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}

#[test]
fn a_panic_is_raised_where_nothing_can_hold_it() {
    let store = memory();
    let mut waiting = store.forever();
    assert!(poll_once(&mut waiting, &Arc::default()).is_pending());
    let error = block_on(store.try_number(true)).expect_err("it panicked");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    let error = panic_of(|| block_on(store.number(false)));
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    // One that waits is not run any more either.
    let error = panic_of(|| poll_once(&mut waiting, &Arc::default()));
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    assert_eq!(error.plugin(), "org.example.async");
}

#[test]
fn a_future_that_borrows_nothing_poisons_nothing() {
    let store = memory();
    assert_eq!(block_on(store.detached(false)), 9);
    let error = panic_of(|| block_on(store.detached(true)));
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.plugin(), "", "whose it is, this program's");
    assert_eq!(block_on(store.detached(false)), 9);
}

#[test]
fn a_panic_while_dropping_stays_where_it_is() {
    let store = memory();
    let mut future = store.bad_drop();
    assert!(poll_once(&mut future, &Arc::default()).is_pending());
    drop(future);
    let error = block_on(store.try_number(false)).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}

#[test]
fn polling_again_is_an_error() {
    let (store, waker) = (memory(), Arc::default());
    let mut future = store.read("a");
    assert_eq!(
        poll_once(&mut future, &waker),
        Poll::Ready(Ok("a".to_owned()))
    );
    let Poll::Ready(Err(Broken::Call(error))) = poll_once(&mut future, &waker) else {
        panic!("an error")
    };
    assert_eq!(error.kind(), CallErrorKind::Completed);
    let mut future = store.try_number(false);
    assert_eq!(poll_once(&mut future, &waker), Poll::Ready(Ok(7)));
    assert!(matches!(
        poll_once(&mut future, &waker),
        Poll::Ready(Err(_))
    ));
}

/// What can be seen of futures and wakers that lie is an error.
mod lies {
    use plugwright_plugin::abi::{
        Failure, FutureFunctions, KeepAlive, RawFuture, RawSlice, RawWaker, Reply, WakerFunctions,
    };

    use super::*;

    const NONE: &str = "expected a future with all its functions";

    fn honest() -> RawFuture {
        PluginFuture::new(async { true }).into_abi()
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut RawFuture), expected: &str) {
        let mut raw = honest();
        change(&mut raw);
        // SAFETY: the fault is one that `from_abi` promises to see.
        let future = unsafe { PluginFuture::<bool>::from_abi(raw) };
        assert_eq!(future.expect_err("must be refused").to_string(), expected);
    }

    /// The functions of an honest future, changed.
    fn functions(change: impl FnOnce(&mut FutureFunctions)) -> *const FutureFunctions {
        // SAFETY: an honest future has functions.
        let honest = unsafe { &*honest().functions };
        let mut functions = FutureFunctions { ..*honest };
        change(&mut functions);
        Box::leak(Box::new(functions))
    }

    #[test]
    fn futures_without_functions() {
        check(|raw| raw.functions = std::ptr::null(), NONE);
        check(|raw| raw.functions = functions(|f| f.size = 16), NONE);
        check(|raw| raw.functions = functions(|f| f.poll = None), NONE);
        check(|raw| raw.functions = functions(|f| f.release = None), NONE);
        check(
            |raw| raw.functions = raw.functions.wrapping_byte_add(1),
            NONE,
        );
        check(
            |raw| raw.keep.retain = None,
            "expected what keeps a library, with both functions",
        );
    }

    #[track_caller]
    fn polled(
        poll: unsafe extern "C" fn(*mut (), *const RawWaker, *mut ()) -> Reply<u8>,
        expected: &str,
    ) {
        let mut raw = honest();
        raw.functions = functions(|functions| functions.poll = Some(poll));
        // SAFETY: the functions are there.
        let future = unsafe { PluginFuture::<bool>::from_abi(raw) }.expect("all is there");
        let error = panic_of(|| block_on(future));
        assert_eq!(error.kind(), CallErrorKind::Invalid);
        assert_eq!(error.message(), expected);
    }

    #[test]
    fn values_that_are_none() {
        unsafe extern "C" fn neither(_: *mut (), _: *const RawWaker, _: *mut ()) -> Reply<u8> {
            Reply::ok(2)
        }
        unsafe extern "C" fn wrong(_: *mut (), _: *const RawWaker, output: *mut ()) -> Reply<u8> {
            // SAFETY: a place for a bool.
            unsafe { output.cast::<u8>().write(7) };
            Reply::ok(1)
        }
        polled(neither, "expected a future that is ready or not");
        polled(wrong, "expected a bool that is 0 or 1");
    }

    #[track_caller]
    fn woken(waker: *const RawWaker, output: *mut u8, kind: CallErrorKind, expected: &str) {
        let raw = honest();
        // SAFETY: an honest future has functions.
        let functions = unsafe { &*raw.functions };
        let poll = functions.poll.expect("it is there");
        // SAFETY: the faults are ones that are seen.
        let reply = unsafe { poll(raw.state, waker, output.cast()) };
        // SAFETY: returned just now.
        let error = unsafe { reply.take::<u8>("poll") }.expect_err("must fail");
        assert_eq!((error.kind(), error.message()), (kind, expected));
        // SAFETY: it is still owned here.
        drop(unsafe { PluginFuture::<bool>::from_abi(raw) });
    }

    /// A waker that does nothing.
    fn idle() -> RawWaker {
        unsafe extern "C" fn clone(_: *const (), _: *const (), output: *mut RawWaker) -> Reply<u8> {
            // SAFETY: a place for a waker.
            unsafe { output.write(idle()) };
            Reply::ok(0)
        }
        unsafe extern "C" fn nothing(_: *const (), _: *const ()) {}
        static IDLE: WakerFunctions = WakerFunctions {
            size: size_of::<WakerFunctions>(),
            clone: Some(clone),
            wake: Some(nothing),
            wake_by_ref: Some(nothing),
            release: Some(nothing),
        };
        RawWaker {
            data: std::ptr::null(),
            table: std::ptr::null(),
            functions: &raw const IDLE,
            keep: KeepAlive::forever().into_raw(),
        }
    }

    /// Who polls while another one does gets an error, and harms nothing.
    #[test]
    fn two_that_poll_at_once() {
        struct Raw(RawFuture);
        // SAFETY: the future may be polled on any thread; that it is polled on two is the lie.
        unsafe impl Sync for Raw {}
        impl Raw {
            fn poll(&self) -> Result<(u8, bool), CallError> {
                // SAFETY: an honest future has functions.
                let functions = unsafe { &*self.0.functions };
                let poll = functions.poll.expect("it is there");
                let waker = idle();
                let mut value = 2_u8;
                let place = (&raw mut value).cast();
                // SAFETY: the waker and the place are as they have to be.
                let reply = unsafe { poll(self.0.state, &raw const waker, place) };
                // SAFETY: returned just now.
                let polled = unsafe { reply.take::<u8>("poll") }?;
                Ok((polled, value == 1))
            }
        }
        let (inside, entered) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let future = Raw(PluginFuture::new(async move {
            inside.send(()).expect("somebody waits");
            told.recv_timeout(Duration::from_secs(60)).is_ok()
        })
        .into_abi());
        std::thread::scope(|scope| {
            let first = scope.spawn(|| future.poll());
            entered.recv().expect("it is polled");
            let error = future.poll().expect_err("it is being polled");
            assert_eq!(error.kind(), CallErrorKind::Reentrant);
            assert_eq!(error.message(), "a future is polled by one at a time");
            go_on.send(()).expect("somebody waits");
            assert_eq!(first.join().expect("no panic"), Ok((1, true)));
        });
        let error = future.poll().expect_err("it gave its value");
        assert_eq!(error.kind(), CallErrorKind::Completed);
        // SAFETY: it is still owned here.
        drop(unsafe { PluginFuture::<bool>::from_abi(future.0) });
    }

    fn waker(functions: *const WakerFunctions) -> RawWaker {
        RawWaker {
            data: std::ptr::null(),
            table: std::ptr::null(),
            functions,
            keep: honest().keep,
        }
    }

    #[test]
    fn wakers_that_are_none() {
        const NONE: &str = "expected a waker with all its functions";
        unsafe extern "C" fn fails(_: *const (), _: *const (), _: *mut RawWaker) -> Reply<u8> {
            unsafe extern "C" fn release(failure: *mut Failure) {
                // SAFETY: made below, and released once.
                drop(unsafe { Box::from_raw(failure) });
            }
            let text = RawSlice::of("no clone");
            Reply::failed(Box::into_raw(Box::new(Failure {
                release: Some(release),
                kind: CallErrorKind::Panicked as u32,
                line: 0,
                column: 0,
                message: text,
                file: RawSlice::of(""),
                plugin: RawSlice::of(""),
            })))
        }
        unsafe extern "C" fn nothing(_: *const (), _: *const ()) {}
        let mut place = 0;
        let invalid = CallErrorKind::Invalid;
        woken(
            std::ptr::null(),
            &raw mut place,
            invalid,
            "expected a waker, not null",
        );
        woken(
            std::ptr::from_ref(&waker(std::ptr::null())),
            &raw mut place,
            invalid,
            NONE,
        );
        let whole = WakerFunctions {
            size: size_of::<WakerFunctions>(),
            clone: Some(fails),
            wake: Some(nothing),
            wake_by_ref: Some(nothing),
            release: Some(nothing),
        };
        let short = WakerFunctions { size: 8, ..whole };
        woken(
            std::ptr::from_ref(&waker(&raw const short)),
            &raw mut place,
            invalid,
            NONE,
        );
        let without = WakerFunctions {
            wake: None,
            ..whole
        };
        woken(
            std::ptr::from_ref(&waker(&raw const without)),
            &raw mut place,
            invalid,
            NONE,
        );
        woken(
            std::ptr::from_ref(&waker(&raw const whole)),
            &raw mut place,
            CallErrorKind::Panicked,
            "no clone",
        );
        unsafe extern "C" fn kept_by_nothing(
            _: *const (),
            _: *const (),
            output: *mut RawWaker,
        ) -> Reply<u8> {
            let mut clone = idle();
            clone.keep.release = None;
            // SAFETY: a place for a waker.
            unsafe { output.write(clone) };
            Reply::ok(0)
        }
        let unkept = WakerFunctions {
            clone: Some(kept_by_nothing),
            ..whole
        };
        woken(
            std::ptr::from_ref(&waker(&raw const unkept)),
            &raw mut place,
            invalid,
            "expected what keeps a library, with both functions",
        );
        let null = std::ptr::null_mut();
        woken(
            std::ptr::from_ref(&waker(&raw const whole)),
            null,
            invalid,
            "expected a place for the future's value",
        );
    }
}
