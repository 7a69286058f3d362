//! Text that a file controls.
//!
//! Invariant: it cannot reach a terminal, a log or a page unescaped by accident. `Display`
//! and `Debug` escape; the bytes themselves are had by name only.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer};

/// A string from an inspected file: bytes without any promise, not even of UTF-8.
///
/// `Display` escapes control characters, escape sequences, line ends, characters that turn
/// the direction of text, and bytes that are not UTF-8 (as `\xNN`). Serialising gives the
/// text with U+FFFD for what is not UTF-8: a JSON string escapes for itself.
///
/// ```
/// use plugwright_inspect::Untrusted;
///
/// let name = Untrusted::from(&b"lib\x1b[2Jevil.so"[..]);
/// assert_eq!(name.to_string(), r"lib\u{1b}[2Jevil.so");
/// assert_eq!(name.as_bytes(), b"lib\x1b[2Jevil.so");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Untrusted(Box<[u8]>);

impl Untrusted {
    /// The bytes as they stand in the file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text as it stands in the file, if it is UTF-8. Still not fit for a terminal.
    #[must_use]
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text with U+FFFD for what is not UTF-8. Still not fit for a terminal.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// `bytes` as `Display` would write them, copied only where that has to escape anything.
    #[must_use]
    pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
        match plain(bytes) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(Self::from(bytes).to_string()),
        }
    }

    /// As [`Untrusted::escape`], of what is known to be UTF-8.
    #[must_use]
    pub fn escape_str(text: &str) -> Cow<'_, str> {
        if is_plain(text.as_bytes()) {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(Self::from(text).to_string())
        }
    }

    /// Whether `Display` has to escape anything: such text in a name is an attack or damage.
    #[must_use]
    pub fn needs_escape(&self) -> bool {
        self.to_str()
            .is_none_or(|text| text.chars().any(is_dangerous))
    }
}

impl From<&[u8]> for Untrusted {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl PartialEq<str> for Untrusted {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl PartialEq<&str> for Untrusted {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

/// Characters that act on a terminal or reorder what is read: controls, and Unicode's
/// bidirectional and invisible format characters (UAX #9, and the "Default Ignorable" ones
/// that have been used to hide text).
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text, where there is nothing to escape.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = is_plain(bytes).then_some(bytes)?;
    std::str::from_utf8(text).ok()
}

/// Whether there is nothing to escape: nearly always, and a listing asks very often. Without an
/// early end, so that many bytes are looked at at once.
fn is_plain(bytes: &[u8]) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & (byte != b'\\');
    bytes.iter().fold(true, |all, byte| all & plain(*byte))
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = plain(&self.0) {
            return f.write_str(text);
        }
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if is_dangerous(c) || c == '\\' {
                    write!(f, "{}", c.escape_default())?;
                } else {
                    f.write_char(c)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Untrusted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string_lossy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(Untrusted::from(bytes).to_string(), expected);
        assert_eq!(Untrusted::escape(bytes), expected);
        if let Ok(text) = std::str::from_utf8(bytes) {
            assert_eq!(Untrusted::escape_str(text), expected);
        }
    }

    #[test]
    fn escapes_what_acts_on_a_terminal() {
        check(b"libz.so.1", "libz.so.1");
        check("größe".as_bytes(), "größe");
        check(b"a\nb\tc", r"a\nb\tc");
        check(b"\x1b]0;title\x07", r"\u{1b}]0;title\u{7}");
        check("\u{202e}cod".as_bytes(), r"\u{202e}cod");
        check(b"a\xff\xfeb", r"a\xff\xfeb");
        check(br"a\nb", r"a\\nb");
    }
}
