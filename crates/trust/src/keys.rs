//! Public keys of minisign, and what each of them may speak for.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use plugwright_manifest::{Capability, is_valid_id};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;

/// A key's number: the eight bytes by which a signature names the key that made it. It is printed as minisign prints it, as
/// 16 upper-case hexadecimal digits of the little-endian number. It is a name and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// Takes the eight bytes in the order in which they lie in a key or signature.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The key that a signature in minisign's format names, in its second line: base64 of two bytes of algorithm, the
    /// eight bytes of the number, and the signature itself. Nothing else of it is looked at.
    #[must_use]
    pub fn named_by(signature: &str) -> Option<Self> {
        // Sixteen digits are twelve bytes: algorithm, number, and two of the signature.
        let mut head = [0; 12];
        let line = signature.lines().nth(1)?.as_bytes();
        decode(line.get(..16)?, &mut head)?;
        let [_, _, number @ .., _, _] = head;
        Some(Self(number))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyError;

    /// Reads 16 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        number
            .map(|number| Self(number.to_le_bytes()))
            .ok_or(ParseKeyError("a key's number has 16 hexadecimal digits"))
    }
}

/// A public key in minisign's format: the second line of a `.pub` file, 56 characters of base64 that begin with `RW`. They
/// hold the algorithm (`Ed`), the key's number and 32 bytes of Ed25519.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; LENGTH]);

/// Two bytes of algorithm, eight of number, 32 of key.
const LENGTH: usize = 42;

/// What the format's first two bytes are: Ed25519.
const ALGORITHM: [u8; 2] = *b"Ed";

impl PublicKey {
    /// The key's number.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.0[2..10]);
        KeyId(id)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for three in self.0.chunks_exact(3) {
            let bits = three
                .iter()
                .fold(0, |bits, byte| bits << 8 | u32::from(*byte));
            for place in [18, 12, 6, 0] {
                let index = (bits >> place) & 63;
                let letter = DIGITS.iter().zip(0..).find(|(_, at)| *at == index);
                fmt::Write::write_char(f, letter.map_or('=', |(letter, _)| char::from(*letter)))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A text that is not a key or not a key's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseKeyError(&'static str);

impl fmt::Display for ParseKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for ParseKeyError {}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes base64 without padding: four digits for each three bytes of `to`.
fn decode(digits: &[u8], to: &mut [u8]) -> Option<()> {
    for (three, four) in to.chunks_exact_mut(3).zip(digits.chunks_exact(4)) {
        let mut bits = 0;
        for letter in four {
            let mut known = DIGITS.iter().zip(0_u32..);
            let (_, digit) = known.find(|(digit, _)| *digit == letter)?;
            bits = bits << 6 | digit;
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        three.copy_from_slice(&bytes);
    }
    Some(())
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "a public key of minisign is 56 characters of base64 that begin with RW: the second line of its .pub file";
        let mut key = [0; LENGTH];
        if text.len() != LENGTH / 3 * 4 {
            return Err(ParseKeyError(expected));
        }
        decode(text.as_bytes(), &mut key).ok_or(ParseKeyError(expected))?;
        if key[..2] != ALGORITHM {
            return Err(ParseKeyError(
                "a public key of minisign begins with RW: its algorithm is Ed25519",
            ));
        }
        Ok(Self(key))
    }
}

/// Which plugins' ids are meant: one id, or all below a prefix.
///
/// ```
/// use plugwright_trust::IdPattern;
///
/// let ours: IdPattern = "org.example.*".parse()?;
/// assert!(ours.matches("org.example.zstd"));
/// assert!(!ours.matches("org.example-evil.zstd"));
/// # Ok::<(), plugwright_trust::ParseIdPatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdPattern(String);

impl IdPattern {
    /// Whether an id is meant.
    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        match self.0.strip_suffix('*') {
            // What is left ends with a dot or is empty, so that only whole labels are compared.
            Some(prefix) => id.starts_with(prefix),
            None => self.0 == id,
        }
    }
}

impl fmt::Display for IdPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no pattern of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseIdPatternError(String);

impl fmt::Display for ParseIdPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = crate::escape::escaped(&self.0);
        write!(
            f,
            "expected an id, a prefix and `.*` (as in org.example.*), or `*`, found {found:?}"
        )
    }
}

impl core::error::Error for ParseIdPatternError {}

impl FromStr for IdPattern {
    type Err = ParseIdPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = match text.strip_suffix(".*") {
            // A single label is a prefix too, but no id.
            Some(prefix) => is_valid_id(&format!("{prefix}.x")),
            None => text == "*" || is_valid_id(text),
        };
        if valid {
            Ok(Self(text.to_string()))
        } else {
            Err(ParseIdPatternError(text.to_string()))
        }
    }
}

/// A key that a policy knows, and what it may speak for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Key {
    /// What people call it.
    pub name: String,
    /// The key.
    pub public: PublicKey,
    /// What it signs before this time counts for nothing, and until then it is not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// From this time on it is not accepted: it was replaced in good order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// It is not accepted any more, for this reason, whatever it signed and when: somebody else may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// The plugins that it may speak for.
    pub ids: Vec<IdPattern>,
    /// What plugins that it speaks for may be granted; `None` sets no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<Capability>>,
}

impl Key {
    /// A key that may speak for these plugins, at any time.
    #[must_use]
    pub fn new(name: impl Into<String>, public: PublicKey, ids: impl Into<Vec<IdPattern>>) -> Self {
        Self {
            name: name.into(),
            public,
            from: None,
            until: None,
            revoked: None,
            ids: ids.into(),
            capabilities: None,
        }
    }

    /// Sets from when and until when it is accepted.
    #[must_use]
    pub const fn with_validity(
        mut self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Self {
        self.from = from;
        self.until = until;
        self
    }

    /// Says that it is not accepted any more, and why.
    #[must_use]
    pub fn with_revoked(mut self, reason: impl Into<String>) -> Self {
        self.revoked = Some(reason.into());
        self
    }

    /// Limits what plugins that it speaks for may be granted.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: impl Into<Vec<Capability>>) -> Self {
        self.capabilities = Some(capabilities.into());
        self
    }
}

/// Reads and writes a type as its text.
macro_rules! as_text {
    ($($ty:ty),*) => {$(
        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

as_text!(KeyId, PublicKey, IdPattern, crate::Digest);

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of minisign's own documentation.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn keys_are_read_written_and_numbered_as_minisign_does() {
        let key: PublicKey = KEY.parse().unwrap();
        assert_eq!(key.to_string(), KEY);
        assert_eq!(key.id().to_string(), "E7620F1842B4E81F");
        assert_eq!("E7620F1842B4E81F".parse(), Ok(key.id()));
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in [
            "",
            "RW",
            &KEY[..55],
            &KEY.replace('Q', "="),
            &KEY.replacen("RW", "RX", 1),
            &"é".repeat(28),
        ] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
        for text in [
            "",
            "E7620F1842B4E81",
            "E7620F1842B4E81FF",
            "+7620F1842B4E81F",
        ] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_signature_names_its_key() {
        let signature = "untrusted comment: signature from minisign secret key\n\
            RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n";
        let key: PublicKey = KEY.parse().unwrap();
        assert_eq!(KeyId::named_by(signature), Some(key.id()));
        for text in [
            "",
            "one line",
            "two\nRUQf6LRCGA9i559",
            "two\nRUQf6LRCGA9i55=r",
        ] {
            assert_eq!(KeyId::named_by(text), None, "{text}");
        }
    }

    #[track_caller]
    fn check(pattern: &str, id: &str, expected: bool) {
        assert_eq!(pattern.parse::<IdPattern>().unwrap().matches(id), expected);
    }

    #[test]
    fn patterns_compare_whole_labels() {
        check("*", "org.example.a", true);
        check("org.example.*", "org.example.a", true);
        check("org.example.*", "org.example.a.b", true);
        check("org.example.*", "org.example", false);
        check("org.example.*", "org.examples.a", false);
        check("org.*", "org.example.a", true);
        check("org.example.a", "org.example.a", true);
        check("org.example.a", "org.example.ab", false);
        for text in [
            "",
            "org.example*",
            "*.example",
            "org.**",
            "org..*",
            "Org.*",
            "org",
        ] {
            assert!(text.parse::<IdPattern>().is_err(), "{text}");
        }
    }
}
