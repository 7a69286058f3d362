//! Metadata that was written into a place of 512 bytes, as a scan of folders meets it.

use plugwright_inspect::{Code, Loader, identity};
use plugwright_testkit::elf::ElfBuilder;

use super::{Row, Told, check};

type ScanRow = Row<Vec<u8>>;

const fn row(name: &'static str, spoil: fn(&mut Vec<u8>), told: Told) -> ScanRow {
    Row { name, spoil, told }
}

/// What is written over good metadata: four bytes of header, then CBOR.
///
/// Qt refuses other versions than its own; this reader is no Qt, and tells them.
pub(super) const ROWS: [ScanRow; 8] = [
    row("good metadata", |_| {}, Told::Metadata),
    row(
        "major version too new",
        |bytes| bytes[1] = 7,
        Told::Metadata,
    ),
    row(
        "major version too old",
        |bytes| bytes[1] = 5,
        Told::Metadata,
    ),
    row(
        "minor version too new",
        |bytes| bytes[2] = 99,
        Told::Metadata,
    ),
    row(
        "CBOR: a break at once",
        |bytes| bytes[4] = 0xff,
        Told::Problem(
            Code::QtCbor,
            Loader::Accepts,
            ": expected well-formed CBOR, found a break stands where an item must",
        ),
    ),
    row(
        "CBOR: a number",
        |bytes| bytes[4] = 1,
        Told::Problem(
            Code::QtContents,
            Loader::Accepts,
            ": expected a map, found an ",
        ),
    ),
    row(
        "CBOR: a list",
        |bytes| bytes[4..6].copy_from_slice(&[0x81, 1]),
        Told::Problem(
            Code::QtContents,
            Loader::Accepts,
            ": expected a map, found an ",
        ),
    ),
    row(
        "version of the header",
        |bytes| bytes[0] += 1,
        Told::Problem(
            Code::QtVersion,
            Loader::Accepts,
            ": expected version 0 or 1 of the metadata's header, found 2",
        ),
    ),
];

#[test]
fn scan() {
    for row in &ROWS {
        let mut bytes = [1, 6, 4, 1, 0xbf, 0xff].to_vec();
        bytes.resize(512, 0);
        (row.spoil)(&mut bytes);
        let note = ElfBuilder::x86_64().export("f").qt_note(&bytes).build();
        let section = ElfBuilder::x86_64().export("f").qt_section(&bytes).build();
        for file in [note, section] {
            check(row.name, file.bytes(), row.told);
            if let Told::Metadata = row.told {
                let found = identity(file.bytes(), None);
                let qt = found.images[0].qt.as_ref().expect("metadata");
                assert_eq!(qt.qt_version(), Some((bytes[1], bytes[2])), "{}", row.name);
            }
        }
    }
}
