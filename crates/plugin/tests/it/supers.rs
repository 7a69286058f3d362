//! Interfaces that require others: one object, several traits.

use plugwright_plugin::abi::Entry;
use plugwright_plugin::{Handle, Portable, interface, plugin};

use crate::{create, summary_of};

mod first {
    use super::interface;

    #[interface(id = "org.example.named", version = "1.0")]
    pub(crate) trait Named: Send + Sync {
        fn name(&self) -> &str;
    }

    #[interface(id = "org.example.item", version = "1.0")]
    pub(crate) trait Item: Named + super::Measured {
        fn price(&self, count: u32) -> u32;
    }
}

/// As a plugin has them that was built between the two: only the required interface is earlier.
mod between {
    use super::first::Named;
    use super::interface;

    #[interface(id = "org.example.item", version = "1.1")]
    pub(crate) trait Item: Named + super::Measured {
        fn price(&self, count: u32) -> u32;
        #[since("1.1")]
        fn pass(&self, other: Box<dyn Item>) -> Box<dyn Item>;
        #[since("1.1")]
        fn sum(&self, other: &dyn Item) -> u64;
    }
}

/// As a host has them that was built before the later of the two: only the required interface is
/// later than a plugin's.
mod before {
    use super::interface;

    #[interface(id = "org.example.item", version = "1.0")]
    pub(crate) trait Item: super::Named + super::Measured {
        fn price(&self, count: u32) -> u32;
    }
}

#[interface(id = "org.example.named", version = "1.1")]
pub(crate) trait Named: Send + Sync {
    fn name(&self) -> &str;
    #[since("1.1")]
    fn shout(&self) -> String {
        self.name().to_uppercase()
    }
}

#[interface(id = "org.example.measured", version = "1.0")]
pub(crate) trait Measured: Send + Sync {
    fn size(&self) -> u64;
}

#[interface(id = "org.example.item", version = "1.1")]
pub(crate) trait Item: Named + Measured {
    fn price(&self, count: u32) -> u32;
    #[since("1.1")]
    fn pass(&self, other: Box<dyn Item>) -> Box<dyn Item> {
        other
    }
    #[since("1.1")]
    fn sum(&self, other: &dyn Item) -> u64 {
        self.size() + other.size()
    }
}

#[interface(id = "org.example.meter", version = "1.0")]
pub(crate) trait Meter: Named {
    fn count(&mut self) -> u64;
}

macro_rules! item {
    ($class:ident, $named:path, $item:path) => {
        impl $named for $class {
            fn name(&self) -> &str {
                stringify!($class)
            }
        }
        impl Measured for $class {
            fn size(&self) -> u64 {
                self.0
            }
        }
        impl $item for $class {
            fn price(&self, count: u32) -> u32 {
                count * 2
            }
        }
    };
}

#[plugin(id = "org.example.apples", provides(Item), provides(Meter))]
pub(crate) struct Apple(u64);

impl Default for Apple {
    fn default() -> Self {
        Self(7)
    }
}

item!(Apple, Named, Item);

impl Meter for Apple {
    fn count(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

#[plugin(id = "org.example.pears", provides(first::Item))]
#[derive(Default)]
pub(crate) struct Pear(u64);

item!(Pear, first::Named, first::Item);

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_apples_6edfb51c"]
    fn apples(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
    #[link_name = "plugwright_entry_org_example_pears_eacfd012"]
    fn pears(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const APPLES: Entry = apples;
const PEARS: Entry = pears;

fn apple() -> Handle<dyn Item> {
    create(
        APPLES,
        &summary_of!("org.example.apples", dyn Item, dyn Meter),
    )
}

/// The host's own.
struct Stone;

impl Named for Stone {
    fn name(&self) -> &str {
        "stone"
    }
}
impl Measured for Stone {
    fn size(&self) -> u64 {
        1_000
    }
}
impl Item for Stone {
    fn price(&self, _: u32) -> u32 {
        0
    }
}

#[test]
fn a_handle_has_the_methods_of_all_interfaces() {
    let item = apple();
    assert_eq!((item.name(), item.size(), item.price(4)), ("Apple", 7, 8));
    assert_eq!(item.shout(), "APPLE");
    let named: Handle<dyn Named> = item.clone().upcast();
    let name = item.name();
    assert_eq!(named.clone().try_name(), Ok(name));
    let measured: Handle<dyn Measured> = item.upcast();
    drop(named);
    assert_eq!(measured.try_size(), Ok(7));
    let boxed: Box<dyn Item> = Box::new(apple());
    let named: Box<dyn Named> = boxed;
    assert_eq!(named.name(), "Apple");
}

#[test]
fn objects_of_both_sides_have_them() {
    let item = apple();
    let stone = item.pass(Box::new(Stone));
    assert_eq!(
        (stone.name(), stone.size(), stone.price(4)),
        ("stone", 1_000, 0)
    );
    assert_eq!(stone.shout(), "STONE");
    let other = item.pass(Box::new(apple()));
    assert_eq!(other.name(), "Apple");
    assert_eq!(item.sum(&Stone) + item.sum(&*other), 1_007 + 14);
}

#[test]
fn what_is_changed_may_require_what_is_not() {
    let summary = summary_of!("org.example.apples", dyn Item, dyn Meter);
    let mut meter: Handle<dyn Meter> = create(APPLES, &summary);
    assert_eq!((meter.count(), meter.count()), (8, 9));
    assert_eq!(meter.name(), "Apple");
    let named: Handle<dyn Named> = meter.upcast();
    assert_eq!(named.clone().name(), "Apple");
}

/// The plugin was built before a method was added to the interface that is required.
#[test]
fn an_earlier_super_interface_is_completed() {
    let summary = summary_of!("org.example.pears", dyn first::Item);
    let item: Handle<dyn Item> = create(PEARS, &summary);
    assert_eq!((item.name(), item.price(1)), ("Pear", 2));
    assert_eq!(item.shout(), "PEAR", "the trait's own body");
    assert_eq!(item.clone().upcast::<dyn Named>().shout(), "PEAR");
    assert_eq!(item.sum(&item), 0);
}

/// The vtable of the interface itself is whole then, and that of the required one is not.
#[test]
fn only_a_super_interface_is_completed() {
    struct Plum(u64);
    item!(Plum, first::Named, first::Item);
    impl between::Item for Plum {
        fn price(&self, count: u32) -> u32 {
            first::Item::price(self, count)
        }
        fn pass(&self, other: Box<dyn between::Item>) -> Box<dyn between::Item> {
            other
        }
        fn sum(&self, _: &dyn between::Item) -> u64 {
            1
        }
    }
    let object: Box<dyn between::Item> = Box::new(Plum(3));
    // SAFETY: an object of an interface of the same id; it is used once.
    let item = unsafe { <Box<dyn Item>>::from_abi(object.into_abi()) }.expect("it fits");
    assert_eq!(
        (item.size(), item.shout(), item.sum(&Stone)),
        (3, "PLUM".to_owned(), 1)
    );
}

/// What was completed by who knows less of the interface is handed on with all that the object has:
/// who knows more of it finds that.
#[test]
fn what_was_completed_is_handed_on_whole() {
    /// It has a vtable of its own, so that no other test completed that.
    struct Fig(u64);
    item!(Fig, first::Named, first::Item);
    impl between::Item for Fig {
        fn price(&self, count: u32) -> u32 {
            first::Item::price(self, count)
        }
        fn pass(&self, other: Box<dyn between::Item>) -> Box<dyn between::Item> {
            other
        }
        fn sum(&self, _: &dyn between::Item) -> u64 {
            1
        }
    }
    let object: Box<dyn between::Item> = Box::new(Fig(3));
    // SAFETY: an object of an interface of the same id; it is used once.
    let item = unsafe { <Box<dyn before::Item>>::from_abi(object.into_abi()) }.expect("it fits");
    assert_eq!((item.shout(), item.price(2)), ("FIG".to_owned(), 4));
    // SAFETY: as above.
    let item = unsafe { <Box<dyn Item>>::from_abi(item.into_abi()) }.expect("it fits");
    assert_eq!(
        (item.size(), item.shout(), item.sum(&Stone)),
        (3, "FIG".to_owned(), 1)
    );
}

/// A vtable that is longer than its methods need is completed as far as those go, and says so.
#[test]
fn what_was_completed_is_as_long_as_it_says() {
    struct Date(u64);
    item!(Date, first::Named, first::Item);
    let object: Box<dyn first::Item> = Box::new(Date(3));
    let mut raw = object.into_abi();
    // SAFETY: every vtable begins with its head, which says how long it is.
    let size = unsafe { (*raw.object.vtable).size };
    let words = size / size_of::<usize>();
    // SAFETY: as above; it consists of words that are pointers but for the first.
    let vtable = unsafe { std::slice::from_raw_parts(raw.object.vtable.cast(), words) };
    let mut vtable: Vec<*const ()> = vtable.to_vec();
    vtable.resize(words + 4, std::ptr::null());
    vtable[0] = std::ptr::without_provenance((words + 4) * size_of::<usize>());
    raw.object.vtable = vtable.leak().as_ptr().cast();
    // SAFETY: an object of an interface of the same id; it is used once.
    let item = unsafe { <Box<dyn before::Item>>::from_abi(raw) }.expect("it fits");
    let raw = item.into_abi();
    // SAFETY: as above.
    assert_eq!(unsafe { (*raw.object.vtable).size }, size);
    // SAFETY: as above.
    let item = unsafe { <Box<dyn before::Item>>::from_abi(raw) }.expect("it fits");
    assert_eq!((item.shout(), item.price(2)), ("DATE".to_owned(), 4));
}

#[test]
fn another_super_interface_is_another_interface() {
    mod other {
        use plugwright_plugin::interface;

        #[interface(id = "org.example.other", version = "1.0")]
        pub(crate) trait Other: Send + Sync {
            fn name(&self) -> &str;
        }

        #[interface(id = "org.example.item", version = "1.0")]
        pub(crate) trait Item: Other + super::Measured {
            fn price(&self, count: u32) -> u32;
        }
    }
    let summary = summary_of!("org.example.apples", dyn Item, dyn Meter);
    let error = crate::try_bind(APPLES, &summary)
        .expect("the table agrees")
        .create::<dyn other::Item>(None, None)
        .expect_err("it requires another one");
    assert_eq!(
        error.to_string(),
        "the plugin provides org.example.item 1.1, the host wants 1.0: method `org.example.other`: \
         the host has `requires org.example.other 1`, the plugin another signature"
    );
}
