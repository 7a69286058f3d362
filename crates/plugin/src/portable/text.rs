//! `&str` and `String`: bytes, checked to be UTF-8 on arrival.

use plugwright_manifest::schema::{Scalar, Shape};

use super::references::Lend;
use super::sequences::borrow;
use super::{Invalid, Portable};
use crate::abi::{RawSlice, RawVec};
use crate::encoding::{Decoder, Encoder};

const STR: Invalid = Invalid::new("a str that is UTF-8");
const STRING: Invalid = Invalid::new("a String that is UTF-8");

// SAFETY: crosses as pointer and length; UTF-8 is checked on arrival.
unsafe impl Lend for str {
    type Abi = RawSlice;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Str);

    #[inline]
    fn lend(&self) -> RawSlice {
        RawSlice::of(self)
    }

    #[inline]
    unsafe fn borrow<'a>(abi: RawSlice) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        let bytes = unsafe { borrow(abi) }?;
        std::str::from_utf8(bytes).or(Err(STR))
    }

    fn write(&self, out: &mut Encoder<'_>) {
        self.as_bytes().write(out);
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        let bytes = unsafe { <&[u8]>::decode(input) }?;
        std::str::from_utf8(bytes).or(Err(STR))
    }
}

// SAFETY: crosses as its bytes; UTF-8 is checked on arrival.
unsafe impl Portable for String {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::String);

    #[inline]
    fn into_abi(self) -> RawVec {
        self.into_bytes().into_abi()
    }

    #[inline]
    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        let bytes = unsafe { Vec::from_abi(abi) }?;
        Self::from_utf8(bytes).or(Err(STRING))
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.as_str().write(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: a vector borrows nothing.
        let bytes = unsafe { Vec::decode(input) }?;
        Self::from_utf8(bytes).or(Err(STRING))
    }
}
