//! Objects of interfaces as arguments and results.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use plugwright_plugin::abi::Entry;
use plugwright_plugin::remote::Link;
use plugwright_plugin::{CallErrorKind, Handle, Interface, interface, plugin};

use crate::{create, summary_of};

#[interface(id = "org.example.sink", version = "1.0")]
pub(crate) trait Sink: Send + Sync {
    fn put(&self, line: &str) -> u32;
}

#[interface(id = "org.example.bus", version = "1.0")]
pub(crate) trait Bus: Send + Sync {
    fn subscribe(&self, sink: Box<dyn Sink>);
    fn publish(&self, line: &str) -> u32;
    fn clear(&self);
    fn make(&self) -> Box<dyn Sink>;
    fn pass(&self, sink: Arc<dyn Sink>) -> Arc<dyn Sink>;
    fn maybe(&self, sink: Option<Box<dyn Sink>>) -> Vec<Box<dyn Sink>>;
    fn factory(&self) -> Box<dyn Bus>;
    fn lent(&self, sink: &dyn Sink, lines: &[&str]) -> u32;
    fn maybe_lent(&self, sink: Option<&dyn Sink>) -> Option<u32>;
    fn maybe_shared(&self, sink: Option<Arc<dyn Sink>>) -> Option<Arc<dyn Sink>>;
    fn many_lent(&self, sinks: &[Arc<dyn Sink>], first: &Arc<dyn Sink>, line: &str) -> u32;
}

#[plugin(id = "org.example.post", provides(Bus))]
#[derive(Default)]
pub(crate) struct Post {
    sinks: Mutex<Vec<Box<dyn Sink>>>,
}

struct Length;

impl Sink for Length {
    fn put(&self, line: &str) -> u32 {
        u32::try_from(line.len()).unwrap_or(u32::MAX)
    }
}

impl Bus for Post {
    fn subscribe(&self, sink: Box<dyn Sink>) {
        self.sinks.lock().expect("no panic").push(sink);
    }
    fn publish(&self, line: &str) -> u32 {
        let sinks = self.sinks.lock().expect("no panic");
        sinks.iter().map(|sink| sink.put(line)).sum()
    }
    fn clear(&self) {
        self.sinks.lock().expect("no panic").clear();
    }
    fn make(&self) -> Box<dyn Sink> {
        Box::new(Length)
    }
    fn pass(&self, sink: Arc<dyn Sink>) -> Arc<dyn Sink> {
        sink
    }
    fn maybe(&self, sink: Option<Box<dyn Sink>>) -> Vec<Box<dyn Sink>> {
        sink.into_iter().chain([self.make()]).collect()
    }
    fn factory(&self) -> Box<dyn Bus> {
        Box::<Self>::default()
    }
    fn lent(&self, sink: &dyn Sink, lines: &[&str]) -> u32 {
        // It is lent on to another one, as it was lent.
        let other: Box<dyn Bus> = self.factory();
        match lines {
            [line, rest @ ..] => sink.put(line) + other.lent(sink, rest),
            [] => 0,
        }
    }
    fn maybe_lent(&self, sink: Option<&dyn Sink>) -> Option<u32> {
        // What is lent cannot be kept: it shows no handle that could be cloned.
        let handle = sink.and_then(|sink| sink.__plugwright_handle());
        assert!(handle.is_none(), "a handle of the host's object");
        sink.map(|sink| sink.put("four"))
    }
    fn maybe_shared(&self, sink: Option<Arc<dyn Sink>>) -> Option<Arc<dyn Sink>> {
        sink
    }
    fn many_lent(&self, sinks: &[Arc<dyn Sink>], first: &Arc<dyn Sink>, line: &str) -> u32 {
        let heard: u32 = sinks.iter().map(|sink| sink.put(line)).sum();
        heard + first.put(line)
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_post_6bf34adf"]
    fn post(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const POST: Entry = post;

fn bus() -> Handle<dyn Bus> {
    create(POST, &summary_of!("org.example.post", dyn Bus))
}

/// Adds up the lengths, and counts how many of it are alive.
struct Counting {
    total: Arc<AtomicU32>,
    alive: Arc<AtomicU32>,
}

impl Counting {
    fn new(total: &Arc<AtomicU32>, alive: &Arc<AtomicU32>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self {
            total: Arc::clone(total),
            alive: Arc::clone(alive),
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sink for Counting {
    fn put(&self, line: &str) -> u32 {
        assert_ne!(line, "panic", "asked to fail");
        self.total.fetch_add(1, Ordering::SeqCst);
        u32::try_from(line.len()).unwrap_or(u32::MAX)
    }
}

#[test]
fn callbacks_are_called_and_dropped() {
    let (total, alive) = (Arc::default(), Arc::default());
    let bus = bus();
    bus.subscribe(Box::new(Counting::new(&total, &alive)));
    bus.subscribe(Box::new(Counting::new(&total, &alive)));
    assert_eq!(bus.publish("four"), 8);
    assert_eq!(total.load(Ordering::SeqCst), 2);
    assert_eq!(alive.load(Ordering::SeqCst), 2);
    bus.clear();
    assert_eq!(alive.load(Ordering::SeqCst), 0, "the plugin dropped them");
    bus.subscribe(Box::new(Counting::new(&total, &alive)));
    drop(bus);
    assert_eq!(
        alive.load(Ordering::SeqCst),
        0,
        "they went with the plugin's object"
    );
}

/// A callback that panics is contained on the host's side, then on the plugin's.
#[test]
fn a_panic_in_a_callback_comes_back_as_a_value() {
    let (total, alive) = (Arc::default(), Arc::default());
    let bus = bus();
    bus.subscribe(Box::new(Counting::new(&total, &alive)));
    let error = bus.try_publish("panic").expect_err("the callback panicked");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.method(), "Bus::publish");
}

#[test]
fn an_object_is_lent_for_a_call() {
    /// It borrows, so it cannot be given away.
    struct Local<'a>(&'a AtomicU32);
    impl Sink for Local<'_> {
        fn put(&self, line: &str) -> u32 {
            assert_ne!(line, "panic", "asked to fail");
            self.0.fetch_add(1, Ordering::SeqCst)
        }
    }
    let (bus, calls) = (bus(), AtomicU32::new(10));
    assert_eq!(bus.lent(&Local(&calls), &["a", "b"]), 10 + 11);
    assert_eq!(bus.maybe_lent(Some(&Local(&calls))), Some(12));
    assert_eq!(bus.maybe_lent(None), None);
    // The plugin's own objects, as a handle and in a box, go home.
    let product = bus.make();
    assert_eq!(bus.lent(&*product, &["three", ""]), 5);
    assert_eq!(bus.maybe_lent(Some(&*product)), Some(4));
    let error = bus
        .try_lent(&Local(&calls), &["panic"])
        .map_err(|error| error.kind());
    assert_eq!(error, Err(CallErrorKind::Panicked));
}

/// What is lent as a clone is let go of when the call ends: also when that failed, and when its
/// method was not run at all.
#[test]
fn clones_that_are_lent_go_with_the_call() {
    let (total, alive) = (Arc::default(), Arc::default());
    let sink: Arc<dyn Sink> = Arc::new(Counting::new(&total, &alive));
    let sinks = [Arc::clone(&sink), Arc::clone(&sink)];
    let bus = bus();
    assert_eq!(bus.many_lent(&sinks, &sink, "four"), 12);
    assert_eq!(Arc::strong_count(&sink), 3);
    for kind in [CallErrorKind::Panicked, CallErrorKind::Poisoned] {
        let error = bus
            .try_many_lent(&sinks, &sink, "panic")
            .expect_err("it fails");
        assert_eq!(error.kind(), kind);
        assert_eq!(Arc::strong_count(&sink), 3);
    }
    // Nested: what an outer call holds stays when an inner one ends.
    struct Asks(Handle<dyn Bus>, Arc<dyn Sink>);
    impl Sink for Asks {
        fn put(&self, line: &str) -> u32 {
            let before = Arc::strong_count(&self.1);
            let heard = self
                .0
                .many_lent(std::slice::from_ref(&self.1), &self.1, line);
            assert_eq!(Arc::strong_count(&self.1), before);
            heard
        }
    }
    let outer: Arc<dyn Sink> = Arc::new(Asks(self::bus(), Arc::clone(&sink)));
    let sinks = [outer, Arc::clone(&sink)];
    assert_eq!(self::bus().many_lent(&sinks, &sinks[0], "ab"), 4 + 2 + 4);
    drop(sinks);
    assert_eq!(Arc::strong_count(&sink), 3);
}

#[test]
fn a_lent_object_crosses_within_a_process_only() {
    assert!(!<dyn Bus as Interface>::SHAPE.methods[7].is_remotable());
    let (here, there) = crate::transport::pipe();
    let number = there.export(bus().into_object());
    let refused = Handle::<dyn Bus>::remote(here, number).expect_err("lent objects");
    assert_eq!(
        refused.to_string(),
        "org.example.bus can be used in this process only: its methods lent, maybe_lent give or \
         take what is borrowed and cannot be sent"
    );
}

#[test]
fn an_optional_shared_object_that_comes_home_is_itself() {
    let (total, alive) = (Arc::default(), Arc::default());
    let sink: Arc<dyn Sink> = Arc::new(Counting::new(&total, &alive));
    let back = bus().maybe_shared(Some(Arc::clone(&sink)));
    assert!(back.is_some_and(|back| Arc::ptr_eq(&sink, &back)));
    assert!(bus().maybe_shared(None).is_none());
}

#[test]
fn products_are_objects() {
    let bus = bus();
    let sink = bus.make();
    assert_eq!(sink.put("three"), 5);
    let sinks = bus.maybe(Some(sink));
    let lengths: Vec<u32> = sinks.iter().map(|sink| sink.put("xy")).collect();
    assert_eq!(lengths, [2, 2]);
    assert_eq!(bus.maybe(None).len(), 1);
    let other = bus.factory();
    other.subscribe(other.make());
    assert_eq!(other.publish("nested"), 6);
    drop(bus);
    assert_eq!(other.publish("kept"), 4);
}

#[test]
fn a_shared_object_that_comes_home_is_itself() {
    let (total, alive) = (Arc::default(), Arc::default());
    let sink: Arc<dyn Sink> = Arc::new(Counting::new(&total, &alive));
    let back = bus().pass(Arc::clone(&sink));
    assert!(Arc::ptr_eq(&sink, &back), "no wrapping is left around it");
    drop(back);
    drop(sink);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}
