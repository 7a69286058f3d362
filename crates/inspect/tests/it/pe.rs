//! PE: good and damaged.

use plugwright_inspect::{Code, Kind, Machine, SymbolKind, headers, identity, symbols};
use plugwright_testkit::elf::Width;
use plugwright_testkit::pe::{AMD64, I386, PeBuilder};

use crate::{QT6, codes};

fn library(width: Width, machine: u16) -> PeBuilder {
    PeBuilder::new(width, machine)
        .export("first")
        .export("second")
        .import("KERNEL32.dll", &["LoadLibraryW", "17"])
        .import("Qt6Core.dll", &["f"])
        .delayed("USER32.dll", &["MessageBoxW"])
        .debug_file(r"C:\build\made.pdb")
        .qt_section(QT6)
        .signed()
}

#[test]
fn facts_of_both_classes() {
    for (width, machine, expected) in [
        (Width::Bits64, AMD64, Machine::X86_64),
        (Width::Bits32, I386, Machine::X86),
    ] {
        let bytes = library(width, machine).build();
        let found = symbols(&bytes, None);
        assert_eq!(found.problems, []);
        let image = &found.images[0];
        assert_eq!(image.headers.image.target.machine, expected);
        assert_eq!(image.headers.image.kind, Kind::SharedLibrary);
        assert_eq!(
            image.headers.image.qt.as_ref().and_then(|qt| qt.iid()),
            Some("a")
        );
        assert_eq!(image.headers.name.as_ref().expect("a name"), "made.dll");
        assert_eq!(image.headers.needed, ["KERNEL32.dll", "Qt6Core.dll"]);
        let pe = image.headers.pe().expect("PE");
        assert_eq!(pe.delayed, ["USER32.dll"]);
        assert_eq!(
            pe.debug_file.as_ref().map(|path| path.as_bytes()),
            Some(&br"C:\build\made.pdb"[..])
        );
        assert!(pe.signed && pe.flags.aslr && pe.flags.no_execute && !pe.flags.control_flow_guard);
        let exports: Vec<_> = image
            .exports
            .iter()
            .map(|symbol| (symbol.name.to_string(), symbol.ordinal))
            .collect();
        assert_eq!(
            exports,
            [("first".into(), Some(1)), ("second".into(), Some(2))]
        );
        assert_eq!(image.exports[0].kind, SymbolKind::Unknown);
        let imports: Vec<_> = image
            .imports
            .iter()
            .map(|symbol| {
                (
                    symbol.name.to_string(),
                    symbol.ordinal,
                    symbol.library.as_ref().map(ToString::to_string),
                )
            })
            .collect();
        let from = |library: &str| Some(library.to_owned());
        assert_eq!(
            imports,
            [
                ("LoadLibraryW".into(), None, from("KERNEL32.dll")),
                (String::new(), Some(17), from("KERNEL32.dll")),
                ("f".into(), None, from("Qt6Core.dll")),
                ("MessageBoxW".into(), None, from("USER32.dll")),
            ]
        );
        assert_eq!(headers(&bytes, None).images[0], image.headers);
        assert_eq!(identity(&bytes, None).images[0], image.headers.image);
    }
}

#[test]
fn every_shorter_prefix_is_told() {
    let bytes = PeBuilder::amd64().export("f").qt_section(QT6).build();
    // The last bytes are the table of long names.
    for len in 0..bytes.len() {
        assert!(
            !headers(&bytes[..len], None).problems.is_empty(),
            "{len} of {} bytes were taken",
            bytes.len()
        );
        assert!(
            !identity(&bytes[..len], None).problems.is_empty(),
            "{len} bytes pass the quick path"
        );
    }
}

#[track_caller]
fn check(bytes: &[u8], code: Code) {
    let found = codes(&headers(bytes, None).problems);
    assert!(found.contains(&code), "{code} is not among {found:?}");
}

/// A good file with a number of four bytes spoilt.
fn spoil(at: usize, value: u32) -> Vec<u8> {
    let mut bytes = library(Width::Bits64, AMD64).build();
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

/// The PE header stands at 0x40, the optional header behind it, then the sections.
const OPTIONAL: usize = 0x40 + 24;
const SECTIONS: usize = OPTIONAL + 240;

#[test]
fn damaged_headers() {
    for at in [0xffff_ffff, 0x7fff_ffff, 0x1_0000] {
        check(&spoil(0x3c, at), Code::HeaderTruncated);
    }
    check(&spoil(0x40, 0x4550_0001), Code::NotALibrary);
    check(&spoil(OPTIONAL, 0x107), Code::UnknownClass);
    // No sections, more than there are, an optional header of four bytes.
    check(&spoil(0x44, 0x0000_8664), Code::NoLoadableSegment);
    check(&spoil(0x44, 0xffff_8664), Code::SectionHeadersOutsideFile);
    check(&spoil(0x40 + 20, 0x2022_0004), Code::HeaderTruncated);
    let program = PeBuilder::amd64().characteristics(0x22).build();
    check(&program, Code::NotASharedObject);
    assert_eq!(identity(&program, None).images[0].kind, Kind::Executable);
}

#[test]
fn damaged_sections() {
    check(&spoil(SECTIONS + 20, 0x7fff_ffff), Code::SectionOutsideFile);
    check(&spoil(SECTIONS + 16, 0xffff_fe00), Code::SectionOutsideFile);
    check(
        &spoil(SECTIONS + 40 + 12, 0xffff_ffff),
        Code::SectionOverflow,
    );
    check(&spoil(SECTIONS + 8, 0x10_0000), Code::SegmentsOverlap);
    // The long name of the metadata's section: beyond the file, and no number.
    let name = SECTIONS + 80;
    check(
        &spoil(name + 1, u32::from_le_bytes(*b"9999")),
        Code::SectionNameOutsideTable,
    );
    check(
        &spoil(name + 1, u32::from_le_bytes(*b"x\0\0\0")),
        Code::SectionNameOutsideTable,
    );
    // Without symbols there is no table of long names.
    check(&spoil(0x40 + 12, 0), Code::SectionNameOutsideTable);
    check(
        &spoil(0x40 + 16, 0xffff_ffff),
        Code::SectionNameOutsideTable,
    );
    for (flags, code) in [
        (0xd000_0040, Code::QtWritable),
        (0x7000_0040, Code::QtExecutable),
    ] {
        check(&spoil(name + 36, flags), code);
    }
}

#[test]
fn damaged_directories() {
    let directory = |index: usize| OPTIONAL + 112 + 8 * index;
    for index in [0, 1, 6, 13] {
        check(
            &spoil(directory(index), 0x00ff_f000),
            Code::DirectoryInvalid,
        );
    }
    // More directories stated than the header has room for: the rest is not there.
    let found = headers(&spoil(OPTIONAL + 108, 0xffff_ffff), None);
    assert_eq!(found.problems, []);
}

#[test]
fn short_metadata_names() {
    // Eight bytes are all that a linker without long names leaves.
    let bytes = [b"QTMETADATA !", QT6].concat();
    let file = PeBuilder::amd64()
        .section(".qtmetad", 0x5000_0040, &bytes)
        .build();
    assert!(identity(&file, None).images[0].qt.is_some());
    let file = PeBuilder::amd64()
        .section(".qtmetad", 0x5000_0040, b"QTMETADATA")
        .build();
    assert_eq!(codes(&identity(&file, None).problems), [Code::QtTooSmall]);
}
