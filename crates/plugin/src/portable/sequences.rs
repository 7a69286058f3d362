//! `Vec<T>`, `&[T]`, `&mut [T]` and `[T; N]`.
//!
//! A vector gives its elements away together with a function that frees them in the
//! allocator that they came from; the receiver copies them once. Elements that cross as
//! themselves are copied all at once, others one by one.

use std::mem::ManuallyDrop;

use plugwright_manifest::schema::Shape;

use super::references::{Lend, keep};
use super::{Invalid, Portable};
use crate::abi::{RawArray, RawSlice, RawSliceMut, RawVec};
use crate::encoding::{Decoder, Encoder, Lent};

/// A number: it crosses as itself, so a slice of it is lent without a copy.
///
/// # Safety
/// `Abi` is `Self`, and every pattern of its bits is a value.
#[diagnostic::on_unimplemented(
    message = "`&mut [{Self}]` cannot cross the plugin boundary",
    label = "only numbers of at most 64 bits are lent for writing",
    note = "take a Vec<{Self}> and return it, or a `&[{Self}]` to read"
)]
pub unsafe trait Plain: Portable<Abi = Self> + Copy + 'static {}

macro_rules! plain {
    ($($type:ty,)*) => {$(
        // SAFETY: a number crosses as itself (its `Portable` says PLAIN).
        unsafe impl Plain for $type {}
    )*};
}

plain! { u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64, }

/// What every vector has that crosses.
pub(super) const FREED: Invalid = Invalid::new(&"a vector with a function that frees it");

/// Whether `length` elements of `T` can be behind a pointer.
fn possible<T>(pointer: *const u8, length: usize) -> Result<(), Invalid> {
    let bytes = size_of::<T>().checked_mul(length);
    let fits = bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok());
    if pointer.is_null() || !fits || !pointer.cast::<T>().is_aligned() {
        return Err(Invalid::new(
            &"a slice with an aligned pointer and a possible length",
        ));
    }
    Ok(())
}

/// The elements of a slice that crossed.
///
/// # Safety
/// The pointer and length are those of elements that outlive `'a` and that nobody changes,
/// or are of a kind that this function tells apart.
#[inline]
pub(super) unsafe fn borrow<'a, T: Plain>(raw: RawSlice) -> Result<&'a [T], Invalid> {
    possible::<T>(raw.pointer, raw.length)?;
    // SAFETY: by this function's contract; what no slice has was told apart just now.
    Ok(unsafe { std::slice::from_raw_parts(raw.pointer.cast::<T>(), raw.length) })
}

// SAFETY: crosses as pointer and length: numbers where they are, other elements as clones in a
// row of their own, each of which is given away.
unsafe impl<T: Portable + Clone> Lend for [T] {
    type Abi = RawSlice;

    const SHAPE: &'static Shape = &Shape::Slice(T::SHAPE);

    #[inline]
    fn lend(&self) -> RawSlice {
        let pointer = if T::PLAIN {
            self.as_ptr().cast()
        } else {
            let row: Vec<T::Abi> = self
                .iter()
                .map(|element| element.clone().into_abi())
                .collect();
            // SAFETY: it is used during the call, which whoever makes it spans.
            unsafe { keep(row) }.as_ptr().cast()
        };
        RawSlice {
            pointer,
            length: self.len(),
        }
    }

    #[inline]
    unsafe fn borrow<'a>(abi: RawSlice) -> Result<&'a Self, Invalid>
    where
        T: 'a,
    {
        possible::<T::Abi>(abi.pointer, abi.length)?;
        if T::PLAIN {
            // SAFETY: by this function's contract; what is PLAIN is its own Abi, and what no
            // slice has was told apart just now.
            return Ok(unsafe { std::slice::from_raw_parts(abi.pointer.cast::<T>(), abi.length) });
        }
        // SAFETY: by this function's contract, so many Abis lie there.
        let row = unsafe { std::slice::from_raw_parts(abi.pointer.cast::<T::Abi>(), abi.length) };
        // SAFETY: each element is given away, and is taken once.
        let elements: Vec<T> = unsafe { take_all(row) }?;
        // SAFETY: by this function's contract the slice is used during the call only.
        Ok(unsafe { keep(elements) })
    }

    fn write(&self, out: &mut Encoder<'_>) {
        out.length(self.len());
        match as_bytes(self) {
            Some(bytes) => out.raw(bytes),
            None => self.iter().for_each(|element| element.clone().encode(out)),
        }
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid>
    where
        T: 'a,
    {
        let length = input.length()?;
        if T::PLAIN && size_of::<T>() == 1 {
            let bytes = input.raw(length)?.as_ptr().cast::<T>();
            // SAFETY: so many lie there, for as long as the call lasts; of a byte's size are
            // only numbers, for which any byte is one.
            return Ok(unsafe { std::slice::from_raw_parts(bytes, length) });
        }
        let elements = elements_from_bytes::<T>(length, input)?;
        // SAFETY: by this function's contract the slice is used during the call only.
        Ok(unsafe { keep(elements) })
    }
}

// SAFETY: crosses as pointer and length.
unsafe impl<T: Plain> Portable for &mut [T] {
    type Abi = RawSliceMut;

    const SHAPE: &'static Shape = &Shape::SliceMut(T::SHAPE);

    #[inline]
    fn into_abi(self) -> RawSliceMut {
        RawSliceMut {
            pointer: self.as_mut_ptr().cast(),
            length: self.len(),
        }
    }

    #[inline]
    unsafe fn from_abi(abi: RawSliceMut) -> Result<Self, Invalid> {
        possible::<T>(abi.pointer, abi.length)?;
        // SAFETY: by this function's contract the elements are lent exclusively; what no
        // slice has was told apart just now.
        Ok(unsafe { std::slice::from_raw_parts_mut(abi.pointer.cast::<T>(), abi.length) })
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.write(out);
        out.lend(lent(self.as_mut_ptr(), self.len()));
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        let length = input.length()?;
        let numbers = elements_from_bytes::<T>(length, input)?;
        let elements = input.place(numbers);
        input.lend(lent(elements, length));
        // SAFETY: so many lie there, and until the call ends nobody else uses them.
        Ok(unsafe { std::slice::from_raw_parts_mut(elements, length) })
    }
}

/// Whether numbers lie in memory as they stand in bytes.
const AS_IN_MEMORY: bool = cfg!(all(target_endian = "little", target_pointer_width = "64"));

/// The elements as they stand in bytes, when they lie in memory like that.
fn as_bytes<T: Portable>(elements: &[T]) -> Option<&[u8]> {
    let (pointer, size) = (elements.as_ptr().cast::<u8>(), size_of_val(elements));
    // SAFETY: what is PLAIN is a number, and numbers have no padding.
    (T::PLAIN && AS_IN_MEMORY).then(|| unsafe { std::slice::from_raw_parts(pointer, size) })
}

fn numbers_to_bytes<T: Plain>(numbers: &[T], out: &mut Encoder<'_>) {
    match as_bytes(numbers) {
        Some(bytes) => out.raw(bytes),
        None => numbers.iter().for_each(|number| number.encode(out)),
    }
}

fn elements_from_bytes<T: Portable>(
    length: usize,
    input: &mut Decoder<'_>,
) -> Result<Vec<T>, Invalid> {
    if T::PLAIN && AS_IN_MEMORY {
        let size = length.checked_mul(size_of::<T>());
        let bytes = input.raw(size.unwrap_or(usize::MAX))?;
        let mut numbers = Vec::<T>::with_capacity(length);
        let place = numbers.as_mut_ptr().cast::<u8>();
        // SAFETY: there is room for so many, and a new vector overlaps nothing.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        // SAFETY: so many were written just now, and any bits are a number.
        unsafe { numbers.set_len(length) };
        return Ok(numbers);
    }
    // SAFETY: a vector's elements borrow no more than the vector does, whose reader answers
    // for them.
    (0..length).map(|_| unsafe { T::decode(input) }).collect()
}

/// How elements that were lent for writing come back behind a result.
fn lent<T: Plain>(elements: *mut T, length: usize) -> Lent {
    unsafe fn write<T: Plain>(elements: *const u8, length: usize, out: &mut Encoder<'_>) {
        // SAFETY: so many `T` lie there (the contract of `Lent`).
        numbers_to_bytes(
            unsafe { std::slice::from_raw_parts(elements.cast::<T>(), length) },
            out,
        );
    }
    unsafe fn read<T: Plain>(
        elements: *mut u8,
        length: usize,
        input: &mut Decoder<'_>,
    ) -> Result<(), Invalid> {
        let numbers = elements_from_bytes::<T>(length, input)?;
        // SAFETY: there is room for so many `T` (the contract of `Lent`).
        unsafe { std::ptr::copy_nonoverlapping(numbers.as_ptr(), elements.cast(), length) };
        Ok(())
    }
    Lent {
        elements: elements.cast(),
        length,
        write: write::<T>,
        read: read::<T>,
    }
}

/// Takes elements over: all, also those behind an invalid one, so that none is lost.
///
/// # Safety
/// As [`Portable::from_abi`], for each.
unsafe fn take_all<T: Portable>(row: &[T::Abi]) -> Result<Vec<T>, Invalid> {
    // SAFETY: by this function's contract.
    let mut taken = row.iter().map(|element| unsafe { T::from_abi(*element) });
    let all: Result<Vec<T>, Invalid> = taken.by_ref().collect();
    taken.for_each(drop);
    all
}

/// Frees the elements that a vector of this very library gave away.
unsafe extern "C" fn release<A>(pointer: *mut u8, length: usize, capacity: usize) {
    // SAFETY: the three parts are those of a `Vec<A>` of this library's allocator, which
    // nobody else owns (the contract of `RawVec::release`).
    drop(unsafe { Vec::from_raw_parts(pointer.cast::<A>(), length, capacity) });
}

/// Gives away a vector whose elements cross as they are.
fn give<A>(vec: Vec<A>) -> RawVec {
    let mut vec = ManuallyDrop::new(vec);
    RawVec {
        pointer: vec.as_mut_ptr().cast(),
        length: vec.len(),
        capacity: vec.capacity(),
        release: Some(release::<A>),
    }
}

// SAFETY: crosses as the parts of a vector of `T::Abi` and a function that frees it.
unsafe impl<T: Portable> Portable for Vec<T> {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Vec(T::SHAPE);

    #[inline]
    fn into_abi(self) -> RawVec {
        if T::PLAIN {
            give(self)
        } else {
            give::<T::Abi>(self.into_iter().map(Portable::into_abi).collect())
        }
    }

    #[inline]
    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        possible::<T::Abi>(abi.pointer, abi.length)?;
        // What cannot be freed is not taken over either.
        let release = abi.release.ok_or(FREED)?;
        let elements = abi.pointer.cast::<T::Abi>();
        let copy = if T::PLAIN {
            let mut copy = Self::with_capacity(abi.length);
            // SAFETY: both are places for that many `T`, which are their own Abi; a new
            // vector overlaps nothing.
            unsafe {
                std::ptr::copy_nonoverlapping(elements.cast::<T>(), copy.as_mut_ptr(), abi.length);
            };
            // SAFETY: so many were written just now.
            unsafe { copy.set_len(abi.length) };
            Ok(copy)
        } else {
            // SAFETY: by this function's contract, so many Abis lie there.
            let raw = unsafe { std::slice::from_raw_parts(elements, abi.length) };
            // SAFETY: by this function's contract; they are taken once.
            unsafe { take_all(raw) }
        };
        // SAFETY: `abi` is used once, so its elements are freed once.
        unsafe { release(abi.pointer, abi.length, abi.capacity) };
        copy
    }

    fn encode(self, out: &mut Encoder<'_>) {
        out.length(self.len());
        match as_bytes(&self) {
            Some(bytes) => out.raw(bytes),
            None => self.into_iter().for_each(|element| element.encode(out)),
        }
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        let length = input.length()?;
        elements_from_bytes(length, input)
    }
}

// SAFETY: crosses as an array of the elements' Abis.
unsafe impl<T: Portable, const N: usize> Portable for [T; N] {
    type Abi = RawArray<T::Abi, N>;

    const SHAPE: &'static Shape = {
        assert!(
            N > 0,
            "an empty array cannot cross, since C has no value without a size: leave it out"
        );
        &Shape::Array(T::SHAPE, N)
    };

    #[inline]
    fn into_abi(self) -> Self::Abi {
        RawArray {
            elements: self.map(Portable::into_abi),
        }
    }

    #[inline]
    unsafe fn from_abi(abi: Self::Abi) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract; all are taken over before any is looked at.
        let taken = abi.elements.map(|element| unsafe { T::from_abi(element) });
        let mut invalid = None;
        let valid = taken.map(|element| element.map_err(|error| invalid = Some(error)).ok());
        match invalid {
            Some(invalid) => Err(invalid),
            None => {
                let mut valid = valid.into_iter().flatten();
                // Every element is there, since none was invalid.
                let whole: Vec<T> = valid.by_ref().collect();
                whole
                    .try_into()
                    .or(Err(Invalid::new(&"all elements of an array")))
            }
        }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.into_iter().for_each(|element| element.encode(out));
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        let whole: Vec<T> = elements_from_bytes(N, input)?;
        whole
            .try_into()
            .or(Err(Invalid::new(&"all elements of an array")))
    }
}
