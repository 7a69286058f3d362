//! Methods that take `&mut self` and `self: Box<Self>`: directly and over a pipe, as the
//! plugin's objects and as the host's.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use plugwright_plugin::abi::Entry;
use plugwright_plugin::remote::{Invocation, Link, Object};
use plugwright_plugin::{CallErrorKind, Handle, Interface, Portable, interface, plugin};

use crate::transport::{End, pipe};
use crate::{create, summary_of};

thread_local! {
    static NO_ORDER: Cell<bool> = const { Cell::new(false) };
    static DROPPED: Cell<u32> = const { Cell::new(0) };
}

/// Its order breaks when a test wants it to.
#[derive(Debug, PartialEq, Eq, Portable)]
pub(crate) struct Unlucky(pub(crate) u32);

impl Ord for Unlucky {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        assert!(!NO_ORDER.get(), "no order");
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Unlucky {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Gives the keys away, whose order breaks when they arrive.
pub(crate) fn unlucky<T>(keys: BTreeSet<Unlucky>, give: impl FnOnce(BTreeSet<Unlucky>) -> T) -> T {
    NO_ORDER.set(true);
    let given = give(keys);
    NO_ORDER.set(false);
    given
}

#[interface(id = "org.example.visitor", version = "1.0")]
pub(crate) trait Visitor: Send + Sync {
    fn visit(&mut self, total: u64) -> u64;
}

mod first {
    use super::interface;

    #[interface(id = "org.example.tally", version = "1.0")]
    pub(crate) trait Tally: Send + Sync {
        fn total(&self) -> u64;
        fn add(&mut self, number: u64) -> u64;
        fn finish(self: Box<Self>) -> String;
    }
}

#[interface(id = "org.example.tally", version = "1.1")]
pub(crate) trait Tally: Send + Sync {
    fn total(&self) -> u64;
    fn add(&mut self, number: u64) -> u64;
    fn finish(self: Box<Self>) -> String;
    #[since("1.1")]
    fn add_twice(&mut self, number: u64) -> u64 {
        self.add(number);
        self.add(number)
    }
    #[since("1.1")]
    fn finish_as(self: Box<Self>, name: &str) -> String {
        format!("{name}: {}", self.finish())
    }
    #[since("1.1")]
    fn tell(&mut self, visitor: Box<dyn Visitor>) -> Result<u64, String>;
    #[since("1.1")]
    fn fail(self: Box<Self>, message: &str);
    #[since("1.1")]
    fn fill(&mut self, buffer: &mut [u16]);
    #[since("1.1")]
    fn sort(&mut self, keys: BTreeSet<Unlucky>) -> u32;
    #[since("1.1")]
    fn pass(&mut self, other: Box<dyn Tally>) -> Box<dyn Tally>;
}

#[interface(id = "org.example.pages", version = "1.0")]
pub(crate) trait Pages {
    /// What is returned is borrowed as the object is.
    fn turn(&mut self) -> &str;
}

#[plugin(id = "org.example.tallying", provides(Tally), provides(Pages))]
#[derive(Default)]
pub(crate) struct Counter {
    total: u64,
    page: String,
}

impl Drop for Counter {
    fn drop(&mut self) {
        // Nothing of the object is looked at: it may be one that is dropped twice.
        DROPPED.set(DROPPED.get() + 1);
    }
}

impl Tally for Counter {
    fn total(&self) -> u64 {
        self.total
    }
    fn add(&mut self, number: u64) -> u64 {
        self.total += number;
        self.total
    }
    fn finish(self: Box<Self>) -> String {
        self.total.to_string()
    }
    fn tell(&mut self, mut visitor: Box<dyn Visitor>) -> Result<u64, String> {
        self.total += visitor.visit(self.total);
        Ok(self.total)
    }
    fn fail(self: Box<Self>, message: &str) {
        panic!("{message}");
    }
    fn fill(&mut self, buffer: &mut [u16]) {
        for word in buffer {
            self.total += 1;
            *word = u16::try_from(self.total).expect("small");
        }
    }
    fn sort(&mut self, keys: BTreeSet<Unlucky>) -> u32 {
        keys.first().map_or(0, |key| key.0)
    }
    fn pass(&mut self, mut other: Box<dyn Tally>) -> Box<dyn Tally> {
        other.add(self.total);
        other
    }
}

impl Pages for Counter {
    fn turn(&mut self) -> &str {
        self.page.push('.');
        &self.page
    }
}

#[plugin(id = "org.example.tallying-of-old", provides(first::Tally))]
#[derive(Default)]
pub(crate) struct Old(u64);

impl first::Tally for Old {
    fn total(&self) -> u64 {
        self.0
    }
    fn add(&mut self, number: u64) -> u64 {
        self.0 += number;
        self.0
    }
    fn finish(self: Box<Self>) -> String {
        self.0.to_string()
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_tallying_bc7b9d5b"]
    fn counter(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
    #[link_name = "plugwright_entry_org_example_tallying_of_old_ad6a2677"]
    fn old(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const COUNTER: Entry = counter;
const OLD: Entry = old;

fn tally() -> Handle<dyn Tally> {
    let summary = summary_of!("org.example.tallying", dyn Tally, dyn Pages);
    create(COUNTER, &summary)
}

/// The object behind a pipe: the handle there, the object here, and this end of the pipe.
fn far() -> (Handle<dyn Tally>, Object, Arc<End>) {
    let (here, there) = pipe();
    let object = tally().into_object();
    let number = there.export(object.clone());
    let remote = Handle::remote(here, number).expect("remotable");
    (remote, object, there)
}

fn everywhere(test: impl Fn(Handle<dyn Tally>)) {
    test(tally());
    let (remote, _, _end) = far();
    test(remote);
}

#[test]
fn an_object_is_changed_and_used_up() {
    everywhere(|mut tally| {
        assert_eq!(tally.add(3), 3);
        assert_eq!(tally.try_add(4), Ok(7));
        assert_eq!(tally.total(), 7);
        assert_eq!(tally.add_twice(1), 9);
        let mut buffer = [0; 3];
        tally.fill(&mut buffer);
        assert_eq!(buffer, [10, 11, 12]);
        assert_eq!(Box::new(tally).finish(), "12");
    });
    everywhere(|tally| assert_eq!(TallyCalls::try_finish(tally), Ok("0".to_owned())));
    everywhere(|tally| assert_eq!(Box::new(tally).finish_as("sum"), "sum: 0"));
}

#[test]
fn a_box_is_an_ordinary_box() {
    let mut boxed: Box<dyn Tally> = Box::new(tally());
    assert_eq!(boxed.add(2), 2);
    assert_eq!(boxed.finish(), "2");
}

#[test]
fn a_result_is_borrowed_as_the_object_is() {
    let summary = summary_of!("org.example.tallying", dyn Tally, dyn Pages);
    let mut pages: Handle<dyn Pages> = create(COUNTER, &summary);
    assert_eq!(pages.turn(), ".");
    assert_eq!(pages.try_turn(), Ok(".."));
}

struct Adds(u64);

impl Visitor for Adds {
    fn visit(&mut self, total: u64) -> u64 {
        self.0 += 1;
        total + self.0
    }
}

#[test]
fn the_hosts_objects_are_changed_too() {
    everywhere(|mut tally| {
        tally.add(5);
        assert_eq!(tally.tell(Box::new(Adds(10))), Ok(21));
        // The other one belongs to the host, goes to the plugin, and comes back.
        let mut other = tally.pass(Box::<Counter>::default());
        assert_eq!(other.add(1), 22);
        assert_eq!(other.finish(), "22");
    });
}

#[test]
fn a_panic_in_a_method_that_took_the_object_whole_drops_it_once() {
    let error = TallyCalls::try_fail(tally(), "asked to fail").expect_err("panics");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.message(), "asked to fail");
    assert_eq!(DROPPED.get(), 1);
}

/// The keys are compared when the plugin takes them over, which is before its method runs.
#[test]
fn a_panic_while_arguments_are_taken_over_is_a_failure_of_the_call() {
    let mut tally = tally();
    assert_eq!(tally.sort(BTreeSet::from([Unlucky(4), Unlucky(3)])), 3);
    let keys = BTreeSet::from([Unlucky(4), Unlucky(3)]);
    let error = unlucky(keys, |keys| tally.try_sort(keys)).expect_err("no order");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.message(), "no order");
}

/// Who calls by number knows nothing of borrowing: the visitor enters the object again.
#[test]
fn a_call_by_number_into_a_busy_object_is_refused() {
    struct Enters(Object, Arc<AtomicU32>);
    impl Visitor for Enters {
        fn visit(&mut self, _: u64) -> u64 {
            let (here, _there) = pipe();
            let link = Invocation::new().with_link(Arc::clone(&here) as Arc<dyn Link>);
            for method in [0, 1] {
                let number = here.export(tally().into_object());
                let front = [1, 1, u8::try_from(number).expect("small")];
                let values = if method == 0 {
                    &[][..]
                } else {
                    &[1, 0, 0, 0, 0, 0, 0, 0]
                };
                let result = self.0.invoke(&link, method, &[&front, values].concat());
                assert_eq!(here.exported(), 0, "nothing is kept of what it handed over");
                let error = result.expect_err("the object is busy");
                assert_eq!(error.kind(), CallErrorKind::Reentrant);
                self.1.fetch_add(1, Ordering::SeqCst);
            }
            1
        }
    }
    let refused = Arc::new(AtomicU32::new(0));
    let (mut remote, object, _end) = far();
    let visitor = Enters(object, Arc::clone(&refused));
    assert_eq!(remote.tell(Box::new(visitor)), Ok(1));
    assert_eq!(refused.load(Ordering::SeqCst), 2);
    assert_eq!(remote.total(), 1, "the object is used again");
}

/// Nor is one taken out of a connection again by who says that it comes home.
#[test]
fn an_object_with_one_handle_does_not_come_home() {
    let (here, there) = pipe();
    let number = u8::try_from(here.export(tally().into_object())).expect("small");
    let invocation = Invocation::new().with_link(Arc::clone(&here) as Arc<dyn Link>);
    let methods = <dyn Tally as Interface>::SHAPE.methods;
    let pass = methods.iter().position(|method| method.name == "pass");
    let pass = u32::try_from(pass.expect("there is one")).expect("few");
    let error = tally()
        .into_object()
        .invoke(&invocation, pass, &[1, 1, number, 0]);
    assert_eq!(
        error.expect_err("refused").message(),
        "expected an object that has one handle to be called from where it is"
    );
    assert_eq!(here.exported(), 0, "the reference was handed over");
    drop(there);
}

/// A host that is not written in Rust may forget the rule: on the same thread it is told.
#[test]
fn a_second_handle_of_the_same_object_is_refused_while_it_is_busy() {
    struct Enters(ManuallyDrop<Handle<dyn Tally>>);
    impl Visitor for Enters {
        fn visit(&mut self, _: u64) -> u64 {
            let error = self.0.try_total().expect_err("the object is busy");
            assert_eq!(error.kind(), CallErrorKind::Reentrant);
            assert_eq!(
                error.to_string(),
                "plugin org.example.tallying was entered again in Tally::total: a method that \
                 takes `&mut self` is running"
            );
            2
        }
    }
    let mut tally = tally();
    // SAFETY: both are called on this thread only, and the second one is not dropped.
    let second = ManuallyDrop::new(unsafe { std::ptr::read(&raw const tally) });
    assert_eq!(tally.tell(Box::new(Enters(second))), Ok(2));
}

/// Nor is it stopped meanwhile: whoever asks is told, and may ask again.
#[test]
fn a_busy_object_is_not_stopped() {
    struct Stops(*const (), Arc<AtomicU32>);
    // SAFETY: the visitor stays on the thread of the test.
    unsafe impl Send for Stops {}
    // SAFETY: as for Send.
    unsafe impl Sync for Stops {}
    impl Visitor for Stops {
        fn visit(&mut self, _: u64) -> u64 {
            // SAFETY: an object of the plugin whose table has this function.
            let reply = unsafe { plugwright_plugin::__private::stop::<Counter>(self.0) };
            // SAFETY: returned just now.
            let error = unsafe { reply.take::<()>("stop") }.expect_err("the object is busy");
            assert_eq!(error.kind(), CallErrorKind::Reentrant);
            self.1.fetch_add(1, Ordering::SeqCst);
            3
        }
    }
    let (mut tally, asked) = (tally(), Arc::default());
    // SAFETY: a handle begins with its object (`RawHandle` is repr(C)).
    let object = unsafe { std::ptr::from_ref(&tally).cast::<*const ()>().read() };
    assert_eq!(
        tally.tell(Box::new(Stops(object, Arc::clone(&asked)))),
        Ok(3)
    );
    assert_eq!((asked.load(Ordering::SeqCst), tally.total()), (1, 3));
}

#[test]
fn a_later_host_completes_an_earlier_plugin() {
    let summary = summary_of!("org.example.tallying-of-old", dyn first::Tally);
    let make = || -> Handle<dyn Tally> { create(OLD, &summary) };
    let mut tally = make();
    assert_eq!(tally.add_twice(2), 4, "the trait's own body");
    assert_eq!(Box::new(tally).finish_as("sum"), "sum: 4");
    let error = TallyCalls::try_fail(make(), "").expect_err("nothing to run");
    assert_eq!(error.kind(), CallErrorKind::Unsupported);
}
