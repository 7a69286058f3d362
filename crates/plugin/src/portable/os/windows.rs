//! On Windows the system's text is 16-bit units, and any units are valid. They are not what
//! Rust holds, so borrowed text does not cross: give `OsString` and `PathBuf`.

use std::ffi::OsString;
use std::os::windows::ffi::{OsStrExt, OsStringExt};

use plugwright_manifest::schema::{Scalar, Shape};

use crate::abi::RawVec;
use crate::encoding::{Decoder, Encoder};
use crate::portable::{Invalid, Portable};

// SAFETY: crosses as a vector of its 16-bit units.
unsafe impl Portable for OsString {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::OsString);

    fn into_abi(self) -> RawVec {
        self.encode_wide().collect::<Vec<u16>>().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { Vec::<u16>::from_abi(abi) }.map(|units| Self::from_wide(&units))
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.encode_wide().collect::<Vec<u16>>().encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { Vec::<u16>::decode(input) }.map(|units| Self::from_wide(&units))
    }
}
