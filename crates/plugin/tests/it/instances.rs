//! The life of an instance, step by step through its plugin's table, as a host has it that is
//! written in C: also in an order that the SDK's own host never takes.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use plugwright_plugin::abi::{
    ABI, CreateArguments, HostTable, KeepAlive, PluginTable, RawInterface, RawObject, RawSlice,
    Reply, VtableHead,
};
use plugwright_plugin::bind::{BoundPlugin, CreateError};
use plugwright_plugin::context::{Application, ContextError, Event, HostServices, Level};
use plugwright_plugin::{
    CallError, CallErrorKind, Context, Plugin, PluginError, Portable, Provides, interface, plugin,
};

use crate::{address, summary_of, try_bind};

thread_local! {
    /// What became of the instances of this test.
    static STEPS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    /// Who the host and the plugin are, as the latter has it.
    static HOST: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn step(name: &'static str) {
    STEPS.with_borrow_mut(|steps| steps.push(name));
}

#[track_caller]
fn check_steps(expected: &[&str]) {
    assert_eq!(STEPS.take(), expected);
}

/// Tells when it is dropped.
#[interface(id = "org.example.parcel", version = "1.0")]
pub(crate) trait Parcel: Send + Sync {}

struct Tells;

impl Parcel for Tells {}

impl Drop for Tells {
    fn drop(&mut self) {
        step("parcel dropped");
    }
}

#[interface(id = "org.example.task", version = "1.0")]
pub(crate) trait Task: Send + Sync {
    fn run(&self) -> u32;
    fn take(&self, parcel: Box<dyn Parcel>);
    fn fail(&self);
    fn look(&self, parcel: &Arc<dyn Parcel>);
    fn ask(&self) -> Result<PathBuf, ContextError>;
}

/// What an instance is to do at its end.
#[derive(serde::Deserialize)]
pub(crate) struct Ends {
    #[serde(default)]
    start: String,
    #[serde(default)]
    stop: String,
    #[serde(default)]
    drop: String,
}

#[plugin(id = "org.example.tasks", provides(Task))]
pub(crate) struct Steps(Ends, Context);

impl Plugin for Steps {
    type Configuration = Ends;

    fn new(ends: Ends, context: Context) -> Result<Self, PluginError> {
        step("made");
        Ok(Self(ends, context))
    }
    fn start(&self) -> Result<(), PluginError> {
        step("started");
        told(&self.0.start)
    }
    fn stop(&self) -> Result<(), PluginError> {
        step("stopped");
        told(&self.0.stop)
    }
}

fn told(failure: &str) -> Result<(), PluginError> {
    if failure.is_empty() {
        return Ok(());
    }
    Err(failure.into())
}

impl Drop for Steps {
    fn drop(&mut self) {
        step("dropped");
        assert!(self.0.drop.is_empty(), "{}", self.0.drop);
    }
}

impl Task for Steps {
    fn run(&self) -> u32 {
        7
    }
    fn take(&self, parcel: Box<dyn Parcel>) {
        drop(parcel);
        step("taken");
    }
    fn fail(&self) {
        panic!("asked to fail");
    }
    fn look(&self, _: &Arc<dyn Parcel>) {
        step("looked");
    }
    fn ask(&self) -> Result<PathBuf, ContextError> {
        assert!(!self.1.logs(Level::Error), "nobody reads it");
        self.1.log(Level::Error, "asked");
        let host = [self.1.host_name(), self.1.host_version(), self.1.plugin()];
        HOST.set(host.map(str::to_owned).to_vec());
        self.1.data_folder()
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_tasks_103ccf95"]
    fn tasks(host: *const HostTable) -> *const PluginTable;
}

/// The table that the entry function gives to a host of this image.
fn table() -> &'static PluginTable {
    let vtable = std::ptr::from_ref(<dyn Task as Provides<Steps>>::VTABLE);
    // SAFETY: every vtable begins with a head.
    let image = unsafe { (*vtable.cast::<VtableHead>()).image };
    let host = HostTable {
        size: size_of::<HostTable>(),
        abi: ABI,
        image,
        keep: KeepAlive::forever().into_raw(),
    };
    // SAFETY: the host's table lives during the call.
    let table = unsafe { tasks(&raw const host) };
    // SAFETY: it is null or a table for ever.
    unsafe { table.as_ref() }.expect("a table")
}

/// The services that a host lends, and takes back.
fn lending<T>(run: impl FnOnce(RawInterface) -> T) -> T {
    let services: Arc<dyn HostServices> = Arc::new(());
    let services = services.into_abi();
    let given = run(services);
    // SAFETY: what was given away above is taken over again, once.
    drop(unsafe { <Arc<dyn HostServices>>::from_abi(services) });
    given
}

/// An instance, through the table's functions.
struct Raw(RawObject);

impl Raw {
    fn new(configuration: &str) -> Self {
        let reply = lending(|host| {
            let arguments = CreateArguments {
                size: size_of::<CreateArguments>(),
                configuration: RawSlice::of(configuration),
                host,
            };
            // SAFETY: the arguments live during the call.
            unsafe { (table().create.expect("whole"))(&raw const arguments) }
        });
        assert!(reply.failure.is_null(), "it is made");
        // SAFETY: initialised, since there is no failure.
        Self(unsafe { reply.value.assume_init() })
    }

    fn start(&self) -> Result<(), CallError> {
        // SAFETY: an instance of this plugin.
        let reply = unsafe { (table().start.expect("whole"))(self.0.object) };
        // SAFETY: returned just now.
        unsafe { reply.take("start") }
    }

    fn stop(&self) -> Result<(), CallError> {
        // SAFETY: an instance of this plugin.
        let reply = unsafe { (table().stop.expect("whole"))(self.0.object) };
        // SAFETY: returned just now.
        unsafe { reply.take("stop") }
    }

    fn head(&self) -> &VtableHead {
        // SAFETY: every vtable begins with a head, and stays.
        unsafe { &*self.0.vtable }
    }

    /// The function in this place behind the head of the vtable.
    fn method(&self, place: usize) -> *const () {
        let methods = self.0.vtable.wrapping_add(1).cast::<*const ()>();
        // SAFETY: behind the head come the methods, each a pointer.
        unsafe { methods.wrapping_add(place).read() }
    }

    fn run(&self) -> Result<u32, CallError> {
        type Run = unsafe extern "C" fn(*const ()) -> Reply<u32>;
        // SAFETY: the first method is of this type.
        let run: Run = unsafe { std::mem::transmute(self.method(0)) };
        // SAFETY: the instance is alive.
        let reply = unsafe { run(self.0.object) };
        // SAFETY: returned just now.
        unsafe { reply.take("Task::run") }
    }

    fn take(&self, parcel: Box<dyn Parcel>) -> Result<(), CallError> {
        type Take = unsafe extern "C" fn(*const (), RawInterface) -> Reply<u8>;
        // SAFETY: the second method is of this type.
        let take: Take = unsafe { std::mem::transmute(self.method(1)) };
        // SAFETY: the instance is alive, and the parcel is given away.
        let reply = unsafe { take(self.0.object, parcel.into_abi()) };
        // SAFETY: returned just now.
        unsafe { reply.take("Task::take") }
    }

    fn fail(&self) -> Result<(), CallError> {
        type Fail = unsafe extern "C" fn(*const ()) -> Reply<u8>;
        // SAFETY: the third method is of this type.
        let fail: Fail = unsafe { std::mem::transmute(self.method(2)) };
        // SAFETY: the instance is alive.
        let reply = unsafe { fail(self.0.object) };
        // SAFETY: returned just now.
        unsafe { reply.take("Task::fail") }
    }

    /// A caller that keeps nothing: what is made of the argument is the plugin's to let go of.
    fn look(&self, parcel: Arc<dyn Parcel>) -> Result<(), CallError> {
        type Look = unsafe extern "C" fn(*const (), RawInterface) -> Reply<u8>;
        // SAFETY: the fourth method is of this type.
        let look: Look = unsafe { std::mem::transmute(self.method(3)) };
        // SAFETY: the instance is alive, and the parcel is given away as a clone that is lent.
        let reply = unsafe { look(self.0.object, parcel.into_abi()) };
        // SAFETY: returned just now.
        unsafe { reply.take("Task::look") }
    }

    fn release(self) -> Result<(), CallError> {
        // SAFETY: an instance of this plugin, whose reference is given up.
        let reply = unsafe { (self.head().release.expect("whole"))(self.0.object) };
        // SAFETY: returned just now.
        unsafe { reply.take("drop") }
    }
}

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, CallError>, kind: CallErrorKind, message: &str) {
    let error = result.expect_err("it must fail");
    assert_eq!((error.kind(), error.message()), (kind, message));
    assert_eq!(error.plugin(), "org.example.tasks");
}

#[test]
fn an_instance_lives_from_its_start_to_its_stop() {
    let instance = Raw::new("{}");
    check(
        instance.run(),
        CallErrorKind::Stopped,
        "it has not been started",
    );
    assert_eq!(instance.start(), Ok(()));
    assert_eq!(instance.start(), Ok(()), "a second start does nothing");
    check_steps(&["made", "started"]);
    assert_eq!(instance.run(), Ok(7));
    assert_eq!(instance.take(Box::new(Tells)), Ok(()));
    check_steps(&["parcel dropped", "taken"]);
    assert_eq!(instance.look(Arc::new(Tells)), Ok(()));
    check_steps(&["looked", "parcel dropped"]);
    assert_eq!(instance.stop(), Ok(()));
    assert_eq!(instance.stop(), Ok(()), "a second stop does nothing");
    check_steps(&["stopped"]);
    check(instance.run(), CallErrorKind::Stopped, "");
    // What is given or lent to a method that does not run is taken over all the same.
    check(instance.look(Arc::new(Tells)), CallErrorKind::Stopped, "");
    check_steps(&["parcel dropped"]);
    check(instance.take(Box::new(Tells)), CallErrorKind::Stopped, "");
    check_steps(&["parcel dropped"]);
    assert_eq!(instance.start(), Ok(()));
    check(instance.run(), CallErrorKind::Stopped, "");
    assert_eq!(instance.release(), Ok(()));
    check_steps(&["dropped"]);
}

#[test]
fn the_last_reference_stops() {
    let instance = Raw::new("{}");
    assert_eq!(instance.start(), Ok(()));
    // SAFETY: a reference is held.
    unsafe { (instance.head().retain.expect("whole"))(instance.0.object) };
    assert_eq!(Raw(instance.0).release(), Ok(()));
    check_steps(&["made", "started"]);
    assert_eq!(instance.release(), Ok(()));
    check_steps(&["stopped", "dropped"]);
    // What was never started does not stop.
    assert_eq!(Raw::new("{}").release(), Ok(()));
    check_steps(&["made", "dropped"]);
}

#[test]
fn what_the_end_fails_with_is_told() {
    let end = |configuration| {
        let instance = Raw::new(configuration);
        assert_eq!(instance.start(), Ok(()));
        instance.release()
    };
    check(end(r#"{"stop": "ink"}"#), CallErrorKind::Failed, "ink");
    check(end(r#"{"drop": "glue"}"#), CallErrorKind::Panicked, "glue");
    check(
        end(r#"{"stop": "ink", "drop": "glue"}"#),
        CallErrorKind::Panicked,
        "glue",
    );
    let instance = Raw::new(r#"{"stop": "ink"}"#);
    assert_eq!(instance.start(), Ok(()));
    check(instance.stop(), CallErrorKind::Failed, "ink");
    check(instance.run(), CallErrorKind::Stopped, "");
    assert_eq!(instance.release(), Ok(()));
}

#[test]
fn what_did_not_start_answers_nothing() {
    let instance = Raw::new(r#"{"start": "stuck"}"#);
    check(instance.start(), CallErrorKind::Failed, "stuck");
    check(
        instance.run(),
        CallErrorKind::Stopped,
        "it has not been started",
    );
    assert_eq!(instance.release(), Ok(()));
    check_steps(&["made", "started", "dropped"]);
}

#[test]
fn nothing_of_the_authors_runs_after_a_panic_but_the_drop() {
    let instance = Raw::new("{}");
    assert_eq!(instance.start(), Ok(()));
    check(instance.fail(), CallErrorKind::Panicked, "asked to fail");
    check(instance.run(), CallErrorKind::Poisoned, "");
    check(instance.take(Box::new(Tells)), CallErrorKind::Poisoned, "");
    check_steps(&["made", "started", "parcel dropped"]);
    assert_eq!(instance.stop(), Ok(()));
    check(instance.run(), CallErrorKind::Poisoned, "");
    assert_eq!(instance.release(), Ok(()));
    check_steps(&["dropped"]);
}

/// What does not start is let go of.
#[test]
fn what_a_start_fails_with_is_told() {
    let plugin = try_bind(tasks, &summary_of!("org.example.tasks", dyn Task)).expect("it agrees");
    let error = plugin.create::<dyn Task>(Some(r#"{"start": "stuck"}"#), None);
    let CreateError::Failed(error) = error.map(drop).expect_err("it does not start") else {
        panic!("a failure of the plugin's");
    };
    check(Err::<(), _>(error), CallErrorKind::Failed, "stuck");
    check_steps(&["made", "started", "dropped"]);
}

/// Nothing is made for who wants what the plugin does not provide.
#[test]
fn what_does_not_fit_is_not_made() {
    let plugin = try_bind(tasks, &summary_of!("org.example.tasks", dyn Task)).expect("it agrees");
    let error = plugin.create::<dyn Parcel>(None, None).map(drop);
    assert!(matches!(error, Err(CreateError::NotProvided { .. })));
    check_steps(&[]);
}

#[test]
fn only_a_singleton_is_shared() {
    let plugin = try_bind(tasks, &summary_of!("org.example.tasks", dyn Task)).expect("it agrees");
    let instance = plugin.instance(Some("{}")).expect("it is made");
    let instance = instance.shared().expect_err("it is no singleton");
    drop(instance);
    check_steps(&["made", "started", "stopped", "dropped"]);

    let mut summary = summary_of!("org.example.tasks", dyn Task);
    summary.singleton = true;
    let plugin = try_bind(tasks, &summary).expect("it agrees");
    let shared = plugin.instance(Some("{}")).expect("it is made").shared();
    let shared = shared.expect("it is a singleton");
    let [first, second] = [(); 2].map(|()| shared.handle::<dyn Task>(None).expect("it fits"));
    assert_eq!((first.run(), second.run()), (7, 7));
    assert_eq!(shared.stop(), Ok(()));
    let error = first.try_run().expect_err("it was stopped");
    assert_eq!(error.kind(), CallErrorKind::Stopped);
    drop((shared, first));
    check_steps(&["made", "started", "stopped"]);
    drop(second);
    check_steps(&["dropped"]);
}

/// What a plugin logs, and who its host is, as both sides have it.
#[test]
fn an_event_arrives_whole() {
    type Line = (Level, String, String, String, String, u32);
    #[derive(Default)]
    struct Reads(std::sync::Mutex<Vec<Line>>);
    impl HostServices for Reads {
        fn application(&self) -> Application {
            Application {
                name: "press".to_owned(),
                version: "1.5 beta".to_owned(),
            }
        }
        fn logs(&self, level: Level) -> bool {
            level != Level::Error
        }
        fn log(&self, event: Event<'_>) {
            let [target, message, fields, file] =
                [event.target, event.message, event.fields, event.file].map(str::to_owned);
            let line = (event.level, target, message, fields, file, event.line);
            self.0.lock().expect("no panic").push(line);
        }
        fn data_folder(&self) -> Result<PathBuf, ContextError> {
            Ok(PathBuf::from("/a"))
        }
    }
    let summary = summary_of!("org.example.tasks", dyn Task);
    let services = Arc::new(Reads::default());
    let (keep, lent) = (KeepAlive::new(Arc::new(())), Arc::clone(&services));
    // SAFETY: the entry is one that `#[plugin]` made in this image.
    let plugin = unsafe { BoundPlugin::bind(address(tasks), keep, &summary, lent) };
    let plugin = plugin.expect("it agrees");
    let task = plugin.create::<dyn Task>(None, None).expect("it starts");
    assert_eq!(task.ask(), Ok(PathBuf::from("/a")));
    let lines = std::mem::take(&mut *services.0.lock().expect("no panic"));
    let [(level, target, message, fields, file, line)] = lines.as_slice() else {
        panic!("one line: {lines:?}");
    };
    assert_eq!(
        (*level, target.as_str()),
        (Level::Error, "org.example.tasks")
    );
    let said = HOST.with_borrow(Clone::clone);
    assert_eq!((message.as_str(), fields.as_str()), ("asked", ""));
    assert_eq!(file, file!());
    let source = include_str!("instances.rs").lines().nth(*line as usize - 1);
    assert_eq!(
        source.map(str::trim),
        Some(r#"self.1.log(Level::Error, "asked");"#)
    );
    assert_eq!(said, ["press", "1.5 beta", "org.example.tasks"]);
}

/// A host whose services panic, each time: its plugin is told where it can be, and goes on. The next
/// call is tried all the same.
#[test]
fn services_that_panic_are_contained() {
    struct Broken;
    impl HostServices for Broken {
        fn application(&self) -> Application {
            panic!("no name");
        }
        fn logs(&self, _: Level) -> bool {
            panic!("no reader");
        }
        fn log(&self, _: Event<'_>) {
            panic!("no log");
        }
        fn data_folder(&self) -> Result<PathBuf, ContextError> {
            panic!("no folder");
        }
    }
    let summary = summary_of!("org.example.tasks", dyn Task);
    let (keep, services) = (KeepAlive::new(Arc::new(())), Arc::new(Broken));
    // SAFETY: the entry is one that `#[plugin]` made in this image.
    let plugin = unsafe { BoundPlugin::bind(address(tasks), keep, &summary, services) };
    let plugin = plugin.expect("it agrees");
    let task = plugin.create::<dyn Task>(None, None).expect("it starts");
    for _ in 0..2 {
        let Err(ContextError::Call(error)) = task.ask() else {
            panic!("there is no folder");
        };
        assert_eq!(error.kind(), CallErrorKind::Panicked);
        assert_eq!(
            (error.method(), error.message()),
            ("HostServices::data_folder", "no folder")
        );
    }
    assert_eq!(task.run(), 7);
}
