//! An interface grows by methods at the end, and both sides of each version get along.

use std::cell::Cell;
use std::mem::MaybeUninit;

use plugwright_plugin::abi::{Entry, RawInterface};
use plugwright_plugin::{CallErrorKind, Handle, Interface, Portable, interface, plugin};

use crate::{create, summary_of};

mod first {
    use super::interface;

    #[interface(id = "org.example.growing", version = "1.0")]
    pub(crate) trait Growing: Send + Sync {
        fn base(&self) -> u32;
    }
}

mod next {
    use super::interface;

    #[interface(id = "org.example.growing", version = "1.1")]
    pub(crate) trait Growing: Send + Sync {
        fn base(&self) -> u32;
        #[since("1.1")]
        fn twice(&self, plus: u32) -> u32 {
            self.base() + plus
        }
    }
}

mod later {
    use super::interface;

    #[interface(id = "org.example.growing", version = "1.2")]
    pub(crate) trait Growing: Send + Sync {
        fn base(&self) -> u32;
        /// The default body builds on what every plugin has.
        #[since("1.1")]
        fn twice(&self, plus: u32) -> u32 {
            self.base() * 2 + plus
        }
        #[since("1.2")]
        fn bare(&self) -> Result<u32, String>;
        #[since("1.2")]
        fn last(&self) -> u32 {
            self.twice(1) + 100
        }
    }
}

#[plugin(id = "org.example.early", provides(first::Growing))]
#[derive(Default)]
pub(crate) struct Early;

impl first::Growing for Early {
    fn base(&self) -> u32 {
        20
    }
}

#[plugin(id = "org.example.late", provides(later::Growing))]
#[derive(Default)]
pub(crate) struct Late;

impl later::Growing for Late {
    fn base(&self) -> u32 {
        1
    }
    fn twice(&self, plus: u32) -> u32 {
        1_000 + plus
    }
    fn bare(&self) -> Result<u32, String> {
        Ok(3)
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_early_c13bf9b4"]
    fn early(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
    #[link_name = "plugwright_entry_org_example_late_614bec39"]
    fn late(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const EARLY: Entry = early;
const LATE: Entry = late;

#[test]
fn a_later_host_completes_an_earlier_plugin() {
    use later::Growing;

    let summary = summary_of!("org.example.early", dyn first::Growing);
    let handle: Handle<dyn Growing> = create(EARLY, &summary);
    assert_eq!(handle.base(), 20);
    assert_eq!(
        handle.twice(2),
        42,
        "the trait's own body, on the plugin's object"
    );
    assert_eq!(handle.last(), 141, "a body that calls another one");
    let error = handle.try_bare().expect_err("nothing to run");
    assert_eq!(error.kind(), CallErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "the plugin does not support the call in Growing::bare: it was built before the method \
         was added to the interface"
    );
    // The completed vtable is found again, and clones share it.
    let again: Handle<dyn Growing> = create(EARLY, &summary);
    assert_eq!(again.clone().twice(0), 40);
}

/// A program may have several minor versions of an interface, of crates that it is made of: each
/// completes the same plugin for itself.
#[test]
fn each_version_completes_for_itself() {
    /// It has a vtable of its own, so that no other test completed that.
    struct Own;
    impl first::Growing for Own {
        fn base(&self) -> u32 {
            7
        }
    }
    fn completed<T: ?Sized + Interface>() -> Box<T>
    where
        Box<T>: Portable<Abi = RawInterface>,
    {
        let object: Box<dyn first::Growing> = Box::new(Own);
        // SAFETY: an object of an earlier version of the interface; it is used once.
        unsafe { <Box<T>>::from_abi(object.into_abi()) }.expect("it fits")
    }
    let next: Box<dyn next::Growing> = completed();
    let later: Box<dyn later::Growing> = completed();
    let again: Box<dyn next::Growing> = completed();
    assert_eq!((next.twice(1), again.twice(2)), (8, 9));
    assert_eq!((later.twice(1), later.last()), (15, 115));
}

/// Where a library was unmapped another may be mapped, and then has its vtable where that had one:
/// what was completed of the first is not what the second has.
#[test]
fn what_is_completed_is_what_is_there_now() {
    struct One;
    impl first::Growing for One {
        fn base(&self) -> u32 {
            1
        }
    }
    type Vtable = <dyn first::Growing as Interface>::Vtable;
    let vtable: &Cell<MaybeUninit<Vtable>> = Box::leak(Box::new(Cell::new(MaybeUninit::uninit())));
    let at_one_place = |object: Box<dyn first::Growing>| {
        let mut raw = object.into_abi();
        // SAFETY: an object's vtable can be read, and is plain.
        vtable.set(unsafe { raw.object.vtable.cast::<MaybeUninit<Vtable>>().read() });
        raw.object.vtable = vtable.as_ptr().cast_const().cast();
        // SAFETY: an object with a vtable of its own; it is used once.
        unsafe { <Box<dyn next::Growing>>::from_abi(raw) }.expect("it fits")
    };
    assert_eq!(at_one_place(Box::new(One)).twice(10), 11);
    // A plugin's own class has functions of its own.
    let summary = summary_of!("org.example.early", dyn first::Growing);
    let early: Handle<dyn first::Growing> = create(EARLY, &summary);
    assert_eq!(at_one_place(Box::new(early)).twice(10), 30);
}

#[test]
fn a_later_plugin_serves_an_earlier_host() {
    use first::Growing;

    let summary = summary_of!("org.example.late", dyn later::Growing);
    let handle: Handle<dyn Growing> = create(LATE, &summary);
    assert_eq!(handle.base(), 1);
}

#[test]
fn sides_of_one_version_use_the_plugins_methods() {
    use later::Growing;

    let summary = summary_of!("org.example.late", dyn Growing);
    let handle: Handle<dyn Growing> = create(LATE, &summary);
    assert_eq!(handle.twice(2), 1_002);
    assert_eq!(handle.bare(), Ok(3));
    assert_eq!(
        handle.last(),
        1_101,
        "the body that the plugin inherited, run in the plugin"
    );
}

/// The same interface, for objects that stay on their thread and for such that do not.
mod bounds {
    use std::cell::Cell;

    use plugwright_plugin::{Portable, interface, plugin};

    use crate::{summary_of, try_bind};

    mod staying {
        use super::interface;

        #[interface(id = "org.example.bounds", version = "1.0")]
        pub(crate) trait Count {
            fn next(&self) -> u32;
        }
    }

    mod going {
        use super::interface;

        #[interface(id = "org.example.bounds", version = "1.0")]
        pub(crate) trait Count: Send + Sync {
            fn next(&self) -> u32;
        }
    }

    use staying::Count;

    #[plugin(id = "org.example.bound", provides(Count))]
    #[derive(Default)]
    pub(crate) struct Counter(Cell<u32>);

    impl Count for Counter {
        fn next(&self) -> u32 {
            self.0.update(|count| count + 1);
            self.0.get()
        }
    }

    unsafe extern "C" {
        #[link_name = "plugwright_entry_org_example_bound_9fd9ad83"]
        fn entry(
            host: *const plugwright_plugin::abi::HostTable,
        ) -> *const plugwright_plugin::abi::PluginTable;
    }

    /// A host that would send the object to another thread does not get it.
    #[test]
    fn a_plugin_whose_objects_stay_on_their_thread() {
        let summary = summary_of!("org.example.bound", dyn Count);
        let plugin = try_bind(entry, &summary).expect("agrees");
        let handle = plugin.create::<dyn Count>(None, None).expect("fits");
        assert_eq!(handle.next(), 1);
        let error = plugin.create::<dyn going::Count>(None, None).map(drop);
        assert_eq!(
            error.expect_err("must be refused").to_string(),
            "the plugin and the host both have org.example.bounds 1.0, and yet they differ: the trait requires \
             Send + Sync in the host, and neither Send nor Sync in the plugin"
        );
    }

    /// Nor does who gets one as an argument or as a result.
    #[test]
    fn an_object_that_stays_on_its_thread() {
        let object: Box<dyn Count> = Box::new(Counter::default());
        // SAFETY: an object of another interface is one of the faults that are seen.
        let error = unsafe { <Box<dyn going::Count>>::from_abi(object.into_abi()) }.map(drop);
        assert_eq!(
            error.expect_err("must be refused").to_string(),
            "expected an object of the interface that was declared"
        );
    }
}
