//! Why a call gave nothing although nothing panicked, in one word.

use std::any::Any;
use std::ptr::NonNull;

use crate::CallError;
use crate::portable::Invalid;

/// Why a method was not run, or gave nothing, although nothing panicked. One word, so that what
/// a call gives fits into registers. Its two lowest bits, which no address of what it points to
/// has, say what it is.
#[derive(Debug)]
pub struct Fault(NonNull<()>);

// SAFETY: it owns a `Cause`, which is Send, or is a number, or points to what lives for ever.
unsafe impl Send for Fault {}

/// The two lowest bits of a fault.
mod kind {
    /// The address of a boxed `Cause`.
    pub(super) const BOXED: usize = 0;
    /// The state of an object that answers no calls, above these bits.
    pub(super) const NOT_RUNNING: usize = 1;
    /// The address of what was expected of an argument that is none of its type.
    pub(super) const INVALID: usize = 2;
    /// These bits.
    pub(super) const MASK: usize = 3;
}

/// What a fault says.
#[derive(Debug)]
pub(super) enum Cause {
    /// An argument is none of its type.
    Invalid(Invalid),
    /// Another call that this one is made of failed.
    Call(CallError),
    /// The object answers no calls: its state.
    NotRunning(u32),
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
    pub(super) const fn not_running(now: u32) -> Self {
        let word = (now as usize) << 2 | kind::NOT_RUNNING;
        // SAFETY: it is not 0, since its lowest bit is not.
        Self(unsafe { NonNull::new_unchecked(std::ptr::without_provenance_mut(word)) })
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
        match word.addr() & kind::MASK {
            kind::BOXED => {
                // SAFETY: it is the address of a box, and is given up once.
                *unsafe { Box::from_raw(word.cast()) }
            }
            kind::INVALID => {
                let expected = word.wrapping_byte_sub(kind::INVALID).cast::<&'static str>();
                // SAFETY: it is the address of a text that lives for ever.
                Cause::Invalid(Invalid::new(unsafe { &*expected }))
            }
            // A state, of which there are a few, was put there.
            _ => Cause::NotRunning(u32::try_from(word.addr() >> 2).unwrap_or(u32::MAX)),
        }
    }
}

const _: () = assert!(
    align_of::<Cause>() > kind::MASK && align_of::<&str>() > kind::MASK,
    "the lowest bits of their addresses are free"
);

impl Drop for Fault {
    fn drop(&mut self) {
        drop(Self(self.0).into_cause());
    }
}

impl From<Invalid> for Fault {
    #[inline]
    fn from(invalid: Invalid) -> Self {
        let expected = std::ptr::from_ref(invalid.expected()).cast_mut();
        let word = expected.wrapping_byte_add(kind::INVALID).cast();
        // SAFETY: its address is a multiple of four, to which two was added; so it is not null.
        Self(unsafe { NonNull::new_unchecked(word) })
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::of(Cause::Call(error))
    }
}
