//! Why a call gave nothing although nothing panicked, in one word.

use std::any::Any;
use std::ptr::NonNull;

use crate::CallError;
use crate::portable::Invalid;

/// Why a method was not run, or gave nothing, although nothing panicked. One word, so that what
/// a call gives fits into registers: the address of a boxed `Cause`; or an odd number, which no
/// such address is, made of the state of an object that answers no calls.
#[derive(Debug)]
pub struct Fault(NonNull<()>);

// SAFETY: it owns a `Cause`, which is Send, or is a number.
unsafe impl Send for Fault {}

/// What a fault says.
#[derive(Debug)]
pub(super) enum Cause {
    /// An argument is none of its type.
    Invalid(Invalid),
    /// Another call that this one is made of failed.
    Call(CallError),
    /// The object answers no calls: its state.
    NotRunning(u8),
    /// A panic that leaves the object as it was.
    Panicked(Box<dyn Any + Send>),
}

impl Fault {
    /// A fault that says this.
    pub(super) fn of(cause: Cause) -> Self {
        Self(NonNull::from(Box::leak(Box::new(cause))).cast())
    }

    /// A panic that leaves the object as it was.
    pub(super) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self::of(Cause::Panicked(payload))
    }

    /// The object is in this state, which is not the one for calls.
    #[inline]
    pub(super) const fn not_running(now: u8) -> Self {
        let odd = (now as usize) << 1 | 1;
        // SAFETY: an odd number is not 0.
        Self(unsafe { NonNull::new_unchecked(std::ptr::without_provenance_mut(odd)) })
    }

    /// The word, which owns what the fault does.
    #[inline]
    pub(super) fn into_raw(self) -> *mut () {
        std::mem::ManuallyDrop::new(self).0.as_ptr()
    }

    /// A fault of its word.
    ///
    /// # Safety
    /// The word came from [`Fault::into_raw`], and is used once.
    pub(super) unsafe fn from_raw(word: *mut ()) -> Self {
        // SAFETY: by this function's contract: a fault is not null.
        Self(unsafe { NonNull::new_unchecked(word) })
    }

    /// What it says.
    pub(super) fn into_cause(self) -> Cause {
        let word = self.into_raw();
        if word.addr() % 2 == 1 {
            // One byte was put there.
            let [now, ..] = (word.addr() >> 1).to_le_bytes();
            return Cause::NotRunning(now);
        }
        // SAFETY: what is even is a box, whose address its alignment makes so, and is given up once.
        *unsafe { Box::from_raw(word.cast()) }
    }
}

const _: () = assert!(
    align_of::<Cause>() > 1,
    "what is odd is the address of no cause"
);

impl Drop for Fault {
    fn drop(&mut self) {
        drop(Self(self.0).into_cause());
    }
}

impl From<Invalid> for Fault {
    #[inline]
    fn from(invalid: Invalid) -> Self {
        /// As [`told`](super::call).
        #[cold]
        #[inline(never)]
        extern "C" fn boxed(expected: *const u8, length: usize) -> *mut () {
            // SAFETY: these are the parts of a text that lives for ever.
            let expected = unsafe { std::slice::from_raw_parts(expected, length) };
            // SAFETY: as above.
            let expected = unsafe { std::str::from_utf8_unchecked(expected) };
            Fault::of(Cause::Invalid(Invalid::new(expected))).into_raw()
        }
        let expected = invalid.expected();
        // SAFETY: made just now.
        unsafe { Self::from_raw(boxed(expected.as_ptr(), expected.len())) }
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::of(Cause::Call(error))
    }
}
