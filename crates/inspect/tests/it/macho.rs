//! Mach-O: thin and universal files, good and damaged.

use plugwright_inspect::{Code, Kind, Machine, SymbolKind, headers, identity, symbols};
use plugwright_manifest::note;
use plugwright_testkit::elf::{ElfBuilder, Endian, Width};
use plugwright_testkit::macho::{ARM64, MachOBuilder, POWERPC, X86_64, universal};

use crate::{QT6, codes};

const LC_ID_DYLIB: u32 = 0xd;
const LC_LOAD_DYLIB: u32 = 0xc;
const LC_LOAD_WEAK_DYLIB: u32 = 0x8000_0018;
const LC_RPATH: u32 = 0x8000_001c;
const LC_UUID: u32 = 0x1b;
const LC_ENCRYPTION_INFO_64: u32 = 0x2c;

fn plugin(width: Width, endian: Endian, cpu: u32) -> Vec<u8> {
    MachOBuilder::new(width, endian, cpu)
        .section("__TEXT", "__text", 0x8000_0400, &[0xc3; 16])
        .qt_section(QT6)
        .build()
}

fn arm64() -> Vec<u8> {
    plugin(Width::Bits64, Endian::Little, ARM64)
}

fn x86_64() -> Vec<u8> {
    plugin(Width::Bits64, Endian::Little, X86_64)
}

#[test]
fn thin_files_of_every_class_and_byte_order() {
    for (width, endian, cpu, machine) in [
        (Width::Bits64, Endian::Little, ARM64, Machine::Aarch64),
        (Width::Bits64, Endian::Little, X86_64, Machine::X86_64),
        (Width::Bits32, Endian::Big, POWERPC, Machine::PowerPc),
        (Width::Bits32, Endian::Little, 7, Machine::X86),
    ] {
        let bytes = plugin(width, endian, cpu);
        let found = headers(&bytes, None);
        assert_eq!(found.problems, []);
        let image = &found.images[0].image;
        assert_eq!((image.target.machine, image.kind), (machine, Kind::Bundle));
        assert_eq!(image.qt.as_ref().and_then(|qt| qt.iid()), Some("a"));
        assert!(found.is_sound());
    }
}

#[test]
fn every_shorter_prefix_is_told() {
    for bytes in [
        arm64(),
        plugin(Width::Bits32, Endian::Big, POWERPC),
        universal(&[x86_64(), arm64()], false),
        universal(&[x86_64(), arm64()], true),
    ] {
        for len in 0..bytes.len() {
            let found = headers(&bytes[..len], None);
            assert!(
                !found.problems.is_empty(),
                "{len} of {} bytes were taken",
                bytes.len()
            );
            assert!(!identity(&bytes[..len], None).problems.is_empty());
        }
    }
}

#[test]
fn universal_files_show_every_slice() {
    for wide in [false, true] {
        let bytes = universal(&[x86_64(), arm64()], wide);
        let found = identity(&bytes, None);
        assert_eq!(found.problems, []);
        let machines: Vec<_> = found
            .images
            .iter()
            .map(|image| image.target.machine)
            .collect();
        assert_eq!(machines, [Machine::X86_64, Machine::Aarch64]);
        assert!(found.images.iter().all(|image| image.qt.is_some()));
        assert_eq!(
            found.images[1].offset + found.images[1].size,
            bytes.len() as u64
        );
        let arm = found.images[1].target;
        assert_eq!(
            found.image_for(&arm).map(|image| image.offset),
            Some(found.images[1].offset)
        );
    }
}

/// Writes a big-endian number of the universal table.
fn patch(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

#[track_caller]
fn check(bytes: &[u8], code: Code) {
    for problems in [
        identity(bytes, None).problems,
        headers(bytes, None).problems,
        symbols(bytes, None).problems,
    ] {
        let found = codes(&problems);
        assert!(found.contains(&code), "{code} is not among {problems:?}");
    }
}

#[test]
fn damaged_universal_files() {
    let good = || universal(&[x86_64(), arm64()], false);
    // The table alone, and no slice in it.
    check(&good()[..28], Code::HeaderTruncated);
    let mut bytes = good();
    patch(&mut bytes, 4, 0);
    check(&bytes, Code::HeaderTruncated);
    // Places beyond the file, that wrap, and over the table itself.
    for (offset, size) in [
        (0xffff_fff0, 0x20),
        (0x10_0000, 0x10),
        (64, 0xffff_ffff),
        (0, 64),
        (4, 64),
    ] {
        let mut bytes = good();
        patch(&mut bytes, 16, offset);
        patch(&mut bytes, 20, size);
        check(&bytes, Code::SliceOutsideFile);
    }
    // The table says another processor than the image.
    let mut bytes = good();
    patch(&mut bytes, 8, ARM64);
    check(&bytes, Code::SliceMismatch);
    // A slice that is something else.
    let elf = ElfBuilder::x86_64().build().into_bytes();
    check(&universal(&[arm64(), elf], false), Code::NotALibrary);
    // Java's class files begin with the same mark.
    let mut java = good();
    patch(&mut java, 4, 0x34);
    check(&java, Code::NotALibrary);
}

#[test]
fn damaged_load_commands() {
    // The first command's size stands behind the header of 32 bytes.
    for size in [0, 4, 7, 9, 0xffff_fffc, 0x1000] {
        let mut bytes = arm64();
        bytes[36..40].copy_from_slice(&u32::to_le_bytes(size));
        check(&bytes, Code::LoadCommandInvalid);
    }
    let put = |at: usize, value: u32| {
        let mut bytes = arm64();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    check(&put(16, 0xffff), Code::LoadCommandInvalid);
    check(&put(20, 0xffff_ffff), Code::LoadCommandsOutsideFile);
    // More sections than the command has room for, which Qt's reader follows.
    check(&put(32 + 64, 0x1000_0000), Code::LoadCommandInvalid);
    // A segment and a section beyond the file, and a size that wraps.
    check(&put(32 + 48, 0x7fff_ffff), Code::SegmentOutsideFile);
    check(&put(32 + 44, 0xffff_ffff), Code::SegmentOutsideFile);
    check(&put(32 + 72 + 48, 0x7fff_ffff), Code::SectionOutsideFile);
    check(&put(12, 9), Code::NotASharedObject);
    check(&put(12, 2), Code::NotASharedObject);
    // A name beyond its command.
    let named = MachOBuilder::arm64()
        .name(LC_LOAD_DYLIB, "libx.dylib")
        .build();
    let at = named
        .windows(4)
        .position(|window| window == 24_u32.to_le_bytes())
        .expect("the place");
    let mut bytes = named;
    bytes[at..at + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    check(&bytes, Code::LoadCommandInvalid);
}

#[test]
fn names_and_facts() {
    let bytes = MachOBuilder::arm64()
        .file_type(6)
        .section("__TEXT", "__text", 0x8000_0400, &[0; 8])
        .section("__TEXT", note::MACHO_SECTION.1, 0, &[])
        .section("__DATA", "__mod_init_func", 9, &[0; 16])
        .name(LC_ID_DYLIB, "@rpath/libmade.dylib")
        .name(LC_LOAD_DYLIB, "/usr/lib/libSystem.B.dylib")
        .name(LC_LOAD_WEAK_DYLIB, "@rpath/libmaybe.dylib")
        .name(LC_RPATH, "@loader_path/..")
        .name(LC_RPATH, "/opt/lib")
        .command(LC_UUID, &[0x5a; 16])
        .symbol("_exported", 0x0f, 1, 0)
        .symbol("_weak", 0x0f, 3, 0x80)
        .symbol("_imported", 0x01, 0, 0x0200)
        .symbol("_local", 0x0e, 1, 0)
        .build();
    let found = symbols(&bytes, None);
    assert_eq!(found.problems, []);
    let image = &found.images[0];
    assert_eq!(
        image.headers.name.as_ref().expect("a name"),
        "@rpath/libmade.dylib"
    );
    assert_eq!(
        image.headers.needed,
        ["/usr/lib/libSystem.B.dylib", "@rpath/libmaybe.dylib"]
    );
    assert_eq!(
        image.headers.run_path.as_ref().expect("a run path"),
        "@loader_path/..:/opt/lib"
    );
    let facts = image.headers.macho().expect("Mach-O");
    assert_eq!(facts.uuid.as_deref(), Some("5a".repeat(16).as_str()));
    assert_eq!(facts.weak_libraries, ["@rpath/libmaybe.dylib"]);
    assert_eq!(facts.constructors, 2);
    let exports: Vec<_> = image
        .exports
        .iter()
        .map(|symbol| (symbol.name.to_string(), symbol.kind))
        .collect();
    assert_eq!(
        exports,
        [
            ("_exported".into(), SymbolKind::Function),
            ("_weak".into(), SymbolKind::Object)
        ]
    );
    assert_eq!(
        image.imports[0].library.as_ref().expect("a library"),
        "@rpath/libmaybe.dylib"
    );
    assert_eq!(image.imports.len(), 1);
}

#[test]
fn encrypted_metadata_is_told() {
    let whole = [0_u32, 0xffff_ffff, 1, 0].map(u32::to_le_bytes).concat();
    let builder = MachOBuilder::arm64().qt_section(QT6);
    let bytes = builder
        .clone()
        .command(LC_ENCRYPTION_INFO_64, &whole)
        .build();
    let found = headers(&bytes, None);
    assert_eq!(codes(&found.problems), [Code::Encrypted]);
    assert_eq!(found.images[0].image.qt, None);
    assert!(found.images[0].macho().expect("Mach-O").encrypted);
    // The command without encryption is what tools leave behind.
    let none = [0_u32, 0xffff_ffff, 0, 0].map(u32::to_le_bytes).concat();
    let bytes = builder.command(LC_ENCRYPTION_INFO_64, &none).build();
    assert!(headers(&bytes, None).images[0].image.qt.is_some());
}

/// Names fill their field of 16 bytes without a NUL.
#[test]
fn names_without_an_end() {
    let bytes = MachOBuilder::arm64()
        .section("__TEXT", "sixteen_bytes_xx", 0, &[0; 4])
        .qt_section(QT6)
        .build();
    assert!(identity(&bytes, None).images[0].qt.is_some());
}
