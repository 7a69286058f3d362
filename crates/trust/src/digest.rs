//! The digest of a file's bytes: BLAKE3, 32 bytes, printed as 64 lower-case hexadecimal digits.
//!
//! The type is this crate's own, so that the judge does not depend on the library that computes it.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// The BLAKE3 digest of all bytes of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Takes the 32 bytes that a BLAKE3 implementation computed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseDigestError {
    /// The text does not have 64 characters.
    Length {
        /// How many characters it has.
        found: usize,
    },
    /// A character is not a hexadecimal digit.
    Digit {
        /// The character's index, counted in characters from 0.
        at: usize,
        /// The character.
        found: char,
    },
}

impl fmt::Display for ParseDigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found } => write!(
                f,
                "a digest has 64 hexadecimal digits, found {found} characters"
            ),
            Self::Digit { at, found } => {
                write!(
                    f,
                    "a digest has hexadecimal digits only, found {found:?} at position {at}"
                )
            }
        }
    }
}

impl core::error::Error for ParseDigestError {}

impl FromStr for Digest {
    type Err = ParseDigestError;

    /// Reads 64 hexadecimal digits, in either case, with nothing around them.
    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let found = text.chars().count();
        if found != 64 {
            return Err(ParseDigestError::Length { found });
        }
        let mut bytes = [0; 32];
        for (at, c) in text.chars().enumerate() {
            let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let digit = digit.ok_or(ParseDigestError::Digit { at, found: c })?;
            let byte = &mut bytes[at / 2];
            *byte = (*byte << 4) | digit;
        }
        Ok(Self(bytes))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        alloc::format!("{digest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn check(text: &str, expected: Result<[u8; 32], ParseDigestError>) {
        assert_eq!(text.parse::<Digest>(), expected.map(Digest));
    }

    #[test]
    fn hexadecimal_text_is_read_and_printed_back() {
        let mut bytes = [0; 32];
        bytes[0] = 0xaf;
        bytes[31] = 0x01;
        let text = Digest(bytes).to_string();
        assert_eq!(
            text,
            "af00000000000000000000000000000000000000000000000000000000000001"
        );
        check(&text, Ok(bytes));
        check(&text.to_uppercase(), Ok(bytes));
    }

    #[test]
    fn everything_else_is_refused_with_its_place() {
        check("", Err(ParseDigestError::Length { found: 0 }));
        check(&"a".repeat(65), Err(ParseDigestError::Length { found: 65 }));
        check(
            &("+".to_string() + &"a".repeat(63)),
            Err(ParseDigestError::Digit { at: 0, found: '+' }),
        );
        // 64 bytes, but 63 characters: lengths are counted in characters.
        check(
            &("é".to_string() + &"a".repeat(62)),
            Err(ParseDigestError::Length { found: 63 }),
        );
        check(
            &("a".repeat(63) + "é"),
            Err(ParseDigestError::Digit {
                at: 63, found: 'é'
            }),
        );
    }
}
