//! A place for something that is made once, at the first use, by whichever thread needs it.
//!
//! Several threads may ask at once; it is made once. No lock is held while it is being made,
//! since that runs foreign code: other threads wait for the outcome, and a thread that asks
//! for what it is making itself (a plugin's constructor did) is refused instead of waiting.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The place.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    state: Mutex<State<T>>,
    settled: Condvar,
}

#[derive(Debug)]
enum State<T> {
    /// Nothing is there; what failed may be tried again.
    Empty,
    /// A thread is making it.
    Filling,
    /// It is there.
    Full(Arc<T>),
}

thread_local! {
    /// How many things this thread is making, one inside the other.
    static FILLING: Cell<usize> = const { Cell::new(0) };
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State::Empty),
            settled: Condvar::new(),
        }
    }

    /// The state's lock. No code of ours panics while it is held.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something is there.
    pub(crate) fn is_full(&self) -> bool {
        matches!(*self.state(), State::Full(_))
    }

    /// Lets go of what is there.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        if matches!(*state, State::Full(_)) {
            // Dropping it may run foreign code, for which the lock is not held.
            let full = std::mem::replace(&mut *state, State::Empty);
            drop(state);
            drop(full);
        }
    }

    /// What is there: made by `fill` when nobody has done so before. `reentrant` is the
    /// refusal for a thread that would have to wait while it makes something itself: the
    /// thread that it waits for may need a lock that is held around its own making, as the
    /// system's loader holds one around constructors.
    pub(crate) fn get_or_fill<E>(
        &self,
        fill: impl FnOnce() -> Result<T, E>,
        reentrant: impl FnOnce() -> E,
    ) -> Result<Arc<T>, E> {
        let mut state = self.state();
        loop {
            match &*state {
                State::Full(there) => return Ok(Arc::clone(there)),
                State::Empty => break,
                State::Filling if FILLING.get() > 0 => return Err(reentrant()),
                State::Filling => {
                    state = self
                        .settled
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        *state = State::Filling;
        drop(state);
        // Settles the state also when `fill` panics.
        let settle = Settle(self);
        FILLING.set(FILLING.get().saturating_add(1));
        let outcome = fill().map(Arc::new);
        if let Ok(made) = &outcome {
            *self.state() = State::Full(Arc::clone(made));
        }
        drop(settle);
        outcome
    }
}

struct Settle<'a, T>(&'a Slot<T>);

impl<T> Drop for Settle<'_, T> {
    fn drop(&mut self) {
        FILLING.set(FILLING.get().saturating_sub(1));
        let mut state = self.0.state();
        if matches!(*state, State::Filling) {
            *state = State::Empty;
        }
        drop(state);
        self.0.settled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, Weak, mpsc};
    use std::time::Duration;

    use super::{FILLING, Slot};

    /// Runs what would wait for ever if it were wrong.
    fn bounded<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, told) = mpsc::channel();
        std::thread::spawn(move || done.send(run()));
        told.recv_timeout(Duration::from_secs(60))
            .expect("nobody waits for itself")
    }

    #[test]
    fn who_asks_for_what_it_is_making_is_refused() {
        let (made, inner) = bounded(|| {
            let slot = Slot::new();
            let mut inner = None;
            let made = slot.get_or_fill(
                || {
                    let again = slot.get_or_fill(|| Ok(2), || "it is being made");
                    inner = Some(again);
                    Ok(1)
                },
                || "never",
            );
            (made, inner)
        });
        assert_eq!(made.as_deref(), Ok(&1));
        assert_eq!(inner.expect("it asked"), Err("it is being made"));
    }

    /// Otherwise a thread that made something once would be refused what others are making.
    #[test]
    fn who_has_made_something_makes_nothing_any_more() {
        let making = || FILLING.get();
        let slot = Slot::new();
        let failed = slot.get_or_fill(|| Err(making()), || 0);
        assert_eq!((failed, making()), (Err(1), 0));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            slot.get_or_fill(|| panic!("in the making"), || 0)
        }));
        assert!(panicked.is_err());
        assert_eq!((making(), slot.is_full()), (0, false));
        let outer = slot.get_or_fill(
            || {
                Slot::new()
                    .get_or_fill(|| Ok(making()), || 0)
                    .map(|made| *made)
            },
            || 0,
        );
        assert_eq!((outer.as_deref(), making()), (Ok(&2), 0));
        assert!(slot.is_full());
        slot.clear();
        assert!(!slot.is_full());
    }

    /// What is let go of may ask for the very place that it was in.
    #[test]
    fn nothing_is_held_while_something_is_let_go_of() {
        struct Asks(Weak<Slot<Self>>, mpsc::Sender<bool>);
        impl Drop for Asks {
            fn drop(&mut self) {
                let slot = self.0.upgrade().expect("it is kept");
                self.1.send(slot.is_full()).expect("somebody waits");
            }
        }
        let (done, told) = mpsc::channel();
        let is_full = bounded(move || {
            let slot = Arc::new(Slot::new());
            let asks = Asks(Arc::downgrade(&slot), done);
            drop(slot.get_or_fill(|| Ok(asks), || ()));
            slot.clear();
            told.recv()
        });
        assert_eq!(is_full, Ok(false));
    }
}
