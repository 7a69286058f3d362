//! Objects live as long as their handles, and libraries as long as both.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plugwright_plugin::abi::KeepAlive;
use plugwright_plugin::bind::{BoundPlugin, CreateError};
use plugwright_plugin::context::{Application, ContextError, Event, HostServices, Level};
use plugwright_plugin::linked::{Linkable, LinkedPlugin};
use plugwright_plugin::{
    Buffer, CallErrorKind, Context, Handle, LocalPluginFuture, Plugin, PluginError, PluginFuture,
    interface, plugin,
};

use crate::{address, summary_of};

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
    let services = Arc::new(());
    let lent = Arc::downgrade(&services);
    // SAFETY: the entry is one that `#[plugin]` made in this image.
    let plugin =
        unsafe { BoundPlugin::bind(address(counter), keep, &summary, services) }.expect("agrees");
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

    assert_eq!(lent.strong_count(), 1);
    drop(plugin);
    assert_eq!(lent.strong_count(), 0, "the host's services went with it");
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
    #[interface(id = "org.example.seen", version = "1.0")]
    trait Seen: Sync {
        fn nothing(&self);
    }
    /// What it requires, it is.
    #[interface(id = "org.example.seen-by-all", version = "1.0")]
    trait SeenByAll: Counted {
        fn change(&mut self);
    }

    trait Probe {
        const SEND: bool = false;
        const SYNC: bool = false;
        const CLONE: bool = false;
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

    // An inherent constant shadows the trait's where it applies.
    impl<T: Clone> Is<T> {
        const CLONE: bool = true;
    }

    const {
        assert!(Is::<Handle<dyn Counted>>::SEND && Is::<Handle<dyn Counted>>::SYNC);
        assert!(Is::<Handle<dyn Sent>>::SEND && !Is::<Handle<dyn Sent>>::SYNC);
        assert!(!Is::<Handle<dyn Local>>::SEND && !Is::<Handle<dyn Local>>::SYNC);
        assert!(!Is::<Handle<dyn Seen>>::SEND && Is::<Handle<dyn Seen>>::SYNC);
        assert!(Is::<Handle<dyn SeenByAll>>::SEND && Is::<Handle<dyn SeenByAll>>::SYNC);
        // Several handles may be on several threads, so a clone asks for both, and for `&self`.
        assert!(Is::<Handle<dyn Counted>>::CLONE && !Is::<Handle<dyn SeenByAll>>::CLONE);
        assert!(!Is::<Handle<dyn Sent>>::CLONE && !Is::<Handle<dyn Seen>>::CLONE);
        assert!(!Is::<Handle<dyn Local>>::CLONE);
        assert!(Is::<Buffer>::SEND && Is::<Buffer>::SYNC);
        assert!(Is::<PluginFuture<'_, u8>>::SEND && !Is::<PluginFuture<'_, u8>>::SYNC);
        assert!(!Is::<LocalPluginFuture<'_, u8>>::SEND && !Is::<LocalPluginFuture<'_, u8>>::SYNC);
    }
}

#[interface(id = "org.example.single", version = "1.0")]
pub(crate) trait Single: Send + Sync {
    fn number(&self) -> u32;
}

#[interface(id = "org.example.alone", version = "1.0")]
pub(crate) trait Alone: Send + Sync {
    fn take(&mut self);
}

#[interface(id = "org.example.one-thread", version = "1.0")]
pub(crate) trait OneThread: Send {
    fn nothing(&self);
}

#[plugin(
    id = "org.example.shared",
    provides(Single),
    provides(Alone),
    provides(OneThread)
)]
#[derive(Default)]
pub(crate) struct SharedByAll;

impl Single for SharedByAll {
    fn number(&self) -> u32 {
        5
    }
}

impl Alone for SharedByAll {
    fn take(&mut self) {}
}

impl OneThread for SharedByAll {
    fn nothing(&self) {}
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_shared_4a7226ac"]
    fn shared_by_all(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

/// Only the instance of a plugin that says so is shared, and as interfaces whose objects can be:
/// the macro would refuse this record, and another author's compiler would not.
#[test]
fn what_cannot_be_shared_is_not() {
    let mut summary = summary_of!("org.example.shared", dyn Single, dyn Alone, dyn OneThread);
    let instance = |summary: &plugwright_manifest::Summary| {
        let plugin = crate::try_bind(shared_by_all, summary).expect("agrees");
        plugin.instance(None).expect("made")
    };
    assert!(instance(&summary).shared().is_err(), "it is no singleton");
    summary.singleton = true;
    let shared = instance(&summary).shared().expect("it is one");
    assert_eq!(shared.handle::<dyn Single>(None).expect("fits").number(), 5);
    let refused = |error: CreateError, id: &str| {
        assert_eq!(
            error.to_string(),
            format!(
                "the plugin says that all share one instance of it, and objects of {id} cannot be \
                 shared"
            )
        );
    };
    let error = shared.handle::<dyn Alone>(None).map(drop);
    refused(error.expect_err("`&mut self`"), "org.example.alone");
    let error = shared.handle::<dyn OneThread>(None).map(drop);
    refused(error.expect_err("not Sync"), "org.example.one-thread");
}

/// What a host does for a plugin is let go of with the last of the plugin's instances.
#[test]
fn services_live_as_long_as_instances() {
    struct Services(Arc<AtomicUsize>);
    impl Drop for Services {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl HostServices for Services {
        fn application(&self) -> Application {
            Application::default()
        }
        fn logs(&self, _: Level) -> bool {
            true
        }
        fn log(&self, _: Event<'_>) {}
        fn data_folder(&self) -> Result<PathBuf, ContextError> {
            Err(ContextError::NotOffered)
        }
    }
    let gone = Arc::new(AtomicUsize::new(0));
    let summary = summary_of!("org.example.shared", dyn Single, dyn Alone, dyn OneThread);
    let (keep, services) = (
        KeepAlive::new(Arc::new(())),
        Arc::new(Services(Arc::clone(&gone))),
    );
    // SAFETY: the entry is one that `#[plugin]` made in this image.
    let plugin = unsafe { BoundPlugin::bind(address(shared_by_all), keep, &summary, services) };
    let plugin = plugin.expect("agrees");
    let handle: Handle<dyn Single> = plugin.create(None, None).expect("fits");
    drop(plugin);
    drop(handle);
    assert_eq!(gone.load(Ordering::SeqCst), 1);
}

/// A plugin whose configuration has one value says that it takes none, so that no host loads it
/// for one.
#[test]
fn what_takes_no_configuration_says_so() {
    let record = |linked: LinkedPlugin| linked.record().expect("our own record");
    let hooked = record(<crate::lies_tables::Hooked as Linkable>::LINKED);
    assert!(!hooked.summary.configurable);
    assert_eq!(hooked.summary.id.as_str(), "org.example.hooked");
    let schemas = hooked.detail.expect("it has one").schemas;
    assert_eq!(schemas[0].interface.as_str(), "org.example.busy");
    let shared = record(<SharedByAll as Linkable>::LINKED);
    assert!(
        !shared.summary.configurable,
        "it has no constructor of its own"
    );
}

#[interface(id = "org.example.asking", version = "1.0")]
pub(crate) trait Asking: Send + Sync {
    fn logs(&self, level: Level) -> bool;
}

#[plugin(id = "org.example.asks", provides(Asking))]
pub(crate) struct Asks(Context);

impl Plugin for Asks {
    type Configuration = ();

    fn new((): (), context: Context) -> Result<Self, PluginError> {
        Ok(Self(context))
    }
}

impl Asking for Asks {
    fn logs(&self, level: Level) -> bool {
        self.0.logs(level)
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_asks_35f0d36b"]
    fn asks(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

/// A plugin hears whether anybody reads a level; of a host that cannot say so, that nobody does.
#[test]
fn a_plugin_asks_whether_anybody_reads() {
    struct Reads;
    impl HostServices for Reads {
        fn application(&self) -> Application {
            Application::default()
        }
        fn logs(&self, level: Level) -> bool {
            assert!(level != Level::Trace, "no idea");
            level <= Level::Warn
        }
        fn log(&self, _: Event<'_>) {}
        fn data_folder(&self) -> Result<PathBuf, ContextError> {
            Err(ContextError::NotOffered)
        }
    }
    let summary = summary_of!("org.example.asks", dyn Asking);
    let (keep, services) = (KeepAlive::new(Arc::new(())), Arc::new(Reads));
    // SAFETY: the entry is one that `#[plugin]` made in this image.
    let plugin = unsafe { BoundPlugin::bind(address(asks), keep, &summary, services) };
    let handle: Handle<dyn Asking> = plugin.expect("agrees").create(None, None).expect("fits");
    let read =
        [Level::Error, Level::Warn, Level::Info, Level::Trace].map(|level| handle.logs(level));
    assert_eq!(read, [true, true, false, false]);
}

/// Of a plugin without a constructor of its own, which a host would not give a configuration.
#[test]
fn a_configuration_that_nobody_takes_is_refused() {
    let summary = summary_of!("org.example.shared", dyn Single, dyn Alone, dyn OneThread);
    let plugin = crate::try_bind(shared_by_all, &summary).expect("agrees");
    let error = plugin
        .instance(Some("{}"))
        .map(drop)
        .expect_err("it takes none");
    assert_eq!(
        (error.kind(), error.message()),
        (CallErrorKind::Configuration, "it takes none")
    );
    assert!(plugin.instance(None).is_ok());
}
