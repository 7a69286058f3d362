//! Faults of ELF headers on a plugin with the new and on one with the old form of Qt's
//! metadata, beyond those of Qt's own tests, which are in `rows`.

use plugwright_inspect::{Class, Code, Loader, Machine, Target, headers, identity, symbols};
use plugwright_testkit::elf::{EhdrField, ElfBuilder, ElfFile, PhdrField, X86_64};

use crate::{QT5, QT6, codes};

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

/// Values that are neither of those that Qt's tests try.
#[test]
fn other_words_and_byte_orders() {
    for (field, code) in [
        (EhdrField::Class, Code::UnknownClass),
        (EhdrField::Data, Code::UnknownByteOrder),
    ] {
        check_common(
            |file| {
                file.set_header(field, 0x55);
            },
            code,
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
fn a_type_of_the_processors_own() {
    check_common(
        |file| {
            file.set_header(EhdrField::Type, 0xff00);
        },
        Code::NotASharedObject,
    );
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
fn program_headers_at_an_absurd_place() {
    check_common(
        |file| {
            file.set_header(EhdrField::Phoff, u64::MAX - 55);
        },
        Code::ProgramHeadersOutsideFile,
    );
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
fn every_shorter_length_is_told() {
    for file in [new_plugin(), old_plugin()] {
        let bytes = file.bytes();
        let whole = headers(bytes, None);
        let facts = whole.images[0].elf().expect("ELF");
        let loads = facts
            .program_headers
            .iter()
            .filter(|header| header.kind == 1);
        let loaded = loads.map(|load| load.offset + load.size).max();
        let loaded = loaded.expect("a loaded segment");
        for len in 0..bytes.len() {
            let cut = &bytes[..len];
            let quick = identity(cut, None);
            let full = headers(cut, None);
            assert!(
                !quick.problems.is_empty(),
                "{len} bytes pass the quick path"
            );
            if (len as u64) < loaded {
                assert!(!quick.is_sound(), "the loader would not take {len} bytes");
            }
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
