//! Qt's plugin metadata, exactly as `qtplugininfo --full-json` would print it.
//!
//! Three encodings are read: the note of Qt 6.3 and later (header and CBOR), the section
//! `.qtmetadata` of Qt 5 and of Qt 6.0 to 6.2 (a mark, header and CBOR), and the same
//! section of Qt 5.0 to 5.11 with Qt's binary JSON behind another mark. Unlike Qt's own
//! readers this one takes plugins of every version, processor and system.

mod binary_json;
mod json;
pub(crate) mod verification;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::arch::Machine;
use crate::limits;
use crate::problem::{Code, Loader, Problems, quote};

/// `n_type` of Qt's note.
pub(crate) const NOTE_TYPE: u32 = 0x7451_0001;

/// The section's name in ELF and PE files.
pub(crate) const SECTION: &[u8] = b".qtmetadata";

const MARK: &[u8] = b"QTMETADATA !";
const MARK_BINARY_JSON: &[u8] = b"QTMETADATA  ";

/// How the metadata of a Qt plugin was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum QtEncoding {
    /// An ELF note: Qt 6.3 and later.
    Note,
    /// The section `.qtmetadata` with CBOR.
    Section,
    /// The section `.qtmetadata` with binary JSON: Qt 5.0 to 5.11.
    BinaryJson,
}

/// What a Qt plugin says of itself.
///
/// Serialises as the JSON object that `qtplugininfo --full-json` of the plugin's own major
/// version prints: same keys, same values.
#[derive(Clone, Debug, PartialEq)]
pub struct QtMetadata {
    encoding: QtEncoding,
    json: Map<String, Value>,
}

impl QtMetadata {
    /// How it was stored.
    #[must_use]
    pub fn encoding(&self) -> QtEncoding {
        self.encoding
    }

    /// The whole object.
    #[must_use]
    pub fn json(&self) -> &Map<String, Value> {
        &self.json
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key).and_then(Value::as_str)
    }

    /// The interface id, under which Qt's factory loader looks for plugins.
    #[must_use]
    pub fn iid(&self) -> Option<&str> {
        self.text("IID")
    }

    /// The name of the plugin's root class.
    #[must_use]
    pub fn class_name(&self) -> Option<&str> {
        self.text("className")
    }

    /// Major and minor version of the Qt that the plugin was built with. There is no patch
    /// version in the file since Qt 5.13.
    #[must_use]
    pub fn qt_version(&self) -> Option<(u8, u8)> {
        let version = self.json.get("version")?.as_u64()?;
        Some((
            u8::try_from(version >> 16).ok()?,
            u8::try_from((version >> 8) & 0xff).ok()?,
        ))
    }

    /// Whether it was built against a debug build of Qt.
    #[must_use]
    pub fn is_debug(&self) -> bool {
        self.json.get("debug").and_then(Value::as_bool) == Some(true)
    }

    /// The keys that it offers to a factory: by convention `MetaData.Keys`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = self
            .json
            .get("MetaData")
            .and_then(|user| user.get("Keys"))
            .and_then(Value::as_array);
        keys.into_iter().flatten().filter_map(Value::as_str)
    }
}

impl Serialize for QtMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

/// The four bytes before the CBOR.
#[derive(Clone, Copy, Debug)]
struct Header {
    qt_major: u8,
    qt_minor: u8,
    level: u8,
    debug: bool,
    /// The requirements as they stand: what Qt 5's tool prints.
    requirements: u8,
}

/// Decodes a note's descriptor: header and CBOR.
pub(crate) fn decode_note(
    bytes: &[u8],
    at: u64,
    machine: Machine,
    problems: &mut Problems,
) -> Option<QtMetadata> {
    let json = decode_payload(bytes, at, machine, problems)?;
    Some(QtMetadata {
        encoding: QtEncoding::Note,
        json,
    })
}

/// Decodes a section: mark, then header and CBOR, or binary JSON.
pub(crate) fn decode_section(
    bytes: &[u8],
    at: u64,
    machine: Machine,
    problems: &mut Problems,
) -> Option<QtMetadata> {
    let behind = at.saturating_add(MARK.len() as u64);
    if let Some(payload) = bytes.strip_prefix(MARK) {
        let json = decode_payload(payload, behind, machine, problems)?;
        return Some(QtMetadata {
            encoding: QtEncoding::Section,
            json,
        });
    }
    if let Some(payload) = bytes.strip_prefix(MARK_BINARY_JSON) {
        return match binary_json::decode(payload) {
            Ok(json) => Some(QtMetadata {
                encoding: QtEncoding::BinaryJson,
                json,
            }),
            Err(fault) => {
                problems.add(
                    Code::QtContents,
                    Loader::Accepts,
                    behind,
                    "Qt's binary JSON",
                    fault,
                );
                None
            }
        };
    }
    if bytes.len() < MARK.len() {
        too_small(bytes, at, problems);
        return None;
    }
    problems.add(
        Code::QtMagic,
        Loader::Accepts,
        at,
        "\"QTMETADATA !\" or \"QTMETADATA  \"",
        quote(bytes.get(..MARK.len()).unwrap_or_default()),
    );
    None
}

fn too_small(bytes: &[u8], at: u64, problems: &mut Problems) {
    problems.add(
        Code::QtTooSmall,
        Loader::Accepts,
        at,
        "a header of 4 bytes and CBOR",
        format!("{} bytes", bytes.len()),
    );
}

fn decode_payload(
    bytes: &[u8],
    at: u64,
    machine: Machine,
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    let Some((&[version, qt_major, qt_minor, requirements], cbor)) = bytes.split_first_chunk()
    else {
        too_small(bytes, at, problems);
        return None;
    };
    let is_x86 = matches!(machine, Machine::X86 | Machine::X86_64);
    let (level, debug) = match version {
        // Bits: 0 debug, 1 AVX2, 2 AVX512F, which stand for levels 3 and 4 of x86-64.
        0 if is_x86 && requirements & 4 != 0 => (4, requirements & 1 != 0),
        0 if is_x86 && requirements & 2 != 0 => (3, requirements & 1 != 0),
        0 => (0, requirements & 1 != 0),
        1 => (requirements & 0x7f, requirements & 0x80 != 0),
        other => {
            problems.add(
                Code::QtVersion,
                Loader::Accepts,
                at,
                "version 0 or 1 of the metadata's header",
                other.to_string(),
            );
            return None;
        }
    };
    let header = Header {
        qt_major,
        qt_minor,
        level,
        debug,
        requirements,
    };
    match json::decode(cbor, header) {
        Ok(json) => Some(json),
        Err(json::Fault::Cbor(error)) => {
            problems.add(
                Code::QtCbor,
                Loader::Accepts,
                at.saturating_add(4).saturating_add(error.offset() as u64),
                "well-formed CBOR",
                error.to_string(),
            );
            None
        }
        Err(json::Fault::NotAMap(found)) => {
            problems.add(
                Code::QtContents,
                Loader::Accepts,
                at.saturating_add(4),
                "a map",
                found,
            );
            None
        }
        Err(json::Fault::TooMany) => {
            let limit = limits::QT_VALUES as u64;
            problems.limit(at, "values in Qt metadata", limit.saturating_add(1), limit);
            None
        }
        Err(json::Fault::KeyText) => {
            let limit = limits::QT_KEY_TEXT as u64;
            let what = "bytes of keys that are no text in Qt metadata";
            problems.limit(at, what, limit.saturating_add(1), limit);
            None
        }
        Err(json::Fault::TooDeep) => {
            let limit = limits::QT_DEPTH as u64;
            problems.limit(at, "levels in Qt metadata", limit.saturating_add(1), limit);
            None
        }
    }
}
