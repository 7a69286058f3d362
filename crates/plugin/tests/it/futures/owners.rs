//! The object that a future borrows, while that is polled and after it panicked.

use plugwright_plugin::bind::SharedInstance;

use super::*;
use crate::try_bind;

#[interface(id = "org.example.async-owner", version = "1.0", poisons = false)]
pub(crate) trait Owner: Send + Sync {
    /// Rings while it is polled.
    fn ring(&self, bell: Box<dyn Bell>, fail: bool) -> PluginFuture<'_, u32>;
    fn number(&self) -> u32;
}

#[interface(id = "org.example.async-bell", version = "1.0")]
pub(crate) trait Bell: Send + Sync {
    fn ring(&self);
}

#[plugin(id = "org.example.async-owned", provides(Owner), singleton = true)]
#[derive(Default)]
pub(crate) struct Owned;

impl Owner for Owned {
    fn ring(&self, bell: Box<dyn Bell>, fail: bool) -> PluginFuture<'_, u32> {
        PluginFuture::new(async move {
            bell.ring();
            assert!(!fail, "asked to fail");
            self.number()
        })
    }

    fn number(&self) -> u32 {
        3
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_async_owned_d2c9bfb7"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

fn owned() -> (Handle<dyn Owner>, Arc<SharedInstance>) {
    let mut summary = summary_of!("org.example.async-owned", dyn Owner);
    summary.singleton = true;
    let instance = try_bind(entry, &summary)
        .expect("agrees")
        .instance(None)
        .expect("it is made");
    let instance = instance.shared().expect("it may be shared");
    (instance.handle(None).expect("fits"), Arc::new(instance))
}

/// What the host does when it is rung for.
struct Does<F>(F);

impl<F: Fn() + Send + Sync + 'static> Bell for Does<F> {
    fn ring(&self) {
        (self.0)();
    }
}

/// A future that borrows its object as others do leaves it to them.
#[test]
fn the_object_answers_while_its_future_runs() {
    let (owner, _instance) = owned();
    let (again, said) = (owner.clone(), Arc::new(Mutex::new(None)));
    let kept = Arc::clone(&said);
    let bell = Does(move || *kept.lock().expect("no panic") = Some(again.try_number()));
    assert_eq!(block_on(owner.ring(Box::new(bell), false)), 3);
    assert_eq!(*said.lock().expect("no panic"), Some(Ok(3)));
}

/// Whoever stops an object while its future runs has stopped it: the end of the poll changes nothing
/// of that, and no panic does where panics change nothing.
#[test]
fn what_is_stopped_meanwhile_stays_stopped() {
    for fail in [false, true] {
        let (owner, instance) = owned();
        let bell = Does(move || assert_eq!(instance.stop(), Ok(())));
        let ended = block_on(owner.try_ring(Box::new(bell), fail));
        match ended {
            Ok(number) => assert_eq!((number, fail), (3, false)),
            Err(error) => assert_eq!((error.kind(), fail), (CallErrorKind::Panicked, true)),
        }
        let error = owner.try_number().expect_err("it was stopped");
        assert_eq!(error.kind(), CallErrorKind::Stopped);
    }
}
