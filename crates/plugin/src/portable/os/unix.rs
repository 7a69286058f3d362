//! On Unix the system's text is bytes, and any bytes are valid.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use plugwright_manifest::schema::{Scalar, Shape};

use crate::abi::{RawSlice, RawVec};
use crate::encoding::{Decoder, Encoder};
use crate::portable::{Invalid, Lend, Portable};

// SAFETY: crosses as pointer and length of its bytes.
unsafe impl Lend for OsStr {
    type Abi = RawSlice;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::OsStr);

    fn lend(&self) -> RawSlice {
        self.as_bytes().into_abi()
    }

    unsafe fn borrow<'a>(abi: RawSlice) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { <&[u8]>::from_abi(abi) }.map(Self::from_bytes)
    }

    fn write(&self, out: &mut Encoder<'_>) {
        self.as_bytes().write(out);
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { <&[u8]>::decode(input) }.map(Self::from_bytes)
    }
}

// SAFETY: crosses as an OsStr.
unsafe impl Lend for Path {
    type Abi = RawSlice;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Path);

    fn lend(&self) -> RawSlice {
        self.as_os_str().into_abi()
    }

    unsafe fn borrow<'a>(abi: RawSlice) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { <&OsStr>::from_abi(abi) }.map(Self::new)
    }

    fn write(&self, out: &mut Encoder<'_>) {
        self.as_os_str().write(out);
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { <&OsStr>::decode(input) }.map(Self::new)
    }
}

// SAFETY: crosses as a vector of its bytes.
unsafe impl Portable for OsString {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::OsString);

    fn into_abi(self) -> RawVec {
        self.into_vec().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { Vec::from_abi(abi) }.map(Self::from_vec)
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.into_vec().encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { Vec::decode(input) }.map(Self::from_vec)
    }
}
