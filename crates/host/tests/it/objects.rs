//! Objects that cross between the host and real libraries, and from plugin to plugin.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fixture_bus_interface::{Bus, Sink};
use plugwright_host::{CallErrorKind, Handle};

use crate::Folder;

/// Counts what it got, and how many of it are alive.
struct Counting {
    got: Arc<AtomicU32>,
    alive: Arc<AtomicU32>,
}

impl Counting {
    fn new(got: &Arc<AtomicU32>, alive: &Arc<AtomicU32>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self {
            got: Arc::clone(got),
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
        self.got.fetch_add(1, Ordering::SeqCst);
        1
    }
}

fn bus() -> Handle<dyn Bus> {
    Folder::with(&["bus"])
        .host()
        .create("tram")
        .expect("it fits")
}

#[test]
fn a_plugin_calls_back_and_lets_go() {
    let (got, alive) = (Arc::default(), Arc::default());
    let bus = bus();
    bus.subscribe(Box::new(Counting::new(&got, &alive)));
    bus.subscribe(Box::new(Counting::new(&got, &alive)));
    assert_eq!(bus.publish("line"), 2);
    assert_eq!(got.load(Ordering::SeqCst), 2);
    bus.clear();
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    bus.subscribe(Box::new(Counting::new(&got, &alive)));
    assert_eq!(bus.close(), Ok(()));
    assert_eq!(
        alive.load(Ordering::SeqCst),
        0,
        "kept objects go with their keeper"
    );
}

#[test]
fn a_plugins_object_outlives_its_maker() {
    let bus = bus();
    let sink = bus.own_sink();
    drop(bus);
    assert_eq!(sink.put("three"), 5);
}

#[test]
fn a_plugin_serves_another_plugin() {
    let folder = Folder::with(&["bus"]);
    let (first, second) = (folder.host(), folder.host());
    let bus: Handle<dyn Bus> = first.create("tram").expect("it fits");
    // Another host loads another copy of the library: to the first, a stranger.
    let sink: Handle<dyn Sink> = second.create("tram").expect("it fits");
    bus.subscribe(Box::new(sink));
    bus.subscribe(bus.own_sink());
    drop(second);
    assert_eq!(bus.publish("four"), 8);
}

#[test]
fn a_shared_object_comes_home_unwrapped() {
    let (got, alive) = (Arc::default(), Arc::default());
    let sink: Arc<dyn Sink> = Arc::new(Counting::new(&got, &alive));
    let back = bus().pass(Arc::clone(&sink));
    assert!(Arc::ptr_eq(&sink, &back));
    drop((sink, back));
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_panic_in_a_callback_is_contained_twice() {
    let (got, alive) = (Arc::default(), Arc::default());
    let bus = bus();
    bus.subscribe(Box::new(Counting::new(&got, &alive)));
    let error = bus.try_publish("panic").expect_err("the callback panicked");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.plugin(), "org.example.tram");
    drop(bus);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}
