//! Tables that lie, of a plugin and of a host: what can be seen is refused, and not read.

use std::cell::Cell;
use std::ptr::{eq, from_ref, null};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use plugwright_plugin::abi::{
    CreateArguments, HostTable, InterfaceTable, KeepAlive, PluginTable, ProvidedTable,
    RawInterface, RawObject, RawSlice, Reply, VtableHead,
};
use plugwright_plugin::bind::{BindError, BoundPlugin};
use plugwright_plugin::context::HostServices;
use plugwright_plugin::{
    CallError, CallErrorKind, Context, Plugin, PluginError, Portable, interface, plugin,
};

use crate::{summary_of, try_bind};

#[interface(id = "org.example.told", version = "1.0")]
pub(crate) trait Told: Send + Sync {
    fn told(&self) -> u32;
    fn again(&self) -> u32;
}

#[plugin(id = "org.example.teller", provides(Told))]
#[derive(Default)]
pub(crate) struct Teller;

impl Told for Teller {
    fn told(&self) -> u32 {
        7
    }
    fn again(&self) -> u32 {
        8
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_teller_a013dc7d"]
    fn teller(host: *const HostTable) -> *const PluginTable;
}

fn host() -> HostTable {
    HostTable {
        size: size_of::<HostTable>(),
        abi: plugwright_plugin::abi::ABI,
        image: null(),
        keep: KeepAlive::forever().lend(),
    }
}

fn honest() -> &'static PluginTable {
    // An image that is not this one: the plugin would take the program for its own.
    let told = host_of_this_image();
    // SAFETY: the host's table lives during the call.
    let table = unsafe { teller(&raw const told) };
    // SAFETY: it is the plugin's static.
    unsafe { table.as_ref() }.expect("a table")
}

/// The table of a host in this very program, whose panic hook stays as it is.
fn host_of_this_image() -> HostTable {
    let vtable = from_ref(<dyn Told as plugwright_plugin::Provides<Teller>>::VTABLE);
    // SAFETY: every vtable begins with its head.
    let image = unsafe { (*vtable.cast::<VtableHead>()).image };
    HostTable { image, ..host() }
}

fn leaked<T>(value: T) -> *const T {
    Box::leak(Box::new(value))
}

fn askew<T>(pointer: *const T) -> *const T {
    pointer.wrapping_byte_add(1)
}

/// What a plugin's table consists of.
struct Parts {
    table: PluginTable,
    provided: ProvidedTable,
    interface: InterfaceTable,
    vtable: VtableHead,
}

thread_local! {
    /// What the entry function gives.
    static GIVEN: Cell<*const PluginTable> = const { Cell::new(null()) };
}

unsafe extern "C" fn given(_: *const HostTable) -> *const PluginTable {
    GIVEN.get()
}

/// Binds a plugin whose honest table was changed. Pointers that were changed stay as they are.
fn bound(change: impl FnOnce(&mut Parts)) -> Result<BoundPlugin, BindError> {
    let table = honest();
    // SAFETY: an honest table has one entry.
    let provided = unsafe { &*table.provides };
    let mut parts = Parts {
        table: PluginTable { ..*table },
        provided: ProvidedTable { ..*provided },
        // SAFETY: as above, for its interface.
        interface: InterfaceTable {
            ..*unsafe { &*provided.interface }
        },
        // SAFETY: as above, for its vtable.
        vtable: unsafe { *provided.vtable },
    };
    change(&mut parts);
    if eq(parts.provided.interface, provided.interface) {
        parts.provided.interface = leaked(parts.interface);
    }
    if eq(parts.provided.vtable, provided.vtable) {
        parts.provided.vtable = leaked(parts.vtable);
    }
    if eq(parts.table.provides, table.provides) {
        parts.table.provides = leaked(parts.provided);
    }
    GIVEN.set(leaked(parts.table));
    try_bind(given, &summary_of!("org.example.teller", dyn Told))
}

#[track_caller]
fn check(change: impl FnOnce(&mut Parts), expected: &str) {
    let error = bound(change).expect_err("must be refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn an_honest_table_is_bound() {
    assert!(bound(|_| {}).is_ok());
}

/// Each fact of a table that its record states too.
#[test]
fn facts_that_the_record_states() {
    check(
        |p| p.table.abi += 1,
        "the plugin's binary interface is 2 in memory",
    );
    let other = RawSlice::of("org.example.other");
    check(
        |p| p.table.id = other,
        "the plugin's id is org.example.other",
    );
    check(
        |p| p.table.version = other,
        "the plugin's version is org.example.other",
    );
    check(
        |p| p.table.provided = 2,
        "the plugin's number of interfaces is 2",
    );
    check(
        |p| p.table.provided = 0,
        "the plugin's number of interfaces is 0",
    );
    check(
        |p| p.interface.id = other,
        "the plugin's interface is org.example.other",
    );
    check(
        |p| p.interface.major += 1,
        "the plugin's interface version is 2.0",
    );
    check(
        |p| p.interface.minor += 1,
        "the plugin's interface version is 1.1",
    );
    check(
        |p| p.interface.bounds = 1,
        "the plugin's bounds is Send in memory",
    );
    check(
        |p| p.interface.bounds = 4_000,
        "the plugin's bounds is 4000 in memory",
    );
    check(
        |p| p.interface.methods = 1,
        "the plugin's number of methods is 1",
    );
    check(
        |p| p.interface.methods = 900,
        "the plugin's number of methods is 900",
    );
    check(
        |p| p.interface.fingerprints = leaked([1_u64, 2]).cast(),
        "the plugin's fingerprint of a method is 1 in memory",
    );
}

/// Texts that are none are not read.
#[test]
fn texts_that_are_none() {
    let null = RawSlice {
        pointer: null(),
        length: 18,
    };
    check(|p| p.table.id = null, "the plugin's id is  in memory");
    let long = RawSlice {
        length: usize::MAX / 2,
        ..RawSlice::of("x")
    };
    check(
        |p| p.table.version = long,
        "the plugin's version is  in memory",
    );
    check(
        |p| p.interface.id = null,
        "the plugin's interface is  in memory",
    );
}

#[test]
fn tables_without_a_part() {
    check(|p| p.table.size -= 1, "lacks its place or its size");
    check(|p| p.table.create = None, "lacks the function `create`");
    check(|p| p.table.start = None, "lacks the function `start`");
    check(|p| p.table.stop = None, "lacks the function `stop`");
    let provides = "lacks the interfaces that it provides";
    check(|p| p.table.provides = null(), provides);
    check(|p| p.table.provides = askew(p.table.provides), provides);
    let interface = "lacks the table of an interface";
    check(|p| p.provided.interface = null(), interface);
    check(
        |p| p.provided.interface = askew(p.provided.interface),
        interface,
    );
    let vtable = "lacks a vtable with `retain` and `release`";
    check(|p| p.provided.vtable = null(), vtable);
    check(|p| p.provided.vtable = askew(p.provided.vtable), vtable);
    check(|p| p.vtable.size = size_of::<usize>(), vtable);
    check(|p| p.vtable.retain = None, vtable);
    check(|p| p.vtable.release = None, vtable);
    let fingerprints = "lacks the fingerprints of an interface";
    check(|p| p.interface.fingerprints = null(), fingerprints);
    check(
        |p| p.interface.fingerprints = askew(p.interface.fingerprints),
        fingerprints,
    );
}

#[test]
fn no_table_at_all() {
    let summary = summary_of!("org.example.teller", dyn Told);
    GIVEN.set(null());
    assert_eq!(try_bind(given, &summary).map(drop), Err(BindError::NoTable));
    GIVEN.set(askew(honest()));
    let error = try_bind(given, &summary).expect_err("must be refused");
    assert!(error.to_string().contains("lacks its place"), "{error}");
}

/// A plugin whose `create` gives what is no instance.
#[test]
fn instances_that_are_none() {
    thread_local! {
        static MADE: Cell<RawObject> = const {
            Cell::new(RawObject { object: null(), vtable: null() })
        };
    }
    unsafe extern "C" fn made(_: *const CreateArguments) -> Reply<RawObject> {
        Reply::ok(MADE.get())
    }
    // SAFETY: an honest table has one entry.
    let vtable = unsafe { (*honest().provides).vtable };
    let check = |object: *const (), vtable: *const VtableHead, expected: &str| {
        MADE.set(RawObject { object, vtable });
        let plugin = bound(|p| p.table.create = Some(made)).expect("the table is whole");
        let error = plugin
            .instance(None)
            .map(drop)
            .expect_err("must be refused");
        assert_eq!(
            (error.kind(), error.message()),
            (CallErrorKind::Invalid, expected)
        );
    };
    let object = leaked(0_usize).cast();
    check(null(), vtable, "expected an instance, not null");
    const HEAD: &str = "expected a vtable that begins with its head";
    check(object, null(), HEAD);
    check(object, askew(vtable), HEAD);
    // SAFETY: every vtable begins with its head.
    let head = unsafe { *vtable };
    check(
        object,
        leaked(VtableHead {
            release: None,
            ..head
        }),
        HEAD,
    );
}

/// An entry function answers a host of another kind with null, and does not read on.
#[test]
fn hosts_that_are_none() {
    #[track_caller]
    fn check(host: *const HostTable) {
        // SAFETY: each is one whose faults an entry function promises to see.
        assert!(unsafe { teller(host) }.is_null());
    }
    check(null());
    check(askew(leaked(host())));
    check(leaked(HostTable { size: 8, ..host() }));
    check(leaked(HostTable { abi: 2, ..host() }));
    let mut unkept = host();
    unkept.keep.retain = None;
    check(leaked(unkept));
    let mut unkept = host();
    unkept.keep.release = None;
    check(leaked(unkept));
}

/// Arguments that lack something are told by the plugin, and nothing is made.
#[test]
fn arguments_that_are_none() {
    let services = || -> RawInterface {
        let services: Arc<dyn HostServices> = Arc::new(());
        services.into_abi()
    };
    let arguments = || CreateArguments {
        size: size_of::<CreateArguments>(),
        configuration: RawSlice::of(""),
        host: services(),
    };
    let made = |arguments: *const CreateArguments| {
        let create = honest().create.expect("it is there");
        // SAFETY: each is one whose faults `create` promises to see.
        let reply = unsafe { create(arguments) };
        if reply.failure.is_null() {
            // SAFETY: initialised, since there is no failure.
            return Ok(unsafe { reply.value.assume_init() });
        }
        // SAFETY: it is a failure, of a function without a value.
        let error = unsafe { Reply::<u8>::failed(reply.failure).take::<()>("new") };
        let error = error.expect_err("a failure");
        assert_eq!(error.kind(), CallErrorKind::Invalid);
        Err(error.message().to_owned())
    };
    let whole = made(leaked(arguments())).expect("nothing is wrong with them");
    assert!(!whole.object.is_null());
    let check = |change: fn(&mut CreateArguments), expected: &str| {
        let mut arguments = arguments();
        change(&mut arguments);
        let error = made(leaked(arguments)).map(drop);
        assert_eq!(error, Err(format!("expected {expected}")));
    };
    const SIZE: &str = "arguments for an instance, with their size";
    let none = made(null()).map(drop);
    assert_eq!(none, Err(format!("expected {SIZE}")));
    check(|a| a.size = 8, SIZE);
    check(
        |a| {
            a.configuration = RawSlice {
                pointer: null(),
                length: 1,
            }
        },
        "a slice with an aligned pointer and a possible length",
    );
    const WHOLE: &str = "the host's services, whole";
    const HEAD: &str = "a vtable that begins with its head";
    check(|a| a.host.object.object = null(), WHOLE);
    check(|a| a.host.object.vtable = null(), HEAD);
    check(
        |a| {
            a.host.object.vtable = leaked(VtableHead {
                retain: None,
                ..*head_of(a)
            });
        },
        HEAD,
    );
    check(|a| a.host.keep.retain = None, WHOLE);
    // Another interface than the host's services.
    check(
        |a| {
            let object: Box<dyn Told> = Box::new(Teller);
            a.host = object.into_abi();
        },
        "an object of the interface that was declared",
    );
}

fn head_of(arguments: &CreateArguments) -> &'static VtableHead {
    // SAFETY: the vtable of an honest object, a static of this program.
    unsafe { &*arguments.host.object.vtable }
}

/// An instance counts the references that it takes of what it is lent, and gives them back.
#[test]
fn what_is_lent_is_counted() {
    struct Counting(Arc<AtomicIsize>);
    impl Drop for Counting {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let alive = Arc::new(AtomicIsize::new(1));
    let keep = KeepAlive::new(Arc::new(Counting(Arc::clone(&alive))));
    let services: Arc<dyn HostServices> = Arc::new(());
    let mut lent = services.into_abi();
    // SAFETY: the one that it came with is given up once.
    drop(unsafe { KeepAlive::from_raw(lent.keep) });
    lent.keep = keep.lend();
    let arguments = CreateArguments {
        size: size_of::<CreateArguments>(),
        configuration: RawSlice::of(""),
        host: lent,
    };
    let create = honest().create.expect("it is there");
    // SAFETY: the arguments are whole, and live during the call.
    let reply = unsafe { create(&raw const arguments) };
    assert!(reply.failure.is_null());
    // SAFETY: initialised, since there is no failure.
    let made = unsafe { reply.value.assume_init() };
    // SAFETY: every vtable begins with its head.
    let release = unsafe { (*made.vtable).release }.expect("it is there");
    // SAFETY: it is its only reference.
    let released = unsafe { release(made.object) };
    assert!(released.failure.is_null());
    // What was lent is still this side's, and goes with it.
    lent.keep = keep.into_raw();
    assert_eq!(
        alive.load(Ordering::SeqCst),
        1,
        "the instance took and gave back"
    );
    // SAFETY: made above, and given up here, with what keeps it.
    let services = unsafe { Box::<dyn HostServices>::from_abi(lent) };
    drop(services.expect("whole"));
    assert_eq!(alive.load(Ordering::SeqCst), 0, "nobody else has it");
}

#[interface(id = "org.example.busy", version = "1.0")]
pub(crate) trait Busy: Send + Sync {
    /// Has the host stop the instance meanwhile, and gives what that fails with.
    fn stop_meanwhile(&mut self) -> u32;
}

static STARTED: AtomicIsize = AtomicIsize::new(0);
static STOPPED: AtomicIsize = AtomicIsize::new(0);

#[plugin(id = "org.example.hooked", provides(Busy))]
pub(crate) struct Hooked;

impl Plugin for Hooked {
    type Configuration = ();

    fn new((): (), _: Context) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn start(&self) -> Result<(), PluginError> {
        STARTED.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn stop(&self) -> Result<(), PluginError> {
        STOPPED.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

thread_local! {
    static INSTANCE: Cell<*const ()> = const { Cell::new(null()) };
}

impl Busy for Hooked {
    fn stop_meanwhile(&mut self) -> u32 {
        stopped(INSTANCE.get()).map_or(0, |error| error.kind() as u32)
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_hooked_4a15a943"]
    fn hooked(host: *const HostTable) -> *const PluginTable;
}

fn hooked_table() -> &'static PluginTable {
    let told = host_of_this_image();
    // SAFETY: the host's table lives during the call.
    let table = unsafe { hooked(&raw const told) };
    // SAFETY: it is the plugin's static.
    unsafe { table.as_ref() }.expect("a table")
}

/// What stopping an instance of the plugin above fails with.
fn stopped(instance: *const ()) -> Option<CallError> {
    let stop = hooked_table().stop.expect("it is there");
    // SAFETY: an instance of this plugin, which is referenced meanwhile.
    let reply = unsafe { stop(instance) };
    // SAFETY: returned just now.
    unsafe { reply.take::<()>("stop") }.err()
}

/// A host that starts and stops an instance more than once, early, or in the middle of a method
/// that has the instance alone.
#[test]
fn hooks_run_once_whatever_a_host_does() {
    let table = hooked_table();
    let services: Arc<dyn HostServices> = Arc::new(());
    let arguments = CreateArguments {
        size: size_of::<CreateArguments>(),
        configuration: RawSlice::of(""),
        host: services.into_abi(),
    };
    let counts = || {
        let count = |hook: &AtomicIsize| hook.load(Ordering::SeqCst);
        (count(&STARTED), count(&STOPPED))
    };
    let create = table.create.expect("it is there");
    // SAFETY: the arguments are whole, and live during the call.
    let reply = unsafe { create(&raw const arguments) };
    assert!(reply.failure.is_null());
    // SAFETY: initialised, since there is no failure.
    let made = unsafe { reply.value.assume_init() };
    assert!(stopped(made.object).is_none());
    assert_eq!(counts(), (0, 0), "what did not start does not stop");
    let start = table.start.expect("it is there");
    for _ in 0..2 {
        // SAFETY: an instance of this plugin.
        let reply = unsafe { start(made.object) };
        assert!(reply.failure.is_null());
        assert_eq!(counts(), (1, 0));
    }
    INSTANCE.set(made.object);
    let raw = RawInterface {
        object: made,
        keep: KeepAlive::forever().into_raw(),
    };
    // SAFETY: made above, and taken over once.
    let mut object = unsafe { Box::<dyn Busy>::from_abi(raw) }.expect("it fits");
    assert_eq!(object.stop_meanwhile(), CallErrorKind::Reentrant as u32);
    assert_eq!(counts(), (1, 0), "it goes on");
    for _ in 0..2 {
        assert!(stopped(made.object).is_none());
        assert_eq!(counts(), (1, 1));
    }
    // SAFETY: an instance of this plugin.
    assert!(unsafe { start(made.object) }.failure.is_null());
    assert_eq!(counts(), (1, 1), "it does not begin again");
    drop(object);
    assert_eq!(counts(), (1, 1));
    // SAFETY: given away above, and taken over once.
    drop(unsafe { Box::<dyn HostServices>::from_abi(arguments.host) });
}
