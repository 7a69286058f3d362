//! Files spoilt at random, of every format, read at every depth: bounded, no panic, and
//! never a sound verdict on an ELF file that would end the process that loads it.

use std::fs;

use plugwright_inspect::closure::{Closures, Search};
use plugwright_inspect::{ReadAt, headers, identity, symbols};
use plugwright_testkit::elf::{ElfBuilder, Endian, HashStyle, POWERPC, Width};
use plugwright_testkit::macho::{ARM64, MachOBuilder, universal};
use plugwright_testkit::pe::PeBuilder;
use proptest::prelude::*;

use crate::{QT5, QT6};

/// Bytes and numbers with the places where they are written, and where the file is cut.
type Damage = (Vec<(u16, u8)>, Vec<(u16, u64)>, Option<u16>);

fn damage() -> impl Strategy<Value = Damage> {
    let interesting = prop_oneof![
        Just(0),
        Just(u64::MAX),
        Just(u64::MAX - 7),
        Just(0x7fff_ffff_ffff_ffff),
        Just(0xffff_ffff),
        Just(0x8000_0000),
        0..0x3000_u64,
        any::<u64>(),
    ];
    (
        proptest::collection::vec((any::<u16>(), any::<u8>()), 0..8),
        proptest::collection::vec((any::<u16>(), interesting), 0..4),
        proptest::option::weighted(0.2, any::<u16>()),
    )
}

fn apply(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    // Most places lie in the first kilobyte, where the headers are.
    let place = |at: u16, len: usize| match at {
        0..0xc000 => usize::from(at) % len.min(1024),
        _ => usize::from(at) % len,
    };
    let len = bytes.len();
    for (at, value) in &damage.0 {
        bytes[place(*at, len)] = *value;
    }
    for (at, value) in &damage.1 {
        let at = place(*at, len) & !3;
        for (byte, value) in bytes[at..].iter_mut().zip(value.to_le_bytes()) {
            *byte = value;
        }
    }
    if let Some(cut) = damage.2 {
        bytes.truncate(usize::from(cut) % len);
    }
    bytes
}

fn elf(width: Width, endian: Endian, machine: u16) -> Vec<u8> {
    ElfBuilder::new(width, endian, machine)
        .soname("libx.so")
        .needed("liby.so")
        .runpath("$ORIGIN")
        .build_id(&[7; 20])
        .qt_note(QT6)
        .export("one")
        .export_as("two", 0x12, Some("X_1"))
        .import("three", Some(("liby.so", "Y_1")))
        .hash(HashStyle::Both)
        .build()
        .into_bytes()
}

fn read_all(bytes: &[u8]) {
    let quick = identity(bytes, None);
    let full = headers(bytes, None);
    let deep = symbols(bytes, None);
    // A deeper look finds no fewer images, and is not more content.
    assert_eq!(quick.images.len(), full.images.len());
    assert_eq!(full.images.len(), deep.images.len());
    assert!(!full.is_sound() || quick.is_sound());
    assert!(!deep.is_sound() || full.is_sound());
    drop(serde_json::to_string(&deep).expect("JSON"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn elf_64(damage in damage()) {
        read_all(&apply(elf(Width::Bits64, Endian::Little, 62), &damage));
    }

    #[test]
    fn elf_32_big_endian(damage in damage()) {
        read_all(&apply(elf(Width::Bits32, Endian::Big, POWERPC), &damage));
    }

    #[test]
    fn old_qt(damage in damage()) {
        read_all(&apply(ElfBuilder::x86_64().qt_section(QT5).build().into_bytes(), &damage));
    }

    #[test]
    fn macho(damage in damage()) {
        let builder = MachOBuilder::new(Width::Bits64, Endian::Little, ARM64)
            .section("__TEXT", "__text", 0, &[0; 32])
            .qt_section(QT6)
            .name(0xc, "liby.dylib")
            .symbol("_a", 0x0f, 1, 0);
        read_all(&apply(builder.build(), &damage));
        read_all(&apply(universal(&[builder.build(), builder.build()], true), &damage));
    }

    #[test]
    fn pe(damage in damage()) {
        let builder = PeBuilder::amd64()
            .export("f")
            .import("a.dll", &["g", "7"])
            .delayed("b.dll", &["h"])
            .debug_file("x.pdb")
            .qt_section(QT6);
        read_all(&apply(builder.build(), &damage));
    }

    #[test]
    fn qt_metadata(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let note = [b"\x01\x06\x04\x01\xbf", &bytes[..]].concat();
        read_all(ElfBuilder::x86_64().qt_note(&note).build().bytes());
        let binary = [b"QTMETADATA  qbjs\x01\0\0\0", &bytes[..]].concat();
        read_all(ElfBuilder::x86_64().section(".qtmetadata", 2, &binary).build().bytes());
    }

    #[test]
    fn closures(damage in damage()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("libx.so");
        let good = elf(Width::Bits64, Endian::Little, 62);
        fs::write(folder.path().join("liby.so"), apply(good.clone(), &damage)).expect("a file");
        fs::write(&path, good).expect("a file");
        let target = identity(&elf(Width::Bits64, Endian::Little, 62), None).images[0].target;
        drop(Closures::new(Search::new(target)).of(&path));
    }
}

/// What the report calls sound the system's loader survives: some hundred spoilt files.
#[test]
fn sound_files_do_not_kill_the_loader() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::{Config, TestRunner};

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("libx.so");
    let good = ElfBuilder::x86_64()
        .export("one")
        .export_as("two", 0x12, Some("X_1"))
        .weak_import("maybe")
        .relocation(6, Some("maybe"), 0)
        .relocation(8, None, 0x1000)
        .build_id(&[7; 20])
        .hash(HashStyle::Both)
        .build()
        .into_bytes();
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let (mut sound, mut crashed) = (0, 0);
    for _ in 0..400 {
        let damage = damage().new_tree(&mut runner).expect("a value").current();
        let bytes = apply(good.clone(), &damage);
        let is_sound = symbols(&bytes[..], None).is_sound();
        let (verdict, text) = crate::structure::measure(&bytes);
        let crashes = verdict == plugwright_inspect::Loader::Crashes;
        sound += usize::from(is_sound);
        crashed += usize::from(crashes);
        if is_sound && crashes {
            fs::write(&path, &bytes).expect("a file");
            panic!(
                "a sound file of {} bytes killed the loader: {text}\n{damage:?}",
                bytes.size()
            );
        }
    }
    assert!(
        sound > 0 && crashed > 0,
        "{sound} sound, {crashed} crashed: the test asks nothing"
    );
}
