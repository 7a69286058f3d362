//! What plugins of really loaded libraries answer later: awaited by executors that others wrote, given up, panicking, and kept
//! together with their library.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZero;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fixture_depot_interface::{Clock, Depot, Lost, Note, Parcel, Seal};
use futures_executor::LocalPool;
use plugwright_host::{CallErrorKind, Handle};
use plugwright_plugin::PluginFuture;

use crate::keep_alive::{is_mapped, unmappable};
use crate::refusals::{in_child, is_child};
use crate::{Folder, fixture};

fn depot() -> Handle<dyn Depot> {
    Folder::with(&["depot"])
        .host()
        .create("depot")
        .expect("it fits")
}

/// A value with something in each part.
pub(crate) fn parcel() -> Parcel {
    Parcel {
        is_urgent: true,
        weight: u128::MAX - 1,
        place: (1, i64::MIN, -3),
        corners: [0.5, f64::INFINITY, -0.0],
        label: Some("naïve".to_owned()),
        counts: BTreeMap::from([("a".to_owned(), vec![1, 2]), (String::new(), vec![])]),
        paid: NonZero::new(7).ok_or(Lost::Nothing),
        wait: Duration::new(u64::MAX, 999_999_999),
        path: PathBuf::from("/a/b"),
        seal: Seal::Wax(300, '\u{10FFFF}'),
        note: Note {
            lines: BTreeMap::from([(1, "one".to_owned()), (u32::MAX, String::new())]),
        },
    }
}

/// Counts how often it is woken, and is counted itself by who holds it.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Waits on this thread, and ends the process when nobody wakes it: a wake that is lost is a failure, and no endless test.
#[expect(
    clippy::print_stderr,
    reason = "the process ends behind it, and nobody else could say why"
)]
fn in_time<R>(wait: impl FnOnce() -> R) -> R {
    let (done, ended) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("nobody was woken for a minute");
            std::process::abort();
        }
    });
    let result = wait();
    drop(done);
    watch.join().expect("no panic");
    result
}

fn block_on<F: Future>(future: F) -> F::Output {
    in_time(|| futures_executor::block_on(future))
}

/// Every part of a value, and the ways to wait for it.
#[track_caller]
pub(crate) fn check(depot: &Handle<dyn Depot>) {
    assert_eq!(depot.pass(parcel()), parcel());
    assert_eq!(block_on(depot.send(parcel())), parcel());
    assert_eq!(block_on(depot.lines(parcel().note)), 2);
    assert_eq!(block_on(depot.fetch("a", 0)), Ok("a".to_owned()));
    assert_eq!(block_on(depot.fetch("", 1)), Err(Lost::Nothing));
    let mut pool = LocalPool::new();
    let fetched = in_time(|| pool.run_until(depot.fetch("b", 3)));
    assert_eq!(fetched, Ok("b".to_owned()));
}

#[test]
fn executors_of_others_await_a_plugin() {
    check(&depot());
}

/// One thread polls, the plugin wakes it, and another one goes on.
#[test]
fn a_future_goes_to_another_thread() {
    let (depot, counting) = (depot(), Arc::new(Counting::default()));
    let mut future = depot.fetch("a", 2);
    assert!(poll(&mut future, &Waker::from(Arc::clone(&counting))).is_pending());
    assert_eq!(counting.0.load(Ordering::SeqCst), 1);
    let arrived = std::thread::scope(|scope| {
        let thread = scope.spawn(move || block_on(future));
        thread.join().expect("no panic")
    });
    assert_eq!(arrived, Ok("a".to_owned()));
    assert_eq!(Arc::strong_count(&counting), 1, "the waker was let go of");
}

/// A clock whose hours come from another thread, or never.
struct Tower {
    strikes: bool,
    waiting: Arc<Mutex<Vec<Waker>>>,
}

impl Clock for Tower {
    fn hour(&self) -> PluginFuture<'static, u32> {
        let (strikes, waiting) = (self.strikes, Arc::clone(&self.waiting));
        let struck = Arc::new(AtomicUsize::new(0));
        PluginFuture::new(std::future::poll_fn(move |context| {
            if struck.load(Ordering::SeqCst) > 0 {
                return Poll::Ready(12);
            }
            let waker = context.waker().clone();
            if strikes {
                let struck = Arc::clone(&struck);
                std::thread::spawn(move || {
                    struck.store(1, Ordering::SeqCst);
                    waker.wake();
                });
            } else {
                waiting.lock().expect("no panic").push(waker);
            }
            Poll::Pending
        }))
    }
}

fn tower(strikes: bool) -> (Box<dyn Clock>, Arc<Mutex<Vec<Waker>>>) {
    let waiting = Arc::default();
    let tower = Tower {
        strikes,
        waiting: Arc::clone(&waiting),
    };
    (Box::new(tower), waiting)
}

#[test]
fn a_plugin_awaits_its_host() {
    assert_eq!(block_on(depot().hours(tower(true).0, 4)), Ok(48));
}

#[test]
fn a_panic_arrives_with_its_place() {
    let depot = depot();
    let mut waiting = Box::pin(depot.try_fetch("a", 1));
    let waker = Waker::from(Arc::new(Counting::default()));
    assert!(poll(&mut waiting, &waker).is_pending());
    let Err(Lost::Call(error)) = block_on(depot.fetch("fire", 1)) else {
        panic!("the panic did not arrive");
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(
        (error.plugin(), error.method()),
        ("org.example.warehouse", "Depot::fetch")
    );
    assert!(error.message().contains("the depot burns"), "{error}");
    let place = error.location();
    let place = place.strip_prefix("fixtures/depot/src/lib.rs:");
    let (line, column) = place
        .and_then(|place| place.split_once(':'))
        .expect("a place");
    let [line, column] = [line, column].map(|number| number.parse::<usize>().expect("a number"));
    let source = include_str!("../../../../fixtures/depot/src/lib.rs");
    let line = source.lines().nth(line - 1).expect("a line of it");
    assert_eq!(
        &line[column - 1..],
        r#"assert_ne!(key, "fire", "the depot burns");"#
    );
    // What borrows the instance is not polled after that.
    let error = block_on(waiting).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    // What borrows nothing of it was made before, or is not made.
    let error = block_on(depot.try_send(parcel())).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}

/// A waker of the host's that panics: while the plugin polls, while it wakes who waits, and when it lets go of the last one.
#[test]
fn a_panic_in_a_waker_stays_in_the_host() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("asked to fail");
        }
    }
    struct BadEnd;
    impl Wake for BadEnd {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for BadEnd {
        fn drop(&mut self) {
            panic!("asked to fail");
        }
    }
    let depot = depot();
    let bad = Waker::from(Arc::new(Bad));
    let mut future = depot.fetch("a", 1);
    assert!(poll(&mut future, &bad).is_pending());
    let mut forever = depot.forever();
    assert!(poll(&mut forever, &bad).is_pending());
    assert_eq!(depot.wake(), 1);
    assert!(poll(&mut forever, &Waker::from(Arc::new(BadEnd))).is_pending());
    drop(forever);
    assert_eq!(depot.wake(), 1);
    assert_eq!(block_on(future), Ok("a".to_owned()));
    assert_eq!(depot.try_given_up(), Ok(1), "nobody was poisoned");
}

#[test]
fn polling_again_is_an_error() {
    let depot = depot();
    let waker = Waker::from(Arc::new(Counting::default()));
    let mut future = depot.fetch("a", 0);
    assert_eq!(poll(&mut future, &waker), Poll::Ready(Ok("a".to_owned())));
    let Poll::Ready(Err(Lost::Call(error))) = poll(&mut future, &waker) else {
        panic!("it was polled again");
    };
    assert_eq!(error.kind(), CallErrorKind::Completed);
}

/// What the plugin made for a future goes when the future does, and its waker when the plugin drops that.
#[test]
fn dropping_cancels_in_the_plugin() {
    let (depot, counting) = (depot(), Arc::new(Counting::default()));
    let waker = Waker::from(Arc::clone(&counting));
    let (mut first, mut second) = (depot.forever(), depot.forever());
    for future in [&mut first, &mut second] {
        assert!(poll(future, &waker).is_pending());
    }
    drop(depot.forever());
    assert_eq!(depot.given_up(), 1, "one that was never polled");
    drop(first);
    assert_eq!(depot.given_up(), 2);
    drop(waker);
    // The test's own, and one for each future that was polled: the plugin has them still.
    assert_eq!(Arc::strong_count(&counting), 3);
    drop(depot);
    assert_eq!(Arc::strong_count(&counting), 3, "the second has the yard");
    drop(second);
    assert_eq!(Arc::strong_count(&counting), 1);
    assert_eq!(counting.0.load(Ordering::SeqCst), 0);
}

/// The plugin of a library that goes with who keeps it, and its file.
fn depot_alone() -> (Handle<dyn Depot>, PathBuf) {
    let file = fixture("depot");
    (unmappable(&file), file)
}

#[test]
fn a_future_keeps_its_library() {
    if !is_child() {
        return in_child(
            "futures::a_future_keeps_its_library",
            &Folder::new().join("mark"),
        );
    }
    let (depot, file) = depot_alone();
    let future = depot.send(parcel());
    drop(depot);
    assert!(is_mapped(&file));
    assert_eq!(block_on(future), parcel());
    assert!(!is_mapped(&file), "it gave its value and is gone");
}

/// A future of the host's has a waker of the plugin's, which goes last.
#[test]
fn a_waker_keeps_its_library() {
    if !is_child() {
        return in_child(
            "futures::a_waker_keeps_its_library",
            &Folder::new().join("mark"),
        );
    }
    let (clock, waiting) = tower(false);
    let counting = Arc::new(Counting::default());
    let (depot, file) = depot_alone();
    let mut future = depot.hours(clock, 1);
    assert!(poll(&mut future, &Waker::from(Arc::clone(&counting))).is_pending());
    drop(future);
    drop(depot);
    assert!(is_mapped(&file));
    let waker = waiting.lock().expect("no panic").remove(0);
    waker.wake_by_ref();
    assert_eq!(counting.0.load(Ordering::SeqCst), 1);
    assert!(is_mapped(&file));
    drop(waker);
    assert!(!is_mapped(&file));
    assert_eq!(Arc::strong_count(&counting), 1);
}
