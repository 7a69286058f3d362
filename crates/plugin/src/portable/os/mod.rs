//! Text of the operating system: `&OsStr`, `OsString`, `&Path` and `PathBuf`.
//!
//! They cross as what the system has: bytes on Unix, 16-bit units on Windows.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;
use std::path::PathBuf;

use plugwright_manifest::schema::{Scalar, Shape};

use super::{Invalid, Portable};
use crate::abi::RawVec;
use crate::encoding::{Decoder, Encoder};

// SAFETY: crosses as an OsString.
unsafe impl Portable for PathBuf {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::PathBuf);

    fn into_abi(self) -> RawVec {
        self.into_os_string().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { OsString::from_abi(abi) }.map(Self::from)
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.into_os_string().encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { OsString::decode(input) }.map(Self::from)
    }
}
