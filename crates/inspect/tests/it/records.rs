//! Plugwright's own records: found by segment and by section, several in one file, damaged.

use std::ffi::OsStr;

use plugwright_inspect::{Code, ElfFacts, headers, identity};
use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, RecordDef};
use plugwright_manifest::{Role, note};
use plugwright_testkit::elf::{ElfBuilder, ElfFile, PhdrField};

use crate::codes;

const BUILD: BuildDef = BuildDef {
    abi: 1,
    target: "x86_64-unknown-linux-gnu",
    profile: "release",
    rustc: "rustc 1.95.0",
    panic_abort: false,
    unloadable: false,
};

const FIRST: RecordDef = RecordDef {
    entry: "plugwright_entry_org_example_first",
    id: "org.example.first",
    version: "1.2.3",
    crate_name: "first_plugin",
    linkage: Linkage::Both,
    provides: &[],
    singleton: false,
    configurable: false,
    capabilities: &[],
    build: BUILD,
    name: "First",
    description: "The first of two.",
    license: "MIT",
    authors: "",
    homepage: "",
    metadata: &[],
};

const SECOND: RecordDef = RecordDef {
    entry: "plugwright_entry_org_example_second",
    id: "org.example.second",
    crate_name: "second_plugin",
    ..FIRST
};

const FIRST_SIZE: (usize, usize) = (
    embed::summary_note_size(&FIRST),
    embed::detail_note_size(&FIRST),
);
const SECOND_SIZE: (usize, usize) = (
    embed::summary_note_size(&SECOND),
    embed::detail_note_size(&SECOND),
);
static FIRST_NOTES: Notes<{ FIRST_SIZE.0 }, { FIRST_SIZE.1 }> = embed::notes(&FIRST);
static SECOND_NOTES: Notes<{ SECOND_SIZE.0 }, { SECOND_SIZE.1 }> = embed::notes(&SECOND);

/// The whole section of the first record: both notes.
#[cfg(target_os = "linux")]
pub(crate) fn first_note() -> Vec<u8> {
    FIRST_NOTES.to_bytes()
}

fn add(builder: ElfBuilder, kind: u32, desc: &[u8]) -> ElfBuilder {
    builder.note(note::ELF_SECTION, 4, note::OWNER, kind, desc)
}

fn two_records() -> ElfFile {
    let mut builder = ElfBuilder::x86_64().soname("libx.so");
    builder = add(builder, note::SUMMARY, FIRST_NOTES.summary());
    builder = add(builder, note::DETAIL, FIRST_NOTES.detail());
    builder = add(builder, note::SUMMARY, SECOND_NOTES.summary());
    add(builder, note::DETAIL, SECOND_NOTES.detail()).build()
}

#[test]
fn summaries_by_the_quick_path_details_by_the_other() {
    let file = two_records();
    let quick = identity(file.bytes(), Some(OsStr::new("libsecond_plugin.so")));
    assert_eq!(quick.problems, []);
    let [first, second] = &quick.images[0].records[..] else {
        panic!("two records: {quick:?}");
    };
    assert_eq!((first.role, second.role), (Role::Embedded, Role::Root));
    assert_eq!(
        second.summary.entry(),
        "plugwright_entry_org_example_second"
    );
    assert_eq!(first.summary.version.to_string(), "1.2.3");
    assert_eq!((&first.detail, &second.detail), (&None, &None));

    let full = headers(file.bytes(), Some(OsStr::new("libfirst_plugin.so")));
    assert_eq!(full.problems, []);
    let records = &full.images[0].image.records;
    assert_eq!(
        (records[0].role, records[1].role),
        (Role::Root, Role::Embedded)
    );
    let detail = records[0].detail.as_ref().expect("a detail");
    assert_eq!(detail.description, "The first of two.");
    assert_eq!(
        full.images[0].elf().map(|elf: &ElfFacts| elf.constructors),
        Some(0)
    );
}

#[test]
fn found_without_a_segment_and_without_a_section() {
    let mut by_section = two_records();
    let index = by_section.segment(4, 0);
    by_section.set_segment(index, PhdrField::Type, 0);
    let mut by_segment = two_records();
    by_segment.strip_sections();
    for file in [by_section, by_segment] {
        let found = identity(file.bytes(), None);
        assert_eq!((found.images[0].records.len(), found.problems), (2, vec![]));
    }
}

#[track_caller]
fn check(builder: ElfBuilder, records: usize, expected: &[Code]) {
    let found = headers(builder.build().bytes(), None);
    assert_eq!(codes(&found.problems), expected);
    assert_eq!(found.images[0].image.records.len(), records);
    assert!(found.is_sound() || expected == [Code::LimitReached]);
}

#[test]
fn damaged_records() {
    let new = ElfBuilder::x86_64;
    check(
        add(new(), note::SUMMARY, b"\xff"),
        0,
        &[Code::RecordInvalid],
    );
    check(add(new(), note::SUMMARY, &[]), 0, &[Code::RecordInvalid]);
    // A detail before its summary, and one of another record.
    let lone = add(new(), note::DETAIL, FIRST_NOTES.detail());
    check(
        add(lone, note::SUMMARY, FIRST_NOTES.summary()),
        1,
        &[Code::RecordUnpaired],
    );
    let other = add(new(), note::SUMMARY, FIRST_NOTES.summary());
    check(
        add(other, note::DETAIL, SECOND_NOTES.detail()),
        1,
        &[Code::RecordUnpaired],
    );
    // A summary larger than a page can hold is not even read.
    check(
        add(new(), note::SUMMARY, &[0; note::MAX_SUMMARY + 1]),
        0,
        &[Code::LimitReached],
    );
    // A type that a later version may add.
    check(add(new(), 0x5057_0003, b"later"), 0, &[]);
    let mut many = new();
    for _ in 0..100 {
        many = add(many, note::SUMMARY, FIRST_NOTES.summary());
    }
    check(many, 64, &[Code::LimitReached]);
}
