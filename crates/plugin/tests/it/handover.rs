//! The references that a message hands over are somebody's, whatever becomes of the message: counted at
//! a connection that only takes notes, and over a pipe.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::transport::pipe;
use plugwright_plugin::abi::VtableHead;
use plugwright_plugin::remote::{Invocation, Link, Object, is_cancelled, let_go};
use plugwright_plugin::{CallError, CallErrorKind, Handle, Interface, Portable, interface};

#[interface(id = "org.example.handed", version = "1.0")]
pub(crate) trait Handed: Send + Sync {
    fn number(&self) -> u32;
}

#[interface(id = "org.example.handed-first", version = "1.0")]
pub(crate) trait First: Send + Sync {
    fn first(&self, handed: Box<dyn Handed>) -> u32;
}

#[interface(id = "org.example.handed-taker", version = "1.0")]
pub(crate) trait Taker: First + Send + Sync {
    fn take(&self, handed: Box<dyn Handed>, word: &str) -> u32;
    fn pass(&self, handed: Vec<Arc<dyn Handed>>, fine: bool) -> Vec<Arc<dyn Handed>>;
    fn send(&self, handed: Box<dyn Handed>, home: Arc<dyn Handed>, stays: Box<dyn Staying>) -> u32;
    fn give(&self) -> Arc<dyn Handed>;
}

/// Its objects stay on their thread.
#[interface(id = "org.example.handed-staying", version = "1.0")]
pub(crate) trait Staying {}

struct Has(u32);

impl Handed for Has {
    fn number(&self) -> u32 {
        self.0
    }
}

struct Takes;

impl First for Takes {
    fn first(&self, handed: Box<dyn Handed>) -> u32 {
        handed.number()
    }
}

impl Taker for Takes {
    fn take(&self, handed: Box<dyn Handed>, word: &str) -> u32 {
        handed.number() + u32::try_from(word.len()).expect("short")
    }
    fn pass(&self, handed: Vec<Arc<dyn Handed>>, fine: bool) -> Vec<Arc<dyn Handed>> {
        assert!(fine, "asked to fail");
        handed
    }
    fn send(&self, handed: Box<dyn Handed>, _: Arc<dyn Handed>, _: Box<dyn Staying>) -> u32 {
        handed.number()
    }
    fn give(&self) -> Arc<dyn Handed> {
        Arc::new(Has(8))
    }
}

impl Staying for Takes {}

/// The object of a library, as a connection has it.
macro_rules! object {
    ($interface:ident, $value:expr) => {{
        let boxed: Box<dyn $interface> = Box::new($value);
        // SAFETY: an object of this very interface, which is used once.
        let boxed = unsafe { <Box<dyn $interface>>::from_abi(boxed.into_abi()) }.expect("it fits");
        let handle = $interface::__plugwright_handle(&*boxed)
            .expect("it crossed")
            .clone();
        drop(boxed);
        handle.into_object()
    }};
}

/// The number of a method.
fn number<T: ?Sized + Interface>(name: &str) -> u32 {
    let mut methods = T::SHAPE.methods.iter();
    let place = methods.position(|method| method.name == name);
    place.expect("there is one").try_into().expect("few")
}

/// Writes down which references come and go. The other side has the object 17 of this one.
#[derive(Default)]
struct Notes {
    notes: Mutex<Vec<String>>,
    /// What it answers the calls with, in order.
    says: Mutex<VecDeque<Vec<u8>>>,
}

impl Notes {
    fn note(&self, note: String) {
        self.notes.lock().expect("no panic").push(note);
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        let notes = std::mem::take(&mut *self.notes.lock().expect("no panic"));
        assert_eq!(notes, expected);
    }
}

impl Link for Notes {
    fn call(
        &self,
        _: u64,
        method: u32,
        input: &[u8],
        _: Option<Duration>,
    ) -> Result<Vec<u8>, CallError> {
        self.note(format!("call {method} {input:?}"));
        let answer = self.says.lock().expect("no panic").pop_front();
        answer.ok_or_else(|| CallError::crashed("nothing is said"))
    }
    fn export(&self, _: Object) -> u64 {
        self.note("export".to_owned());
        17
    }
    fn import(&self, number: u64) -> Option<Object> {
        self.note(format!("import {number}"));
        (number == 17).then(|| object!(Handed, Has(7)))
    }
    fn retain(&self, object: u64) {
        self.note(format!("retain {object}"));
    }
    fn release(&self, object: u64) {
        self.note(format!("release {object}"));
    }
    fn is_open(&self) -> bool {
        true
    }
}

/// What an object of `Handed` has: one method.
fn has() -> Vec<u8> {
    let method = <dyn Handed as Interface>::SHAPE.methods[0].fingerprint();
    [&[1][..], &method.to_le_bytes()].concat()
}

/// The page says what the messages below are made of.
#[test]
fn messages_are_as_the_page_says() {
    let page = include_str!("../../../../docs/abi.md");
    for row in [
        "| the objects in front of a message | how many in LEB128; then, for each, one byte, 1 when the object is one of the receiver's that comes home, and its number in LEB128 |",
        "| objects | which of those in front of the message, from 0, in LEB128, each at most once; and, unless it comes home, what it has |",
        "| what an object has | the number of its methods in LEB128, then their fingerprints in eight bytes each; the same for each interface that its own requires |",
    ] {
        assert!(page.contains(row), "{row}");
    }
    let far = 300_u64;
    let front = [2, 0, 0xac, 2, 1, 17];
    let values = [&[2, 0][..], &has(), &[1, 1]].concat();
    let notes = Arc::new(Notes::default());
    let link = Invocation::new().with_link(Arc::clone(&notes) as Arc<dyn Link>);
    let pass = number::<dyn Taker>("pass");
    let input = [&front[..], &values].concat();
    let passed = object!(Taker, Takes).invoke(&link, pass, &input);
    // What was the other side's is its own again, and the other way round.
    let front = [2, 1, 0xac, 2, 0, 17];
    let values = [&[2, 0, 1][..], &has()].concat();
    assert_eq!(passed, Ok([&front[..], &values].concat()));
    let (retained, released) = (format!("retain {far}"), format!("release {far}"));
    notes.check(&["import 17", &retained, &released, "export"]);
}

/// A message that hands over objects 3 and 4 of the sender's, and 17 of the receiver's; and names the
/// first of them in the values.
fn message(values: &[u8]) -> Vec<u8> {
    let front = [3, 0, 3, 0, 4, 1, 17];
    [&front[..], &[0], &has(), values].concat()
}

const ALL: [&str; 3] = ["release 3", "release 4", "import 17"];

fn kind(result: Result<Vec<u8>, CallError>) -> CallErrorKind {
    result.expect_err("it fails").kind()
}

/// The limit has passed before a call begins, or nobody wants it any more: it hands nothing over.
#[test]
fn a_call_that_does_not_begin_keeps_nothing() {
    let notes = Arc::new(Notes::default());
    let link = || Invocation::new().with_link(Arc::clone(&notes) as Arc<dyn Link>);
    let takes = object!(Taker, Takes);
    let take = number::<dyn Taker>("take");
    let late = link().with_limit(Some(Duration::ZERO));
    let called = takes.invoke(&late, take, &message(&[1, b'a']));
    assert_eq!(kind(called), CallErrorKind::TimedOut);
    notes.check(&ALL);
    let unwanted = link().with_cancel(Arc::new(AtomicBool::new(true)));
    let called = takes.invoke(&unwanted, take, &message(&[1, b'a']));
    assert_eq!(kind(called), CallErrorKind::Cancelled);
    notes.check(&ALL);
    let called = takes.invoke(&link(), 99, &message(&[]));
    assert_eq!(kind(called), CallErrorKind::Unsupported);
    notes.check(&ALL);
    drop(late);
    drop(unwanted);
    assert_eq!(Arc::strong_count(&notes), 1, "nobody has it any more");
}

/// What a call took goes when it ends, and what it did not take goes as well, whether it fails or not.
#[test]
fn a_call_keeps_nothing_that_it_did_not_take() {
    let notes = Arc::new(Notes::default());
    let link = Invocation::new().with_link(Arc::clone(&notes) as Arc<dyn Link>);
    let takes = object!(Taker, Takes);
    let take = number::<dyn Taker>("take");
    let others = ["release 4", "import 17"];
    // A text that is none: the first was taken, and let go of.
    let called = takes.invoke(&link, take, &message(&[1, 0xff]));
    assert_eq!(kind(called), CallErrorKind::Invalid);
    notes.check(&[&["release 3"][..], &others].concat());
    // It is called, and what it says is none of it.
    let called = takes.invoke(&link, take, &message(&[1, b'a']));
    assert_eq!(kind(called), CallErrorKind::Panicked);
    notes.check(&[&["call 0 [0]", "release 3"][..], &others].concat());
    // Somebody has the same place twice, or one that is none.
    let pass = number::<dyn Taker>("pass");
    for place in [0, 3, 200] {
        let front = [1, 0, 3, 2, 0];
        let bytes = [&front[..], &has(), &[place], &has(), &[1]].concat();
        let called = takes.invoke(&link, pass, &bytes);
        assert_eq!(kind(called), CallErrorKind::Invalid);
        notes.check(&["release 3"]);
    }
    // An object of this side that the other one does not have.
    let called = takes.invoke(&link, pass, &[1, 1, 9, 1, 0, 1]);
    assert_eq!(kind(called), CallErrorKind::Invalid);
    notes.check(&["import 9"]);
}

/// A message ends within its objects, or names one that is nobody's: those before are given back.
#[test]
fn objects_before_what_is_none_are_given_back() {
    let notes = Arc::new(Notes::default());
    let link = Arc::clone(&notes) as Arc<dyn Link>;
    let whole = message(&[]);
    for (length, expected) in [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 2), (6, 2)] {
        let_go(&link, &whole[..length]).expect_err("it ends too early");
        notes.check(&ALL[..expected]);
    }
    let_go(&link, &[2, 0, 3, 2, 4]).expect_err("neither of this side nor of the other");
    notes.check(&["release 3"]);
    let_go(&link, &[200, 0, 3]).expect_err("so many are not there");
    notes.check(&[]);
    assert_eq!(let_go(&link, &whole), Ok(()));
    notes.check(&ALL);
    drop(link);
    assert_eq!(Arc::strong_count(&notes), 1, "nobody has it any more");
}

/// The same with no function that calls by number.
fn without_invoke(object: Box<dyn Taker>) -> Object {
    let mut raw = object.into_abi();
    // SAFETY: the vtable of an honest object says how long it is, in words.
    let words = unsafe { (*raw.object.vtable).size } / size_of::<usize>();
    // SAFETY: as above.
    let vtable = unsafe { std::slice::from_raw_parts(raw.object.vtable.cast(), words) };
    let mut vtable: Vec<*const ()> = vtable.to_vec();
    // SAFETY: every vtable begins with its head.
    unsafe { &mut *vtable.as_mut_ptr().cast::<VtableHead>() }.invoke = None;
    raw.object.vtable = vtable.leak().as_ptr().cast();
    // SAFETY: an object of this very interface, which is used once.
    let object = unsafe { <Box<dyn Taker>>::from_abi(raw) }.expect("it fits");
    let object = Taker::__plugwright_handle(&*object)
        .expect("it crossed")
        .clone();
    object.into_object()
}

/// Who cannot be called by number keeps nothing of what it was handed.
#[test]
fn who_cannot_be_called_keeps_nothing() {
    let notes = Arc::new(Notes::default());
    let link = Invocation::new().with_link(Arc::clone(&notes) as Arc<dyn Link>);
    let called = without_invoke(Box::new(Takes)).invoke(&link, 0, &message(&[]));
    assert_eq!(kind(called), CallErrorKind::Unsupported);
    notes.check(&ALL);
}

/// A handle for an object on the other side of what takes notes, which says these replies.
fn far(says: &[Vec<u8>]) -> (Handle<dyn Taker>, Arc<Notes>) {
    let described = object!(Taker, Takes).invoke(&Invocation::new(), u32::MAX, &[]);
    let notes = Arc::new(Notes::default());
    let mut all = vec![described.expect("every object says it")];
    all.extend_from_slice(says);
    *notes.says.lock().expect("no panic") = all.into();
    let link = Arc::clone(&notes) as Arc<dyn Link>;
    let taker = Handle::remote(link, 5).expect("it is what it says");
    notes.check(&["call 4294967295 []"]);
    (taker, notes)
}

/// What a reply hands over and nobody takes is given back.
#[test]
fn a_reply_leaves_nothing() {
    let front = [2, 0, 3, 0, 4];
    let one = [&front[..], &[1, 0], &has()].concat();
    let broken = [&front[..], &[2, 0], &has(), &[1, 7]].concat();
    let (taker, notes) = far(&[one, broken, vec![9]]);
    let call = format!("call {} [0, 0, 1]", number::<dyn Taker>("pass"));
    let passed = taker.try_pass(vec![], true).expect("one");
    notes.check(&[&call, "release 4"]);
    drop(passed);
    notes.check(&["release 3"]);
    let error = taker
        .try_pass(vec![], true)
        .err()
        .expect("the second is none");
    assert_eq!(error.kind(), CallErrorKind::Invalid);
    notes.check(&[&call, "release 4", "release 3"]);
    let error = taker.try_pass(vec![], true).err().expect("no message");
    assert_eq!(error.kind(), CallErrorKind::Invalid);
    notes.check(&[&call]);
    drop(taker);
    notes.check(&["release 5"]);
    assert_eq!(Arc::strong_count(&notes), 1, "nobody has it any more");
}

/// What was handed over already is taken back when the call cannot be sent.
#[test]
fn what_cannot_be_sent_hands_nothing_over() {
    let given = [&[1, 0, 4, 0][..], &has()].concat();
    let (taker, notes) = far(&[given]);
    let theirs = taker.try_give().expect("an object of the other side");
    notes.check(&[&format!("call {} [0]", number::<dyn Taker>("give"))]);
    let error = taker.try_send(Box::new(Has(1)), theirs, Box::new(Takes));
    let error = error.expect_err("the last one stays on its thread");
    assert_eq!(
        error.message(),
        "expected an object of a trait that requires Send and Sync"
    );
    notes.check(&["export", "retain 4", "release 4", "import 17", "release 4"]);
}

/// Over a pipe: a call that comes too late leaves nothing at its caller.
#[test]
fn a_call_that_comes_too_late_hands_nothing_over() {
    struct Late(Handle<dyn Taker>);
    impl First for Late {
        fn first(&self, handed: Box<dyn Handed>) -> u32 {
            while !is_cancelled() {
                std::thread::yield_now();
            }
            let error = self.0.try_take(handed, "late").expect_err("too late");
            assert_eq!(error.kind(), CallErrorKind::TimedOut);
            7
        }
    }
    let (here, there) = pipe();
    let exported = there.export(object!(Taker, Takes));
    let taker = Handle::remote(Arc::clone(&here) as Arc<dyn Link>, exported).expect("remotable");
    let late = object!(First, Late(taker));
    let number = here.export(object!(Handed, Has(1)));
    let number = u8::try_from(number).expect("small");
    let soon = Invocation::new()
        .with_link(Arc::clone(&here) as Arc<dyn Link>)
        .with_limit(Some(Duration::from_millis(1)));
    let called = late.invoke(&soon, 0, &[1, 1, number, 0]);
    assert_eq!(called, Ok(vec![0, 7, 0, 0, 0]));
    assert_eq!(here.exported(), 0, "nothing of it is left");
}
