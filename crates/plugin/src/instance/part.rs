//! Parts of what a method began: the polls and the end of a future. They are run as a call of the
//! object is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Fault, Instance, faulty, panicked, reply_of, state};
use crate::abi::Reply;
use crate::own;

/// The object whose method gave a future, as far as that needs it: whether it still answers
/// calls, and to poison it.
#[derive(Debug)]
pub(crate) struct Owner {
    state: *const AtomicU32,
    plugin: &'static str,
    /// What the object's state is while the future runs.
    meanwhile: u32,
    /// Whether the object answers no calls after a panic.
    poisons: bool,
}

impl Owner {
    /// # Safety
    /// `object` is one that [`create`](super::create) made for this `T`, and outlives the result. When the
    /// future borrows it exclusively, nobody else calls it meanwhile.
    pub(crate) unsafe fn of<T: 'static>(
        object: *const (),
        exclusively: bool,
        poisons: bool,
    ) -> Self {
        // SAFETY: by this function's contract.
        let instance = unsafe { &*object.cast::<Instance<T>>() };
        let meanwhile = if exclusively {
            state::BUSY
        } else {
            state::RUNNING
        };
        Self {
            state: &raw const instance.head.state,
            plugin: instance.head.plugin,
            meanwhile,
            poisons,
        }
    }

    fn state(&self) -> &AtomicU32 {
        // SAFETY: the object outlives this (`Owner::of`).
        unsafe { &*self.state }
    }

    /// What becomes of the object when the future panics.
    fn panicked(&self) {
        let state = self.state();
        if self.poisons {
            state.store(state::POISONED, Ordering::Relaxed);
        } else {
            // Whoever stopped it meanwhile did.
            let (order, other) = (Ordering::Relaxed, Ordering::Relaxed);
            let _ = state.compare_exchange(state::BUSY, state::RUNNING, order, other);
        }
    }
}

/// Runs a part of what a method began, as a call of the object is run. What belongs to no object
/// poisons none.
pub(crate) fn part_of<A: Copy>(
    owner: Option<&Owner>,
    run: impl FnOnce() -> Result<A, Fault>,
) -> Reply<A> {
    let Some(owner) = owner else {
        return reply_of(own::plugin(), run);
    };
    let whole = || {
        let now = owner.state().load(Ordering::Relaxed);
        if now != state::RUNNING {
            return Err(Fault::not_running(now));
        }
        if owner.meanwhile == state::RUNNING {
            return run();
        }
        owner.state().store(owner.meanwhile, Ordering::Relaxed);
        let result = run();
        owner.state().store(state::RUNNING, Ordering::Relaxed);
        result
    };
    match catch_unwind(AssertUnwindSafe(whole)) {
        Ok(Ok(value)) => Reply::ok(value),
        Ok(Err(fault)) => Reply::failed(faulty(owner.plugin, fault)),
        Err(payload) => {
            owner.panicked();
            Reply::failed(panicked(owner.plugin, payload))
        }
    }
}

/// Drops what a method began.
pub(crate) fn drop_of<T>(owner: Option<&Owner>, value: T) -> Reply<u8> {
    match catch_unwind(AssertUnwindSafe(|| drop(value))) {
        Ok(()) => Reply::ok(0),
        Err(payload) => {
            let plugin = owner.map_or_else(own::plugin, |owner| owner.plugin);
            if let Some(owner) = owner {
                owner.panicked();
            }
            Reply::failed(panicked(plugin, payload))
        }
    }
}
