//! What a side says of an object that it gives over a connection: which methods it has.
//!
//! The two sides may have been built with different minor versions of an interface, and no vtable
//! crosses that could tell. What is said is compared as a vtable that arrives is, and a handle for
//! an object that was built earlier has an entry for what that has only: the rest is answered here.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use plugwright_manifest::schema::InterfaceShape;

use super::proxy::Proxy;
use crate::abi::VtableHead;
use crate::encoding::{Decoder, Encoder};
use crate::interface::{Interface, Provides};
use crate::portable::Invalid;

/// The number of the method that every object has, which says what else it has.
pub(crate) const DESCRIBE: u32 = u32::MAX;

/// Writes how many methods an object has and their fingerprints: of its interface, then of each that
/// this one requires.
///
/// # Safety
/// The vtable fits an interface that requires so many others.
pub(crate) unsafe fn write(vtable: *const VtableHead, required: usize, out: &mut Encoder<'_>) {
    // SAFETY: by this function's contract.
    unsafe { write_one(vtable, out) };
    for index in 0..required {
        // SAFETY: the entries for them stand behind the head.
        let required = unsafe { super_vtable(vtable, index) };
        // SAFETY: it fits, as that one does.
        unsafe { write_one(required, out) };
    }
}

/// The vtable of an interface that is required.
///
/// # Safety
/// The vtable fits an interface that requires more than `index` others.
pub(super) unsafe fn super_vtable(vtable: *const VtableHead, index: usize) -> *const VtableHead {
    let entries = vtable.wrapping_add(1).cast::<*const VtableHead>();
    // SAFETY: by this function's contract.
    unsafe { entries.wrapping_add(index).read() }
}

/// # Safety
/// The vtable fits an interface.
unsafe fn write_one(vtable: *const VtableHead, out: &mut Encoder<'_>) {
    // SAFETY: by this function's contract.
    let head = unsafe { &*vtable };
    // SAFETY: what fits has a table.
    let table = unsafe { &*head.interface };
    let room = head.size.saturating_sub(size_of::<VtableHead>()) / size_of::<usize>();
    let entries = vtable.wrapping_add(1).cast::<*const ()>();
    // What is absent is absent from there on: methods are added at the end.
    let count = (0..usize::from(table.methods).min(room))
        // SAFETY: the vtable is so long; all its entries are pointers.
        .take_while(|index| !unsafe { entries.wrapping_add(*index).read() }.is_null())
        .count();
    out.length(count);
    for index in 0..count {
        // SAFETY: the table has a fingerprint for each method.
        let fingerprint = unsafe { *table.fingerprints.wrapping_add(index) };
        out.raw(&fingerprint.to_le_bytes());
    }
}

/// Reads how many of the methods that this side knows the object has: of the interface, then of each
/// that it requires.
///
/// # Errors
/// When the interface of the object is another one.
pub(crate) fn read(shape: &InterfaceShape, input: &mut Decoder<'_>) -> Result<Vec<usize>, Invalid> {
    let all = std::iter::once(shape).chain(shape.requires.iter().copied());
    all.map(|shape| read_one(shape, input)).collect()
}

fn read_one(shape: &InterfaceShape, input: &mut Decoder<'_>) -> Result<usize, Invalid> {
    const DECLARED: Invalid = Invalid::new(&"an object of the interface that was declared");
    let count = input.length()?;
    for index in 0..count {
        let fingerprint = u64::from_le_bytes(input.array()?);
        let known = shape.methods.get(index);
        if known.is_some_and(|method| method.fingerprint() != fingerprint) {
            return Err(DECLARED);
        }
    }
    let Some(missing) = shape.methods.get(count) else {
        return Ok(shape.methods.len());
    };
    // All that a minor version added is missing, or nothing of it.
    let before = shape.methods[..count].last();
    if missing.since == 0 || before.is_some_and(|last| last.since == missing.since) {
        return Err(DECLARED);
    }
    Ok(count)
}

/// Vtables for objects of earlier sides, by the interface's own table and what they have. Few sides
/// are of different minor versions, so there are few; they are never freed.
static SHORTENED: Mutex<BTreeMap<(usize, Vec<usize>), usize>> = Mutex::new(BTreeMap::new());

/// The vtable of `T` on proxies for an object that has so many methods, as [`read`] gave it.
pub(super) fn vtable<T: ?Sized + Interface + Provides<Proxy>>(
    has: Vec<usize>,
) -> *const VtableHead {
    let whole = std::ptr::from_ref(<T as Provides<Proxy>>::VTABLE).cast::<VtableHead>();
    let all = std::iter::once(T::SHAPE).chain(T::SHAPE.requires.iter().copied());
    let has_of: BTreeMap<&str, usize> =
        all.clone().map(|shape| shape.id).zip(has.clone()).collect();
    if all
        .clone()
        .all(|shape| has_of[shape.id] == shape.methods.len())
    {
        return whole;
    }
    let mut shortened = SHORTENED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (std::ptr::from_ref(T::TABLE).addr(), has);
    let address = shortened.entry(key).or_insert_with(|| {
        // SAFETY: it is the vtable of an interface of this shape, as whole as the compiler made it.
        unsafe { shorten(whole, T::SHAPE, &has_of) }.expose_provenance()
    });
    std::ptr::with_exposed_provenance(*address)
}

/// # Safety
/// The vtable has all entries of the interface.
unsafe fn shorten(
    vtable: *const VtableHead,
    shape: &InterfaceShape,
    has: &BTreeMap<&str, usize>,
) -> *const VtableHead {
    let entry = size_of::<usize>();
    let front = size_of::<VtableHead>() / entry;
    let words = front + shape.methods.len();
    let copy = vec![std::ptr::null::<()>(); words].leak();
    // SAFETY: both are so long, and new memory overlaps nothing. A head and entries are words.
    unsafe {
        std::ptr::copy_nonoverlapping(vtable.cast::<*const ()>(), copy.as_mut_ptr(), words);
    }
    copy[front + has[shape.id]..].fill(std::ptr::null());
    for (index, required) in shape.requires.iter().enumerate() {
        // SAFETY: the entry is such a vtable too.
        copy[front + index] = unsafe { shorten(copy[front + index].cast(), required, has) }.cast();
    }
    copy.as_ptr().cast()
}
