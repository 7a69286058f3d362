//! How often a file is read: counted, since that is what the quick path's speed is made of.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use plugwright_inspect::{Code, ReadAt, headers, identity, kinds};
use plugwright_testkit::elf::ElfBuilder;

use crate::{QT5, QT6, codes};

/// Counts the reads of a file and can shrink it.
struct Counting {
    bytes: Vec<u8>,
    stated: u64,
    reads: AtomicUsize,
    total: AtomicUsize,
}

impl Counting {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            stated: bytes.len() as u64,
            bytes,
            reads: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
        }
    }
}

impl ReadAt for Counting {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let count = self.bytes.read_at(buf, offset)?;
        self.total.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }

    fn size(&self) -> u64 {
        self.stated
    }
}

/// A library whose section table lies far behind the first page, as in real ones.
fn large(builder: ElfBuilder) -> Vec<u8> {
    builder
        .section(".debug", 0, &vec![0; 200_000])
        .build()
        .into_bytes()
}

#[track_caller]
fn check(bytes: Vec<u8>, reads: usize, at_most: usize) {
    let file = Counting::new(bytes);
    let found = identity(&file, None);
    assert_eq!(found.problems, []);
    assert_eq!(file.reads.into_inner(), reads);
    assert!(file.total.into_inner() <= at_most);
}

#[test]
fn a_plugin_with_a_note_is_read_once() {
    check(large(ElfBuilder::x86_64().qt_note(QT6)), 1, 4096);
}

#[test]
fn an_old_qt_plugin_is_read_three_times() {
    // The first page, the end with the section table, the metadata.
    let filler = vec![1; 10_000];
    let builder = ElfBuilder::x86_64()
        .section(".rodata", 2, &filler)
        .qt_section(QT5);
    check(large(builder), 3, 16_384);
}

#[test]
fn another_library_is_read_twice() {
    check(large(ElfBuilder::x86_64().export("f")), 2, 8192);
}

/// The first page, the section table, the dynamic section, the tables of symbols.
#[test]
fn kinds_are_told_after_four_reads() {
    let filler = vec![1; 10_000];
    let builder = ElfBuilder::x86_64()
        .section(".rodata", 2, &filler)
        .export("clap_entry")
        .import("g", Some(("libc.so.6", "GLIBC_2.34")));
    let file = Counting::new(large(builder));
    let found = kinds(&file, None);
    assert_eq!((found.images[0].kinds.len(), found.problems), (1, vec![]));
    let reads = file.reads.into_inner();
    assert!(reads <= 4, "{reads} reads");
}

/// The first page, the section table, the dynamic section, the strings, the symbols' tables.
#[test]
fn headers_are_read_in_few_pieces() {
    let filler = vec![1; 10_000];
    let builder = ElfBuilder::x86_64()
        .soname("libx.so")
        .needed("libc.so.6")
        .export_as("f", 0x12, Some("X_1"))
        .import("g", Some(("libc.so.6", "GLIBC_2.34")))
        .section(".rodata", 2, &filler);
    let file = Counting::new(large(builder));
    assert_eq!(headers(&file, None).problems, []);
    let reads = file.reads.into_inner();
    assert!(reads <= 6, "{reads} reads");
}

#[test]
fn a_file_that_shrinks_is_told() {
    let whole = large(ElfBuilder::x86_64().qt_section(QT5));
    for len in [0, 100, 4095, 4096, 20_000, whole.len() - 1] {
        let mut file = Counting::new(whole.clone());
        file.bytes.truncate(len);
        for problems in [
            identity(&file, None).problems,
            headers(&file, None).problems,
        ] {
            assert!(
                codes(&problems).contains(&Code::FileShrank),
                "{len}: {problems:?}"
            );
        }
    }
}

/// An error of the system in the middle is a problem, not a panic and no silence.
#[test]
fn an_error_while_reading_is_told() {
    struct Failing;
    impl ReadAt for Failing {
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
        fn size(&self) -> u64 {
            1 << 40
        }
    }
    let found = identity(&Failing, None);
    assert_eq!(codes(&found.problems), [Code::ReadFailed]);
    assert!(found.problems[0].to_string().contains("the disk is gone"));
}
