//! The TOML files of this crate: read within bounds, with the place of a mistake; written in one fixed form.

use alloc::string::{String, ToString};
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes of a policy, key store, lock file or bundle manifest. A lock file takes about 500 bytes for a plugin and
/// platform.
pub const MAX_FILE: usize = 4 * 1024 * 1024;

/// Why a policy, key store, lock file or bundle manifest could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseFileError {
    /// The line of the mistake, counted from 1; 0 if it has no place.
    pub line: usize,
    /// The character in that line, counted from 1; 0 if it has no place.
    pub column: usize,
    /// What is wrong; escaped.
    pub message: String,
}

impl ParseFileError {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            line: 0,
            column: 0,
            message: crate::escape::escaped(&message.to_string()),
        }
    }
}

impl fmt::Display for ParseFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for ParseFileError {}

pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, ParseFileError> {
    if text.len() > MAX_FILE {
        let length = text.len();
        return Err(ParseFileError::new(format_args!(
            "expected at most {MAX_FILE} bytes, found {length}"
        )));
    }
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let mut found = ParseFileError::new(error.message());
        if let Some(before) = before {
            found.line = before.matches('\n').count() + 1;
            let line = before.rsplit('\n').next().unwrap_or_default();
            found.column = line.chars().count() + 1;
        }
        found
    })
}

/// The text of a value whose types all have one in TOML.
///
/// # Errors
/// If a number in it is greater than TOML's greatest, 2⁶³ − 1.
pub(crate) fn write(value: &impl Serialize) -> Result<String, ParseFileError> {
    toml::to_string(value).map_err(ParseFileError::new)
}

/// The version of a file's format, which stands in its `version`: 1 is the only one so far.
pub(crate) const FORMAT: u32 = 1;

pub(crate) fn check_format(found: u32, what: &str) -> Result<(), ParseFileError> {
    if found == FORMAT {
        return Ok(());
    }
    Err(ParseFileError::new(format_args!(
        "expected version = {FORMAT} of a {what}, found {found}: this program is too old for it"
    )))
}
