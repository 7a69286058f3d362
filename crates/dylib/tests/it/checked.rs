//! Files that end the process inside the dynamic linker are refused before they get there.
//!
//! Each spoiled file is offered in one child process, which must live. That the same files do kill a process without the
//! check is shown by another child, so that this test cannot pass for want of bad files.

use crate::child::{alone, spawn};
use crate::{call, numbered, os};
use plugwright_dylib::{Hints, Image, Library, LoadErrorKind, Request};
use plugwright_testkit::elf::{ElfBuilder, ElfFile, Endian, HashStyle, PhdrField, Width};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const PT_LOAD: u32 = 1;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;

fn library() -> ElfFile {
    ElfBuilder::x86_64()
        .soname("libx.so")
        .needed("libc.so.6")
        .export("one")
        .export("two")
        .hash(HashStyle::Gnu)
        .build()
}

/// A name and what it does to the file.
type Spoil = (&'static str, fn(&mut ElfFile));

fn set_load(file: &mut ElfFile, nth: usize, field: PhdrField, value: u64) {
    let index = file.segment(PT_LOAD, nth);
    file.set_segment(index, field, value);
}

fn set_hash(file: &mut ElfFile, field: usize, value: u64) {
    let at = file.place(".gnu.hash").0;
    file.write(at + field, 4, value);
}

/// What was measured to kill a process inside glibc 2.36, and kin of it.
const SPOILED: &[Spoil] = &[
    ("p_filesz is 2^64-1", |file| {
        set_load(file, 1, PhdrField::Filesz, u64::MAX);
    }),
    ("LOAD segments overlap", |file| {
        set_load(file, 0, PhdrField::Memsz, 0x10_0000);
    }),
    ("LOAD segments out of order", |file| {
        set_load(file, 2, PhdrField::Vaddr, 0);
    }),
    ("p_memsz wraps", |file| {
        set_load(file, 2, PhdrField::Memsz, u64::MAX);
    }),
    ("no bloom words", |file| set_hash(file, 8, 0)),
    ("three bloom words", |file| set_hash(file, 8, 3)),
    ("huge nbuckets", |file| set_hash(file, 0, 0x7fff_ffff)),
    ("huge symoffset", |file| set_hash(file, 4, 0x7fff_ffff)),
    ("a bucket beyond the table", |file| {
        set_hash(file, 24, 0x00ff_ffff);
    }),
    ("DT_STRTAB elsewhere", |file| {
        file.set_dynamic(DT_STRTAB, 0x99_9999);
    }),
    ("DT_SYMTAB elsewhere", |file| {
        file.set_dynamic(DT_SYMTAB, u64::MAX);
    }),
];

fn write(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("libx.so");
    fs::write(&path, bytes).unwrap();
    path
}

fn open_checked(path: &Path) -> Result<Library, plugwright_dylib::LoadError> {
    // SAFETY: these files have no constructors.
    unsafe { Library::open_checked(&Request::path(path), Hints::new()) }
}

#[test]
fn no_spoiled_file_ends_the_process() {
    alone("checked::no_spoiled_file_ends_the_process", || {
        let temp = tempfile::tempdir().unwrap();
        for (what, spoil) in SPOILED {
            let mut file = library();
            spoil(&mut file);
            let error = open_checked(&write(temp.path(), file.bytes())).unwrap_err();
            assert_eq!(error.kind(), LoadErrorKind::Unsound, "{what}: {error}");
            assert!(!error.explanation().is_empty(), "{what}");
        }
    });
}

#[test]
fn the_spoiled_files_do_end_a_process_that_does_not_check() {
    let test = "checked::the_spoiled_files_do_end_a_process_that_does_not_check";
    // The child is given its file and makes none: it does not live to remove it.
    let given = std::env::var_os("PLUGWRIGHT_TEST_PATH");
    let temp = given.is_none().then(|| tempfile::tempdir().unwrap());
    let mut killed = 0;
    for (what, spoil) in SPOILED {
        let path = temp.as_ref().map_or_else(PathBuf::new, |temp| {
            let mut file = library();
            spoil(&mut file);
            write(temp.path(), file.bytes())
        });
        let output = spawn(test, &[("PLUGWRIGHT_TEST_PATH", path.as_os_str())], || {
            let path = given.as_ref().unwrap();
            // SAFETY: it is not: that is the point of this child.
            let library = unsafe { Library::open(&Request::path(path), Hints::new()) };
            // Hash tables are read when a symbol is looked up.
            drop(library.map(|library| library.address(c"absent").map(drop)));
        });
        let Some(output) = output else { return };
        eprintln!("{what}: {}", output.status);
        killed += usize::from(!output.status.success());
    }
    assert!(
        killed >= 3,
        "only {killed} of {} files are dangerous",
        SPOILED.len()
    );
}

#[test]
fn no_length_at_which_a_file_is_cut_ends_the_process() {
    alone(
        "checked::no_length_at_which_a_file_is_cut_ends_the_process",
        || {
            let temp = tempfile::tempdir().unwrap();
            let bytes = fs::read(numbered(1)).unwrap();
            let mut refused = 0;
            for length in (0..bytes.len()).step_by(97) {
                match open_checked(&write(temp.path(), &bytes[..length])) {
                    Ok(_) => {}
                    Err(error) => {
                        assert!(
                            matches!(
                                error.kind(),
                                LoadErrorKind::Unsound | LoadErrorKind::Refused
                            ),
                            "{length}: {error}"
                        );
                        refused += 1;
                    }
                }
            }
            // What follows the last segment (names of sections, symbols for debuggers) is not needed for loading.
            assert!(refused * 97 > bytes.len() / 2);
        },
    );
}

#[test]
fn a_sound_file_is_loaded_from_a_copy() {
    alone("checked::a_sound_file_is_loaded_from_a_copy", || {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("libmine.so");
        fs::copy(numbered(4), &path).unwrap();
        let first = open_checked(&temp.path().join("mine")).unwrap();
        // Whatever happens to the file now does not reach what is loaded.
        fs::write(&path, "gone").unwrap();
        assert_eq!((call(&first, "number"), call(&first, "count")), (4, 1));
    });
}

#[test]
fn what_the_system_chooses_cannot_be_checked() {
    // SAFETY: nothing is loaded.
    let error = unsafe { Library::open_checked(&Request::name("z"), Hints::new()) }.unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotCheckable);
}

#[test]
fn an_image_can_be_checked_by_itself() {
    let check = |bytes: &[u8]| {
        let temp = tempfile::tempdir().unwrap();
        let file = File::open(write(temp.path(), bytes)).unwrap();
        Image::seal(&file, os("libx.so"))
            .unwrap()
            .check()
            .map_err(|error| error.kind())
    };
    assert_eq!(check(library().bytes()), Ok(()));
    assert_eq!(check(b"#!/bin/sh\n"), Err(LoadErrorKind::Unsound));
    assert_eq!(check(b""), Err(LoadErrorKind::Unsound));
    let other = ElfBuilder::new(
        Width::Bits64,
        Endian::Little,
        if cfg!(target_arch = "aarch64") {
            62
        } else {
            183
        },
    );
    assert_eq!(
        check(other.export("one").build().bytes()),
        Err(LoadErrorKind::Unsound)
    );
}
