//! A future of this side, as the other one polls it.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use super::Inner;
use super::waker::Held;
use crate::abi::{FutureFunctions, RawFuture, RawWaker, Reply};
use crate::instance::{Fault, Owner, drop_of, part_of};
use crate::portable::{Invalid, Portable};
use crate::{CallError, own};

/// What a [`RawFuture`] of this side points to.
struct State<'a, T> {
    /// Whether it is being polled: a second poll meanwhile is refused.
    busy: AtomicBool,
    owner: Option<Owner>,
    inside: UnsafeCell<Inside<'a, T>>,
}

struct Inside<'a, T> {
    future: Inner<'a, T>,
    /// Whether it gave its value, or failed: it is not polled again.
    ended: bool,
    waker: Held,
}

/// Gives a future away.
pub(super) fn give<T: Portable>(mut future: Inner<'_, T>) -> RawFuture {
    let owner = future.owner.take();
    let state = Box::new(State {
        busy: AtomicBool::new(false),
        owner,
        inside: UnsafeCell::new(Inside {
            future,
            ended: false,
            waker: Held::default(),
        }),
    });
    RawFuture {
        state: Box::into_raw(state).cast(),
        functions: const {
            &FutureFunctions {
                size: size_of::<FutureFunctions>(),
                poll: Some(poll::<T>),
                release: Some(release::<T>),
            }
        },
        keep: own::keep().into_raw(),
    }
}

unsafe extern "C" fn poll<T: Portable>(
    state: *mut (),
    waker: *const RawWaker,
    output: *mut (),
) -> Reply<u8> {
    // SAFETY: who calls owns the future, which is one of this type.
    let state = unsafe { &*state.cast::<State<'_, T>>() };
    part_of(state.owner.as_ref(), || {
        let _busy = Busy::enter(&state.busy)?;
        // SAFETY: nobody else is in here, as was just seen, and who polls does not release.
        let inside = unsafe { &mut *state.inside.get() };
        if inside.ended {
            return Err(CallError::completed().into());
        }
        if output.is_null() {
            return Err(Invalid::new(&"a place for the future's value").into());
        }
        // SAFETY: who calls lends the waker.
        let waker = unsafe { inside.waker.refresh(waker) }?;
        // What panics is not polled again.
        inside.ended = true;
        let polled = inside.future.poll_try(&mut Context::from_waker(waker));
        let Poll::Ready(value) = polled else {
            inside.ended = false;
            return Ok(0);
        };
        let value = value?;
        // SAFETY: who calls gives a place for it.
        unsafe { output.cast::<T::Abi>().write(value.into_abi()) };
        Ok(1)
    })
}

unsafe extern "C" fn release<T>(state: *mut ()) -> Reply<u8> {
    // SAFETY: who calls owns the future, which is one of this type, and gives it up.
    let mut state = unsafe { Box::from_raw(state.cast::<State<'_, T>>()) };
    let owner = state.owner.take();
    drop_of(owner.as_ref(), state)
}

/// Stands for the one poll that may be going on.
struct Busy<'a>(&'a AtomicBool);

impl<'a> Busy<'a> {
    fn enter(busy: &'a AtomicBool) -> Result<Self, Fault> {
        // Acquire: what the poll before this one wrote is seen.
        if busy.swap(true, Ordering::Acquire) {
            return Err(CallError::polled_by_two().into());
        }
        Ok(Self(busy))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
