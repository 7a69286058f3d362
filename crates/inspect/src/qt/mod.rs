//! Qt's plugin metadata, exactly as `qtplugininfo --full-json` would print it.
//!
//! Three encodings are read: the note of Qt 6.3 and later (header and CBOR), the section
//! `.qtmetadata` of Qt 5 and of Qt 6.0 to 6.2 (a mark, header and CBOR), and the same
//! section of Qt 5.0 to 5.11 with Qt's binary JSON behind another mark. Unlike Qt's own
//! readers this one takes plugins of every version, processor and system.

mod binary_json;
mod json;
mod plain;
pub(crate) mod verification;

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

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
///
/// All of it was checked when it was read. Of ordinary metadata the object is only made when
/// [`QtMetadata::json`] is asked for, since a scan of many plugins shows little of it.
#[derive(Clone)]
pub struct QtMetadata {
    encoding: QtEncoding,
    contents: Contents,
}

#[derive(Clone)]
enum Contents {
    Decoded(Map<String, Value>),
    Plain(Plain),
}

/// CBOR that is known to decode.
#[derive(Clone)]
struct Plain {
    header: Header,
    cbor: Box<[u8]>,
    places: plain::Places,
    json: OnceLock<Map<String, Value>>,
}

impl Plain {
    fn text(&self, place: Option<&Range<usize>>) -> Option<&str> {
        let bytes = self.cbor.get(place?.clone())?;
        std::str::from_utf8(bytes).ok()
    }

    fn json(&self) -> &Map<String, Value> {
        // It cannot fail: `plain::look` took it. Without that, nothing would be the answer.
        let decode = || json::decode(&self.cbor, self.header).unwrap_or_default();
        self.json.get_or_init(decode)
    }
}

impl Contents {
    fn member(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Decoded(json) => json.get(key),
            Self::Plain(_) => None,
        }
    }
}

impl QtMetadata {
    fn decoded(encoding: QtEncoding, json: Map<String, Value>) -> Self {
        Self {
            encoding,
            contents: Contents::Decoded(json),
        }
    }

    /// How it was stored.
    #[must_use]
    pub fn encoding(&self) -> QtEncoding {
        self.encoding
    }

    /// The whole object. Made at the first call where the metadata are ordinary.
    #[must_use]
    pub fn json(&self) -> &Map<String, Value> {
        match &self.contents {
            Contents::Decoded(json) => json,
            Contents::Plain(plain) => plain.json(),
        }
    }

    /// The interface id, under which Qt's factory loader looks for plugins.
    #[must_use]
    pub fn iid(&self) -> Option<&str> {
        match &self.contents {
            Contents::Plain(plain) => plain.text(plain.places.iid.as_ref()),
            contents => contents.member("IID")?.as_str(),
        }
    }

    /// The name of the plugin's root class.
    #[must_use]
    pub fn class_name(&self) -> Option<&str> {
        match &self.contents {
            Contents::Plain(plain) => plain.text(plain.places.class_name.as_ref()),
            contents => contents.member("className")?.as_str(),
        }
    }

    /// Major and minor version of the Qt that the plugin was built with. There is no patch
    /// version in the file since Qt 5.13.
    #[must_use]
    pub fn qt_version(&self) -> Option<(u8, u8)> {
        if let Contents::Plain(plain) = &self.contents {
            return Some((plain.header.qt_major, plain.header.qt_minor));
        }
        let version = self.contents.member("version")?.as_u64()?;
        Some((
            u8::try_from(version >> 16).ok()?,
            u8::try_from((version >> 8) & 0xff).ok()?,
        ))
    }

    /// Whether it was built against a debug build of Qt.
    #[must_use]
    pub fn is_debug(&self) -> bool {
        match &self.contents {
            Contents::Plain(plain) => plain.header.debug,
            contents => contents.member("debug").and_then(Value::as_bool) == Some(true),
        }
    }

    /// The keys that it offers to a factory: by convention `MetaData.Keys`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let user = self.contents.member("MetaData");
        let decoded = user.and_then(|user| user.get("Keys")?.as_array());
        let plain = match &self.contents {
            Contents::Plain(plain) => Some(plain::texts(&plain.cbor, plain.places.keys)),
            Contents::Decoded(_) => None,
        };
        let decoded = decoded.into_iter().flatten().filter_map(Value::as_str);
        decoded.chain(plain.into_iter().flatten())
    }
}

impl PartialEq for QtMetadata {
    fn eq(&self, other: &Self) -> bool {
        self.encoding == other.encoding && self.json() == other.json()
    }
}

impl fmt::Debug for QtMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QtMetadata")
            .field("encoding", &self.encoding)
            .field("json", self.json())
            .finish()
    }
}

impl Serialize for QtMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
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
    decode_payload(QtEncoding::Note, bytes, at, machine, problems)
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
        return decode_payload(QtEncoding::Section, payload, behind, machine, problems);
    }
    if let Some(payload) = bytes.strip_prefix(MARK_BINARY_JSON) {
        return match binary_json::decode(payload) {
            Ok(json) => Some(QtMetadata::decoded(QtEncoding::BinaryJson, json)),
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
    encoding: QtEncoding,
    bytes: &[u8],
    at: u64,
    machine: Machine,
    problems: &mut Problems,
) -> Option<QtMetadata> {
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
    if let Some(places) = plain::look(cbor) {
        let plain = Plain {
            header,
            cbor: cbor.into(),
            places,
            json: OnceLock::new(),
        };
        return Some(QtMetadata {
            encoding,
            contents: Contents::Plain(plain),
        });
    }
    match json::decode(cbor, header) {
        Ok(json) => Some(QtMetadata::decoded(encoding, json)),
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
