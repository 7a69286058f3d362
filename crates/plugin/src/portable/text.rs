//! `&str` and `String`: bytes, checked to be UTF-8 on arrival.
//!
//! The check is the greater part of what a text costs, since a call itself takes two or three
//! nanoseconds. So what most arguments are, a few bytes of ASCII, is told in line by at most
//! two words; a longer text is looked at as a whole before it is taken apart, because a loop
//! without an early end is one that the compiler makes vectors of.

use plugwright_manifest::schema::{Scalar, Shape};

use super::references::Lend;
use super::sequences::borrow;
use super::{Invalid, Portable};
use crate::abi::{RawSlice, RawVec};
use crate::encoding::{Decoder, Encoder};

const STR: Invalid = Invalid::new(&"a str that is UTF-8");
const STRING: Invalid = Invalid::new(&"a String that is UTF-8");

/// The bytes as text, when they are UTF-8.
#[inline]
fn utf8(bytes: &[u8]) -> Result<&str, Invalid> {
    let mut text = bytes;
    if !is_short_ascii(bytes) {
        // SAFETY: it is borrowed.
        let found = unsafe { longer(bytes.lend()) };
        if found.pointer.is_null() {
            return Err(STR);
        }
        // SAFETY: it is what it was.
        text = unsafe { std::slice::from_raw_parts(found.pointer.cast(), found.length) };
    }
    // SAFETY: ASCII is UTF-8, and so is what was found to be.
    Ok(unsafe { std::str::from_utf8_unchecked(text) })
}

/// In each byte, the bit that no byte of ASCII has.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Whether these are at most sixteen bytes of ASCII, read as two words that may overlap.
#[inline]
fn is_short_ascii(bytes: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let both = u64::from_le_bytes(*first) | u64::from_le_bytes(*last);
        return bytes.len() <= 16 && both & HIGH == 0;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let both = u32::from_le_bytes(*first) | u32::from_le_bytes(*last);
        return u64::from(both) & HIGH == 0;
    }
    match bytes {
        [] => true,
        // Of up to three bytes these are all.
        [first, .., last] => (first | bytes[bytes.len() / 2] | last).is_ascii(),
        [only] => only.is_ascii(),
    }
}

/// Whether these eight bytes or fewer are ASCII and letters of two bytes: all of Latin, Greek,
/// Cyrillic, Hebrew and Arabic, in one word, where the standard library's check takes a text
/// apart byte by byte. Two words at once were tried: shifts over both cost more than is gained.
fn is_short_text(bytes: &[u8]) -> bool {
    const BYTES: u64 = u64::MAX / 0xFF;
    let all = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let last = u64::from(u32::from_le_bytes(*last));
        u64::from(u32::from_le_bytes(*first)) | last << ((bytes.len() - 4) * 8)
    } else {
        let bytes = bytes.iter().rev();
        bytes.fold(0, |all, byte| all << 8 | u64::from(*byte))
    };
    // The two highest bits of a byte, each at the place of the highest one: 11 leads, 10 follows.
    let leads = all & (all << 1) & HIGH;
    let follows = all & !(all << 1) & HIGH;
    // Those that lead more than one byte, and those of which a shorter form exists.
    let longer = leads & (all << 2);
    let overlong = leads & !((all & (BYTES * 0x1E)) + BYTES * 0x7E);
    // A lead at the end of eight bytes is lost by the shift.
    let is_whole = leads >> 63 == 0;
    is_whole && leads << 8 == follows && longer == 0 && overlong == 0
}

/// These bytes, when they are UTF-8, and otherwise null.
///
/// Cold, so that what a call keeps over this one is put aside here and not by every call; and of
/// C, as whatever a call looks at what arrived with: such a function never unwinds, so that a
/// method which cannot panic itself needs nothing for that. It gives back what it took, which is
/// one thing less to keep.
///
/// # Safety
/// The bytes can be borrowed.
#[cold]
#[inline(never)]
unsafe extern "C" fn longer(bytes: RawSlice) -> RawSlice {
    // SAFETY: by this function's contract.
    let text = unsafe { std::slice::from_raw_parts(bytes.pointer, bytes.length) };
    let is_text = match text.last_chunk() {
        // The last word overlaps the one before it, so that no bytes are left over.
        Some(last) if text.len() > 8 => {
            let (words, _) = text.as_chunks::<8>();
            let last = u64::from_le_bytes(*last);
            let all = words
                .iter()
                .fold(last, |all, word| all | u64::from_le_bytes(*word));
            all & HIGH == 0
        }
        _ => is_short_text(text),
    };
    if is_text || std::str::from_utf8(text).is_ok() {
        return bytes;
    }
    RawSlice {
        pointer: std::ptr::null(),
        length: 0,
    }
}

/// The same of bytes that are owned.
#[inline]
fn owned(bytes: Vec<u8>) -> Result<String, Invalid> {
    utf8(&bytes).or(Err(STRING))?;
    // SAFETY: just looked at.
    Ok(unsafe { String::from_utf8_unchecked(bytes) })
}

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
        utf8(bytes)
    }

    fn write(&self, out: &mut Encoder<'_>) {
        self.as_bytes().write(out);
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid> {
        // SAFETY: by this function's contract.
        let bytes = unsafe { <&[u8]>::decode(input) }?;
        utf8(bytes)
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
        owned(bytes)
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.as_str().write(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: a vector borrows nothing.
        let bytes = unsafe { Vec::decode(input) }?;
        owned(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn agree(bytes: &[u8]) {
        let expected = std::str::from_utf8(bytes);
        assert_eq!(utf8(bytes).is_ok(), expected.is_ok(), "{bytes:x?}");
    }

    /// Everything that two bytes can be, and what three can be at the bounds of what they may: in
    /// texts of each length that is told in one word, and of some more, at each place.
    #[test]
    fn short_texts_are_told_as_by_the_standard_library() {
        for pair in 0..=u16::MAX {
            let [first, second] = pair.to_be_bytes();
            agree(&[first, second]);
            agree(&[b'a', first, second, 0xC3, 0xA9]);
            agree(&[b'a', b'b', b'c', b'd', b'e', b'f', b'g', first, second]);
        }
        const BOUNDS: [u8; 14] = [
            0, 0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xF0, 0xF4, 0xFF,
        ];
        for length in 3..=17 {
            for at in 0..=length - 3 {
                for count in 0..BOUNDS.len().pow(3) {
                    let digit = |power| BOUNDS[count / BOUNDS.len().pow(power) % BOUNDS.len()];
                    let mut bytes = vec![b'a'; length];
                    bytes[at..at + 3].copy_from_slice(&[digit(0), digit(1), digit(2)]);
                    agree(&bytes);
                }
            }
        }
    }

    /// Both ways to tell must agree with the standard library's, for every length around the
    /// sizes of words and every place of a byte that is not ASCII.
    #[test]
    fn the_check_is_that_of_the_standard_library() {
        for length in 0..70 {
            let plain = vec![b'a'; length];
            assert_eq!(utf8(&plain), Ok("a".repeat(length).as_str()));
            for at in 0..length {
                for wrong in [0x80, 0xc3, 0xe2, 0xff] {
                    let mut bytes = plain.clone();
                    bytes[at] = wrong;
                    assert_eq!(utf8(&bytes), Err(STR), "{wrong:x} at {at} of {length}");
                    assert_eq!(owned(bytes), Err(STRING));
                }
                let mut bytes = plain.clone();
                bytes.splice(at..=at, "é".bytes());
                let text = std::str::from_utf8(&bytes).expect("a letter of two bytes");
                assert_eq!(utf8(&bytes), Ok(text));
                assert_eq!(owned(bytes.clone()).as_deref(), Ok(text));
            }
        }
    }
}
