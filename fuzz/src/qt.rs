//! Qt's metadata in each of its forms, inside a file that is sound.

use std::sync::OnceLock;

use plugwright_inspect::{QtMetadata, identity, limits};
use plugwright_testkit::elf::{ElfBuilder, ElfFile, PhdrField, ShdrField};
use serde_json::Value;

use super::reading;

/// A library with room for a note and for a section at its end.
fn template(section: bool) -> &'static ElfFile {
    static NOTE: OnceLock<ElfFile> = OnceLock::new();
    static SECTION: OnceLock<ElfFile> = OnceLock::new();
    let builder = || ElfBuilder::x86_64().compact();
    if section {
        SECTION.get_or_init(|| builder().section(".qtmetadata", 2, &[0; 16]).build())
    } else {
        NOTE.get_or_init(|| builder().qt_note(&[0; 16]).build())
    }
}

fn with_note(desc: &[u8]) -> ElfFile {
    let mut file = template(false).clone();
    let at = file.bytes().len().next_multiple_of(8);
    file.bytes_mut().resize(at, 0);
    let len = u32::try_from(desc.len()).expect("the fuzzer's bytes are few");
    let head = [12, len, 0x7451_0001].map(u32::to_le_bytes).concat();
    let note = [&head, &b"qt-project!\0"[..], desc].concat();
    file.bytes_mut().extend_from_slice(&note);
    let index = file.segment(4, 0);
    file.set_segment(index, PhdrField::Offset, at as u64);
    file.set_segment(index, PhdrField::Filesz, note.len() as u64);
    file
}

fn with_section(bytes: &[u8]) -> ElfFile {
    let mut file = template(true).clone();
    let at = file.bytes().len();
    file.bytes_mut().extend_from_slice(bytes);
    let index = file.section(".qtmetadata");
    file.set_section(index, ShdrField::Offset, at as u64);
    file.set_section(index, ShdrField::Size, bytes.len() as u64);
    file
}

/// Reads the bytes but the first as metadata, in the form that the first one chooses.
pub fn run(data: &[u8]) {
    let Some((form, bytes)) = data.split_first() else {
        return;
    };
    let file = match form % 4 {
        0 => with_note(bytes),
        1 => with_section(&[b"QTMETADATA !", bytes].concat()),
        2 => with_section(&[b"QTMETADATA  qbjs\x01\0\0\0", bytes].concat()),
        _ => with_section(bytes),
    };
    let found = identity(file.bytes(), None);
    assert_eq!(
        found.images.len(),
        1,
        "the file around the metadata is sound"
    );
    reading::texts(&found.problems);
    if let Some(qt) = &found.images[0].qt {
        let text = serde_json::to_string(qt).expect("JSON");
        // What was bounded on the way in is bounded on the way out; text that was made of
        // keys is escaped once more.
        let most = bytes.len() * 64 + limits::QT_KEY_TEXT * 8;
        assert!(text.len() <= most, "{} bytes", text.len());
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        same(qt);
    }
}

/// What is told without making the object is what the object says.
fn same(qt: &QtMetadata) {
    let json = qt.json();
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    assert_eq!(qt.iid(), text("IID"));
    assert_eq!(qt.class_name(), text("className"));
    let keys = json.get("MetaData").and_then(|user| user.get("Keys"));
    let keys = keys.and_then(Value::as_array).into_iter().flatten();
    assert!(qt.keys().eq(keys.filter_map(Value::as_str)));
    let debug = json.get("debug").and_then(Value::as_bool);
    assert_eq!(qt.is_debug(), debug == Some(true));
    let version = json.get("version").and_then(Value::as_u64);
    let told = qt.qt_version();
    let told = told.map(|(major, minor)| u64::from(major) << 16 | u64::from(minor) << 8);
    // What is no version of Qt's own making is none.
    assert!(told.is_none() || told == version.map(|version| version & !0xff));
}
