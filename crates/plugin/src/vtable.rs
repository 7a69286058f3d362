//! Whether a vtable that arrived fits the interface as this side knows it.
//!
//! A vtable may be longer than this side knows: the rest is not looked at. It may be
//! shorter, when the other side was built before methods were added: then a copy is made
//! whose missing methods are empty, and a call of one runs the trait's default body. The
//! copy is made once for each vtable, so calls cost nothing more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::abi::{InterfaceTable, RawSlice, VtableHead};
use crate::interface::Interface;
use crate::portable::Invalid;

/// The completed copies, by the address of the vtable and of the interface's own table.
/// Vtables are statics of libraries, so there are few, and they are never freed.
static COMPLETED: Mutex<Option<HashMap<(usize, usize), usize>>> = Mutex::new(None);

/// The vtable as one of `T`'s: itself, or a completed copy.
///
/// # Safety
/// `vtable` points to a vtable that was made by the SDK or to its rules, and that stays.
pub(crate) unsafe fn fit<T: ?Sized + Interface>(
    vtable: *const VtableHead,
) -> Result<*const T::Vtable, Invalid> {
    // SAFETY: by this function's contract.
    let head = unsafe { &*vtable };
    // SAFETY: a vtable's interface is null or a table for as long as the vtable stays.
    let table = unsafe { head.interface.as_ref() };
    let table = table.ok_or(Invalid::new("a vtable that says which interface it is for"))?;
    // The object's image may be this one: then there is nothing to compare.
    if !std::ptr::eq(table, T::TABLE) {
        // SAFETY: the table is one of the other side's.
        unsafe { agree::<T>(table) }?;
    }
    let whole = size_of::<T::Vtable>();
    if head.size >= whole {
        return Ok(vtable.cast());
    }
    let methods = usize::try_from(table.methods).unwrap_or(usize::MAX);
    let least = size_of::<VtableHead>().checked_add(methods.saturating_mul(size_of::<usize>()));
    if least != Some(head.size) {
        return Err(Invalid::new("a vtable as long as its methods need"));
    }
    let key = (vtable.addr(), std::ptr::from_ref(T::TABLE).addr());
    let mut completed = COMPLETED.lock().unwrap_or_else(PoisonError::into_inner);
    let address = completed
        .get_or_insert_default()
        .entry(key)
        .or_insert_with(|| {
            let copy = Box::leak(Box::<T::Vtable>::new_zeroed());
            // SAFETY: both are at least so long, and a new box overlaps nothing.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    vtable.cast::<u8>(),
                    copy.as_mut_ptr().cast::<u8>(),
                    head.size,
                );
            }
            copy.as_mut_ptr().expose_provenance()
        });
    Ok(std::ptr::with_exposed_provenance(*address))
}

/// Whether the other side's interface has the id, the major version and, of the methods
/// that both know, the fingerprints of `T`; and at least those of its first minor version.
///
/// # Safety
/// The table is one of the other side's: its id and fingerprints are there.
unsafe fn agree<T: ?Sized + Interface>(table: &InterfaceTable) -> Result<(), Invalid> {
    let invalid = Invalid::new("an object of the interface that was declared");
    // SAFETY: by this function's contract.
    let id = unsafe { bytes(table.id) };
    let shape = T::SHAPE;
    let methods = usize::try_from(table.methods).unwrap_or(usize::MAX);
    let needed = shape
        .methods
        .iter()
        .filter(|method| method.since <= table.minor)
        .count();
    if id != T::ID.as_bytes() || table.major != T::VERSION.major || methods < needed {
        return Err(invalid);
    }
    for (index, method) in shape.methods.iter().enumerate().take(methods) {
        let theirs = table.fingerprints.wrapping_add(index);
        // SAFETY: there are as many fingerprints as methods.
        if unsafe { *theirs } != method.fingerprint() {
            return Err(invalid);
        }
    }
    Ok(())
}

/// # Safety
/// The slice's bytes can be read.
unsafe fn bytes<'a>(raw: RawSlice) -> &'a [u8] {
    if raw.pointer.is_null() || raw.length > plugwright_manifest::MAX_ID {
        return &[];
    }
    // SAFETY: by this function's contract.
    unsafe { std::slice::from_raw_parts(raw.pointer, raw.length) }
}
