//! Objects live as long as their handles, and libraries as long as both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plugwright_plugin::abi::KeepAlive;
use plugwright_plugin::bind::BoundPlugin;
use plugwright_plugin::{CallErrorKind, Handle, interface, plugin};

use crate::{NoServices, address, summary_of};

static ALIVE: AtomicUsize = AtomicUsize::new(0);

#[interface(id = "org.example.counted", version = "1.0")]
pub(crate) trait Counted: Send + Sync {
    fn alive(&self) -> usize;
    fn panic_on_drop(&self);
}

#[plugin(id = "org.example.counter", provides(Counted))]
pub(crate) struct Counter {
    panic_on_drop: std::sync::atomic::AtomicBool,
}

impl Default for Counter {
    fn default() -> Self {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Self {
            panic_on_drop: false.into(),
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
        assert!(!self.panic_on_drop.load(Ordering::SeqCst), "asked to fail");
    }
}

impl Counted for Counter {
    fn alive(&self) -> usize {
        ALIVE.load(Ordering::SeqCst)
    }

    fn panic_on_drop(&self) {
        self.panic_on_drop.store(true, Ordering::SeqCst);
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_counter_45fc48bb"]
    fn counter(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

/// Stands for a loaded library: tells when it would be let go.
struct Library(Arc<AtomicUsize>);

impl Drop for Library {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// One test, since it counts objects.
#[test]
fn handles_keep_objects_and_libraries() {
    let released = Arc::new(AtomicUsize::new(0));
    let keep = KeepAlive::new(Arc::new(Library(Arc::clone(&released))));
    let summary = summary_of!("org.example.counter", dyn Counted);
    // SAFETY: the entry is one that `#[plugin]` made in this image.
    let plugin =
        unsafe { BoundPlugin::bind(address(counter), keep, &summary, Arc::new(NoServices)) }
            .expect("agrees");
    let create = || -> Handle<dyn Counted> { plugin.create(None, None).expect("fits") };

    let first = create();
    assert_eq!(first.alive(), 1);
    let second = create();
    assert_eq!(
        first.alive(),
        2,
        "each handle of its own making has its own object"
    );
    let shared = second.clone();
    drop(second);
    assert_eq!(first.alive(), 2, "a clone keeps the object");
    drop(shared);
    assert_eq!(first.alive(), 1);

    // A destructor that panics: contained when dropped, told when closed.
    let third = create();
    third.panic_on_drop();
    drop(third);
    let fourth = create();
    fourth.panic_on_drop();
    let error = fourth.close().expect_err("panics");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.message(), "asked to fail");
    assert_eq!(create().close(), Ok(()));
    assert_eq!(first.alive(), 1);

    drop(plugin);
    assert_eq!(
        released.load(Ordering::SeqCst),
        0,
        "a handle keeps the library"
    );
    drop(first);
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    assert_eq!(released.load(Ordering::SeqCst), 1, "nothing else does");
}

/// `Handle<dyn Trait>` is `Send` and `Sync` exactly if `dyn Trait` is.
#[test]
fn send_and_sync_are_the_traits() {
    #[interface(id = "org.example.local", version = "1.0")]
    trait Local {
        fn nothing(&self);
    }
    #[interface(id = "org.example.sent", version = "1.0")]
    trait Sent: Send {
        fn nothing(&self);
    }

    trait Probe {
        const SEND: bool = false;
        const SYNC: bool = false;
    }
    impl<T: ?Sized> Probe for Is<T> {}
    struct Is<T: ?Sized>(std::marker::PhantomData<T>);
    // An inherent constant shadows the trait's where it applies.
    impl<T: ?Sized + Send> Is<T> {
        const SEND: bool = true;
    }
    // An inherent constant shadows the trait's where it applies.
    impl<T: ?Sized + Sync> Is<T> {
        const SYNC: bool = true;
    }

    const {
        assert!(Is::<Handle<dyn Counted>>::SEND && Is::<Handle<dyn Counted>>::SYNC);
        assert!(Is::<Handle<dyn Sent>>::SEND && !Is::<Handle<dyn Sent>>::SYNC);
        assert!(!Is::<Handle<dyn Local>>::SEND && !Is::<Handle<dyn Local>>::SYNC);
    }
}
