//! What arrived from the other side by pointer, as far as that can be looked at.
//!
//! Whether a pointer points to what it should cannot be seen. That it is null, stands askew, that
//! the struct is shorter than its reader needs or lacks a function, can: each is told and not
//! read. Functions are declared as ones that may be null, since a value of a type that excludes
//! null must not even be made of one.

use crate::abi::{RawObject, Reply, VtableHead};
use crate::portable::Invalid;

/// What the pointer points to, unless it is null or askew.
///
/// # Safety
/// A pointer that is neither points to a `T` that stays during `'a`.
pub(crate) unsafe fn at<'a, T>(pointer: *const T) -> Option<&'a T> {
    if !pointer.is_aligned() {
        return None;
    }
    // SAFETY: by this function's contract.
    unsafe { pointer.as_ref() }
}

/// The same of a struct that begins with its size, unless that is less than a `T` has.
///
/// # Safety
/// As [`at`], for as much of a `T` as the size says, which itself is there.
pub(crate) unsafe fn sized<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: by this function's contract the size is there.
    let size = unsafe { at(pointer.cast::<usize>()) }?;
    if *size < size_of::<T>() {
        return None;
    }
    // SAFETY: so is the rest, as the size says.
    unsafe { at(pointer) }
}

/// The front of a vtable, with what every object needs.
///
/// # Errors
/// When it is none.
///
/// # Safety
/// As [`sized`], for as long as the object's library is loaded.
pub(crate) unsafe fn head<'a>(vtable: *const VtableHead) -> Result<&'a VtableHead, Invalid> {
    // SAFETY: by this function's contract.
    let head = unsafe { sized(vtable) };
    head.filter(|head| head.retain.is_some() && head.release.is_some())
        .ok_or(Invalid::new(&"a vtable that begins with its head"))
}

impl VtableHead {
    /// Adds a reference.
    ///
    /// # Safety
    /// The object is one of this vtable, and is referenced meanwhile.
    #[inline]
    pub(crate) unsafe fn retain(&self, object: *const ()) {
        // It is there: `head` looks for it in each vtable that arrives.
        if let Some(retain) = self.retain {
            // SAFETY: by this function's contract.
            unsafe { retain(object) };
        }
    }

    /// Takes a reference away.
    ///
    /// # Safety
    /// The object is one of this vtable, and the caller gives its reference up.
    #[inline]
    pub(crate) unsafe fn release(&self, object: *const ()) -> Reply<u8> {
        match self.release {
            // SAFETY: by this function's contract.
            Some(release) => unsafe { release(object) },
            None => Reply::ok(0),
        }
    }
}

impl RawObject {
    /// Adds a reference.
    ///
    /// # Safety
    /// It is an object with its vtable, and is referenced meanwhile.
    pub(crate) unsafe fn retain(self) {
        // SAFETY: by this function's contract.
        let vtable = unsafe { &*self.vtable };
        // SAFETY: as above.
        unsafe { vtable.retain(self.object) };
    }

    /// Takes a reference away.
    ///
    /// # Safety
    /// It is an object with its vtable, and the caller gives its reference up.
    pub(crate) unsafe fn release(self) -> Reply<u8> {
        // SAFETY: by this function's contract.
        let vtable = unsafe { &*self.vtable };
        // SAFETY: as above.
        unsafe { vtable.release(self.object) }
    }
}
