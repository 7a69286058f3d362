//! Structures that a loader follows without looking: each of these files ends the process
//! that asks glibc for it, or is refused by it.

use plugwright_inspect::{Code, Loader, headers, symbols};
use plugwright_testkit::elf::{ElfBuilder, ElfFile, HashStyle, PhdrField, ShdrField};

const PT_LOAD: u32 = 1;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_SYMENT: u64 = 11;

fn library() -> ElfFile {
    ElfBuilder::x86_64()
        .soname("libx.so")
        .needed("libc.so.6")
        .export("one")
        .export("two")
        .export_as("three", 0x12, Some("X_1"))
        .import("four", Some(("libc.so.6", "GLIBC_2.2.5")))
        .hash(HashStyle::Both)
        .build()
}

#[track_caller]
fn check(spoil: impl FnOnce(&mut ElfFile), code: Code, loader: Loader) {
    let mut file = library();
    spoil(&mut file);
    let found = headers(file.bytes(), None);
    let told = found.problems.iter().find(|problem| problem.code == code);
    let told = told.unwrap_or_else(|| panic!("{code} is not among {:?}", found.problems));
    assert_eq!(told.loader, loader, "{told}");
    assert!(!found.is_sound());
    // What the system's loader really does may depend on its version; that it does worse
    // than we say may not happen.
    let worst = found.problems.iter().map(|problem| problem.loader).max();
    let (measured, text) = measure(file.bytes());
    assert!(
        Some(measured) <= worst,
        "{told}, but the loader: {measured:?} {text}"
    );
}

/// What the system's loader does with the file, preloaded into a program that does nothing.
pub(crate) fn measure(bytes: &[u8]) -> (Loader, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("libx.so");
    std::fs::write(&path, bytes).expect("a file");
    #[expect(
        clippy::disallowed_methods,
        reason = "asks the system's loader, apart from this process"
    )]
    let output = std::process::Command::new("/bin/true")
        .env("LD_PRELOAD", &path)
        .env("LD_BIND_NOW", "1")
        .output()
        .expect("a program");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let verdict = match output.status.code() {
        Some(0) if text.contains("cannot be preloaded") => Loader::Refuses,
        Some(0) => Loader::Accepts,
        // The loader's own error, which dlopen would return.
        Some(127)
            if text.contains("error while loading") || text.contains("symbol lookup error") =>
        {
            Loader::Refuses
        }
        _ => Loader::Crashes,
    };
    (verdict, text)
}

#[test]
fn good() {
    assert_eq!(headers(library().bytes(), None).problems, []);
    assert_eq!(measure(library().bytes()), (Loader::Accepts, String::new()));
}

#[test]
fn segments() {
    let set = |nth, field, value| {
        move |file: &mut ElfFile| {
            let index = file.segment(PT_LOAD, nth);
            file.set_segment(index, field, value);
        }
    };
    check(
        set(0, PhdrField::Filesz, u64::MAX),
        Code::SegmentLargerThanMemory,
        Loader::Accepts,
    );
    check(
        set(1, PhdrField::Filesz, u64::MAX),
        Code::SegmentOverflow,
        Loader::Crashes,
    );
    check(
        set(0, PhdrField::Memsz, 0x10_0000),
        Code::SegmentsOverlap,
        Loader::Crashes,
    );
    check(
        set(2, PhdrField::Vaddr, 0),
        Code::SegmentsUnordered,
        Loader::Crashes,
    );
    check(
        set(2, PhdrField::Memsz, u64::MAX),
        Code::SegmentAddressOverflow,
        Loader::Crashes,
    );
    check(
        set(1, PhdrField::Align, 3),
        Code::SegmentMisaligned,
        Loader::Accepts,
    );
    check(
        set(1, PhdrField::Vaddr, 0x1001),
        Code::SegmentMisaligned,
        Loader::Refuses,
    );
    check(
        |file| {
            for nth in 0..3 {
                let index = file.segment(PT_LOAD, nth);
                file.set_segment(index, PhdrField::Type, 0);
            }
        },
        Code::NoLoadableSegment,
        Loader::Refuses,
    );
    check(
        |file| {
            let index = file.segment(2, 0);
            file.set_segment(index, PhdrField::Type, 0);
        },
        Code::NoDynamicSection,
        Loader::Refuses,
    );
}

#[test]
fn gnu_hash() {
    // Of the header: buckets, first symbol, bloom words.
    for (field, value) in [
        (8, 0),
        (8, 3),
        (8, 0x8000_0000),
        (0, 0x7fff_ffff),
        (4, 0x7fff_ffff),
    ] {
        check(
            |file| {
                let at = file.place(".gnu.hash").0;
                file.write(at + field, 4, value);
            },
            Code::GnuHashInvalid,
            Loader::Crashes,
        );
    }
    // A bucket that leads beyond the table, and chains without an end.
    check(
        |file| {
            let at = file.place(".gnu.hash").0;
            file.write(at + 24, 4, 0x00ff_ffff);
        },
        Code::GnuHashInvalid,
        Loader::Crashes,
    );
}

/// That three words are no power of two is what glibc asserts; other checks may see such a
/// table's shifted buckets first, but need not.
#[test]
fn bloom_words_are_a_power_of_two() {
    let mut file = library();
    let at = file.place(".gnu.hash").0;
    file.write(at + 8, 4, 3);
    let found = headers(file.bytes(), None);
    assert_eq!(found.problems[0].expected, "a power of two of bloom words");
    assert_eq!(found.problems[0].offset, Some(at as u64 + 8));
}

#[test]
fn sysv_hash() {
    for (field, value) in [(0, 0xffff_ffff), (4, 0xffff_ffff), (8, 0x1000)] {
        check(
            |file| {
                let at = file.place(".hash").0;
                file.write(at + field, 4, value);
            },
            Code::SysvHashInvalid,
            Loader::Crashes,
        );
    }
}

#[test]
fn dynamic_section() {
    check(
        |file| {
            file.set_dynamic(DT_STRTAB, 0x99_9999);
        },
        Code::AddressNotLoaded,
        Loader::Crashes,
    );
    check(
        |file| {
            file.set_dynamic(DT_SYMTAB, u64::MAX);
        },
        Code::AddressNotLoaded,
        Loader::Crashes,
    );
    check(
        |file| {
            file.set_dynamic(DT_SYMENT, 23);
        },
        Code::DynamicEntryInvalid,
        Loader::Crashes,
    );
    check(
        |file| {
            file.set_dynamic(DT_NEEDED, 0xffff);
        },
        Code::StringOutsideTable,
        Loader::Crashes,
    );
    let last = |file: &ElfFile| {
        let (at, len) = file.place(".dynamic");
        at + len - 16
    };
    check(
        |file| {
            let at = last(file);
            file.write(at, 8, 0x1234_5678);
        },
        Code::DynamicUnterminated,
        Loader::Crashes,
    );
    check(
        |file| {
            let at = last(file);
            file.write(at - 16, 8, DT_STRTAB);
        },
        Code::DynamicEntryTwice,
        Loader::Accepts,
    );
    check(
        |file| {
            let at = last(file);
            for nth in 1..12 {
                file.write(at - 16 * nth, 8, 0);
            }
        },
        Code::DynamicEntryMissing,
        Loader::Crashes,
    );
}

#[test]
fn read_only_dynamic_section() {
    check(
        |file| {
            let index = file.segment(PT_LOAD, 2);
            file.set_segment(index, PhdrField::Flags, 4);
        },
        Code::DynamicReadOnly,
        Loader::Crashes,
    );
}

/// The section table shows other tables than the segments.
#[test]
fn two_views() {
    for name in [
        ".dynamic",
        ".dynsym",
        ".dynstr",
        ".hash",
        ".gnu.hash",
        ".gnu.version",
        ".gnu.version_d",
        ".gnu.version_r",
    ] {
        check(
            |file| {
                let index = file.section(name);
                let at = file.place(".text").0 as u64;
                file.set_section(index, ShdrField::Offset, at);
            },
            Code::ViewsDiffer,
            Loader::Accepts,
        );
    }
    check(
        |file| {
            let index = file.section(".dynsym");
            file.set_section(index, ShdrField::Size, 48);
        },
        Code::ViewsDiffer,
        Loader::Accepts,
    );
}

/// Constructors that tools show, and others that run.
#[test]
fn two_lists_of_constructors() {
    const SHT_INIT_ARRAY: u64 = 14;
    let mut file = ElfBuilder::x86_64()
        .export("f")
        .section(".init_array", 3, &[0; 8])
        .dynamic_value(27, 0)
        .dynamic_value(25, 0)
        .build();
    let index = file.section(".init_array");
    file.set_section(index, ShdrField::Type, SHT_INIT_ARRAY);
    let found = headers(file.bytes(), None);
    let told = found
        .problems
        .iter()
        .find(|problem| problem.code == Code::ViewsDiffer);
    let told = told.expect("told");
    assert_eq!(
        told.expected,
        "offset 0x0, the list of constructors that is loaded"
    );
}

/// Sections against memory: bytes at another address, rights that the memory lacks.
#[test]
fn sections_against_segments() {
    check(
        |file| {
            let (index, at) = (file.section(".text"), file.place(".dynstr").0 as u64);
            file.set_section(index, ShdrField::Offset, at);
        },
        Code::SectionNotLoaded,
        Loader::Accepts,
    );
    for (name, flags) in [(".dynstr", 6), (".text", 7), (".dynsym", 3)] {
        check(
            |file| {
                let index = file.section(name);
                file.set_section(index, ShdrField::Flags, flags);
            },
            Code::SectionAccess,
            Loader::Accepts,
        );
    }
}

/// Notes that only the sections show. Some linkers make such programs, so that it is told
/// and not held against the file.
#[test]
fn notes_outside_of_segments() {
    let mut file = ElfBuilder::x86_64().export("f").build_id(&[1; 20]).build();
    let index = file.segment(4, 0);
    file.set_segment(index, PhdrField::Type, 0);
    let found = headers(file.bytes(), None);
    assert_eq!(crate::codes(&found.problems), [Code::NotesDiffer]);
    assert!(found.is_sound());
}

#[test]
fn bytes_behind_the_end() {
    let mut bytes = library().into_bytes();
    let trailing = |bytes: &[u8]| {
        let found = headers(bytes, None);
        assert_eq!(found.problems, []);
        found.images[0].elf().expect("ELF").trailing_bytes
    };
    assert_eq!(trailing(&bytes), 0);
    bytes.extend_from_slice(b"PK\x03\x04another file");
    assert_eq!(trailing(&bytes), 16);
}

/// A chain that goes on behind its stated end, and versions without the symbols' table.
#[test]
fn versions_without_an_end() {
    // The second definition's distance to the next, a need's, a needed version's.
    for (name, at) in [
        (".gnu.version_d", 28 + 16),
        (".gnu.version_r", 12),
        (".gnu.version_r", 16 + 12),
    ] {
        check(
            |file| {
                let start = file.place(name).0;
                file.write(start + at, 4, 0x4000_0000);
            },
            Code::VersionsInvalid,
            Loader::Crashes,
        );
    }
    check(
        |file| {
            let (at, len) = file.place(".dynamic");
            let wanted = 0x6fff_fff0_u64.to_le_bytes();
            let mut entries = (at..at + len).step_by(16);
            let entry = entries.find(|entry| file.bytes()[*entry..*entry + 8] == wanted);
            file.write(entry.expect("DT_VERSYM"), 8, 0x1234);
        },
        Code::DynamicEntryMissing,
        Loader::Crashes,
    );
}

/// Program headers, thread-local data and functions at addresses that hold none.
#[test]
fn addresses_of_nothing() {
    const PT_GNU_STACK: u32 = 0x6474_e551;
    const PT_GNU_RELRO: u32 = 0x6474_e552;
    for (kind, loader) in [
        (6, Loader::Crashes),
        (7, Loader::Crashes),
        (PT_GNU_RELRO, Loader::Refuses),
    ] {
        check(
            |file| {
                let index = file.segment(PT_GNU_STACK, 0);
                file.set_segment(index, PhdrField::Type, kind.into())
                    .set_segment(index, PhdrField::Vaddr, 0x9_0000)
                    .set_segment(index, PhdrField::Filesz, 16)
                    .set_segment(index, PhdrField::Memsz, 16);
            },
            Code::AddressNotLoaded,
            loader,
        );
    }
    // DT_INIT in the data, DT_FINI nowhere.
    for (tag, value) in [(12, 0x2000), (13, 0x9_0000)] {
        let file = ElfBuilder::x86_64()
            .export("f")
            .dynamic_value(tag, value)
            .build();
        let found = headers(file.bytes(), None);
        assert_eq!(crate::codes(&found.problems), [Code::AddressNotLoaded]);
    }
    let good = ElfBuilder::x86_64()
        .export("f")
        .dynamic_value(12, 0x1000)
        .build();
    assert_eq!(headers(good.bytes(), None).problems, []);
}

/// Of two entries a loader follows the last.
#[test]
fn the_last_entry_counts() {
    let builder = ElfBuilder::x86_64().export("f").soname("first.so");
    let file = builder.dynamic_string(14, "last.so").build();
    let found = headers(file.bytes(), None);
    assert_eq!(crate::codes(&found.problems), [Code::DynamicEntryTwice]);
    assert_eq!(found.images[0].name.as_ref().expect("a name"), "last.so");
}

/// Tables without the entry that states their size or kind.
#[test]
fn entries_without_their_companions() {
    // DT_RELASZ and DT_RELAENT.
    for tag in [8_u64, 9] {
        let builder = ElfBuilder::x86_64().export("f").relocation(8, None, 0x1000);
        let mut file = builder.build();
        let (at, len) = file.place(".dynamic");
        let mut entries = (at..at + len).step_by(16);
        let entry = entries.find(|entry| file.bytes()[*entry..*entry + 8] == tag.to_le_bytes());
        file.write(entry.expect("the entry"), 8, 0x1234);
        let found = headers(file.bytes(), None);
        assert!(crate::codes(&found.problems).contains(&Code::DynamicEntryMissing));
    }
}

/// What only the depth of symbols looks at: a name and a version beyond their tables.
#[test]
fn symbols_beyond_their_tables() {
    for (part, at, size, code) in [
        (".dynsym", 24, 4, Code::StringOutsideTable),
        (".gnu.version", 2, 2, Code::VersionsInvalid),
    ] {
        let mut file = library();
        let start = file.place(part).0;
        file.write(start + at, size, 0x7fff_ff7f);
        let found = symbols(file.bytes(), None);
        assert_eq!(crate::codes(&found.problems), [code]);
        assert!(!found.is_sound());
    }
}

#[test]
fn versions() {
    for name in [".gnu.version_r", ".gnu.version_d"] {
        check(
            |file| {
                let at = file.place(name).0;
                file.write(at + 8, 4, 0x7fff_0000);
                file.write(at + 12, 4, 0x7fff_0000);
            },
            Code::VersionsInvalid,
            Loader::Crashes,
        );
    }
}
