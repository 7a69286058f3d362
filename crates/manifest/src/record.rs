//! Records read back from a binary: the summary, the detail, and which of several counts.
//!
//! The invariant: a decoded value obeys every limit and grammar, whatever the bytes said;
//! what does not is an error with the offset of the fault. Unknown keys are passed over,
//! so that a later format may add to this one.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod schemas;

use std::ffi::OsStr;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cbor::{CborError, Reader, to_json};
use crate::schema::{Bounds, Schema};
use crate::{Capability, Id, InterfaceVersion, InvalidId, MAX_CAPABILITY, note};

use schemas::read_schemas;

pub(crate) use schemas::{MAX_TYPE_DEPTH, decode_schema};

/// The format that this version writes and the newest that it reads.
pub(crate) const FORMAT: u64 = 1;

/// The most entries in any list of a record: interfaces, keys, methods, fields, variants.
pub const MAX_ENTRIES: usize = 4096;

/// The most bytes in any text of a summary.
pub const MAX_TEXT: usize = 1024;

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not the CBOR that a record has.
    Cbor(CborError),
    /// A record of a later format.
    UnknownFormat(u64),
    /// A field that every record has is missing.
    Missing(&'static str),
    /// A field stands twice.
    Repeated(&'static str),
    /// An identifier or version breaks its grammar.
    InvalidId(InvalidId),
    /// The plugin's version is not semver.
    InvalidVersion(String),
    /// What the plugin asks for is no capability that this version knows.
    InvalidCapability(String),
    /// A text, list or number is beyond its limit.
    TooLarge {
        /// Which field.
        field: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A value that the format does not define.
    Unknown {
        /// Which field.
        field: &'static str,
        /// The value.
        value: u64,
    },
    /// Bytes follow the record.
    TrailingBytes(usize),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cbor(error) => write!(f, "not a record: {error}"),
            Self::UnknownFormat(format) => write!(
                f,
                "a record of format {format}; this version reads format {FORMAT}"
            ),
            Self::Missing(field) => write!(f, "the record has no {field}"),
            Self::Repeated(field) => write!(f, "the record has two {field} entries"),
            Self::InvalidId(error) => error.fmt(f),
            Self::InvalidVersion(text) => {
                write!(f, "{text:?} is not a version in semver's form")
            }
            Self::InvalidCapability(text) => {
                write!(f, "{text:?} is not a capability that this version knows")
            }
            Self::TooLarge { field, limit } => {
                write!(f, "the record's {field} is beyond the limit of {limit}")
            }
            Self::Unknown { field, value } => {
                write!(f, "the record's {field} has the unknown value {value}")
            }
            Self::TrailingBytes(count) => write!(f, "{count} bytes follow the record"),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Cbor(error) => Some(error),
            Self::InvalidId(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CborError> for DecodeError {
    fn from(error: CborError) -> Self {
        Self::Cbor(error)
    }
}

impl From<InvalidId> for DecodeError {
    fn from(error: InvalidId) -> Self {
        Self::InvalidId(error)
    }
}

/// How the crate that holds a plugin was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CrateLinkage {
    /// The record does not tell.
    Unknown,
    /// As a library of its own only.
    Cdylib,
    /// As a Rust library only: it can only be embedded in another.
    Rlib,
    /// As both.
    Both,
}

/// An interface that a plugin provides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Provided {
    /// The interface's name.
    pub interface: Id,
    /// Its version as the plugin was built with it.
    pub version: InterfaceVersion,
    /// What its trait requires of implementors.
    pub bounds: Bounds,
    /// One fingerprint for each method, in the order of the vtable.
    pub fingerprints: Vec<u64>,
    /// The interfaces that it requires, in the order in which they stand in front of the methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Required>,
    /// The names under which the plugin is found.
    pub keys: Vec<String>,
    /// Which of several providers of one key is preferred: the greater wins.
    pub rank: i32,
}

/// An interface that one which is provided requires: its objects are those of that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Required {
    /// The interface's name.
    pub interface: Id,
    /// Its version as the plugin was built with it.
    pub version: InterfaceVersion,
    /// What its trait requires of implementors.
    pub bounds: Bounds,
    /// One fingerprint for each method, in the order of the vtable.
    pub fingerprints: Vec<u64>,
}

/// How a plugin's library was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Build {
    /// The number of the SDK's binary interface.
    pub abi: u32,
    /// The target triple.
    pub target: String,
    /// `debug` or `release`.
    pub profile: String,
    /// The compiler's version line.
    pub rustc: String,
    /// Whether a panic ends the process.
    pub panic_abort: bool,
    /// Whether the author declares that the library may be unmapped.
    pub unloadable: bool,
}

/// What is needed to find and judge a plugin; at most [`note::MAX_SUMMARY`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The plugin's name.
    pub id: Id,
    /// The plugin's version.
    pub version: semver::Version,
    /// What it provides.
    pub provides: Vec<Provided>,
    /// Whether all who ask for it share one instance.
    pub singleton: bool,
    /// Whether its instances take a configuration.
    pub configurable: bool,
    /// What it asks to be allowed, in its own order. Its own word: a policy grants, and nothing holds native code in the
    /// host's process to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// How it was built.
    pub build: Build,
    /// The crate that holds it.
    pub crate_name: String,
    /// How that crate was compiled.
    pub linkage: CrateLinkage,
    entry: String,
    #[serde(skip)]
    encoded: Box<[u8]>,
}

/// What people and tools want to know beyond the summary.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Detail {
    /// Its name for people; may be empty.
    pub name: String,
    /// One sentence about it; may be empty.
    pub description: String,
    /// An SPDX licence expression; may be empty.
    pub license: String,
    /// Its authors.
    pub authors: Vec<String>,
    /// Where to read more; may be empty.
    pub homepage: String,
    /// The methods of each provided interface, in the summary's order.
    pub schemas: Vec<Schema>,
    /// Application metadata of the plugin; `null` for none.
    pub metadata: serde_json::Value,
    /// Application metadata of each provided interface, in the summary's order.
    pub provided_metadata: Vec<serde_json::Value>,
    entry: String,
}

/// Whether a record is what its file offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// A plugin of the crate that the file is built from. There may be several.
    Root,
    /// A plugin of another crate, which the file's own merely depends on: not offered.
    Embedded,
}

/// A plugin's record as found in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// Whether the file offers it.
    pub role: Role,
    /// What is needed to find and judge it.
    #[serde(flatten)]
    pub summary: Summary,
    /// The rest, when it was read.
    pub detail: Option<Detail>,
}

/// Reads a text of at most `limit` bytes.
fn text(reader: &mut Reader<'_>, field: &'static str, limit: usize) -> Result<String, DecodeError> {
    let text = reader.text()?;
    if text.len() > limit {
        return Err(DecodeError::TooLarge { field, limit });
    }
    Ok(text.into_owned())
}

/// Reads an array's head of at most [`MAX_ENTRIES`] entries.
fn entries(reader: &mut Reader<'_>, field: &'static str) -> Result<u64, DecodeError> {
    let count = reader.array()?;
    if count > MAX_ENTRIES as u64 {
        return Err(DecodeError::TooLarge {
            field,
            limit: MAX_ENTRIES,
        });
    }
    Ok(count)
}

/// Reads an array's head of exactly `count` entries.
fn exactly(reader: &mut Reader<'_>, field: &'static str, count: u64) -> Result<(), DecodeError> {
    let found = reader.array()?;
    if found == count {
        Ok(())
    } else {
        Err(DecodeError::Unknown {
            field,
            value: found,
        })
    }
}

fn number<T: TryFrom<u64>>(reader: &mut Reader<'_>, field: &'static str) -> Result<T, DecodeError> {
    let value = reader.unsigned()?;
    T::try_from(value).or(Err(DecodeError::Unknown { field, value }))
}

fn interface_version(reader: &mut Reader<'_>) -> Result<(Id, InterfaceVersion), DecodeError> {
    let id = Id::new(reader.text()?)?;
    let major = number(reader, "interface version")?;
    let minor = number(reader, "interface version")?;
    Ok((id, InterfaceVersion::new(major, minor)))
}

/// Puts `value` into `slot`, once.
fn fill<T>(slot: &mut Option<T>, field: &'static str, value: T) -> Result<(), DecodeError> {
    if slot.replace(value).is_some() {
        return Err(DecodeError::Repeated(field));
    }
    Ok(())
}

fn need<T>(slot: Option<T>, field: &'static str) -> Result<T, DecodeError> {
    slot.ok_or(DecodeError::Missing(field))
}

fn format(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    match reader.unsigned()? {
        FORMAT => Ok(FORMAT),
        other => Err(DecodeError::UnknownFormat(other)),
    }
}

fn end(reader: &Reader<'_>, desc: &[u8]) -> Result<(), DecodeError> {
    match desc.len().saturating_sub(reader.offset()) {
        0 => Ok(()),
        left => Err(DecodeError::TrailingBytes(left)),
    }
}

impl Summary {
    /// Reads a summary from the descriptor of its note.
    ///
    /// # Errors
    /// When the bytes are not a summary of a known format, or break a limit or grammar.
    pub fn decode(desc: &[u8]) -> Result<Self, DecodeError> {
        if desc.len() > note::MAX_SUMMARY {
            return Err(DecodeError::TooLarge {
                field: "summary",
                limit: note::MAX_SUMMARY,
            });
        }
        let mut reader = Reader::new(desc);
        let (mut found, mut entry, mut id, mut version) = (None, None, None, None);
        let (mut crate_name, mut provides, mut build) = (None, None, None);
        let (mut singleton, mut configurable, mut capabilities) = (None, None, None);
        for _ in 0..reader.map()? {
            match reader.unsigned()? {
                0 => fill(&mut found, "format", format(&mut reader)?)?,
                1 => fill(&mut entry, "entry", text(&mut reader, "entry", MAX_TEXT)?)?,
                2 => fill(&mut id, "id", Id::new(reader.text()?)?)?,
                3 => fill(&mut version, "version", plugin_version(&mut reader)?)?,
                4 => fill(&mut crate_name, "crate", linkage(&mut reader)?)?,
                5 => fill(&mut provides, "provides", provided(&mut reader)?)?,
                6 => fill(&mut build, "build", build_facts(&mut reader)?)?,
                7 => fill(&mut singleton, "singleton", reader.boolean()?)?,
                8 => fill(&mut configurable, "configurable", reader.boolean()?)?,
                9 => fill(&mut capabilities, "capabilities", asked(&mut reader)?)?,
                _ => {
                    reader.skip()?;
                }
            }
        }
        end(&reader, desc)?;
        need(found, "format")?;
        let (crate_name, linkage) = need(crate_name, "crate")?;
        Ok(Self {
            encoded: desc.into(),
            entry: need(entry, "entry")?,
            id: need(id, "id")?,
            version: need(version, "version")?,
            crate_name,
            linkage,
            provides: need(provides, "provides")?,
            singleton: need(singleton, "singleton")?,
            configurable: need(configurable, "configurable")?,
            capabilities: capabilities.unwrap_or_default(),
            build: need(build, "build")?,
        })
    }

    /// The symbol of the plugin's entry function.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// The bytes that it was decoded from: the descriptor of its note.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

/// What the plugin asks for. A word that this reader does not know is a mistake: it cannot be granted, and must not be
/// passed over as if nothing had been asked.
fn asked(reader: &mut Reader<'_>) -> Result<Vec<Capability>, DecodeError> {
    let mut capabilities = Vec::new();
    for _ in 0..entries(reader, "capabilities")? {
        let text = text(reader, "capability", MAX_CAPABILITY)?;
        let capability = text.parse().or(Err(DecodeError::InvalidCapability(text)))?;
        capabilities.push(capability);
    }
    Ok(capabilities)
}

fn plugin_version(reader: &mut Reader<'_>) -> Result<semver::Version, DecodeError> {
    let text = text(reader, "version", MAX_TEXT)?;
    semver::Version::parse(&text).or(Err(DecodeError::InvalidVersion(text)))
}

fn linkage(reader: &mut Reader<'_>) -> Result<(String, CrateLinkage), DecodeError> {
    exactly(reader, "crate", 2)?;
    let name = text(reader, "crate", MAX_TEXT)?;
    let linkage = match reader.unsigned()? {
        1 => CrateLinkage::Cdylib,
        2 => CrateLinkage::Rlib,
        3 => CrateLinkage::Both,
        _ => CrateLinkage::Unknown,
    };
    Ok((name, linkage))
}

fn provided(reader: &mut Reader<'_>) -> Result<Vec<Provided>, DecodeError> {
    let mut all = Vec::new();
    for _ in 0..entries(reader, "provides")? {
        exactly(reader, "provides", 8)?;
        let own = compared(reader)?;
        let mut requires = Vec::new();
        for _ in 0..entries(reader, "required interfaces")? {
            exactly(reader, "required interface", 5)?;
            requires.push(compared(reader)?);
        }
        let mut keys = Vec::new();
        for _ in 0..entries(reader, "keys")? {
            keys.push(text(reader, "key", MAX_TEXT)?);
        }
        let rank = reader.signed()?;
        let out_of_range = DecodeError::Unknown {
            field: "rank",
            value: rank.unsigned_abs(),
        };
        all.push(Provided {
            interface: own.interface,
            version: own.version,
            bounds: own.bounds,
            fingerprints: own.fingerprints,
            requires,
            keys,
            rank: i32::try_from(rank).or(Err(out_of_range))?,
        });
    }
    Ok(all)
}

/// What tells whether an interface fits: five items.
fn compared(reader: &mut Reader<'_>) -> Result<Required, DecodeError> {
    let (interface, version) = interface_version(reader)?;
    let bounds = bounds(reader)?;
    let mut fingerprints = Vec::new();
    for _ in 0..entries(reader, "methods")? {
        fingerprints.push(reader.unsigned()?);
    }
    Ok(Required {
        interface,
        version,
        bounds,
        fingerprints,
    })
}

fn bounds(reader: &mut Reader<'_>) -> Result<Bounds, DecodeError> {
    let code = reader.unsigned()?;
    let known = u16::try_from(code).ok().and_then(Bounds::from_code);
    known.ok_or(DecodeError::Unknown {
        field: "bounds",
        value: code,
    })
}

fn build_facts(reader: &mut Reader<'_>) -> Result<Build, DecodeError> {
    exactly(reader, "build", 6)?;
    Ok(Build {
        abi: number(reader, "ABI number")?,
        target: text(reader, "target", MAX_TEXT)?,
        profile: text(reader, "profile", MAX_TEXT)?,
        rustc: text(reader, "rustc", MAX_TEXT)?,
        panic_abort: reader.boolean()?,
        unloadable: reader.boolean()?,
    })
}

impl Detail {
    /// Reads a detail from the descriptor of its note.
    ///
    /// # Errors
    /// When the bytes are not a detail of a known format, or break a limit or grammar.
    pub fn decode(desc: &[u8]) -> Result<Self, DecodeError> {
        if desc.len() > note::MAX_DETAIL {
            return Err(DecodeError::TooLarge {
                field: "detail",
                limit: note::MAX_DETAIL,
            });
        }
        let mut reader = Reader::new(desc);
        let (mut found, mut entry, mut schemas) = (None, None, None);
        let (mut metadata, mut provided_metadata) = (None, None);
        let mut texts: [Option<String>; 5] = Default::default();
        for _ in 0..reader.map()? {
            match reader.unsigned()? {
                0 => fill(&mut found, "format", format(&mut reader)?)?,
                1 => fill(&mut entry, "entry", text(&mut reader, "entry", MAX_TEXT)?)?,
                key @ 2..=6 => {
                    let slot = usize::try_from(key.saturating_sub(2)).unwrap_or_default();
                    if let Some(slot) = texts.get_mut(slot) {
                        fill(slot, "text", text(&mut reader, "text", note::MAX_DETAIL)?)?;
                    }
                }
                7 => fill(&mut schemas, "schemas", read_schemas(&mut reader)?)?,
                8 => fill(&mut metadata, "metadata", to_json(&mut reader)?)?,
                9 => {
                    let mut all = Vec::new();
                    for _ in 0..entries(&mut reader, "metadata")? {
                        all.push(to_json(&mut reader)?);
                    }
                    fill(&mut provided_metadata, "metadata of interfaces", all)?;
                }
                _ => {
                    reader.skip()?;
                }
            }
        }
        end(&reader, desc)?;
        need(found, "format")?;
        let [name, description, license, authors, homepage] = texts.map(Option::unwrap_or_default);
        Ok(Self {
            entry: need(entry, "entry")?,
            name,
            description,
            license,
            // Cargo joins authors with colons.
            authors: authors
                .split(':')
                .filter(|author| !author.is_empty())
                .map(str::to_owned)
                .collect(),
            homepage,
            schemas: schemas.unwrap_or_default(),
            metadata: metadata.unwrap_or_default(),
            provided_metadata: provided_metadata.unwrap_or_default(),
        })
    }

    /// The symbol of the entry function of the plugin that this detail belongs to.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// The application's own metadata, read as the application's own type.
    ///
    /// # Errors
    /// When the metadata has another form.
    pub fn metadata_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.metadata)
    }
}

impl Record {
    /// A record whose role is not yet decided: see [`Record::assign_roles`].
    #[must_use]
    pub fn new(summary: Summary, detail: Option<Detail>) -> Self {
        Self {
            role: Role::Root,
            summary,
            detail,
        }
    }

    /// Decides which of the records found in one file are the file's own.
    ///
    /// A plugin crate that another plugin crate depends on brings its record along. A crate
    /// compiled as a `cdylib` only cannot be a dependency, one compiled as an `rlib` only
    /// cannot be a file, so these are certain. Where every crate was compiled as both, the
    /// one that the file is named after (`libNAME.so`, `NAME.dll`) is the root, and if
    /// there is none, the first: a linker lays the objects of the crate that it links in
    /// front of those of the dependencies.
    pub fn assign_roles(records: &mut [Self], file_name: Option<&OsStr>) {
        let stem = file_name.and_then(OsStr::to_str).map(|name| {
            let name = name.split('.').next().unwrap_or(name);
            name.strip_prefix("lib").unwrap_or(name).replace('-', "_")
        });
        let rank = |record: &Self| {
            let named = stem.as_deref() == Some(record.summary.crate_name.as_str());
            match record.summary.linkage {
                CrateLinkage::Cdylib => 3,
                CrateLinkage::Both | CrateLinkage::Unknown if named => 2,
                CrateLinkage::Both | CrateLinkage::Unknown => 1,
                CrateLinkage::Rlib => 0,
            }
        };
        // `max_by_key` takes the last of equals: the first in file order is wanted.
        let Some(root) = records.iter().rev().max_by_key(|record| rank(record)) else {
            return;
        };
        let root = root.summary.crate_name.clone();
        for record in records {
            record.role = if record.summary.crate_name == root {
                Role::Root
            } else {
                Role::Embedded
            };
        }
    }
}
