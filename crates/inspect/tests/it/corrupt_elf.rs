//! Faults of headers, notes and sections, one by one, on a plugin with the new and on one
//! with the old form of Qt's metadata. Each names the code that must come.

use plugwright_inspect::{Class, Code, Loader, Machine, Target, headers, identity, symbols};
use plugwright_testkit::elf::{EhdrField, ElfBuilder, ElfFile, PhdrField, ShdrField, X86_64};

use crate::{QT5, QT6, codes};

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;

fn new_plugin() -> ElfFile {
    ElfBuilder::x86_64()
        .soname("libnew.so")
        .export("qt_plugin_instance")
        .qt_note(QT6)
        .build()
}

fn old_plugin() -> ElfFile {
    ElfBuilder::x86_64()
        .soname("libold.so")
        .export("qt_plugin_instance")
        .build_id(&[1; 20])
        .qt_section(QT5)
        .build()
}

/// Spoils both plugins and expects `code` of both depths.
#[track_caller]
fn check_common(spoil: impl Fn(&mut ElfFile), code: Code) {
    for mut file in [new_plugin(), old_plugin()] {
        spoil(&mut file);
        check(&file, code);
    }
}

#[track_caller]
fn check(file: &ElfFile, code: Code) {
    let quick = codes(&identity(file.bytes(), None).problems);
    assert!(
        quick.contains(&code),
        "identity: {code} is not among {quick:?}"
    );
    let full = headers(file.bytes(), None);
    let full_codes = codes(&full.problems);
    assert!(
        full_codes.contains(&code),
        "headers: {code} is not among {full_codes:?}"
    );
}

#[test]
fn good_plugins_have_no_problem() {
    for file in [new_plugin(), old_plugin()] {
        let found = headers(file.bytes(), None);
        assert_eq!(found.problems, []);
        assert!(found.is_sound());
        assert!(found.images[0].image.qt.is_some());
        assert_eq!(
            identity(file.bytes(), None).images[0].qt,
            found.images[0].image.qt
        );
    }
}

#[test]
fn not_elf() {
    check_common(|file| file.bytes_mut()[0] = b'X', Code::NotALibrary);
}

#[test]
fn word_size() {
    for value in [0, 3, 0x55] {
        check_common(
            |file| {
                file.set_header(EhdrField::Class, value);
            },
            Code::UnknownClass,
        );
    }
    // The other word size moves every field: nothing of the file makes sense.
    check_common(
        |file| {
            file.set_header(EhdrField::Class, 1);
        },
        Code::NoLoadableSegment,
    );
}

#[test]
fn byte_order() {
    for value in [0, 3, 0x55] {
        check_common(
            |file| {
                file.set_header(EhdrField::Data, value);
            },
            Code::UnknownByteOrder,
        );
    }
    check_common(
        |file| {
            file.set_header(EhdrField::Data, 2);
        },
        Code::UnknownVersion,
    );
}

#[test]
fn elf_version() {
    for value in [0, 2] {
        check_common(
            |file| {
                file.set_header(EhdrField::IdentVersion, value);
            },
            Code::UnknownVersion,
        );
        check_common(
            |file| {
                file.set_header(EhdrField::Version, value);
            },
            Code::UnknownVersion,
        );
    }
}

#[test]
fn abi() {
    // FreeBSD's, and a version of System V's that there is not.
    for (field, value) in [(EhdrField::OsAbi, 9), (EhdrField::AbiVersion, 1)] {
        check_common(
            |file| {
                file.set_header(field, value);
            },
            Code::UnknownAbi,
        );
    }
    let mut gnu = new_plugin();
    gnu.set_header(EhdrField::OsAbi, 3);
    assert_eq!(headers(gnu.bytes(), None).problems, []);
}

#[test]
fn file_type() {
    // Relocatable, executable, core, unknown, processor-specific.
    for value in [1, 2, 4, 0, 0xff00] {
        check_common(
            |file| {
                file.set_header(EhdrField::Type, value);
            },
            Code::NotASharedObject,
        );
    }
}

#[test]
fn other_processor() {
    let mut file = new_plugin();
    file.set_header(EhdrField::Machine, 183);
    let found = identity(file.bytes(), None);
    let image = &found.images[0];
    assert_eq!(image.target.machine, Machine::Aarch64);
    assert!(image.qt.is_some(), "metadata is read for every processor");
    let x86_64 = Target {
        machine: Machine::X86_64,
        ..image.target
    };
    let problem = x86_64.mismatch(&image.target).expect("another processor");
    assert_eq!(
        (problem.code, problem.loader),
        (Code::WrongMachine, Loader::Refuses)
    );
    assert_eq!(
        problem.to_string(),
        "wrong-machine: expected x86_64, found aarch64"
    );
    let narrow = Target {
        class: Class::Bits32,
        ..image.target
    };
    assert_eq!(
        narrow.mismatch(&image.target).map(|problem| problem.code),
        Some(Code::WrongClass)
    );
    assert!(found.image_for(&x86_64).is_none());
    assert_eq!(Machine::from_elf(X86_64), Machine::X86_64);
}

#[test]
fn program_headers() {
    for value in [0, 55] {
        check_common(
            |file| {
                file.set_header(EhdrField::Phentsize, value);
            },
            Code::ProgramHeaderSize,
        );
    }
    check_common(
        |file| {
            let end = file.bytes().len() as u64;
            file.set_header(EhdrField::Phoff, end);
        },
        Code::ProgramHeadersOutsideFile,
    );
    check_common(
        |file| {
            let end = file.bytes().len() as u64 - 8;
            file.set_header(EhdrField::Phoff, end);
        },
        Code::ProgramHeadersOutsideFile,
    );
    check_common(
        |file| {
            file.set_header(EhdrField::Phoff, u64::MAX - 55);
        },
        Code::ProgramHeadersOutsideFile,
    );
}

#[test]
fn segments() {
    check_common(
        |file| {
            let (index, end) = (file.segment(PT_LOAD, 0), file.bytes().len() as u64);
            file.set_segment(index, PhdrField::Offset, end.next_multiple_of(4096));
        },
        Code::SegmentOutsideFile,
    );
    check_common(
        |file| {
            let (index, len) = (file.segment(PT_LOAD, 0), file.bytes().len() as u64);
            file.set_segment(index, PhdrField::Filesz, len + 1);
        },
        Code::SegmentOutsideFile,
    );
    check_common(
        |file| {
            let index = file.segment(PT_LOAD, 1);
            file.set_segment(index, PhdrField::Filesz, u64::MAX);
        },
        Code::SegmentOverflow,
    );
    check_common(
        |file| {
            let index = file.segment(PT_LOAD, 1);
            file.set_segment(index, PhdrField::Flags, 4);
        },
        Code::NoCode,
    );
}

fn check_note(spoil: impl Fn(&mut ElfFile), code: Option<Code>) {
    let mut file = new_plugin();
    spoil(&mut file);
    // Only the segment view: the section table would lead to the note as well.
    file.strip_sections();
    let found = identity(file.bytes(), None);
    assert_eq!(found.images[0].qt, None);
    assert_eq!(codes(&found.problems).first().copied(), code);
}

/// What the loader takes is told and not held against the file.
#[test]
fn a_misaligned_note_segment_is_sound() {
    let mut file = ElfBuilder::x86_64()
        .soname("libx.so")
        .export("f")
        .build_id(&[1; 20])
        .build();
    let index = file.segment(PT_NOTE, 0);
    file.set_segment(index, PhdrField::Align, 4096);
    let found = symbols(file.bytes(), None);
    assert_eq!(codes(&found.problems), [Code::NotesMisaligned]);
    assert!(found.is_sound());
    assert!(headers(file.bytes(), None).is_sound());
    assert!(identity(file.bytes(), None).is_sound());
    let (verdict, text) = crate::structure::measure(file.bytes());
    assert_eq!(verdict, Loader::Accepts, "{text}");
}

#[test]
fn notes() {
    let note = |file: &ElfFile| file.place(".note.qt.metadata").0;
    // Only told, not refused: a misaligned segment is still read, as Qt's is not.
    let mut file = new_plugin();
    let index = file.segment(PT_NOTE, 0);
    let (offset, _) = file.place(".note.qt.metadata");
    file.set_segment(index, PhdrField::Offset, offset as u64 + 1);
    check(&file, Code::NotesMisaligned);

    check_note(
        |file| {
            let index = file.segment(PT_NOTE, 0);
            file.set_segment(index, PhdrField::Type, 0);
        },
        None,
    );
    // A note of another owner, then Qt's own, larger than the segment.
    for owner in [&b"xt-project!\0"[..], b"qt-project!\0"] {
        check_note(
            |file| {
                let at = note(file);
                file.bytes_mut()[at + 12..at + 24].copy_from_slice(owner);
                file.write(at + 4, 4, 0x1000);
            },
            Some(Code::NoteOverrun),
        );
    }
    for (field, value) in [(0, 0xffff_fffd), (4, 0xffff_fffd)] {
        check_note(
            |file| {
                let at = note(file);
                file.write(at + field, 4, value);
            },
            Some(Code::NoteOverrun),
        );
    }
}

/// Spoils the old plugin, whose metadata only the section table leads to.
#[track_caller]
fn check_old(spoil: impl Fn(&mut ElfFile), code: Code) {
    let mut file = old_plugin();
    spoil(&mut file);
    check(&file, code);
}

#[test]
fn section_table() {
    for value in [0, 63, 65] {
        check_old(
            |file| {
                file.set_header(EhdrField::Shentsize, value);
            },
            Code::SectionHeaderSize,
        );
    }
    check_old(
        |file| {
            let end = file.bytes().len() as u64;
            file.set_header(EhdrField::Shoff, end);
        },
        Code::SectionHeadersOutsideFile,
    );
    check_old(
        |file| {
            let end = file.bytes().len() as u64 - 8;
            file.set_header(EhdrField::Shoff, end);
        },
        Code::SectionHeadersOutsideFile,
    );
    check_old(
        |file| {
            file.set_header(EhdrField::Shstrndx, 0xfe00);
        },
        Code::SectionNamesIndex,
    );

    // No sections at all is no fault: the metadata is just not to be found.
    let mut file = old_plugin();
    file.set_header(EhdrField::Shoff, 0)
        .set_header(EhdrField::Shnum, 0);
    let found = identity(file.bytes(), None);
    assert_eq!(
        (codes(&found.problems), &found.images[0].qt),
        (vec![], &None)
    );
}

#[test]
fn section_contents() {
    let len = old_plugin().bytes().len() as u64;
    for (offset, size, code) in [
        (len + 1, 1, Code::SectionOutsideFile),
        (len - 1, 2, Code::SectionOutsideFile),
        (u64::MAX, 0x100, Code::SectionOverflow),
    ] {
        check_old(
            |file| {
                file.set_section(1, ShdrField::Offset, offset).set_section(
                    1,
                    ShdrField::Size,
                    size,
                );
            },
            code,
        );
        // The same with the section that holds the names.
        check_old(
            |file| {
                let index = file.section(".shstrtab");
                file.set_section(index, ShdrField::Offset, offset)
                    .set_section(index, ShdrField::Size, size);
            },
            Code::SectionNamesOutsideFile,
        );
    }
    for name in [len, 0x1000_0000] {
        check_old(
            |file| {
                file.set_section(1, ShdrField::Name, name);
            },
            Code::SectionNameOutsideTable,
        );
    }
}

#[test]
fn metadata_section() {
    for (flags, code) in [(3, Code::QtWritable), (6, Code::QtExecutable)] {
        let mut file = old_plugin();
        let index = file.section(".qtmetadata");
        file.set_section(index, ShdrField::Flags, flags);
        check(&file, code);
        assert_eq!(identity(file.bytes(), None).images[0].qt, None);
    }
}

/// A file split off with debug information: every loaded segment is empty in it.
#[test]
fn split_debug_file() {
    let mut file = old_plugin();
    for nth in 0..3 {
        let index = file.segment(PT_LOAD, nth);
        file.set_segment(index, PhdrField::Filesz, 0);
    }
    check(&file, Code::NoCode);
    assert!(!headers(file.bytes(), None).is_sound());
}

#[test]
fn stripped_section_table_with_a_bogus_mark_behind() {
    let mut file = new_plugin();
    file.strip_sections();
    file.bytes_mut()
        .extend_from_slice(b"QTMETADATA !\x00\x05\x00\x00nonsense");
    let found = headers(file.bytes(), None);
    assert_eq!(found.problems, []);
    let qt = found.images[0].image.qt.as_ref().expect("the note");
    assert_eq!((qt.iid(), qt.qt_version()), (Some("a"), Some((6, 4))));
}

#[test]
fn every_shorter_length_is_told() {
    for file in [new_plugin(), old_plugin()] {
        let bytes = file.bytes();
        for len in 0..bytes.len() {
            let cut = &bytes[..len];
            let quick = identity(cut, None);
            let full = headers(cut, None);
            assert!(
                !full.problems.is_empty(),
                "{len} bytes of {} were taken",
                bytes.len()
            );
            if len < 64 {
                assert!(quick.images.is_empty(), "{len} bytes are no image");
            }
        }
    }
}
