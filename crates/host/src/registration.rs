//! One plugin of a host: its record, and how far its loading has come.
//!
//! Several threads may ask for a plugin at once; it is loaded once. No lock is held while
//! it is being loaded: other threads wait for the outcome, and a constructor that asks for
//! the plugin which is being loaded on its own thread is refused instead of waiting.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use plugwright_manifest::Record;

use crate::pipeline::{Candidate, Started};
use crate::{Refusal, RefusalKind};

/// A plugin that a host offers.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) candidate: Candidate,
    pub(crate) record: Record,
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Debug)]
enum State {
    /// Not loaded; a load that failed may be tried again.
    Idle,
    /// A thread is walking it through the pipeline.
    Loading,
    /// It can be used.
    Started(Arc<Started>),
}

thread_local! {
    /// The plugins that this thread is loading, the outermost first.
    static LOADING: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

impl Registration {
    pub(crate) fn new(candidate: Candidate, record: Record) -> Self {
        Self {
            candidate,
            record,
            state: Mutex::new(State::Idle),
            settled: Condvar::new(),
        }
    }

    /// The state's lock. No code of ours panics while it is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the plugin is loaded.
    pub(crate) fn is_loaded(&self) -> bool {
        matches!(*self.state(), State::Started(_))
    }

    /// The plugin ready for use: loaded by `load` when nobody has done so before.
    pub(crate) fn started(
        &self,
        load: impl FnOnce() -> Result<Started, Refusal>,
    ) -> Result<Arc<Started>, Refusal> {
        let mut state = self.state();
        loop {
            match &*state {
                State::Started(started) => return Ok(Arc::clone(started)),
                State::Idle => break,
                State::Loading if is_loading_here() => {
                    return Err(Refusal::new(self.candidate.path(), RefusalKind::Reentrant));
                }
                State::Loading => {
                    state = self
                        .settled
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        *state = State::Loading;
        drop(state);
        // Settles the state also when `load` panics.
        let settle = Settle(self);
        LOADING.with_borrow_mut(|loading| loading.push(self.candidate.path()));
        let outcome = load().map(Arc::new);
        if let Ok(started) = &outcome {
            *self.state() = State::Started(Arc::clone(started));
        }
        drop(settle);
        outcome
    }
}

/// Whether this thread is inside the loading of any plugin. Waiting for another thread then
/// could wait for ever, since that thread may need the lock that the system's loader holds
/// while it runs the constructors here.
fn is_loading_here() -> bool {
    LOADING.with_borrow(|loading| !loading.is_empty())
}

struct Settle<'a>(&'a Registration);

impl Drop for Settle<'_> {
    fn drop(&mut self) {
        LOADING.with_borrow_mut(Vec::pop);
        let mut state = self.0.state();
        if matches!(*state, State::Loading) {
            *state = State::Idle;
        }
        drop(state);
        self.0.settled.notify_all();
    }
}
