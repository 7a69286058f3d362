//! What is known of the signatures over a file, over the bundle that it belongs to, or over the lock file.

use alloc::string::{String, ToString};
use core::fmt;

use plugwright_manifest::Version;

use crate::{KeyId, Timestamp};

/// One signature, checked by a witness against the keys of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureFacts {
    /// Where it was read, as text for messages.
    pub origin: String,
    /// The number of the key that it names.
    pub key: KeyId,
    /// What was signed.
    pub over: Signed,
    /// What checking it said.
    pub check: SignatureCheck,
    /// What the signed comment says; empty unless the signature is good.
    pub subject: Subject,
}

impl SignatureFacts {
    /// A signature with what checking it said.
    #[must_use]
    pub fn new(origin: impl Into<String>, key: KeyId, over: Signed, check: SignatureCheck) -> Self {
        Self {
            origin: origin.into(),
            key,
            over,
            check,
            subject: Subject::default(),
        }
    }

    /// Adds what the signed comment says.
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }
}

/// What a signature was made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signed {
    /// The bytes of the file itself.
    File,
    /// A bundle manifest that lists the digest of the file.
    Bundle,
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Bundle => "bundle manifest",
        })
    }
}

/// What checking a signature said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureCheck {
    /// The key that it names made it over these very bytes and over its comment.
    Good,
    /// The key that it names did not make it over these bytes, or not over its comment.
    Forged,
    /// It is of the older form that signs the bytes and not their hash. It is not accepted: it cannot be checked while the
    /// bytes are read.
    Legacy,
    /// The policy knows no key with its number, so nothing could be checked.
    UnknownKey,
    /// The bundle manifest does not list the file with these bytes.
    NotListed,
    /// It is not of minisign's form, its comment cannot be understood, or what it was made over is no bundle manifest.
    Malformed,
}

/// What the comment of a signature, which is signed with it, says of the plugin: words of the form `name:value`, separated by
/// white space. Those with the names `id`, `version` and `expires` count; others, such as minisign's own `timestamp` and
/// `file`, are for people.
///
/// ```
/// use plugwright_trust::Subject;
///
/// let subject = Subject::parse("timestamp:1767225600 file:libzstd.so id:org.example.zstd version:1.2.0 expires:2027-03-01")?;
/// assert_eq!(subject.id.as_deref(), Some("org.example.zstd"));
/// # Ok::<(), plugwright_trust::ParseSubjectError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The plugin's id.
    pub id: Option<String>,
    /// The plugin's version.
    pub version: Option<Version>,
    /// From this time on the signature counts for nothing.
    pub expires: Option<Timestamp>,
}

impl Subject {
    /// Reads a signed comment.
    ///
    /// # Errors
    /// If a word that counts is there twice, or is not what it has to be: whoever signed meant something by it.
    pub fn parse(comment: &str) -> Result<Self, ParseSubjectError> {
        let mut subject = Self::default();
        for word in comment.split_ascii_whitespace() {
            let mistake = || ParseSubjectError(word.to_string());
            let Some((name, value)) = word.split_once(':') else {
                continue;
            };
            let twice = match name {
                "id" => subject.id.replace(value.to_string()).is_some(),
                "version" => {
                    let version = Version::parse(value).ok().ok_or_else(mistake)?;
                    subject.version.replace(version).is_some()
                }
                "expires" => {
                    let time = value.parse().ok().ok_or_else(mistake)?;
                    subject.expires.replace(time).is_some()
                }
                _ => false,
            };
            if twice {
                return Err(mistake());
            }
        }
        Ok(subject)
    }
}

impl fmt::Display for Subject {
    /// The words that [`Subject::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        if let Some(id) = &self.id {
            write!(f, "id:{id}")?;
            space = " ";
        }
        if let Some(version) = &self.version {
            write!(f, "{space}version:{version}")?;
            space = " ";
        }
        if let Some(expires) = &self.expires {
            write!(f, "{space}expires:{expires}")?;
        }
        Ok(())
    }
}

/// A word of a signed comment that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseSubjectError(String);

impl fmt::Display for ParseSubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the signed comment says {:?}, which is said twice or is not what its name promises (an id, a version, a date)",
            crate::escape::escaped(&self.0)
        )
    }
}

impl core::error::Error for ParseSubjectError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(comment: &str, expected: Result<&str, &str>) {
        let found = Subject::parse(comment).map(|subject| subject.to_string());
        let expected = expected.map(ToString::to_string);
        assert_eq!(
            found,
            expected.map_err(|word| ParseSubjectError(word.to_string()))
        );
    }

    #[test]
    fn the_words_that_count_are_read_and_the_others_are_not() {
        check("", Ok(""));
        check("timestamp:1 file:x.so\thashed", Ok(""));
        check(
            "expires:2027-03-01 version:1.0.0 id:a.b",
            Ok("id:a.b version:1.0.0 expires:2027-03-01T00:00:00Z"),
        );
        check("id:a.b id:a.c", Err("id:a.c"));
        check("version:1", Err("version:1"));
        check("expires:soon", Err("expires:soon"));
    }
}
