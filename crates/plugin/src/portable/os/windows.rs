//! On Windows the system's text is 16-bit units, and any units are valid. They are not what
//! Rust holds, so borrowed text is converted for the call, as values are that are lent.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use plugwright_manifest::schema::{Scalar, Shape};

use crate::abi::RawVec;
use crate::encoding::{Decoder, Encoder};
use crate::portable::{Invalid, Lend, Portable, keep};

// SAFETY: crosses as an OsString, which is given away and kept until the call ends.
unsafe impl Lend for OsStr {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::OsStr);

    fn lend(&self) -> RawVec {
        self.to_owned().into_abi()
    }

    unsafe fn borrow<'a>(abi: RawVec) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        let text = unsafe { OsString::from_abi(abi) }?;
        // SAFETY: by this function's contract the text is used during the call only.
        Ok(unsafe { keep(text) })
    }

    fn write(&self, out: &mut Encoder<'_>) {
        self.to_owned().encode(out);
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid> {
        // SAFETY: it borrows nothing.
        let text = unsafe { OsString::decode(input) }?;
        // SAFETY: by this function's contract the text is used during the call only.
        Ok(unsafe { keep(text) })
    }
}

// SAFETY: crosses as an OsStr.
unsafe impl Lend for Path {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Path);

    fn lend(&self) -> RawVec {
        self.as_os_str().lend()
    }

    unsafe fn borrow<'a>(abi: RawVec) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { OsStr::borrow(abi) }.map(Self::new)
    }

    fn write(&self, out: &mut Encoder<'_>) {
        self.as_os_str().write(out);
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { OsStr::read(input) }.map(Self::new)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Arena;
    use crate::portable::Kept;

    /// Half of a pair of units is no text that Rust holds as UTF-8.
    #[test]
    fn borrowed_text_is_lent_for_a_call() {
        let text = OsString::from_wide(&[0x61, 0xd800, 0x62]);
        for text in [&*text, OsStr::new(""), OsStr::new("a\\b.dll")] {
            let _kept = Kept::when(true);
            // SAFETY: given away just now, and used until the call ends, which `_kept` spans.
            let lent = unsafe { <&OsStr>::from_abi(text.into_abi()) };
            assert_eq!(lent, Ok(text));
            let path = Path::new(text);
            // SAFETY: as above.
            let lent = unsafe { <&Path>::from_abi(path.into_abi()) };
            assert_eq!(lent, Ok(path));

            let mut out = Encoder::new(None);
            path.encode(&mut out);
            let (bytes, _) = out.finish().expect("nothing is refused");
            let arena = Arena::default();
            // SAFETY: as above.
            let read = unsafe { <&Path>::decode(&mut Decoder::new(&bytes, &arena, None)) };
            assert_eq!(read, Ok(path));
        }
    }
}
