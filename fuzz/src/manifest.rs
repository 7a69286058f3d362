//! Plugwright's records: their CBOR by itself, and as notes of a file.

use std::ffi::OsStr;
use std::sync::OnceLock;

use plugwright_inspect::headers;
use plugwright_manifest::cbor::{Reader, json_to_cbor, to_json};
use plugwright_manifest::{Detail, Summary, note};
use plugwright_testkit::elf::{ElfBuilder, ElfFile, PhdrField};

use super::reading;

fn template() -> &'static ElfFile {
    static FILE: OnceLock<ElfFile> = OnceLock::new();
    FILE.get_or_init(|| {
        let builder = ElfBuilder::x86_64().compact();
        builder
            .note(note::ELF_SECTION, 4, note::OWNER, note::SUMMARY, &[0; 16])
            .build()
    })
}

/// Notes as they stand in the file.
fn notes(bytes: &[u8]) {
    let mut file = template().clone();
    let at = file.bytes().len().next_multiple_of(4);
    file.bytes_mut().resize(at, 0);
    file.bytes_mut().extend_from_slice(bytes);
    let index = file.segment(4, 0);
    file.set_segment(index, PhdrField::Offset, at as u64);
    file.set_segment(index, PhdrField::Filesz, bytes.len() as u64);
    let found = headers(file.bytes(), Some(OsStr::new("libfirst_plugin.so")));
    reading::texts(&found.problems);
    serde_json::to_string(&found.images).expect("JSON");
}

/// Application metadata: what was read is written and read again as the same.
fn metadata(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    if let Ok(value) = to_json(&mut reader) {
        let written = json_to_cbor(&value);
        let again = to_json(&mut Reader::new(&written));
        assert_eq!(again.as_ref(), Ok(&value));
        // What can be read as JSON can be passed over, with the same end.
        let mut skipped = Reader::new(bytes);
        skipped.skip().expect("an item");
        assert_eq!(skipped.offset(), reader.offset());
    }
    let mut reader = Reader::new(bytes);
    while !reader.is_at_end() && reader.item().is_ok() {}
    let _: Result<&[u8], _> = Reader::new(bytes).skip();
}

/// Reads the bytes but the first as the part of a record that the first one chooses.
pub fn run(data: &[u8]) {
    let Some((part, bytes)) = data.split_first() else {
        return;
    };
    match part % 4 {
        0 => {
            if let Err(error) = Summary::decode(bytes) {
                assert!(error.to_string().len() < 8192);
            }
        }
        1 => match Detail::decode(bytes) {
            Ok(detail) => {
                serde_json::to_string(&detail).expect("JSON");
            }
            Err(error) => assert!(error.to_string().len() < 8192),
        },
        2 => notes(bytes),
        _ => metadata(bytes),
    }
}
