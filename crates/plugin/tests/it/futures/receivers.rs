//! All receivers, and a future that stays on its thread.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use super::*;

#[interface(id = "org.example.async-tally", version = "1.0")]
pub(crate) trait Tally {
    fn add(&mut self, number: u32) -> PluginFuture<'_, u32>;
    fn look(&self) -> LocalPluginFuture<'_, u32>;
    fn end(self: Box<Self>) -> LocalPluginFuture<'static, u32>;
    fn spoil(&mut self) -> PluginFuture<'_, ()>;
    fn name(&self) -> PluginFuture<'_, &str>;
    fn wake(&mut self) -> PluginFuture<'_, ()>;
}

#[plugin(id = "org.example.async-tallying", provides(Tally))]
#[derive(Default)]
pub(crate) struct Sum(u32, Rc<Cell<u32>>);

impl Tally for Sum {
    fn add(&mut self, number: u32) -> PluginFuture<'_, u32> {
        let sum = &mut self.0;
        PluginFuture::new(async move {
            *sum += number;
            *sum
        })
    }

    fn look(&self) -> LocalPluginFuture<'_, u32> {
        LocalPluginFuture::new(async { self.0 + self.1.get() })
    }

    fn end(self: Box<Self>) -> LocalPluginFuture<'static, u32> {
        LocalPluginFuture::new(async move { self.0 })
    }

    fn spoil(&mut self) -> PluginFuture<'_, ()> {
        let sum = &mut self.0;
        PluginFuture::new(async move {
            *sum += 1;
            panic!("asked to panic")
        })
    }

    fn name(&self) -> PluginFuture<'_, &str> {
        PluginFuture::new(async { "mine" })
    }

    fn wake(&mut self) -> PluginFuture<'_, ()> {
        PluginFuture::new(std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Ready(())
        }))
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_async_tallying_61fc76dc"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const ENTRY: Entry = entry;

fn tally() -> Handle<dyn Tally> {
    let summary = summary_of!("org.example.async-tallying", dyn Tally);
    let mut tally = create::<dyn Tally>(ENTRY, &summary);
    assert_eq!(block_on(tally.add(1)), 1);
    tally
}

#[test]
fn each_way_to_take_the_object() {
    let mut tally = tally();
    assert_eq!(block_on(tally.add(4)), 5);
    assert_eq!(block_on(tally.look()), 5);
    assert_eq!(block_on(tally.name()), "mine");
    let mut left = tally.add(6);
    assert!(poll_once(&mut left, &Arc::default()).is_ready());
    drop(left);
    // One that is dropped before it began does nothing.
    drop(tally.add(100));
    let boxed: Box<dyn Tally> = Box::new(tally);
    assert_eq!(block_on(boxed.end()), 11);
}

/// Who has another handle all the same is told, while the future runs and not before or after.
#[test]
fn the_object_is_busy_while_its_future_runs() {
    type Answer = Option<Result<u32, CallError>>;
    struct Enters(ManuallyDrop<Handle<dyn Tally>>, Mutex<Answer>);
    // SAFETY: it stays on the thread of the test.
    unsafe impl Send for Enters {}
    // SAFETY: as for Send.
    unsafe impl Sync for Enters {}
    impl Wake for Enters {
        fn wake(self: Arc<Self>) {
            // A panic would stay in here.
            *self.1.lock().expect("no panic") = Some(block_on(self.0.try_look()));
        }
    }
    let mut tally = tally();
    // SAFETY: both are used on this thread only, and the second one is not dropped.
    let second = ManuallyDrop::new(unsafe { std::ptr::read(&raw const tally) });
    let mut wakes = tally.wake();
    assert_eq!(block_on(second.look()), 1, "it does not run yet");
    // SAFETY: as above.
    let third = unsafe { std::ptr::read(&raw const second) };
    let enters = Arc::new(Enters(third, Mutex::default()));
    let waker = Waker::from(Arc::clone(&enters));
    let polled = Pin::new(&mut wakes).poll(&mut Context::from_waker(&waker));
    assert_eq!(polled, Poll::Ready(()));
    let answer = enters.1.lock().expect("no panic").take();
    let error = answer.expect("it was woken").expect_err("it was busy");
    assert_eq!(error.kind(), CallErrorKind::Reentrant);
    let message = "a method that takes `&mut self` is running";
    assert_eq!(error.message(), message);
    assert_eq!(block_on(second.look()), 1, "it is done");
}

#[test]
fn a_panic_of_one_that_has_the_object_alone() {
    let mut tally = tally();
    let error = block_on(tally.try_spoil()).expect_err("it panicked");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    let error = block_on(tally.try_look()).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
    let error = block_on(TallyCalls::try_end(tally)).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}
