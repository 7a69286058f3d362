//! Calls over a connection: the same handle, the same failures, the same objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use plugwright_plugin::abi::Entry;
use plugwright_plugin::remote::{Invocation, Link, RemoteError, is_cancelled, time_left};
use plugwright_plugin::{CallErrorKind, Handle, Portable, interface, plugin};

use crate::transport::{End, pipe, piped};
use crate::{create, summary_of};

#[interface(id = "org.example.ear", version = "1.0")]
pub(crate) trait Ear: Send + Sync {
    fn hear(&self, word: &str) -> u32;
}

#[interface(id = "org.example.far", version = "1.0")]
pub(crate) trait Far: Send + Sync {
    fn fail(&self, message: &str) -> u32;
    fn keep(&self, ear: Arc<dyn Ear>) -> Arc<dyn Ear>;
    fn tell(&self, ear: Box<dyn Ear>, word: &str) -> u32;
    fn milliseconds(&self) -> Option<u64>;
    fn wanted(&self) -> bool;
    fn visit(&self, near: Box<dyn Near>, borrow: bool) -> u32;
    fn stays(&self, what: &str) -> Box<dyn Staying>;
}

/// Its objects stay on their thread.
#[interface(id = "org.example.staying", version = "1.0")]
pub(crate) trait Staying {}

struct Stays(Arc<AtomicU32>);

impl Staying for Stays {}

impl Drop for Stays {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[interface(id = "org.example.near", version = "1.0")]
pub(crate) trait Near: Send + Sync {
    fn number(&self) -> u32;
    fn name(&self) -> &str;
    fn words(&self) -> Option<&[u32]>;
    fn longest(&self, a: &str, b: Vec<&str>) -> Result<&str, String>;
}

#[plugin(id = "org.example.distant", provides(Far), provides(Near))]
#[derive(Default)]
pub(crate) struct Distant(Arc<AtomicU32>);

impl Far for Distant {
    fn fail(&self, message: &str) -> u32 {
        assert!(message.is_empty(), "{message}");
        1
    }
    fn keep(&self, ear: Arc<dyn Ear>) -> Arc<dyn Ear> {
        ear
    }
    fn tell(&self, ear: Box<dyn Ear>, word: &str) -> u32 {
        ear.hear(word)
    }
    fn milliseconds(&self) -> Option<u64> {
        time_left().map(|left| left.as_millis().try_into().expect("short"))
    }
    fn wanted(&self) -> bool {
        !is_cancelled()
    }
    fn visit(&self, near: Box<dyn Near>, borrow: bool) -> u32 {
        if borrow {
            let near = near.__plugwright_handle().expect("it crossed");
            let error = near.try_name().expect_err("it borrows");
            assert_eq!(error.kind(), CallErrorKind::Unsupported);
            drop(near.name().to_owned());
        }
        near.number()
    }
    fn stays(&self, _: &str) -> Box<dyn Staying> {
        Box::new(Stays(Arc::clone(&self.0)))
    }
}

impl Near for Distant {
    fn number(&self) -> u32 {
        7
    }
    fn name(&self) -> &str {
        "distant"
    }
    fn words(&self) -> Option<&[u32]> {
        Some(&[1, 2])
    }
    fn longest(&self, a: &str, b: Vec<&str>) -> Result<&str, String> {
        if b.contains(&a) {
            Ok("both")
        } else {
            Err(a.to_owned())
        }
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_distant_654a7afa"]
    fn distant(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const DISTANT: Entry = distant;

fn far() -> Handle<dyn Far> {
    let summary = summary_of!("org.example.distant", dyn Far, dyn Near);
    create(DISTANT, &summary)
}

fn near() -> Handle<dyn Near> {
    let summary = summary_of!("org.example.distant", dyn Far, dyn Near);
    create(DISTANT, &summary)
}

struct Listener(Arc<AtomicU32>);

impl Ear for Listener {
    fn hear(&self, word: &str) -> u32 {
        assert_ne!(word, "panic", "asked to fail");
        u32::try_from(word.len()).expect("short")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn failures_arrive_as_they_do_without_a_connection() {
    let (remote, _end) = piped(&far());
    assert_eq!(remote.fail(""), 1);
    let error = remote.try_fail("far away").expect_err("it panics");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.plugin(), "org.example.distant");
    assert_eq!(error.method(), "Far::fail");
    assert_eq!(error.message(), "far away");
    let error = remote.try_fail("").expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}

#[test]
fn objects_cross_and_come_home() {
    let dropped = Arc::default();
    let (remote, _end) = piped(&far());
    let ear = || Listener(Arc::clone(&dropped));
    assert_eq!(remote.tell(Box::new(ear()), "four"), 4);
    let error = remote.try_tell(Box::new(ear()), "panic");
    assert_eq!(
        error.expect_err("it panics").kind(),
        CallErrorKind::Panicked
    );
    let (remote, end) = piped(&far());
    let shared: Arc<dyn Ear> = Arc::new(ear());
    let back = remote.keep(Arc::clone(&shared));
    assert!(Arc::ptr_eq(&shared, &back), "no wrapping is left around it");
    assert_eq!(end.exported(), 1, "the plugin's object, nothing else");
}

/// An object that crosses is given back by who got it: nothing of it is left at its home.
#[test]
fn references_are_given_back() {
    let (remote, end) = piped(&far());
    let ear = remote.keep(Arc::new(Listener(Arc::default())));
    assert_eq!(remote.tell(Box::new(Listener(Arc::default())), "four"), 4);
    drop(ear);
    assert_eq!(remote.fail(""), 1);
    assert_eq!(end.exported(), 1, "the plugin's object, nothing else");
    let (here, _there) = pipe();
    let link: Arc<dyn Link> = here;
    let before = Arc::strong_count(&link);
    let invocation = Invocation::new().with_link(Arc::clone(&link));
    // No objects are handed over, either way.
    let left = far().into_object().invoke(&invocation, 3, &[0]);
    assert_eq!(left, Ok(vec![0, 0]));
    drop(invocation);
    assert_eq!(Arc::strong_count(&link), before);
}

/// An interface whose results borrow can be called over a connection where they do not: an object
/// of it arrives as an argument, and no handle was asked for.
#[test]
fn a_result_that_borrows_is_refused_when_it_is_called() {
    let (remote, _end) = piped(&far());
    assert_eq!(remote.visit(Box::new(near()), false), 7);
    let error = remote.try_visit(Box::new(near()), true);
    let error = error.expect_err("it borrows");
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(
        error.message(),
        "the plugin does not support the call in Near::name: its result borrows from the object, so \
         it cannot be called from elsewhere"
    );
}

#[test]
fn an_object_that_stays_on_its_thread_crosses_no_connection() {
    let (here, _there) = pipe();
    let with_link = Invocation::new().with_link(here);
    for (invocation, input, expected) in [
        (
            with_link,
            [0, 0].as_slice(),
            "expected an object of a trait that requires Send and Sync",
        ),
        (
            Invocation::new(),
            &[0],
            "expected no object: only values can cross here",
        ),
    ] {
        let dropped = Arc::default();
        let far: Arc<dyn Far> = Arc::new(Distant(Arc::clone(&dropped)));
        // SAFETY: given away just now: it is called through its vtable from now on.
        let far = unsafe { <Box<dyn Far>>::from_abi(far.into_abi()) }.expect("its own");
        let far = far.__plugwright_handle().expect("it crossed").clone();
        let error = far.into_object().invoke(&invocation, 6, input);
        assert_eq!(error.expect_err("it stays").message(), expected);
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "it went nowhere");
    }
}

#[test]
fn a_limit_crosses_and_passes() {
    let invoke =
        |invocation: &Invocation, method| far().into_object().invoke(invocation, method, &[]);
    assert_eq!(invoke(&Invocation::new(), 3), Ok(vec![0]), "no limit");
    let hour = Invocation::new().with_limit(Some(Duration::from_secs(3600)));
    let left = invoke(&hour, 3).expect("in time");
    let milliseconds = left.strip_prefix(&[1]).expect("a limit");
    let milliseconds = u64::from_le_bytes(milliseconds.try_into().expect("a number"));
    assert!((3_000_000..=3_600_000).contains(&milliseconds));
    let longest = Invocation::new().with_limit(Some(Duration::MAX));
    assert_eq!(invoke(&longest, 3), Ok(vec![0]), "for ever");
    let over = Invocation::new().with_limit(Some(Duration::ZERO));
    let error = invoke(&over, 3).expect_err("too late");
    assert_eq!(error.kind(), CallErrorKind::TimedOut);
    let cancel = Arc::new(AtomicBool::new(false));
    let cancelled = Invocation::new().with_cancel(Arc::clone(&cancel));
    assert_eq!(invoke(&cancelled, 4), Ok(vec![1]));
    cancel.store(true, Ordering::Relaxed);
    let error = invoke(&cancelled, 4).expect_err("not wanted");
    assert_eq!(error.kind(), CallErrorKind::Cancelled);
    assert_eq!(
        (time_left(), is_cancelled()),
        (None, false),
        "no call runs here"
    );
}

/// Bytes that say anything are errors, and the method is not run.
#[test]
fn bytes_are_checked() {
    let check = |method, bytes: &[u8], kind| {
        let result = far()
            .into_object()
            .invoke(&Invocation::new(), method, bytes);
        assert_eq!(result.expect_err("refused").kind(), kind, "{bytes:?}");
    };
    check(0, &[], CallErrorKind::Invalid);
    check(0, &[5, b'a'], CallErrorKind::Invalid);
    check(0, &[1, 0xff], CallErrorKind::Invalid);
    check(0, &[0xff; 12], CallErrorKind::Invalid);
    check(1, &[0, 1], CallErrorKind::Invalid);
    check(7, &[], CallErrorKind::Unsupported);
    check(1 << 16, &[], CallErrorKind::Unsupported);
    check(u32::MAX - 1, &[], CallErrorKind::Unsupported);
}

#[test]
fn results_borrow_from_the_object() {
    let near = near();
    let (name, words) = (near.name(), near.words());
    assert_eq!((name, words), ("distant", Some([1, 2].as_slice())));
    assert_eq!(near.longest("a", vec!["b", "a"]), Ok("both"));
    assert_eq!(near.longest("a", vec![]), Err("a".to_owned()));
    let boxed: Box<dyn Near> = Box::new(near);
    assert_eq!(boxed.name(), "distant");
}

/// What borrows from memory that the caller does not share is refused when the handle is
/// made, by name.
#[test]
fn borrowed_results_are_not_remotable() {
    let (here, there): (Arc<End>, _) = pipe();
    let number = there.export(near().into_object());
    let refused = Handle::<dyn Near>::remote(here, number).expect_err("not remotable");
    let RemoteError::NotRemotable(refused) = refused else {
        panic!("it was asked: {refused}");
    };
    assert_eq!(refused.methods, ["name", "words", "longest"]);
    assert_eq!(
        refused.to_string(),
        "org.example.near can be used in this process only: its methods name, words, longest \
         give or take what is borrowed and cannot be sent"
    );
}
