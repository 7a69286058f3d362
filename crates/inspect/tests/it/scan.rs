//! `scan` tells what `symbols` tells, and where things stand.

use plugwright_inspect::{ReadAt, Scan, Symbols, scan, symbols};
use plugwright_testkit::elf::{ElfBuilder, Endian, Width};
use plugwright_testkit::macho::MachOBuilder;
use plugwright_testkit::pe::PeBuilder;

/// A symbol as both say it: name, export or import, address.
type Seen = (Vec<u8>, bool, u64);

fn by_scan(bytes: &[u8]) -> (Scan, Vec<Seen>) {
    let mut seen = Vec::new();
    let found = scan(bytes, None, &mut |image, symbol| {
        assert_eq!(image, 0);
        seen.push((
            symbol.name.as_bytes().to_vec(),
            symbol.is_export,
            symbol.address,
        ));
    });
    seen.sort();
    (found, seen)
}

fn by_symbols(bytes: &[u8]) -> (Symbols, Vec<Seen>) {
    let found = symbols(bytes, None);
    let mut seen = Vec::new();
    for image in &found.images {
        let exports = image.exports.iter().map(|symbol| (symbol, true));
        let imports = image.imports.iter().map(|symbol| (symbol, false));
        for (symbol, is_export) in exports.chain(imports) {
            seen.push((symbol.name.as_bytes().to_vec(), is_export, symbol.address));
        }
    }
    seen.sort();
    (found, seen)
}

#[track_caller]
fn check(bytes: &[u8], symbols: usize) {
    let (scan, seen) = by_scan(bytes);
    let (full, expected) = by_symbols(bytes);
    assert_eq!(seen, expected);
    assert_eq!(seen.len(), symbols);
    assert_eq!(scan.problems, full.problems);
    let headers: Vec<_> = full.images.iter().map(|image| &image.headers).collect();
    assert_eq!(
        scan.images
            .iter()
            .map(|image| &image.headers)
            .collect::<Vec<_>>(),
        headers
    );
    let counts = full.images.iter().map(|image| &image.relocations);
    assert!(
        scan.images
            .iter()
            .map(|image| &image.relocations)
            .eq(counts)
    );
}

fn elf(width: Width, endian: Endian, machine: u16) -> ElfBuilder {
    ElfBuilder::new(width, endian, machine)
        .soname("libx.so.1")
        .needed("libc.so.6")
        .runpath("$ORIGIN")
        .export("one")
        .export_as("two", 0x1a, Some("X_1"))
        .import("three", Some(("libc.so.6", "GLIBC_2.2.5")))
        .weak_import("four")
        .relocation(6, Some("three"), 0)
}

#[test]
fn the_two_readings_agree() {
    check(elf(Width::Bits64, Endian::Little, 62).build().bytes(), 4);
    check(elf(Width::Bits32, Endian::Big, 20).build().bytes(), 4);
    check(
        &MachOBuilder::arm64()
            .symbol("_a", 0x0f, 1, 0)
            .symbol("_b", 1, 0, 0x100)
            .section("__TEXT", "__text", 0, &[0; 8])
            .build(),
        2,
    );
    check(
        &PeBuilder::amd64()
            .export("a")
            .import("k.dll", &["b", "c"])
            .build(),
        3,
    );
    check(b"no library", 0);
    check(b"", 0);
}

#[test]
fn damage_is_told_alike() {
    let good = elf(Width::Bits64, Endian::Little, 62).build().into_bytes();
    for length in 0..good.len() {
        let cut = &good[..length];
        assert_eq!(
            by_scan(cut).0.problems,
            by_symbols(cut).0.problems,
            "{length} bytes"
        );
    }
}

#[test]
fn entries_and_headers_have_their_places() {
    let file = elf(Width::Bits64, Endian::Little, 62).build();
    let (dynamic, _) = file.place(".dynamic");
    let (scan, _) = by_scan(file.bytes());
    let facts = scan.images[0].headers.elf().expect("ELF");
    let needed = facts.dynamic_entries[0];
    assert_eq!((needed.tag, needed.offset), (1, dynamic as u64));
    assert_eq!(facts.dynamic_entries[1].offset, dynamic as u64 + 16);
    assert_eq!(facts.program_headers[0].at, 64);
    assert_eq!(facts.program_headers[0].kind, 1);
    assert!(file.bytes().size() > facts.program_headers[1].at);
}
