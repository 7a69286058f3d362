//! Identifiers: reverse-DNS names of plugins and interfaces, and interface versions.
//!
//! The invariant: a value of these types obeys the grammar, so that an identifier can be
//! compared byte by byte, shown on a terminal and used in a file name without escaping.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The most bytes in an identifier.
pub const MAX_ID: usize = 128;

/// Whether `text` is a valid identifier: two or more labels joined by dots, each of
/// lower-case ASCII letters, digits and inner hyphens, at most [`MAX_ID`] bytes in all.
///
/// ```
/// use plugwright_manifest::is_valid_id;
///
/// assert!(is_valid_id("org.example.zstd-19"));
/// assert!(!is_valid_id("Zstd"));
/// assert!(!is_valid_id("org..zstd"));
/// ```
#[must_use]
pub const fn is_valid_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_ID {
        return false;
    }
    let mut dots = 0;
    let mut label = 0;
    let mut index = 0;
    while index < bytes.len() {
        let last_of_label = index + 1 == bytes.len() || bytes[index + 1] == b'.';
        match bytes[index] {
            b'a'..=b'z' | b'0'..=b'9' => label += 1,
            b'-' if label > 0 && !last_of_label => label += 1,
            b'.' if label > 0 => {
                label = 0;
                dots += 1;
            }
            _ => return false,
        }
        index += 1;
    }
    label > 0 && dots > 0
}

/// A text that is not a valid identifier or version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not {}", self.text, self.expected)
    }
}

impl std::error::Error for InvalidId {}

/// A plugin's or an interface's reverse-DNS name, such as `org.example.zstd`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// Takes `text` when it obeys the grammar of [`is_valid_id`].
    ///
    /// # Errors
    /// When it does not.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        if is_valid_id(&text) {
            Ok(Self(text))
        } else {
            Err(InvalidId {
                text,
                expected: "an identifier: lower-case labels of letters, digits and inner \
                           hyphens, joined by dots, as in org.example.zstd",
            })
        }
    }

    /// Takes an identifier that a macro checked when it was compiled.
    pub(crate) fn from_checked(text: &'static str) -> Self {
        debug_assert!(is_valid_id(text), "the macros check every id");
        Self(text.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl std::borrow::Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// An interface's version. Methods are only added within a major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_structs,
    reason = "two numbers are all that an interface's version will ever have"
)]
pub struct InterfaceVersion {
    /// Changes when a method is removed or changes its signature.
    pub major: u16,
    /// Grows when methods are added.
    pub minor: u16,
}

impl InterfaceVersion {
    /// The version `major.minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for InterfaceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for InterfaceVersion {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = |part: &str| -> Option<u16> {
            let plain = part.bytes().all(|byte| byte.is_ascii_digit());
            (plain && (part == "0" || !part.starts_with('0')))
                .then(|| part.parse().ok())
                .flatten()
        };
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self::new(digits(major)?, digits(minor)?)))
            .ok_or_else(|| InvalidId {
                text: text.to_owned(),
                expected: "an interface version: two numbers, as in 1.2",
            })
    }
}

impl Serialize for InterfaceVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_id(text: &str, expected: bool) {
        assert_eq!(is_valid_id(text), expected, "{text:?}");
    }

    #[test]
    fn grammar_of_ids() {
        check_id("org.example.zstd", true);
        check_id("a.b", true);
        check_id("org.7zip.x-y", true);
        check_id("", false);
        check_id("zstd", false);
        check_id(".a.b", false);
        check_id("a.b.", false);
        check_id("a..b", false);
        check_id("a.-b", false);
        check_id("a.b-", false);
        check_id("a-.b", false);
        check_id("a.B", false);
        check_id("a.b c", false);
        check_id("a.\u{1b}[2J", false);
        check_id("а.b", false); // a Cyrillic а
        check_id(&format!("a.{}", "b".repeat(126)), true);
        check_id(&format!("a.{}", "b".repeat(127)), false);
    }

    #[test]
    fn grammar_of_versions() {
        assert_eq!("1.2".parse(), Ok(InterfaceVersion::new(1, 2)));
        assert_eq!("0.10".parse(), Ok(InterfaceVersion::new(0, 10)));
        for wrong in [
            "", "1", "1.", ".1", "1.2.3", "+1.2", "01.2", "1.70000", "1. 2",
        ] {
            assert!(wrong.parse::<InterfaceVersion>().is_err(), "{wrong:?}");
        }
    }
}
