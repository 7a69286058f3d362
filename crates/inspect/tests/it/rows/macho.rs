//! Mach-O: what is no library, thin and universal files, damaged ones.

use plugwright_inspect::{Code, Loader, Machine, headers, identity};
use plugwright_testkit::elf::{ElfBuilder, Endian, Width};
use plugwright_testkit::macho::{ARM64, MachOBuilder, POWERPC, X86_64, universal};

use super::{Told, check};
use crate::QT6;

/// One row: a file, what is told, and the processors for which it has metadata.
pub(super) struct MachORow {
    name: &'static str,
    make: fn() -> Vec<u8>,
    told: Told,
    images: &'static [Machine],
}

const fn bad(
    name: &'static str,
    make: fn() -> Vec<u8>,
    code: Code,
    loader: Loader,
    line: &'static str,
) -> MachORow {
    MachORow {
        name,
        make,
        told: Told::Problem(code, loader, line),
        images: &[],
    }
}

const fn good(name: &'static str, make: fn() -> Vec<u8>, images: &'static [Machine]) -> MachORow {
    MachORow {
        name,
        make,
        told: Told::Metadata,
        images,
    }
}

fn plugin(width: Width, endian: Endian, cpu: u32) -> MachOBuilder {
    MachOBuilder::new(width, endian, cpu)
        .section("__TEXT", "__text", 0x8000_0400, &[0xc3; 16])
        .qt_section(QT6)
}

fn arm64() -> Vec<u8> {
    plugin(Width::Bits64, Endian::Little, ARM64).build()
}

fn x86_64() -> Vec<u8> {
    plugin(Width::Bits64, Endian::Little, X86_64).build()
}

fn powerpc() -> Vec<u8> {
    plugin(Width::Bits32, Endian::Big, POWERPC).build()
}

/// Where the first load command stands: behind a header of 32 or 28 bytes.
const FIRST_64: usize = 32;
const FIRST_32: usize = 28;

/// `bytes` with a number of four bytes, little-endian, at `at`.
fn little(mut bytes: Vec<u8>, at: usize, value: u32) -> Vec<u8> {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

/// The same, big-endian, as the tables of universal files and the images of `PowerPC` are.
fn big(mut bytes: Vec<u8>, at: usize, value: u32) -> Vec<u8> {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    bytes
}

/// Where the load command behind the first one stands in an image of 64 bits.
fn second(bytes: &[u8]) -> usize {
    let size: [u8; 4] = bytes[FIRST_64 + 4..FIRST_64 + 8]
        .try_into()
        .expect("four bytes");
    FIRST_64 + usize::try_from(u32::from_le_bytes(size)).expect("small")
}

/// A universal file of two images, of which the second lies at the returned place.
fn two() -> (Vec<u8>, usize) {
    let second = arm64();
    let bytes = universal(&[x86_64(), second.clone()], false);
    let at = bytes.len() - second.len();
    (bytes, at)
}

use Code::{HeaderTruncated, LoadCommandInvalid, NotALibrary, SliceOutsideFile};
use Loader::Refuses;

pub(super) const ROWS: [MachORow; 24] = [
    bad(
        "an empty file",
        Vec::new,
        Code::EmptyFile,
        Refuses,
        ": expected a library, found no bytes",
    ),
    good(
        // Qt takes Mach-O only there; this reader takes it for what it is.
        "an ELF file is no Mach-O file",
        || {
            ElfBuilder::x86_64()
                .export("f")
                .qt_note(QT6)
                .build()
                .into_bytes()
        },
        &[Machine::X86_64],
    ),
    bad(
        "a source file",
        || b"#include <QtPlugin>\n".to_vec(),
        NotALibrary,
        Refuses,
        ": expected a library in ELF, Mach-O or PE, found text",
    ),
    bad(
        "a program",
        || {
            plugin(Width::Bits64, Endian::Little, ARM64)
                .file_type(2)
                .build()
        },
        Code::NotASharedObject,
        Refuses,
        ": expected a library (type 6) or a bundle (type 8), found executable",
    ),
    good("thin", arm64, &[Machine::Aarch64]),
    good("thin, another processor", powerpc, &[Machine::PowerPc]),
    good(
        "universal, without one's own processor",
        || universal(&[powerpc()], false),
        &[Machine::PowerPc],
    ),
    good(
        "universal, with one's own processor",
        || universal(&[arm64(), x86_64()], false),
        &[Machine::Aarch64, Machine::X86_64],
    ),
    good(
        "universal, every slice",
        || universal(&[powerpc(), x86_64(), arm64()], true),
        &[Machine::PowerPc, Machine::X86_64, Machine::Aarch64],
    ),
    bad(
        "universal, a slice is a stub for linkers",
        || {
            let stub = plugin(Width::Bits64, Endian::Little, ARM64).file_type(9);
            universal(&[x86_64(), stub.build()], false)
        },
        Code::NotASharedObject,
        Refuses,
        ": expected a library (type 6) or a bundle (type 8), found other(9)",
    ),
    bad(
        "command of size 0, 64 bits",
        || little(arm64(), FIRST_64 + 4, 0),
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 304 bytes, a multiple of 4, found 0 bytes (at byte 0x20)",
    ),
    bad(
        "command of size 0, 32 bits",
        || big(powerpc(), FIRST_32 + 4, 0),
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 248 bytes, a multiple of 4, found 0 bytes (at byte 0x1c)",
    ),
    bad(
        "command of size 0, not the first",
        || {
            let bytes = arm64();
            let at = second(&bytes);
            little(bytes, at + 4, 0)
        },
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 72 bytes, a multiple of 4, found 0 bytes (at byte 0x108)",
    ),
    bad(
        "command of size 0, in a slice",
        || {
            let (bytes, at) = two();
            little(bytes, at + FIRST_64 + 4, 0)
        },
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 304 bytes, a multiple of 4, found 0 bytes (at byte 0x220)",
    ),
    bad(
        "command beyond the file, 64 bits",
        || little(arm64(), FIRST_64 + 4, 0x10_0000),
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 304 bytes, a multiple of 4, found 1048576 bytes (at byte 0x20)",
    ),
    bad(
        "command beyond the file, 32 bits",
        || big(powerpc(), FIRST_32 + 4, 0x10_0000),
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 248 bytes, a multiple of 4, found 1048576 bytes (at byte 0x1c)",
    ),
    bad(
        "command beyond the file, not the first",
        || {
            let bytes = arm64();
            let at = second(&bytes);
            little(bytes, at + 4, 0xffff_fff8)
        },
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 72 bytes, a multiple of 4, found 4294967288 bytes (at byte 0x108)",
    ),
    bad(
        "command beyond the file, in a slice",
        || {
            let (bytes, at) = two();
            little(bytes, at + FIRST_64 + 4, 0xffff_fff8)
        },
        LoadCommandInvalid,
        Refuses,
        ": expected a command of 8 to 304 bytes, a multiple of 4, found 4294967288 bytes (at byte 0x220)",
    ),
    bad(
        "section whose offset and size overflow, 64 bits",
        // The second section of the first segment: offset and size of the metadata.
        || {
            little(
                little(arm64(), FIRST_64 + 72 + 80 + 48, 0xffff_fff0),
                FIRST_64 + 72 + 80 + 44,
                0xffff_ffff,
            )
        },
        Code::SectionOutsideFile,
        Loader::Accepts,
        ": expected a section inside the file's ",
    ),
    bad(
        "section whose offset and size overflow, 32 bits",
        || {
            big(
                big(powerpc(), FIRST_32 + 56 + 68 + 40, 0xffff_fff0),
                FIRST_32 + 56 + 68 + 36,
                0xffff_ffff,
            )
        },
        Code::SectionOutsideFile,
        Loader::Accepts,
        ": expected a section inside the file's ",
    ),
    bad(
        "universal, the header alone",
        || universal(&[x86_64(), arm64()], false)[..8].to_vec(),
        HeaderTruncated,
        Refuses,
        ": expected the table of slices inside the file's 8 bytes",
    ),
    bad(
        "universal, table and slice differ",
        || big(two().0, 8, POWERPC),
        Code::SliceMismatch,
        Refuses,
        ": expected an image for powerpc, as the file's table says, found x86_64",
    ),
    bad(
        "universal, a slice overflows 32 bits",
        || big(big(two().0, 16, 0xffff_fff0), 20, 0x20),
        SliceOutsideFile,
        Refuses,
        ": expected a slice inside the file's ",
    ),
    bad(
        "universal, a slice overflows 64 bits",
        || {
            let bytes = universal(&[x86_64(), arm64()], true);
            big(big(bytes, 16, 0xffff_ffff), 20, 0xffff_fff0)
        },
        SliceOutsideFile,
        Refuses,
        ": expected a slice inside the file's ",
    ),
];

#[test]
fn rows() {
    for row in &ROWS {
        let bytes = (row.make)();
        check(row.name, &bytes, row.told);
        if let Told::Metadata = row.told {
            let found = headers(&bytes[..], None);
            let images = found.images.iter().map(|image| &image.image);
            let machines: Vec<_> = images
                .filter(|image| image.qt.is_some())
                .map(|image| image.target.machine)
                .collect();
            assert_eq!(machines, row.images, "{}", row.name);
        }
    }
}

/// Of each good file of the rows every shorter length is refused.
#[test]
fn every_shorter_length() {
    let good = ROWS.iter().filter(|row| matches!(row.told, Told::Metadata));
    for row in good {
        let bytes = (row.make)();
        for len in 0..bytes.len() {
            for problems in [
                identity(&bytes[..len], None).problems,
                headers(&bytes[..len], None).problems,
            ] {
                assert!(
                    !problems.is_empty(),
                    "{}: {len} of {} bytes were taken",
                    row.name,
                    bytes.len()
                );
            }
        }
    }
}
