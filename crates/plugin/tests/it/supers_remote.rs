//! Interfaces that require others, and sides of different minor versions, over a connection.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugwright_plugin::abi::Entry;
use plugwright_plugin::remote::{Invocation, Link, Object, RemoteError};
use plugwright_plugin::{
    CallError, CallErrorKind, Handle, Interface, PluginFuture, Portable, Provides, Shareable,
    interface, plugin,
};

use crate::transport::{pipe, piped, piped_as};
use crate::{create, summary_of};

mod first {
    use super::interface;

    #[interface(id = "org.example.far-named", version = "1.0")]
    pub(crate) trait Named: Send + Sync {
        fn name(&self) -> String;
    }

    #[interface(id = "org.example.far-item", version = "1.0")]
    pub(crate) trait Item: Named + super::Measured {
        fn price(&self, count: u32) -> u32;
        fn pass(&self, other: Box<dyn Item>) -> Box<dyn Item>;
    }
}

#[interface(id = "org.example.far-measured", version = "1.0")]
pub(crate) trait Measured: Send + Sync {
    fn size(&self) -> u64;
}

#[interface(id = "org.example.far-named", version = "1.1")]
pub(crate) trait Named: Send + Sync {
    fn name(&self) -> String;
    #[since("1.1")]
    fn shout(&self) -> String {
        self.name().to_uppercase()
    }
}

#[interface(id = "org.example.far-item", version = "1.2")]
pub(crate) trait Item: Named + Measured {
    fn price(&self, count: u32) -> u32;
    fn pass(&self, other: Box<dyn Item>) -> Box<dyn Item>;
    #[since("1.1")]
    fn total(&self) -> u64 {
        u64::from(self.price(1)) + self.size()
    }
    #[since("1.1")]
    fn bare(&self) -> u32;
    #[since("1.2")]
    fn named(&self, other: Arc<dyn Named>) -> Arc<dyn Named> {
        other
    }
}

/// An object of a side that has the interface as it was first.
struct Early;

impl first::Named for Early {
    fn name(&self) -> String {
        "early".to_owned()
    }
}
impl Measured for Early {
    fn size(&self) -> u64 {
        7
    }
}
impl first::Item for Early {
    fn price(&self, count: u32) -> u32 {
        count * 2
    }
    fn pass(&self, other: Box<dyn first::Item>) -> Box<dyn first::Item> {
        other
    }
}

/// An object of a side that has all of it.
struct Late;

impl Named for Late {
    fn name(&self) -> String {
        "late".to_owned()
    }
    fn shout(&self) -> String {
        "LATE!".to_owned()
    }
}
impl Measured for Late {
    fn size(&self) -> u64 {
        1_000
    }
}
impl Item for Late {
    fn price(&self, count: u32) -> u32 {
        count * 3
    }
    fn pass(&self, other: Box<dyn Item>) -> Box<dyn Item> {
        other
    }
    fn bare(&self) -> u32 {
        5
    }
}

/// A handle for an object of this side.
fn handle<I>(object: Box<I>) -> Handle<I>
where
    I: ?Sized + Shareable + Send + Sync,
    Box<I>: Portable,
{
    // SAFETY: what was given away is taken over again.
    let object = unsafe { <Box<I>>::from_abi(object.into_abi()) }.expect("its own");
    object.as_handle().expect("it crossed").clone()
}

fn early() -> Handle<dyn first::Item> {
    handle(Box::new(Early) as Box<dyn first::Item>)
}

fn late() -> Handle<dyn Item> {
    handle(Box::new(Late) as Box<dyn Item>)
}

#[test]
fn a_remote_handle_has_the_methods_of_all_interfaces() {
    let (item, _end) = piped(&late());
    assert_eq!(
        (item.name(), item.size(), item.price(4)),
        ("late".to_owned(), 1_000, 12)
    );
    assert_eq!(
        (item.shout(), item.total(), item.bare()),
        ("LATE!".to_owned(), 1_003, 5)
    );
    let named: Handle<dyn Named> = item.clone().upcast();
    assert_eq!(named.try_shout(), Ok("LATE!".to_owned()));
    let measured: Box<dyn Measured> = Box::new(item.upcast::<dyn Measured>());
    assert_eq!(measured.size(), 1_000);
}

/// Objects of this side and of the other, also seen as an interface that theirs requires.
#[test]
fn objects_of_both_sides_cross() {
    let (item, end) = piped(&late());
    let mine = item.pass(Box::new(Late));
    assert_eq!((mine.name(), mine.size()), ("late".to_owned(), 1_000));
    let theirs = item.pass(Box::new(item.clone()));
    assert_eq!(
        (theirs.shout(), theirs.total()),
        ("LATE!".to_owned(), 1_003)
    );
    let named: Arc<dyn Named> = Arc::new(item.clone().upcast::<dyn Named>());
    let back = item.named(named);
    assert_eq!(back.shout(), "LATE!");
    let own: Arc<dyn Named> = Arc::new(Late);
    assert!(Arc::ptr_eq(&own, &item.named(Arc::clone(&own))));
    // The message that gives the last reference up is in front of this call.
    drop((mine, theirs, back));
    assert_eq!(item.price(1), 3);
    assert_eq!(
        end.exported(),
        1,
        "the item itself, and nothing that went home"
    );
}

/// Methods that the other side does not have are answered here: those of the interface and those
/// of one that it requires.
#[test]
fn an_object_of_an_earlier_side_is_completed() {
    let (item, _end) = piped_as::<dyn first::Item, dyn Item>(&early());
    assert_eq!((item.name(), item.price(4)), ("early".to_owned(), 8));
    assert_eq!((item.shout(), item.total()), ("EARLY".to_owned(), 9));
    assert_eq!(item.clone().upcast::<dyn Named>().shout(), "EARLY");
    let error = item.try_bare().expect_err("it has no body");
    assert_eq!(error.kind(), CallErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "the plugin does not support the call in Item::bare: it was built before the method \
         was added to the interface"
    );
}

/// So are those that arrive as arguments and as results, also when they are passed on.
#[test]
fn objects_of_earlier_sides_that_cross_are_completed() {
    let (item, _end) = piped(&late());
    let (early, _earlier) = piped_as::<dyn first::Item, dyn Item>(&early());
    // Given by a side that got it from an earlier one.
    let back = item.pass(Box::new(early.clone()));
    assert_eq!((back.shout(), back.total()), ("EARLY".to_owned(), 9));
    let (twice, _end) = piped(&early);
    assert_eq!((twice.shout(), twice.total()), ("EARLY".to_owned(), 9));
    // Given by the earlier side itself, which gets a later object and gives it back.
    let back = early.pass(Box::new(Late));
    assert_eq!((back.shout(), back.bare()), ("LATE!".to_owned(), 5));
    let back = early.pass(Box::new(early.clone()));
    assert_eq!(
        (back.name(), back.shout()),
        ("early".to_owned(), "EARLY".to_owned())
    );
}

#[test]
fn an_object_of_another_interface_is_refused() {
    mod other {
        #[plugwright_plugin::interface(id = "org.example.far-named", version = "1.0")]
        pub(crate) trait Named: Send + Sync {
            fn name(&self) -> u32;
        }

        #[plugwright_plugin::interface(id = "org.example.far-item", version = "1.0")]
        pub(crate) trait Item: Named + super::Measured {
            fn price(&self, count: u32) -> u32;
        }
    }
    #[track_caller]
    fn check<T: ?Sized + Interface + Provides<plugwright_plugin::remote::Proxy>>(expected: &str) {
        let (here, there) = pipe();
        let number = there.export(early().into_object());
        let error = Handle::<T>::remote(here.clone(), number).expect_err("another one");
        assert!(matches!(error, RemoteError::Call(_)));
        assert_eq!(error.to_string(), expected);
        // The message that gives the reference up is in front of the next question.
        let number = there.export(late().into_object());
        let _item = Handle::<dyn Item>::remote(here, number).expect("the same");
        assert_eq!(there.exported(), 1);
    }
    const DECLARED: &str = "the object on the other side cannot be used: the plugin sent or got \
                            an invalid value: expected an object of the interface that was \
                            declared";
    check::<dyn other::Item>(DECLARED);
    check::<dyn Measured>(DECLARED);
}

#[interface(id = "org.example.far-meter", version = "1.0")]
pub(crate) trait Meter: Measured {
    fn count(&mut self) -> u64;
}

#[interface(id = "org.example.far-slow", version = "1.0")]
pub(crate) trait Slow: Send + Sync {
    fn later(&self) -> PluginFuture<'_, u32>;
    fn meanwhile(&self) -> u32;
}

#[interface(id = "org.example.far-pace", version = "1.0")]
pub(crate) trait Pace: Slow {
    fn step(&mut self);
}

#[plugin(id = "org.example.scales", provides(Meter), provides(Pace))]
#[derive(Default)]
pub(crate) struct Scales(u64);

thread_local! {
    /// What is done while the object runs its method that has it alone.
    static MEANWHILE: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// The object that is called while it runs a method.
static SAME: Mutex<Option<Object>> = Mutex::new(None);

/// The first method of the first interface that is required.
const REQUIRED: u32 = 1 << 16;

/// The first method behind that interface.
const STEP: u32 = 1;

impl Measured for Scales {
    fn size(&self) -> u64 {
        self.0
    }
}
impl Meter for Scales {
    fn count(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}
impl Slow for Scales {
    fn later(&self) -> PluginFuture<'_, u32> {
        PluginFuture::new(async { 1 })
    }
    fn meanwhile(&self) -> u32 {
        let same = SAME.lock().expect("no panic").take();
        let Some(same) = same else {
            return u32::MAX;
        };
        // Another method that takes `&self` runs beside this one.
        let beside = same.invoke(&Invocation::new(), REQUIRED + 1, &[]);
        assert_eq!(beside, Ok(vec![0xFF; 4]));
        let error = same.invoke(&Invocation::new(), STEP, &[]);
        error.expect_err("it is in use").kind() as u32
    }
}
impl Pace for Scales {
    fn step(&mut self) {
        if let Some(meanwhile) = MEANWHILE.take() {
            meanwhile();
        }
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_scales_5cc3d11e"]
    fn scales(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const SCALES: Entry = scales;

#[test]
fn what_is_changed_may_require_what_is_not() {
    let summary = summary_of!("org.example.scales", dyn Meter, dyn Pace);
    let meter: Handle<dyn Meter> = create(SCALES, &summary);
    let (here, there) = pipe();
    let number = there.export(meter.into_object());
    let mut meter = Handle::<dyn Meter>::remote(here, number).expect("remotable");
    assert_eq!((meter.count(), meter.size(), meter.count()), (1, 1, 2));
}

/// A method that wants the object alone does not run while one of the required interface runs, though
/// that interface knows of no such method.
#[test]
fn an_object_is_not_wanted_alone_beside_a_method_of_what_it_requires() {
    let summary = summary_of!("org.example.scales", dyn Meter, dyn Pace);
    let object = create::<dyn Pace>(SCALES, &summary).into_object();
    *SAME.lock().expect("no panic") = Some(object.clone());
    let kind = object.invoke(&Invocation::new(), REQUIRED + 1, &[]);
    let reentrant = (CallErrorKind::Reentrant as u32).to_le_bytes().to_vec();
    assert_eq!(kind, Ok(reentrant));
    assert_eq!(object.invoke(&Invocation::new(), STEP, &[]), Ok(vec![0]));
}

/// Nor the other way round. Who is refused so keeps nothing of what the call handed over.
#[test]
fn a_method_of_what_it_requires_does_not_run_beside_one_that_has_it_alone() {
    let summary = summary_of!("org.example.scales", dyn Meter, dyn Pace);
    let object = create::<dyn Pace>(SCALES, &summary).into_object();
    let (here, _there) = pipe();
    let number = here.export(late().into_object());
    let number = u8::try_from(number).expect("small");
    let link = Invocation::new().with_link(Arc::clone(&here) as Arc<dyn Link>);
    let same = object.clone();
    MEANWHILE.set(Some(Box::new(move || {
        let error = same.invoke(&link, REQUIRED + 1, &[1, 1, number]);
        assert_eq!(error.expect_err("busy").kind(), CallErrorKind::Reentrant);
    })));
    assert_eq!(object.invoke(&Invocation::new(), STEP, &[]), Ok(vec![0]));
    assert!(MEANWHILE.take().is_none(), "it was done");
    assert_eq!(here.exported(), 0, "nothing of it is left");
}

/// Nor is a future kept that borrows such an object.
#[test]
fn futures_of_what_may_be_wanted_alone_do_not_cross() {
    let summary = summary_of!("org.example.scales", dyn Meter, dyn Pace);
    let object = create::<dyn Pace>(SCALES, &summary).into_object();
    let error = object.invoke(&Invocation::new(), REQUIRED, &[]);
    assert_eq!(
        error.expect_err("refused").kind(),
        CallErrorKind::Unsupported
    );
    // And it keeps nothing of what the call handed over.
    let (mine, _theirs) = pipe();
    let handed = u8::try_from(mine.export(late().into_object())).expect("small");
    let link = Invocation::new().with_link(Arc::clone(&mine) as Arc<dyn Link>);
    let error = object.invoke(&link, REQUIRED, &[1, 1, handed]);
    assert_eq!(
        error.expect_err("refused").kind(),
        CallErrorKind::Unsupported
    );
    assert_eq!(mine.exported(), 0, "nothing of it is left");
    let (here, there) = pipe();
    let number = there.export(object);
    let error = Handle::<dyn Pace>::remote(here, number).expect_err("refused");
    assert!(
        error.to_string().contains("its methods later give"),
        "{error}"
    );
}

/// Two interfaces of which another side has as many methods are still two.
#[test]
fn each_interface_is_shortened_by_itself() {
    mod other {
        pub(crate) mod first {
            #[plugwright_plugin::interface(id = "org.example.far-other", version = "1.0")]
            pub(crate) trait Other: Send + Sync {
                fn number(&self) -> u32;
            }
        }

        #[plugwright_plugin::interface(id = "org.example.far-other", version = "1.1")]
        pub(crate) trait Other: Send + Sync {
            fn number(&self) -> u32;
            #[since("1.1")]
            fn twice(&self) -> u32 {
                self.number() * 2
            }
        }
    }
    struct Few;
    impl other::first::Other for Few {
        fn number(&self) -> u32 {
            4
        }
    }
    use other::Other;

    let named: Handle<dyn first::Named> = early().upcast();
    let (named, _end) = piped_as::<dyn first::Named, dyn Named>(&named);
    let few = handle(Box::new(Few) as Box<dyn other::first::Other>);
    let (few, _end) = piped_as::<dyn other::first::Other, dyn Other>(&few);
    assert_eq!((few.number(), few.twice()), (4, 8));
    assert_eq!(
        (named.name(), named.shout()),
        ("early".to_owned(), "EARLY".to_owned())
    );
}

/// A connection whose other side says what a test wants, and counts nothing.
struct Says(Vec<u8>, Mutex<Vec<u64>>);

impl Link for Says {
    fn call(&self, _: u64, _: u32, _: &[u8], _: Option<Duration>) -> Result<Vec<u8>, CallError> {
        Ok(self.0.clone())
    }
    fn export(&self, _: Object) -> u64 {
        0
    }
    fn import(&self, _: u64) -> Option<Object> {
        None
    }
    fn retain(&self, _: u64) {}
    fn release(&self, object: u64) {
        self.1.lock().expect("no panic").push(object);
    }
    fn is_open(&self) -> bool {
        true
    }
}

/// An object has all methods of a minor version, or none of them. One that has not is refused, and
/// the reference to it given up.
#[test]
fn an_object_of_half_a_version_is_refused() {
    let shape = <dyn Item as Interface>::SHAPE;
    let describe = |has: usize| {
        let all = std::iter::once(shape).chain(shape.requires.iter().copied());
        let mut said = Vec::new();
        for (index, shape) in all.enumerate() {
            let has = if index == 0 { has } else { shape.methods.len() };
            said.push(u8::try_from(has).expect("few"));
            for method in &shape.methods[..has] {
                said.extend(method.fingerprint().to_le_bytes());
            }
        }
        said
    };
    // In front of the methods stand two entries for what is required.
    for (has, fits) in [(3, false), (4, true), (5, false), (6, true), (7, true)] {
        let link = Arc::new(Says(describe(has), Mutex::default()));
        let item = Handle::<dyn Item>::remote(Arc::clone(&link) as Arc<dyn Link>, 9);
        assert_eq!(item.is_ok(), fits, "{has}");
        drop(item);
        assert_eq!(*link.1.lock().expect("no panic"), [9], "{has}");
    }
    // An argument of which is said that it has no methods at all.
    let link = Arc::new(Says(Vec::new(), Mutex::default()));
    let invocation = Invocation::new().with_link(Arc::clone(&link) as Arc<dyn Link>);
    let error = late()
        .into_object()
        .invoke(&invocation, 3, &[1, 0, 9, 0, 0, 0, 0]);
    assert_eq!(error.expect_err("none such").kind(), CallErrorKind::Invalid);
    assert_eq!(*link.1.lock().expect("no panic"), [9]);
}
