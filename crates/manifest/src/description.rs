//! An interface saved in a file of its own, for whoever writes a plugin without the Rust crate
//! that declares it.
//!
//! The file is JSON. Its methods are there for people, and so that a change shows as one; what
//! counts is the schema, which is that of a record's detail, in hexadecimal digits.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{DecodeError, decode_schema};
use crate::schema::Schema;

/// The format that this version writes and reads.
const FORMAT: u32 = 1;

/// A saved interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The number of the binary interface that its fingerprints are for.
    pub abi: u32,
    /// The interface.
    pub schema: Schema,
}

/// Why a saved interface cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum DescriptionError {
    /// It is not JSON, or has other members.
    Json(serde_json::Error),
    /// It has a later format.
    UnknownFormat(u32),
    /// The digits are none, or end in the middle of a byte.
    Digits,
    /// What the digits stand for is no schema.
    Schema(DecodeError),
    /// The members for people say something else than the schema: it was changed by hand.
    Changed {
        /// Which member.
        member: &'static str,
        /// What the schema says.
        schema: String,
        /// What the member says.
        found: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    plugwright_interface: u32,
    interface: String,
    version: String,
    requires: String,
    abi: u32,
    methods: Vec<String>,
    /// The methods of the interfaces that it requires, each behind that one's id and version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
    schema: String,
}

fn required(schema: &Schema) -> Vec<String> {
    let line =
        |of: &Schema, what: &dyn fmt::Display| format!("{} {}: {what}", of.interface, of.version);
    let lines = schema.requires.iter().flat_map(|of| {
        let bounds = line(of, &of.bounds);
        let methods = of.methods.iter().map(move |method| line(of, method));
        std::iter::once(bounds).chain(methods)
    });
    lines.collect()
}

impl Description {
    /// Describes an interface.
    #[must_use]
    pub fn new(abi: u32, schema: Schema) -> Self {
        Self { abi, schema }
    }

    /// The file's contents. What it is made of lives as long as the program, as with
    /// [`Schema::to_shape`].
    #[must_use]
    pub fn to_json(&self) -> String {
        let bytes = crate::embed::schema_bytes(self.schema.to_shape());
        let file = File {
            plugwright_interface: FORMAT,
            interface: self.schema.interface.to_string(),
            version: self.schema.version.to_string(),
            requires: self.schema.bounds.to_string(),
            abi: self.abi,
            methods: self
                .schema
                .methods
                .iter()
                .map(ToString::to_string)
                .collect(),
            required: required(&self.schema),
            schema: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads the file's contents.
    ///
    /// # Errors
    /// When they are none, or contradict themselves.
    pub fn from_json(text: &str) -> Result<Self, DescriptionError> {
        let file: File = serde_json::from_str(text).map_err(DescriptionError::Json)?;
        if file.plugwright_interface != FORMAT {
            return Err(DescriptionError::UnknownFormat(file.plugwright_interface));
        }
        let bytes = bytes(&file.schema).ok_or(DescriptionError::Digits)?;
        let schema = decode_schema(&bytes).map_err(DescriptionError::Schema)?;
        let methods: Vec<String> = schema.methods.iter().map(ToString::to_string).collect();
        for (member, schema, found) in [
            ("interface", schema.interface.to_string(), &file.interface),
            ("version", schema.version.to_string(), &file.version),
            ("requires", schema.bounds.to_string(), &file.requires),
            ("methods", methods.join("; "), &file.methods.join("; ")),
            (
                "required",
                required(&schema).join("; "),
                &file.required.join("; "),
            ),
        ] {
            if schema != *found {
                return Err(DescriptionError::Changed {
                    member,
                    schema,
                    found: found.clone(),
                });
            }
        }
        Ok(Self {
            abi: file.abi,
            schema,
        })
    }
}

/// What pairs of hexadecimal digits stand for.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        // Without this a sign would do for a digit.
        let is_byte = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(pair).ok().filter(|_| is_byte)?;
        u8::from_str_radix(text, 16).ok()
    };
    pairs.map(byte).collect()
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "not a saved interface: {error}"),
            Self::UnknownFormat(format) => write!(
                f,
                "a saved interface of format {format}; this version reads format {FORMAT}"
            ),
            Self::Digits => {
                f.write_str("the saved interface's schema is not in hexadecimal digits")
            }
            Self::Schema(error) => write!(f, "the saved interface's schema is none: {error}"),
            Self::Changed {
                member,
                schema,
                found,
            } => write!(
                f,
                "the saved interface was changed by hand: its member `{member}` says {found:?}, its schema \
                 {schema:?}; save it anew from a plugin that has the interface"
            ),
        }
    }
}

impl std::error::Error for DescriptionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Schema(error) => Some(error),
            _ => None,
        }
    }
}
