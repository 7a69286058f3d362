//! Enums that grow: what crosses of a value whose variant the receiver may not know.
//!
//! A variant is told by its fingerprint and not by its place, so that one which two sides
//! declare differently is two variants. Its fields lie in a box of the sender's, because the
//! receiver cannot know how large they are; the box says it, and who does not know the variant
//! has the sender let go of it. The invariant: what the fields own is taken over by the
//! receiver or released by the sender, never both.

use std::ptr;

use super::Invalid;
use crate::abi::RawOpen;
use crate::instance;

/// The fields of a variant, as they cross.
///
/// # Safety
/// `repr(C)`, and `release` takes each field over once.
pub unsafe trait Fields: Copy {
    /// Takes the fields over and drops them.
    ///
    /// # Safety
    /// They are those of a value that was given away, and nobody else takes them over.
    unsafe fn release(self);
}

impl RawOpen {
    /// The number of a variant that the sender does not know either.
    pub const UNKNOWN: u64 = 0;

    /// A variant without fields.
    #[must_use]
    pub fn bare(variant: u64) -> Self {
        unsafe extern "C" fn nothing(_: *mut u8, _: u8) {}
        Self {
            variant,
            fields: ptr::null_mut(),
            size: 0,
            release: Some(nothing),
        }
    }

    /// A variant with fields, which are given away.
    pub fn with<F: Fields>(variant: u64, fields: F) -> Self {
        unsafe extern "C" fn release<F: Fields>(fields: *mut u8, taken: u8) {
            // SAFETY: these are the fields that were put into a box below; they come back once.
            let fields = unsafe { Box::from_raw(fields.cast::<F>()) };
            if taken == 0 {
                // A destructor that panics has nobody to tell, and must not unwind from here.
                let _ = instance::guarded(|| {
                    // SAFETY: the receiver did not take them over, as it says.
                    unsafe { fields.release() };
                    Ok(())
                });
            }
        }
        Self {
            variant,
            fields: Box::into_raw(Box::new(fields)).cast(),
            size: size_of::<F>(),
            release: Some(release::<F>),
        }
    }

    /// Takes the fields over.
    ///
    /// # Errors
    /// When there are none of this size; what there is, is released.
    ///
    /// # Safety
    /// The value was given away, is used once, and its variant has these fields.
    pub unsafe fn take<F: Fields>(self) -> Result<F, Invalid> {
        let place = self.fields.cast::<F>();
        let is_there = !place.is_null() && place.is_aligned() && self.size == size_of::<F>();
        let (true, Some(release)) = (is_there, self.release) else {
            // SAFETY: by this function's contract.
            unsafe { self.let_go() };
            return Err(Invalid::new(&"a variant with the size of its fields"));
        };
        // SAFETY: by this function's contract they lie there.
        let fields = unsafe { *place };
        // SAFETY: by this function's contract; the fields have just been taken.
        unsafe { release(self.fields, 1) };
        Ok(fields)
    }

    /// Has the sender release the fields, if there are any.
    ///
    /// # Safety
    /// The value was given away, and is used once.
    pub unsafe fn let_go(self) {
        if let (false, Some(release)) = (self.fields.is_null(), self.release) {
            // SAFETY: by this function's contract.
            unsafe { release(self.fields, 0) };
        }
    }
}
