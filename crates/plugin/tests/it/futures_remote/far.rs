//! Futures over a connection as who calls by number sees them: also in ways that no handle does.

use std::sync::OnceLock;

use plugwright_plugin::CallError;

use super::*;
use crate::remote::{Ear, Staying};

/// What the far side has of a future, as it is called here.
#[interface(id = "org.plugwright.future", version = "1.0")]
pub(crate) trait Remote: Send + Sync {
    fn poll(&self, waker: Arc<dyn Awake>) -> Result<Option<Vec<u8>>, CallError>;
}

#[interface(id = "org.plugwright.waker", version = "1.0")]
pub(crate) trait Awake: Send + Sync {
    fn wake(&self);
}

struct Idle;

impl Awake for Idle {
    fn wake(&self) {}
}

#[interface(id = "org.example.async-giver", version = "1.0")]
pub(crate) trait Giver: Send + Sync {
    /// Has the ear hear a word while it is polled, and ends with a panic or a number.
    fn number(&self, ear: Box<dyn Ear>, fail: bool) -> PluginFuture<'_, u32>;
    fn ear(&self) -> PluginFuture<'_, Arc<dyn Ear>>;
    fn stays(&self) -> PluginFuture<'_, Box<dyn Staying>>;
}

#[plugin(id = "org.example.async-giving", provides(Giver))]
#[derive(Default)]
pub(crate) struct Gives;

struct Hears;

impl Ear for Hears {
    fn hear(&self, word: &str) -> u32 {
        word.len().try_into().expect("short")
    }
}

struct Stays;

impl Staying for Stays {}

impl Giver for Gives {
    fn number(&self, ear: Box<dyn Ear>, fail: bool) -> PluginFuture<'_, u32> {
        // One that would go on when it is polled after its end, as none does that is written with
        // `async`.
        PluginFuture::new(std::future::poll_fn(move |_| {
            let heard = ear.hear("a word");
            assert!(!fail, "asked to fail");
            Poll::Ready(heard)
        }))
    }

    fn ear(&self) -> PluginFuture<'_, Arc<dyn Ear>> {
        PluginFuture::new(async { Arc::new(Hears) as Arc<dyn Ear> })
    }

    fn stays(&self) -> PluginFuture<'_, Box<dyn Staying>> {
        PluginFuture::new(async { Box::new(Stays) as Box<dyn Staying> })
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_async_giving_5ff0d748"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

fn giver() -> Handle<dyn Giver> {
    create(entry, &summary_of!("org.example.async-giving", dyn Giver))
}

/// What a future gives may be an object: it is called through the connection.
#[test]
fn a_future_gives_an_object() {
    let (giver, end) = piped(&giver());
    let ear = block_on(giver.ear());
    assert_eq!(ear.hear("four"), 4);
    drop(ear);
    // What was let go of is so before the next call is answered.
    assert_eq!(block_on(giver.ear()).hear(""), 0);
    assert!(end.exported() <= 2, "the plugin's object, and the last ear");
}

/// What cannot cross is refused as the value of a future as it is as that of a call.
#[test]
fn a_future_gives_what_cannot_cross() {
    let (giver, _end) = piped(&giver());
    let error = block_on(giver.try_stays()).map(drop);
    let error = error.expect_err("it stays");
    assert_eq!(
        (error.kind(), error.message()),
        (
            CallErrorKind::Invalid,
            "expected an object of a trait that requires Send and Sync"
        )
    );
}

/// What has ended is not asked for again: the connection may be gone by then.
#[test]
fn after_the_end_nothing_is_sent() {
    let (store, there) = piped(&memory());
    let waker = Arc::default();
    let mut future = store.try_number(false);
    assert_eq!(poll_once(&mut future, &waker), Poll::Ready(Ok(7)));
    there.cut();
    let kind_of = |polled| match polled {
        Poll::Ready(Err(error)) => CallError::kind(&error),
        other => panic!("an error: {other:?}"),
    };
    let error = kind_of(poll_once(&mut future, &waker));
    assert_eq!(error, CallErrorKind::Completed);
    // What failed has ended too.
    let mut future = store.try_number(false);
    for expected in [CallErrorKind::Crashed, CallErrorKind::Completed] {
        assert_eq!(kind_of(poll_once(&mut future, &waker)), expected);
    }
}

type Polled = Result<Option<Vec<u8>>, CallError>;

/// A future and another handle for what is polled of it, with an ear that runs `hears` meanwhile.
fn twice(
    fail: bool,
    hears: impl Fn(&Handle<dyn Remote>) + Send + Sync + 'static,
) -> (Polled, Polled) {
    struct Calls<F>(Arc<OnceLock<Handle<dyn Remote>>>, F);
    impl<F: Fn(&Handle<dyn Remote>) + Send + Sync> Ear for Calls<F> {
        fn hear(&self, _: &str) -> u32 {
            (self.1)(self.0.get().expect("it was set before"));
            9
        }
    }
    let (here, there) = pipe();
    let number = there.export(giver().into_object());
    let remote: Handle<dyn Giver> = Handle::remote(here.clone(), number).expect("remotable");
    let polls = Arc::default();
    let ear = Calls(Arc::clone(&polls), hears);
    let future = remote.number(Box::new(ear), fail);
    // The number after that of the object, with a reference of its own.
    here.retain(number + 1);
    let again: Handle<dyn Remote> = Handle::remote(here, number + 1).expect("it is polled so");
    drop(polls.set(again.clone()));
    drop(future);
    let result = (again.poll(Arc::new(Idle)), again.poll(Arc::new(Idle)));
    drop((remote, there));
    result
}

/// Who polls by number after the end gets an error as anybody does, whatever the future would say.
#[test]
fn polling_by_number_after_the_end() {
    let (first, second) = twice(false, |_| {});
    // It hands no object over, and is a number.
    assert_eq!(first, Ok(Some(vec![0, 9, 0, 0, 0])));
    let error = second.expect_err("it ended");
    assert_eq!(error.kind(), CallErrorKind::Completed);
    let (first, second) = twice(true, |_| {});
    let error = first.expect_err("it panicked");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    let error = second.expect_err("it ended");
    assert_eq!(error.kind(), CallErrorKind::Completed);
}

/// Nor may two poll at once.
#[test]
fn polling_by_number_by_two() {
    let said = Arc::new(OnceLock::new());
    let kept = Arc::clone(&said);
    let (first, _) = twice(false, move |again| {
        kept.get_or_init(|| again.poll(Arc::new(Idle)));
    });
    // It hands no object over, and is a number.
    assert_eq!(first, Ok(Some(vec![0, 9, 0, 0, 0])));
    let error = said.get().expect("it was heard").clone();
    let error = error.expect_err("it was being polled");
    assert_eq!(
        (error.kind(), error.message()),
        (
            CallErrorKind::Reentrant,
            "a future is polled by one at a time"
        )
    );
}
