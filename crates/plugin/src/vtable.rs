//! Whether a vtable that arrived fits the interface as this side knows it.
//!
//! A vtable may be longer than this side knows: the rest is not looked at. It may be
//! shorter, when the other side was built before methods were added: then a copy is made
//! whose missing methods are empty, and a call of one runs the trait's default body. The
//! copy is made once for each vtable, so calls cost nothing more; it is as long as the original
//! where that is longer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::abi::{InterfaceTable, RawSlice, VtableHead};
use crate::arrived;
use crate::interface::{Fit, Interface};
use crate::portable::Invalid;

/// The completed copies, by what is in them. The address of what was completed would not do: where
/// a library was mapped, another may be mapped later, whose functions lie elsewhere. There are few,
/// and they are never freed.
static COMPLETED: Mutex<BTreeMap<Vec<usize>, usize>> = Mutex::new(BTreeMap::new());

/// The vtable as one of `T`'s: itself, or a completed copy.
///
/// # Safety
/// `vtable` points to a vtable that was made by the SDK or to its rules, and that stays.
pub(crate) unsafe fn fit<T: ?Sized + Interface>(
    vtable: *const VtableHead,
) -> Result<*const T::Vtable, Invalid> {
    // SAFETY: by this function's contract.
    let head = unsafe { arrived::head(vtable) }?;
    // SAFETY: a vtable's interface is null or a table for as long as the vtable stays.
    let table = unsafe { arrived::at(head.interface) };
    let table = table.ok_or(Invalid::new(
        &"a vtable that says which interface it is for",
    ))?;
    // The object's image may be this one: then there is nothing to compare.
    if !std::ptr::eq(table, T::TABLE) {
        // SAFETY: the table is one of the other side's.
        unsafe { agree::<T>(table) }?;
    }
    let methods = usize::from(table.methods);
    let whole = size_of::<T::Vtable>();
    let said = size_of::<VtableHead>().saturating_add(methods.saturating_mul(size_of::<usize>()));
    if head.size < whole && said != head.size {
        return Err(Invalid::new(&"a vtable as long as its methods need"));
    }
    // SAFETY: the vtable is at least as long as its own methods, or all that are known, need.
    unsafe { complete::<T>(vtable, methods) }?;
    // SAFETY: interfaces that are required are there from the start, in front of the methods:
    // the fingerprints say so.
    let supers = unsafe { supers::<T>(vtable) }?;
    let as_they_are = supers.iter().all(|(arrived, fitting)| arrived == fitting);
    if head.size >= whole && as_they_are {
        return Ok(vtable.cast());
    }
    // With the methods that only the other side knows: who knows less of an interface may hand the
    // object on to who knows more.
    let longest = said.max(whole);
    let bytes = head.size.min(longest);
    let mut copy = vec![std::ptr::null::<()>(); longest / size_of::<usize>()];
    // SAFETY: both are at least so long, and a new vector overlaps nothing; all that is in a vtable
    // is of the size of a pointer.
    unsafe {
        std::ptr::copy_nonoverlapping(vtable.cast::<u8>(), copy.as_mut_ptr().cast(), bytes);
    }
    // It begins with its size.
    copy[0] = std::ptr::without_provenance(bytes);
    let entries = copy
        .iter_mut()
        .skip(size_of::<VtableHead>() / size_of::<usize>());
    for (entry, (_, fitting)) in entries.zip(supers) {
        *entry = fitting.cast();
    }
    let key = copy.iter().map(|word| word.addr()).collect();
    let mut completed = COMPLETED.lock().unwrap_or_else(PoisonError::into_inner);
    let address = completed
        .entry(key)
        .or_insert_with(|| copy.leak().as_ptr().expose_provenance());
    Ok(std::ptr::with_exposed_provenance(*address))
}

/// Whether what was there in the first version is there: the rest may be absent.
///
/// # Safety
/// The vtable has that many methods, or all of `T`'s.
unsafe fn complete<T: ?Sized + Interface>(
    vtable: *const VtableHead,
    methods: usize,
) -> Result<(), Invalid> {
    let entry = vtable.wrapping_add(1).cast::<*const ()>();
    for (index, method) in T::SHAPE.methods.iter().enumerate().take(methods) {
        // SAFETY: by this function's contract; all entries are pointers.
        let function = unsafe { entry.wrapping_add(index).read() };
        let is_super = index < T::SUPERS.len();
        if function.is_null() && method.since == 0 && !is_super {
            let expected = &"a vtable that has a function for each method";
            return Err(Invalid::new(expected));
        }
    }
    Ok(())
}

/// The vtables of the interfaces that `T` requires, as they arrived and as they fit.
///
/// # Safety
/// The vtable has an entry for each.
unsafe fn supers<T: ?Sized + Interface>(
    vtable: *const VtableHead,
) -> Result<Vec<(*const VtableHead, *const VtableHead)>, Invalid> {
    let entry = vtable.wrapping_add(1).cast::<*const VtableHead>();
    let one = |(index, fit): (usize, &Fit)| {
        // SAFETY: by this function's contract.
        let arrived = unsafe { entry.wrapping_add(index).read() };
        // SAFETY: an entry is null or a vtable of the same library.
        let fitting = unsafe { fit(arrived) }?;
        Ok((arrived, fitting))
    };
    T::SUPERS.iter().enumerate().map(one).collect()
}

/// As `fit`, for the list of an interface that requires `T`.
///
/// # Errors
/// When the vtable does not fit.
///
/// # Safety
/// As [`Fit`].
pub unsafe fn fit_super<T: ?Sized + Interface>(
    vtable: *const VtableHead,
) -> Result<*const VtableHead, Invalid> {
    if vtable.is_null() {
        return Err(Invalid::new(&"a vtable of an interface that is required"));
    }
    // SAFETY: by this function's contract.
    unsafe { fit::<T>(vtable) }.map(<*const T::Vtable>::cast)
}

/// Whether the other side's interface has the id, the major version, the bounds and, of the methods
/// that both know, the fingerprints of `T`; and at least those of its first minor version.
///
/// # Safety
/// The table is one of the other side's: its id and fingerprints are there.
unsafe fn agree<T: ?Sized + Interface>(table: &InterfaceTable) -> Result<(), Invalid> {
    let invalid = Invalid::new(&"an object of the interface that was declared");
    // SAFETY: by this function's contract.
    let id = unsafe { bytes(table.id) };
    let shape = T::SHAPE;
    let methods = usize::from(table.methods);
    let needed = if table.minor >= T::VERSION.minor {
        shape.methods.len()
    } else {
        let methods = shape.methods.iter();
        methods.filter(|method| method.since <= table.minor).count()
    };
    let nowhere = methods > 0 && (table.fingerprints.is_null() || !table.fingerprints.is_aligned());
    let same = id == T::ID.as_bytes()
        && table.major == T::VERSION.major
        && table.bounds == shape.bounds.code();
    if !same || methods < needed || nowhere {
        return Err(invalid);
    }
    if methods == 0 {
        return Ok(());
    }
    let both = shape.methods.len().min(methods);
    // SAFETY: there are as many fingerprints as methods.
    let theirs = unsafe { std::slice::from_raw_parts(table.fingerprints, both) };
    // SAFETY: so there are in the table of this side, which the macro made of the shape. Made again
    // here, they were most of what an object costs that crosses.
    let ours = unsafe { std::slice::from_raw_parts(T::TABLE.fingerprints, both) };
    if theirs != ours {
        return Err(invalid);
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
