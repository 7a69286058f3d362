//! Enums that grow: a side that has fewer variants gets the one that stands for the rest, and
//! what the others hold is let go of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use plugwright_plugin::abi::{Entry, RawOpen};
use plugwright_plugin::{CallErrorKind, Handle, Interface, Portable, interface, plugin};

use crate::transport::piped_as;
use crate::{create, summary_of};

mod first {
    use super::{Portable, interface};

    #[derive(Clone, Debug, PartialEq, Portable)]
    #[non_exhaustive]
    pub(crate) enum Event {
        Opened(String),
        Closed,
        #[unknown]
        Other,
    }

    #[interface(id = "org.example.watch", version = "1.0")]
    pub(crate) trait Watch: Send + Sync {
        fn pass(&self, event: Event) -> Event;
        fn all(&self) -> Vec<Event>;
        fn lent(&self, events: &[Event]) -> Option<Box<Event>>;
    }
}

mod later {
    use super::{Portable, interface};

    #[derive(Clone, Debug, PartialEq, Portable)]
    #[non_exhaustive]
    pub(crate) enum Event {
        Opened(String),
        Closed,
        #[unknown]
        Unheard,
        Nameless,
        Resized {
            width: u32,
            tags: Vec<String>,
        },
    }

    #[interface(id = "org.example.watch", version = "1.0")]
    pub(crate) trait Watch: Send + Sync {
        fn pass(&self, event: Event) -> Event;
        fn all(&self) -> Vec<Event>;
        fn lent(&self, events: &[Event]) -> Option<Box<Event>>;
    }
}

fn every() -> Vec<later::Event> {
    vec![
        later::Event::Opened("a".to_owned()),
        later::Event::Nameless,
        later::Event::Resized {
            width: 7,
            tags: vec!["x".to_owned(), "y".to_owned()],
        },
        later::Event::Unheard,
        later::Event::Closed,
    ]
}

#[plugin(id = "org.example.watcher", provides(later::Watch))]
#[derive(Default)]
pub(crate) struct Watcher;

impl later::Watch for Watcher {
    fn pass(&self, event: later::Event) -> later::Event {
        event
    }
    fn all(&self) -> Vec<later::Event> {
        every()
    }
    fn lent(&self, events: &[later::Event]) -> Option<Box<later::Event>> {
        events.first().cloned().map(Box::new)
    }
}

#[plugin(id = "org.example.old-watcher", provides(first::Watch))]
#[derive(Default)]
pub(crate) struct OldWatcher;

impl first::Watch for OldWatcher {
    fn pass(&self, event: first::Event) -> first::Event {
        event
    }
    fn all(&self) -> Vec<first::Event> {
        vec![first::Event::Closed, first::Event::Other]
    }
    fn lent(&self, events: &[first::Event]) -> Option<Box<first::Event>> {
        events.first().cloned().map(Box::new)
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_watcher_133d6747"]
    fn watcher(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
    #[link_name = "plugwright_entry_org_example_old_watcher_e3f4ac03"]
    fn old_watcher(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const WATCHER: Entry = watcher;
const OLD: Entry = old_watcher;

#[test]
fn an_earlier_host_is_told_of_what_it_does_not_know() {
    use first::{Event, Watch};

    let check = |handle: &Handle<dyn Watch>| {
        let expected = [
            Event::Opened("a".to_owned()),
            Event::Other,
            Event::Other,
            Event::Other,
            Event::Closed,
        ];
        assert_eq!(handle.all(), expected);
        for event in expected {
            assert_eq!(handle.pass(event.clone()), event);
            let lent = handle.lent(std::slice::from_ref(&event));
            assert_eq!(lent, Some(Box::new(event)));
        }
    };
    let summary = summary_of!("org.example.watcher", dyn later::Watch);
    check(&create(WATCHER, &summary));
    let far = create::<dyn later::Watch>(WATCHER, &summary);
    let (near, _other_end) = piped_as(&far);
    check(&near);
}

#[test]
fn an_earlier_plugin_is_told_of_what_it_does_not_know() {
    use later::{Event, Watch};

    let check = |handle: &Handle<dyn Watch>| {
        assert_eq!(handle.all(), [Event::Closed, Event::Unheard]);
        for event in every() {
            let known = matches!(event, Event::Opened(_) | Event::Closed);
            let expected = if known { event.clone() } else { Event::Unheard };
            assert_eq!(handle.pass(event.clone()), expected);
            assert_eq!(handle.lent(&[event]), Some(Box::new(expected)));
        }
    };
    let summary = summary_of!("org.example.old-watcher", dyn first::Watch);
    check(&create(OLD, &summary));
    let far = create::<dyn first::Watch>(OLD, &summary);
    let (near, _other_end) = piped_as(&far);
    check(&near);
}

#[test]
fn both_know_all() {
    let summary = summary_of!("org.example.watcher", dyn later::Watch);
    let handle = create::<dyn later::Watch>(WATCHER, &summary);
    let (remote, _other_end) = piped_as::<dyn later::Watch, dyn later::Watch>(&handle);
    for handle in [handle, remote] {
        use later::Watch;
        assert_eq!(handle.all(), every());
        for event in every() {
            assert_eq!(handle.pass(event.clone()), event);
        }
    }
}

#[interface(id = "org.example.token", version = "1.0")]
pub(crate) trait Token: Send + Sync {
    fn count(&self) -> u32;
}

struct Counted(Arc<AtomicU32>);

impl Token for Counted {
    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One that was there from the start may hold an object, also over a connection.
#[derive(Portable)]
enum Holding {
    Token(Box<dyn Token>, Box<[u8; 3]>),
    #[unknown]
    Other,
}

/// Has none of the variants.
#[derive(Debug, PartialEq, Portable)]
enum Nothing {
    #[unknown]
    Other,
}

#[test]
fn what_an_unknown_variant_holds_is_let_go_of() {
    let dropped = Arc::new(AtomicU32::new(0));
    let make = || Holding::Token(Box::new(Counted(Arc::clone(&dropped))), Box::new([1, 2, 3]));
    // SAFETY: the same kind of value, which has other variants; it is used once.
    let other = unsafe { Nothing::from_abi(make().into_abi()) };
    assert_eq!(other, Ok(Nothing::Other));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);

    // SAFETY: its own type; it is used once.
    let known = unsafe { Holding::from_abi(make().into_abi()) };
    let Ok(Holding::Token(token, bytes)) = known else {
        panic!("the variant is known");
    };
    assert_eq!((token.count(), *bytes), (1, [1, 2, 3]));
    drop(token);
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
}

/// A variant of a known fingerprint that has other fields than that says.
#[test]
fn fields_of_another_size_are_refused() {
    let check = |change: &mut dyn FnMut(&mut RawOpen)| {
        let mut raw = first::Event::Opened("text".to_owned()).into_abi();
        change(&mut raw);
        // SAFETY: each fault is one that `from_abi` promises to see.
        let event = unsafe { first::Event::from_abi(raw) };
        let error = event.expect_err("must be refused").to_string();
        assert_eq!(error, "expected a variant with the size of its fields");
    };
    check(&mut |raw| raw.size += 1);
    check(&mut |raw| raw.fields = std::ptr::null_mut());
    check(&mut |raw| raw.release = None);
    // Such fields go back to who has them: here they stay where they are.
    static LET_GO: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn release(_: *mut u8, taken: u8) {
        assert_eq!(taken, 0, "they were not taken over");
        LET_GO.fetch_add(1, Ordering::SeqCst);
    }
    let mut words = [0_u64; 9];
    check(&mut |raw| {
        // SAFETY: it is replaced below, so its own fields go here.
        unsafe { raw.let_go() };
        raw.fields = words.as_mut_ptr().cast::<u8>().wrapping_add(1);
        raw.release = Some(release);
    });
    check(&mut |raw| {
        // SAFETY: as above.
        unsafe { raw.let_go() };
        raw.fields = words.as_mut_ptr().cast();
        raw.size -= 1;
        raw.release = Some(release);
    });
    assert_eq!(LET_GO.load(Ordering::SeqCst), 2);
}

/// A reader that is told of more bytes than a variant has, or of fewer, refuses it.
#[test]
fn bytes_of_another_length_are_refused() {
    let summary = summary_of!("org.example.old-watcher", dyn first::Watch);
    let opened = <first::Event as Portable>::SHAPE.variant(0).to_le_bytes();
    let check = |rest: &[u8]| {
        let object = create::<dyn first::Watch>(OLD, &summary).into_object();
        let input = [&opened, rest].concat();
        let result = object.invoke(&plugwright_plugin::remote::Invocation::new(), 0, &input);
        result.map_err(|error| error.kind())
    };
    assert_eq!(
        check(&[2, 1, b'a']),
        Ok([&opened[..], &[2, 1, b'a']].concat())
    );
    assert_eq!(check(&[3, 1, b'a', 0]), Err(CallErrorKind::Invalid));
    assert_eq!(check(&[1, 1, b'a']), Err(CallErrorKind::Invalid));
    assert_eq!(check(&[9, 1, b'a']), Err(CallErrorKind::Invalid));
}

#[test]
fn later_variants_change_no_fingerprint() {
    let of = |shape: &plugwright_plugin::InterfaceShape| -> Vec<u64> {
        let methods = shape.methods.iter();
        methods.map(|method| method.fingerprint()).collect()
    };
    assert_eq!(
        of(<dyn first::Watch as Interface>::SHAPE),
        of(<dyn later::Watch as Interface>::SHAPE)
    );
}
