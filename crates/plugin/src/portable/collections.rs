//! Maps and sets: they cross as vectors, and equal keys are refused on arrival.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use plugwright_manifest::schema::Shape;

use super::{Invalid, Portable};
use crate::abi::RawVec;
use crate::encoding::{Decoder, Encoder};

const REPEATED: Invalid = Invalid::new(&"a map or set without equal keys");

/// Takes the elements over.
///
/// # Safety
/// As [`Portable::from_abi`] of `Vec<E>`.
unsafe fn take<E: Portable, C: FromIterator<E>>(
    abi: RawVec,
    count: fn(&C) -> usize,
) -> Result<C, Invalid> {
    // SAFETY: by this function's contract.
    whole(unsafe { Vec::<E>::from_abi(abi) }?, count)
}

/// Collects the elements, none of which may be lost to an equal one.
fn whole<E, C: FromIterator<E>>(elements: Vec<E>, count: fn(&C) -> usize) -> Result<C, Invalid> {
    let given = elements.len();
    let collection: C = elements.into_iter().collect();
    if count(&collection) == given {
        Ok(collection)
    } else {
        Err(REPEATED)
    }
}

// SAFETY: crosses as a vector of pairs.
unsafe impl<K: Portable + Ord, V: Portable> Portable for BTreeMap<K, V> {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Map(K::SHAPE, V::SHAPE);

    fn into_abi(self) -> RawVec {
        self.into_iter().collect::<Vec<(K, V)>>().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { take::<(K, V), Self>(abi, Self::len) }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        out.length(self.len());
        self.into_iter().for_each(|element| element.encode(out));
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        whole(unsafe { Vec::<(K, V)>::decode(input) }?, Self::len)
    }
}

// SAFETY: crosses as a vector of pairs.
unsafe impl<K, V, S> Portable for HashMap<K, V, S>
where
    K: Portable + Eq + Hash,
    V: Portable,
    S: BuildHasher + Default,
{
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Map(K::SHAPE, V::SHAPE);

    fn into_abi(self) -> RawVec {
        self.into_iter().collect::<Vec<(K, V)>>().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { take::<(K, V), Self>(abi, Self::len) }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        out.length(self.len());
        self.into_iter().for_each(|element| element.encode(out));
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        whole(unsafe { Vec::<(K, V)>::decode(input) }?, Self::len)
    }
}

// SAFETY: crosses as a vector.
unsafe impl<T: Portable + Ord> Portable for BTreeSet<T> {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Set(T::SHAPE);

    fn into_abi(self) -> RawVec {
        self.into_iter().collect::<Vec<T>>().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { take::<T, Self>(abi, Self::len) }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        out.length(self.len());
        self.into_iter().for_each(|element| element.encode(out));
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        whole(unsafe { Vec::<T>::decode(input) }?, Self::len)
    }
}

// SAFETY: crosses as a vector.
unsafe impl<T, S> Portable for HashSet<T, S>
where
    T: Portable + Eq + Hash,
    S: BuildHasher + Default,
{
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Set(T::SHAPE);

    fn into_abi(self) -> RawVec {
        self.into_iter().collect::<Vec<T>>().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { take::<T, Self>(abi, Self::len) }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        out.length(self.len());
        self.into_iter().for_each(|element| element.encode(out));
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        whole(unsafe { Vec::<T>::decode(input) }?, Self::len)
    }
}
