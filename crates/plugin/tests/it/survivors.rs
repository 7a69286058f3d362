//! Interfaces that say `poisons = false`: a panic is a failure of its own call, and the object
//! answers the next one. So it is with each receiver, with futures, and over a pipe.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use fixture_matrix_interface::block_on;
use plugwright_plugin::abi::Entry;
use plugwright_plugin::{CallError, CallErrorKind, Handle, PluginFuture, interface, plugin};

use crate::futures::poll_once;
use crate::receivers::{Unlucky, unlucky};
use crate::transport::piped;
use crate::{create, summary_of};

#[interface(id = "org.example.hardy", version = "1.0", poisons = false)]
pub(crate) trait Hardy: Send + Sync {
    fn number(&self, fail: bool) -> u32;
    fn first(&self, keys: BTreeSet<Unlucky>) -> u32;
    fn later(&self, fail: bool) -> PluginFuture<'_, u32>;
    fn bad_drop(&self) -> PluginFuture<'_, ()>;
}

#[interface(id = "org.example.hardy-alone", version = "1.0", poisons = false)]
pub(crate) trait Alone: Send + Sync {
    fn count(&mut self, fail: bool) -> u32;
    fn later(&mut self, fail: bool) -> PluginFuture<'_, u32>;
    fn end(self: Box<Self>) -> u32;
}

/// Of the same objects, and as interfaces are.
#[interface(id = "org.example.tender", version = "1.0", poisons = true)]
pub(crate) trait Tender: Hardy {
    fn fail(&self);
}

#[plugin(
    id = "org.example.weed",
    provides(Hardy),
    provides(Alone),
    provides(Tender)
)]
#[derive(Default)]
pub(crate) struct Weed(AtomicU32);

impl Hardy for Weed {
    fn number(&self, fail: bool) -> u32 {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(!fail, "asked to fail");
        before + 1
    }
    fn first(&self, keys: BTreeSet<Unlucky>) -> u32 {
        keys.len().try_into().expect("few")
    }
    fn later(&self, fail: bool) -> PluginFuture<'_, u32> {
        PluginFuture::new(async move {
            assert!(!fail, "asked to fail");
            7
        })
    }
    fn bad_drop(&self) -> PluginFuture<'_, ()> {
        struct Bad;
        impl Drop for Bad {
            fn drop(&mut self) {
                panic!("asked to fail");
            }
        }
        let bad = Bad;
        PluginFuture::new(async move {
            std::future::pending::<()>().await;
            drop(bad);
        })
    }
}

impl Alone for Weed {
    fn count(&mut self, fail: bool) -> u32 {
        self.number(fail)
    }
    fn later(&mut self, fail: bool) -> PluginFuture<'_, u32> {
        Hardy::later(self, fail)
    }
    fn end(self: Box<Self>) -> u32 {
        panic!("asked to fail");
    }
}

impl Tender for Weed {
    fn fail(&self) {
        panic!("asked to fail");
    }
}

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_weed_1b564768"]
    fn weed(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const WEED: Entry = weed;

fn plant<T: ?Sized + plugwright_plugin::Interface>() -> Handle<T> {
    let summary = summary_of!("org.example.weed", dyn Hardy, dyn Alone, dyn Tender);
    create(WEED, &summary)
}

#[track_caller]
fn panicked<T: std::fmt::Debug>(result: Result<T, CallError>, method: &str, message: &str) {
    let error = result.expect_err("it panics");
    assert_eq!(
        (
            error.kind(),
            error.plugin(),
            error.method(),
            error.message()
        ),
        (CallErrorKind::Panicked, "org.example.weed", method, message)
    );
}

/// The test with a handle of the same kind of object, here and behind a pipe.
fn everywhere(test: impl Fn(Handle<dyn Hardy>)) {
    test(plant());
    let (remote, _end) = piped(&plant::<dyn Hardy>());
    test(remote);
}

#[test]
fn an_object_is_called_after_a_panic() {
    everywhere(|hardy| {
        panicked(hardy.try_number(true), "Hardy::number", "asked to fail");
        panicked(hardy.try_number(true), "Hardy::number", "asked to fail");
        assert_eq!(hardy.number(false), 3, "what it was before the panic");
    });
}

#[test]
fn a_panic_while_arguments_are_taken_over_is_survived_too() {
    let hardy = plant::<dyn Hardy>();
    let keys = || BTreeSet::from([2, 1].map(Unlucky));
    let error = unlucky(keys(), |keys| hardy.try_first(keys));
    panicked(error, "Hardy::first", "no order");
    assert_eq!(hardy.first(keys()), 2);
}

#[test]
fn futures_are_survived() {
    everywhere(|hardy| {
        let mut waiting = hardy.later(false);
        let error = block_on(hardy.try_later(true)).expect_err("it panics");
        assert_eq!(error.kind(), CallErrorKind::Panicked);
        assert_eq!(poll_once(&mut waiting, &Arc::default()), Poll::Ready(7));
        let mut bad = hardy.bad_drop();
        assert!(poll_once(&mut bad, &Arc::default()).is_pending());
        drop(bad);
        assert_eq!(hardy.number(false), 1);
    });
}

/// What has the object alone gives it back.
#[test]
fn each_receiver_survives() {
    let mut alone = plant::<dyn Alone>();
    panicked(alone.try_count(true), "Alone::count", "asked to fail");
    assert_eq!(alone.count(false), 2);
    panicked(
        block_on(alone.try_later(true)),
        "Alone::later",
        "asked to fail",
    );
    assert_eq!(block_on(alone.later(false)), 7);
    panicked(AloneCalls::try_end(alone), "Alone::end", "asked to fail");
}

/// An object has one state, whichever interface it is called through: what poisons it there
/// poisons it here.
#[test]
fn each_interface_says_it_for_its_own_methods() {
    let tender = plant::<dyn Tender>();
    let hardy: Handle<dyn Hardy> = tender.clone().upcast();
    panicked(hardy.try_number(true), "Hardy::number", "asked to fail");
    assert_eq!(tender.number(false), 2);
    panicked(tender.try_fail(), "Tender::fail", "asked to fail");
    let error = hardy.try_number(false).expect_err("poisoned");
    assert_eq!(error.kind(), CallErrorKind::Poisoned);
}
