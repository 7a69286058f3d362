//! Objects of interfaces as arguments and results.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use plugwright_plugin::abi::Entry;
use plugwright_plugin::{CallErrorKind, Handle, interface, plugin};

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
