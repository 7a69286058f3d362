//! ELF: headers and segments, notes, sections, whole files.

use plugwright_inspect::{
    ByteOrder, Class, Code, Format, Loader, Machine, Target, headers, identity,
};
use plugwright_testkit::elf::{EhdrField, ElfBuilder, ElfFile, PhdrField, ShdrField};

use super::{Row, Told, check, compare_with_loader};
use crate::{QT5, QT6};

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
/// `SHT_NOBITS`: a section without bytes in the file.
const NOBITS: u64 = 8;

type ElfRow = Row<ElfFile>;

/// The metadata in a note, as from Qt 6.3 on.
fn new_plugin() -> ElfFile {
    ElfBuilder::x86_64()
        .soname("libnew.so")
        .export("qt_plugin_instance")
        .qt_note(QT6)
        .build()
}

/// The metadata in the section `.qtmetadata`, as before.
fn old_plugin() -> ElfFile {
    ElfBuilder::x86_64()
        .soname("libold.so")
        .export("qt_plugin_instance")
        .build_id(&[1; 20])
        .qt_section(QT5)
        .build()
}

const fn row(
    name: &'static str,
    spoil: fn(&mut ElfFile),
    code: Code,
    loader: Loader,
    line: &'static str,
) -> ElfRow {
    Row {
        name,
        spoil,
        told: Told::Problem(code, loader, line),
    }
}

fn header(file: &mut ElfFile, field: EhdrField, value: u64) {
    file.set_header(field, value);
}

/// The length of the file.
fn end(file: &ElfFile) -> u64 {
    file.bytes().len() as u64
}

fn load(file: &mut ElfFile, nth: usize, field: PhdrField, value: u64) {
    let index = file.segment(PT_LOAD, nth);
    file.set_segment(index, field, value);
}

use Loader::{Accepts, Crashes, Refuses};

/// Faults that a plugin of either form can have.
pub(super) const COMMON: [ElfRow; 24] = [
    row(
        "not ELF",
        |file| file.bytes_mut()[0] = b'X',
        Code::NotALibrary,
        Refuses,
        ": expected a library in ELF, Mach-O or PE, found data that begins with \"XELF",
    ),
    // Every field lies elsewhere then: that the class is another is in what is told as the
    // target, see `another_target`.
    row(
        "wrong word size",
        |file| header(file, EhdrField::Class, 1),
        Code::NoLoadableSegment,
        Refuses,
        ": expected a segment to load, found none (at byte 0x2c)",
    ),
    row(
        "invalid word size",
        |file| header(file, EhdrField::Class, 0),
        Code::UnknownClass,
        Refuses,
        ": expected 1 (32 bits) or 2 (64 bits), found 0 (at byte 0x4)",
    ),
    row(
        "unknown word size",
        |file| header(file, EhdrField::Class, 3),
        Code::UnknownClass,
        Refuses,
        ": expected 1 (32 bits) or 2 (64 bits), found 3 (at byte 0x4)",
    ),
    row(
        "wrong byte order",
        |file| header(file, EhdrField::Data, 2),
        Code::UnknownVersion,
        Refuses,
        ": expected 1, found 16777216 (at byte 0x14)",
    ),
    row(
        "invalid byte order",
        |file| header(file, EhdrField::Data, 0),
        Code::UnknownByteOrder,
        Refuses,
        ": expected 1 (little endian) or 2 (big endian), found 0 (at byte 0x5)",
    ),
    row(
        "unknown byte order",
        |file| header(file, EhdrField::Data, 3),
        Code::UnknownByteOrder,
        Refuses,
        ": expected 1 (little endian) or 2 (big endian), found 3 (at byte 0x5)",
    ),
    row(
        "ELF version 0",
        |file| header(file, EhdrField::IdentVersion, 0),
        Code::UnknownVersion,
        Refuses,
        ": expected 1, found 0 (at byte 0x6)",
    ),
    row(
        "ELF version 2",
        |file| header(file, EhdrField::IdentVersion, 2),
        Code::UnknownVersion,
        Refuses,
        ": expected 1, found 2 (at byte 0x6)",
    ),
    row(
        "executable",
        |file| header(file, EhdrField::Type, 2),
        Code::NotASharedObject,
        Refuses,
        ": expected a shared library (type 3), found executable (at byte 0x10)",
    ),
    row(
        "relocatable",
        |file| header(file, EhdrField::Type, 1),
        Code::NotASharedObject,
        Refuses,
        ": expected a shared library (type 3), found relocatable (at byte 0x10)",
    ),
    row(
        "core dump",
        |file| header(file, EhdrField::Type, 4),
        Code::NotASharedObject,
        Refuses,
        ": expected a shared library (type 3), found core (at byte 0x10)",
    ),
    row(
        "invalid type",
        |file| header(file, EhdrField::Type, 0),
        Code::NotASharedObject,
        Refuses,
        ": expected a shared library (type 3), found other(0) (at byte 0x10)",
    ),
    Row {
        name: "another processor",
        spoil: |file| header(file, EhdrField::Machine, 183),
        // No fault of the file: see `another_target`.
        told: Told::Metadata,
    },
    row(
        "file version 0",
        |file| header(file, EhdrField::Version, 0),
        Code::UnknownVersion,
        Refuses,
        ": expected 1, found 0 (at byte 0x14)",
    ),
    row(
        "file version 2",
        |file| header(file, EhdrField::Version, 2),
        Code::UnknownVersion,
        Refuses,
        ": expected 1, found 2 (at byte 0x14)",
    ),
    row(
        "size of program headers 0",
        |file| header(file, EhdrField::Phentsize, 0),
        Code::ProgramHeaderSize,
        Refuses,
        ": expected 56 bytes, found 0 bytes (at byte 0x36)",
    ),
    row(
        "size of program headers small",
        |file| header(file, EhdrField::Phentsize, 55),
        Code::ProgramHeaderSize,
        Refuses,
        ": expected 56 bytes, found 55 bytes (at byte 0x36)",
    ),
    row(
        "program headers start behind the end",
        |file| {
            let end = end(file);
            header(file, EhdrField::Phoff, end);
        },
        Code::ProgramHeadersOutsideFile,
        Refuses,
        ": expected the table of program headers inside the file's ",
    ),
    row(
        "program headers end behind the end",
        |file| {
            let end = end(file) - 8;
            header(file, EhdrField::Phoff, end);
        },
        Code::ProgramHeadersOutsideFile,
        Refuses,
        ": expected the table of program headers inside the file's ",
    ),
    row(
        "segment starts behind the end",
        |file| {
            let end = end(file).next_multiple_of(4096);
            load(file, 0, PhdrField::Offset, end);
        },
        Code::SegmentOutsideFile,
        Crashes,
        ": expected a segment inside the file's ",
    ),
    row(
        "segment ends behind the end",
        |file| {
            let end = end(file) + 1;
            load(file, 0, PhdrField::Filesz, end);
        },
        Code::SegmentOutsideFile,
        Crashes,
        ": expected a segment inside the file's ",
    ),
    row(
        "segment overflows",
        |file| load(file, 1, PhdrField::Filesz, u64::MAX),
        Code::SegmentOverflow,
        Crashes,
        ": expected offset and size that fit into 64 bits, found 0x1000 + 0xffffffffffffffff",
    ),
    row(
        "no code",
        |file| load(file, 1, PhdrField::Flags, 4),
        Code::NoCode,
        Accepts,
        ": expected a loaded segment with executable bytes, found none",
    ),
];

#[test]
fn common() {
    for row in &COMMON {
        for (form, mut file) in [("new", new_plugin()), ("old", old_plugin())] {
            let name = format!("{}, {form} form", row.name);
            (row.spoil)(&mut file);
            check(&name, file.bytes(), row.told);
            let mut problems = headers(file.bytes(), None).problems;
            problems.extend(another_target(&file));
            compare_with_loader(&name, file.bytes(), &problems);
        }
    }
}

/// What a loader of x86-64 has against the file's target.
fn another_target(file: &ElfFile) -> Option<plugwright_inspect::Problem> {
    let found = identity(file.bytes(), None);
    let host = Target::host().filter(|host| host.format == Format::Elf)?;
    host.mismatch(&found.images.first()?.target)
}

#[test]
fn files_for_another_target() {
    for (name, line) in [
        (
            "wrong word size",
            "wrong-class: expected 64 bits, found 32 bits",
        ),
        (
            "another processor",
            "wrong-machine: expected x86_64, found aarch64",
        ),
    ] {
        let row = COMMON.iter().find(|row| row.name == name).expect("the row");
        let mut file = new_plugin();
        (row.spoil)(&mut file);
        let found = identity(file.bytes(), None).images.remove(0).target;
        let mut host = found;
        (host.machine, host.class, host.byte_order) =
            (Machine::X86_64, Class::Bits64, ByteOrder::Little);
        let problem = host.mismatch(&found).expect("another target");
        assert_eq!(
            (problem.to_string().as_str(), problem.loader),
            (line, Refuses)
        );
    }
}

fn note(file: &ElfFile) -> usize {
    file.place(".note.qt.metadata").0
}

/// Writes into the head of Qt's note: the owner's length at 0, the descriptor's at 4.
fn note_size(file: &mut ElfFile, field: usize, value: u64) {
    let at = note(file);
    file.write(at + field, 4, value);
}

/// Faults of notes, on the new form without sections, which would lead there as well.
pub(super) const NOTES: [ElfRow; 6] = [
    row(
        "misaligned segment of notes",
        |file| {
            let (index, at) = (file.segment(PT_NOTE, 0), note(file) as u64);
            file.set_segment(index, PhdrField::Offset, at + 1);
        },
        Code::NotesMisaligned,
        Accepts,
        ": expected an offset that is a multiple of 8, found ",
    ),
    Row {
        name: "no notes",
        spoil: |file| {
            let index = file.segment(PT_NOTE, 0);
            file.set_segment(index, PhdrField::Type, 0);
        },
        told: Told::NoMetadata,
    },
    row(
        "note larger than its segment, not Qt's",
        |file| {
            let at = note(file);
            file.bytes_mut()[at + 12] = b'x';
            note_size(file, 4, 0x1000);
        },
        Code::NoteOverrun,
        Accepts,
        ": expected a note of at most 48 bytes, found owner of 12 and descriptor of 4096 bytes",
    ),
    row(
        "note larger than its segment, Qt's",
        |file| note_size(file, 4, 0x1000),
        Code::NoteOverrun,
        Accepts,
        ": expected a note of at most 48 bytes, found owner of 12 and descriptor of 4096 bytes",
    ),
    row(
        "owner of a note overflows",
        |file| note_size(file, 0, 0xffff_fffd),
        Code::NoteOverrun,
        Accepts,
        ": expected a note of at most 48 bytes, found owner of 4294967293 and",
    ),
    row(
        "descriptor of a note overflows",
        |file| note_size(file, 4, 0xffff_fffd),
        Code::NoteOverrun,
        Accepts,
        ": expected a note of at most 48 bytes, found owner of 12 and descriptor of 4294967293 bytes",
    ),
];

#[test]
fn notes() {
    for row in &NOTES {
        let mut file = new_plugin();
        (row.spoil)(&mut file);
        file.strip_sections();
        check(row.name, file.bytes(), row.told);
        let found = headers(file.bytes(), None);
        assert_eq!(found.images[0].image.qt, None, "{}", row.name);
        compare_with_loader(row.name, file.bytes(), &found.problems);
    }
}

fn section(file: &mut ElfFile, name: &str, place: Option<(u64, u64)>) {
    let index = if name.is_empty() {
        1
    } else {
        file.section(name)
    };
    if let Some((offset, size)) = place {
        file.set_section(index, ShdrField::Offset, offset);
        file.set_section(index, ShdrField::Size, size);
    }
}

/// The flags of `.qtmetadata`.
fn flags(file: &mut ElfFile, value: u64) {
    let index = file.section(".qtmetadata");
    file.set_section(index, ShdrField::Flags, value);
}

/// Faults of sections, on the old form, whose metadata only they lead to.
pub(super) const SECTIONS: [ElfRow; 18] = [
    row(
        "size of section headers 0",
        |file| header(file, EhdrField::Shentsize, 0),
        Code::SectionHeaderSize,
        Accepts,
        ": expected 64 bytes, found 0 bytes (at byte 0x3a)",
    ),
    row(
        "size of section headers small",
        |file| header(file, EhdrField::Shentsize, 63),
        Code::SectionHeaderSize,
        Accepts,
        ": expected 64 bytes, found 63 bytes (at byte 0x3a)",
    ),
    row(
        "size of section headers misaligned",
        |file| header(file, EhdrField::Shentsize, 65),
        Code::SectionHeaderSize,
        Accepts,
        ": expected 64 bytes, found 65 bytes (at byte 0x3a)",
    ),
    Row {
        name: "no sections",
        spoil: |file| {
            for field in [EhdrField::Shoff, EhdrField::Shnum, EhdrField::Shstrndx] {
                header(file, field, 0);
            }
        },
        told: Told::NoMetadata,
    },
    row(
        "section headers start behind the end",
        |file| {
            let end = end(file);
            header(file, EhdrField::Shoff, end);
        },
        Code::SectionHeadersOutsideFile,
        Accepts,
        ": expected the table of section headers inside the file's ",
    ),
    row(
        "section headers end behind the end",
        |file| {
            let end = end(file) - 8;
            header(file, EhdrField::Shoff, end);
        },
        Code::SectionHeadersOutsideFile,
        Accepts,
        ": expected the table of section headers inside the file's ",
    ),
    row(
        "section 1 starts behind the end",
        |file| {
            let end = end(file);
            section(file, "", Some((end + 1, 1)));
        },
        Code::SectionOutsideFile,
        Accepts,
        ": expected a section inside the file's ",
    ),
    row(
        "section 1 ends behind the end",
        |file| {
            let end = end(file);
            section(file, "", Some((end - 1, 2)));
        },
        Code::SectionOutsideFile,
        Accepts,
        ": expected a section inside the file's ",
    ),
    row(
        "section 1 overflows",
        |file| section(file, "", Some((u64::MAX, 0x100))),
        Code::SectionOverflow,
        Accepts,
        ": expected offset and size that fit into 64 bits, found 0xffffffffffffffff + 0x100",
    ),
    row(
        "number of the section with the names",
        |file| header(file, EhdrField::Shstrndx, 0xfe00),
        Code::SectionNamesIndex,
        Accepts,
        ": expected a number below ",
    ),
    row(
        "section with the names starts behind the end",
        |file| {
            let end = end(file);
            section(file, ".shstrtab", Some((end + 1, 1)));
        },
        Code::SectionNamesOutsideFile,
        Accepts,
        ": expected the names of the sections inside the file's ",
    ),
    row(
        "section with the names ends behind the end",
        |file| {
            let end = end(file);
            section(file, ".shstrtab", Some((end - 1, 2)));
        },
        Code::SectionNamesOutsideFile,
        Accepts,
        ": expected the names of the sections inside the file's ",
    ),
    row(
        "section with the names overflows",
        |file| section(file, ".shstrtab", Some((u64::MAX, 0x100))),
        Code::SectionNamesOutsideFile,
        Accepts,
        ": expected the names of the sections inside the file's ",
    ),
    row(
        "name of section 1 behind the end",
        |file| {
            let end = end(file);
            file.set_section(1, ShdrField::Name, end);
        },
        Code::SectionNameOutsideTable,
        Accepts,
        ": expected a name inside the ",
    ),
    row(
        "name of section 1 behind the names",
        |file| {
            let (_, len) = file.place(".shstrtab");
            file.set_section(1, ShdrField::Name, len as u64);
        },
        Code::SectionNameOutsideTable,
        Accepts,
        ": expected a name inside the ",
    ),
    Row {
        name: "debug symbols: sections without bytes",
        spoil: |file| {
            let index = file.section(".qtmetadata");
            file.set_section(index, ShdrField::Type, NOBITS);
        },
        told: Told::NoMetadata,
    },
    row(
        "metadata executable",
        |file| flags(file, 6),
        Code::QtExecutable,
        Accepts,
        ": expected a section that is not executable, found flags 0x6",
    ),
    row(
        "metadata writable",
        |file| flags(file, 3),
        Code::QtWritable,
        Accepts,
        ": expected a section that is not writable, found flags 0x3",
    ),
];

#[test]
fn sections() {
    for row in &SECTIONS {
        let mut file = old_plugin();
        (row.spoil)(&mut file);
        check(row.name, file.bytes(), row.told);
        let found = headers(file.bytes(), None);
        compare_with_loader(row.name, file.bytes(), &found.problems);
    }
}

/// Files that a tool made of a whole plugin.
pub(super) const WHOLE: [ElfRow; 2] = [
    row(
        "file with debug information only",
        |file| {
            for nth in 0..3 {
                load(file, nth, PhdrField::Filesz, 0);
            }
            for name in [".qtmetadata", ".text", ".dynamic"] {
                let index = file.section(name);
                file.set_section(index, ShdrField::Type, NOBITS);
            }
        },
        Code::NoCode,
        Accepts,
        ": expected a loaded segment with executable bytes, found none: data or debug information",
    ),
    Row {
        name: "section table stripped, a bogus mark behind the end",
        spoil: |file| {
            *file = new_plugin();
            file.strip_sections();
            let bogus = b"QTMETADATA !\x00\x05\x00\x00nonsense";
            file.bytes_mut().extend_from_slice(bogus);
        },
        told: Told::Metadata,
    },
];

#[test]
fn whole_files() {
    for row in &WHOLE {
        let mut file = old_plugin();
        (row.spoil)(&mut file);
        check(row.name, file.bytes(), row.told);
        let found = headers(file.bytes(), None);
        // The metadata of the note, and not that behind the end.
        if let Told::Metadata = row.told {
            let qt = found.images[0].image.qt.as_ref().expect("the note");
            assert_eq!((qt.iid(), qt.qt_version()), (Some("a"), Some((6, 4))));
        }
        compare_with_loader(row.name, file.bytes(), &found.problems);
    }
}
