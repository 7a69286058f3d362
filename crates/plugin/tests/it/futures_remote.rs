//! Futures over a connection: polled, woken, cancelled and failing there as here.

mod far;

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fixture_matrix_interface::block_on;
use plugwright_plugin::remote::{Invocation, Link, RemoteError};
use plugwright_plugin::{
    CallErrorKind, Handle, LocalPluginFuture, PluginFuture, interface, plugin,
};

use crate::futures::{Broken, Counting, Store, Threads, memory, panic_of, poll_once};
use crate::transport::{pipe, piped};
use crate::{create, summary_of};

#[test]
fn a_value_arrives() {
    let (store, end) = piped(&memory());
    assert_eq!(block_on(store.read("a")), Ok("a".to_owned()));
    assert_eq!(block_on(store.read("")), Err(Broken::Empty));
    assert_eq!(block_on(store.try_number(false)), Ok(7));
    assert_eq!(block_on(store.twice(4)), 8);
    store.wake_all();
    assert_eq!(end.exported(), 1, "nothing of a future is left");
}

/// Each side awaits the other, and a thread of this one wakes through both.
#[test]
fn the_plugin_awaits_the_host() {
    let (store, host) = (piped(&memory()), Threads::default());
    let seen = Arc::clone(&host.0);
    assert_eq!(block_on(store.0.ask(Box::new(host))), Ok(40));
    assert_eq!(seen.dropped(2), 2);
}

#[test]
fn dropping_cancels() {
    let ((store, _end), host) = (piped(&memory()), Threads::default());
    let (seen, waker) = (Arc::clone(&host.0), Arc::new(Counting::default()));
    let mut future = store.ask(Box::new(host));
    assert!(poll_once(&mut future, &waker).is_pending());
    assert_eq!(seen.dropped(0), 0);
    drop(future);
    assert_eq!(
        seen.dropped(1),
        1,
        "the host's own future, through the other side"
    );
}

#[test]
fn wakers_outlive_their_future() {
    let ((store, _end), waker) = (piped(&memory()), Arc::new(Counting::default()));
    let mut future = store.forever();
    for _ in 0..3 {
        assert!(poll_once(&mut future, &waker).is_pending());
    }
    drop(future);
    assert_eq!(store.wake_all(), 3);
    assert_eq!(waker.0.load(Ordering::SeqCst), 3);
}

#[test]
fn failures_arrive() {
    let (store, _end) = piped(&memory());
    let mut waiting = store.forever();
    assert!(poll_once(&mut waiting, &Arc::default()).is_pending());
    let Err(Broken::Call(error)) = block_on(store.read("panic")) else {
        panic!("it panicked")
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.plugin(), "org.example.async");
    assert!(error.message().contains("asked to panic"), "{error}");
    // The object is poisoned there: calls fail, and so does what waits.
    let error = panic_of(|| block_on(store.number(false)));
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    let error = panic_of(|| poll_once(&mut waiting, &Arc::default()));
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}

#[test]
fn polling_again_is_an_error() {
    let ((store, _end), waker) = (piped(&memory()), Arc::default());
    let mut future = store.try_number(false);
    assert_eq!(poll_once(&mut future, &waker), Poll::Ready(Ok(7)));
    let Poll::Ready(Err(error)) = poll_once(&mut future, &waker) else {
        panic!("an error")
    };
    assert_eq!(error.kind(), CallErrorKind::Completed);
}

/// A handle that is dropped before its future was polled leaves the object there for it.
#[test]
fn what_is_polled_there_keeps_its_object() {
    let store = memory();
    let (here, there) = pipe();
    let number = there.export(store.into_object());
    let remote: Handle<dyn Store> = Handle::remote(here, number).expect("remotable");
    assert_eq!(block_on(remote.detached(false)), 9);
    let future = remote.detached(false);
    drop(remote);
    assert_eq!(block_on(future), 9);
}

/// Who waits for the other side of a connection that ends is woken, and told.
#[test]
fn the_end_of_a_connection_wakes_who_waits() {
    struct Tells(mpsc::Sender<()>);
    impl Wake for Tells {
        fn wake(self: Arc<Self>) {
            self.0.send(()).expect("somebody waits");
        }
    }
    let (store, there) = piped(&memory());
    let (tells, told) = mpsc::channel();
    let waker = Waker::from(Arc::new(Tells(tells)));
    let mut future = store.try_forever();
    let polled = Pin::new(&mut future).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    there.cut();
    let woken = told.recv_timeout(Duration::from_secs(60));
    assert_eq!(woken, Ok(()));
    for future in [future, store.try_forever()] {
        let error = block_on(future).expect_err("it ended");
        assert_eq!(
            (error.kind(), error.message()),
            (CallErrorKind::Crashed, "the connection ended")
        );
    }
}

/// What drops its waker and wakes nobody is not polled again for that.
#[test]
fn a_waker_that_is_dropped_wakes_nobody() {
    let ((store, end), waker) = (piped(&memory()), Arc::new(Counting::default()));
    let mut future = store.bad_drop();
    for _ in 0..3 {
        assert!(poll_once(&mut future, &waker).is_pending());
    }
    // A call's answer comes behind what was let go of before it.
    store.wake_all();
    assert_eq!(waker.0.load(Ordering::SeqCst), 0);
    drop(future);
    drop(end);
}

#[interface(id = "org.example.async-near", version = "1.0")]
pub(crate) trait Near: Send + Sync {
    fn stays(&self) -> LocalPluginFuture<'_, u32>;
    fn borrows(&self) -> PluginFuture<'_, &str>;
    fn takes(&self, task: PluginFuture<'static, u32>) -> u32;
    fn gives(&self) -> PluginFuture<'_, u32>;
}

#[interface(id = "org.example.async-alone", version = "1.0")]
pub(crate) trait Alone: Send + Sync {
    fn change(&mut self);
    fn look(&self) -> PluginFuture<'_, u32>;
}

#[plugin(id = "org.example.async-nearby", provides(Near), provides(Alone))]
#[derive(Default)]
pub(crate) struct Nearby;

impl Near for Nearby {
    fn stays(&self) -> LocalPluginFuture<'_, u32> {
        LocalPluginFuture::new(async { 1 })
    }

    fn borrows(&self) -> PluginFuture<'_, &str> {
        PluginFuture::new(async { "mine" })
    }

    fn takes(&self, task: PluginFuture<'static, u32>) -> u32 {
        block_on(task)
    }

    fn gives(&self) -> PluginFuture<'_, u32> {
        PluginFuture::new(async { 4 })
    }
}

impl Alone for Nearby {
    fn change(&mut self) {}

    fn look(&self) -> PluginFuture<'_, u32> {
        PluginFuture::new(async { 5 })
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_async_nearby_f020c6a5"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const ENTRY: plugwright_plugin::abi::Entry = entry;

fn nearby<T: ?Sized + plugwright_plugin::Interface>() -> Handle<T> {
    let summary = summary_of!("org.example.async-nearby", dyn Near, dyn Alone);
    create(ENTRY, &summary)
}

/// What needs this process is refused when a remote handle is made, by name; who calls by number
/// all the same gets an error.
#[test]
fn some_are_for_this_process_only() {
    let near = nearby::<dyn Near>();
    assert_eq!(block_on(near.stays()), 1);
    assert_eq!(near.takes(PluginFuture::new(async { 3 })), 3);
    let (here, there) = pipe();
    let number = there.export(near.clone().into_object());
    let refused = Handle::<dyn Near>::remote(here, number).expect_err("not remotable");
    assert_eq!(local(refused), ["stays", "borrows", "takes"]);
    let (here, there) = pipe();
    let number = there.export(nearby::<dyn Alone>().into_object());
    let refused = Handle::<dyn Alone>::remote(here, number).expect_err("not remotable");
    assert_eq!(local(refused), ["look"]);
    let invoke = |object: plugwright_plugin::remote::Object, method| {
        let (here, _there) = pipe();
        let invocation = Invocation::new().with_link(here);
        let error = object.invoke(&invocation, method, &[0, 1]);
        error.expect_err("must be refused").message().to_owned()
    };
    let refused = "expected no such future: it crosses within a process only";
    assert_eq!(invoke(near.clone().into_object(), 0), refused);
    assert_eq!(invoke(nearby::<dyn Alone>().into_object(), 1), refused);
    // Without a connection only values cross.
    let error = near.into_object().invoke(&Invocation::new(), 3, &[]);
    assert_eq!(error.expect_err("must be refused").message(), refused);
}

/// The methods that need shared memory.
#[track_caller]
fn local(refused: RemoteError) -> Vec<&'static str> {
    match refused {
        RemoteError::NotRemotable(refused) => refused.methods,
        other => panic!("it was asked: {other}"),
    }
}
