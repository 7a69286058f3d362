//! Files that are no libraries, and things that are no files.
//!
//! | input | test |
//! |---|---|
//! | archives, scripts named as libraries | [`what_is_no_library`] |
//! | a sparse terabyte; metadata of 2 GB | [`sparse_files`], [`tables_as_large_as_a_sparse_terabyte`] |
//! | files that shrink while they are read | [`a_file_that_is_cut_after_opening`], [`a_file_that_shrinks_between_two_reads`] |
//! | /proc, devices | [`files_of_proc_are_empty`], [`only_regular_files_open`] |
//! | FIFOs, sockets, links in circles and to nowhere | [`only_regular_files_open`] |
//! | names with line ends and escape sequences | [`names_with_escapes`]; of files, in the tests of the program |
//! | 1,000 notes | [`many_notes`] |
//! | CBOR 10,000 levels deep, text that is no UTF-8 | [`records_nested_without_end`]; in Qt's metadata `metadata::damaged_qt_metadata` |

use std::fs;
#[cfg(unix)]
use std::path::Path;

#[cfg(unix)]
use plugwright_inspect::OpenErrorKind;
use plugwright_inspect::{Code, Links, ReadAt, headers, identity, kinds, open, scan, symbols};
use plugwright_testkit::elf::{EhdrField, ElfBuilder, PhdrField, ShdrField};
use plugwright_testkit::macho::MachOBuilder;
use plugwright_testkit::pe::PeBuilder;

use crate::{QT6, codes};

#[cfg(unix)]
#[track_caller]
fn check_open(path: &Path, links: Links, expected: OpenErrorKind) {
    let error = open(path, links).expect_err("must not open");
    assert_eq!(error.kind(), expected, "{error}");
    assert!(error.to_string().starts_with("cannot inspect "));
}

#[cfg(unix)]
#[test]
fn only_regular_files_open() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    check_open(&path("absent"), Links::Follow, OpenErrorKind::NotFound);
    check_open(folder.path(), Links::Follow, OpenErrorKind::Directory);
    check_open(Path::new("/dev/null"), Links::Follow, OpenErrorKind::Device);

    let fifo = path("fifo.so");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("a FIFO");
    check_open(&fifo, Links::Follow, OpenErrorKind::Fifo);

    let _listener = UnixListener::bind(path("socket.so")).expect("a socket");
    check_open(&path("socket.so"), Links::Follow, OpenErrorKind::Socket);

    symlink("nowhere", path("dangling")).expect("a link");
    check_open(&path("dangling"), Links::Follow, OpenErrorKind::NotFound);
    symlink("circle", path("circle")).expect("a link");
    check_open(&path("circle"), Links::Follow, OpenErrorKind::LinkLoop);

    fs::write(
        path("good.so"),
        ElfBuilder::x86_64().qt_note(QT6).build().bytes(),
    )
    .expect("a file");
    symlink("good.so", path("link.so")).expect("a link");
    check_open(&path("link.so"), Links::Refuse, OpenErrorKind::Link);
    let opened = open(&path("link.so"), Links::Follow).expect("followed");
    assert!(identity(&opened, None).images[0].qt.is_some());

    fs::create_dir(path("closed")).expect("a folder");
    fs::set_permissions(path("closed"), fs::Permissions::from_mode(0o000)).expect("closed");
    // Root may read everything.
    if !rustix::process::geteuid().is_root() {
        check_open(
            &path("closed/x.so"),
            Links::Follow,
            OpenErrorKind::PermissionDenied,
        );
    }
    // What may not be read cannot be removed.
    fs::set_permissions(path("closed"), fs::Permissions::from_mode(0o700)).expect("open");
    let folder = fs::File::open(folder.path()).expect("the folder");
    let opened = plugwright_inspect::open_at(&folder, "good.so".as_ref(), Links::Refuse);
    assert!(opened.is_ok());
}

#[track_caller]
fn check_foreign(bytes: &[u8], code: Code, found: &str) {
    let problems = identity(bytes, None).problems;
    assert_eq!(headers(bytes, None).problems, problems);
    assert_eq!(codes(&problems), [code]);
    assert_eq!(problems[0].found, found);
}

#[test]
fn what_is_no_library() {
    check_foreign(b"", Code::EmptyFile, "no bytes");
    check_foreign(b"#!/bin/sh\nexit\n", Code::NotALibrary, "a script");
    check_foreign(b"hello, world\n", Code::NotALibrary, "text");
    check_foreign(
        b"!<arch>\nfoo",
        Code::NotALibrary,
        "an archive of object files",
    );
    check_foreign(
        b"!<thin>\nfoo",
        Code::NotALibrary,
        "an archive of object files",
    );
    check_foreign(
        b"/* GNU ld script\n*/\nINPUT(-lx)\n",
        Code::NotALibrary,
        "a script of the GNU linker",
    );
    check_foreign(b"PK\x03\x04....", Code::NotALibrary, "a ZIP archive");
    check_foreign(
        b"\x01\x1b[2J\x00",
        Code::NotALibrary,
        r#"data that begins with "\u{1}\u{1b}[2J\u{0}""#,
    );
}

/// A terabyte without a byte written, and sizes of gigabytes: bounded by what is there.
#[cfg(unix)]
#[test]
fn sparse_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sparse.so");
    let mut file = ElfBuilder::x86_64().qt_note(QT6).build();
    let (note, _) = file.place(".note.qt.metadata");
    let index = file.segment(4, 0);
    file.write(note + 4, 4, 0x8000_0000);
    file.set_segment(index, PhdrField::Filesz, 0x9000_0000);
    fs::write(&path, file.bytes()).expect("a file");
    let sparse = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("the file");
    // Some file systems allow less.
    if sparse.set_len(1 << 40).is_err() {
        sparse.set_len(1 << 33).expect("a sparse file");
    }
    let opened = open(&path, Links::Follow).expect("a regular file");
    let found = identity(&opened, None);
    // The metadata is larger than the limit, and the zeros behind it are empty notes.
    assert_eq!(codes(&found.problems), [Code::LimitReached; 2]);
    assert_eq!(found.problems[1].found, "2147483648 bytes");
    assert_eq!(found.images[0].qt, None);
}

/// A terabyte of which all but the front are zeros. It counts what is read.
struct Sparse {
    front: Vec<u8>,
    read: std::cell::Cell<usize>,
    largest: std::cell::Cell<usize>,
}

impl ReadAt for Sparse {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.read.set(self.read.get() + buf.len());
        self.largest.set(self.largest.get().max(buf.len()));
        let front = self.front.as_slice().read_at(buf, offset)?;
        buf[front..].fill(0);
        Ok(buf.len())
    }

    fn size(&self) -> u64 {
        1 << 40
    }
}

/// What is stated to fill such a file is not read in whole, at no depth.
#[test]
fn tables_as_large_as_a_sparse_terabyte() {
    const HALF: u64 = 1 << 39;
    let good = || {
        let builder = ElfBuilder::x86_64().soname("liba.so").export("f");
        builder.needed("libb.so").qt_note(QT6).build()
    };
    let segment = |kind| {
        let mut file = good();
        let index = file.segment(kind, 0);
        file.set_segment(index, PhdrField::Filesz, HALF);
        file.set_segment(index, PhdrField::Memsz, HALF);
        file.into_bytes()
    };
    let mut table = good();
    table.set_header(EhdrField::Shoff, HALF);
    table.set_header(EhdrField::Shnum, 0xfeff);
    let mut sections = good();
    let count = sections.bytes()[60].into();
    for index in 1..count {
        sections.set_section(index, ShdrField::Size, HALF);
    }
    let mut segments = good();
    segments.set_header(EhdrField::Phnum, 0xfffe);
    let mut macho = MachOBuilder::arm64().symbol("_f", 0x0f, 1, 0).build();
    // The number of load commands, and the size of all.
    macho[16..24].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    let mut pe = PeBuilder::amd64().export("f").build();
    let header = usize::from(u16::from_le_bytes([pe[0x3c], pe[0x3d]]));
    // The number of sections.
    pe[header + 6..header + 8].fill(0xff);
    for (name, front) in [
        ("good", good().into_bytes()),
        ("loaded", segment(1)),
        ("dynamic", segment(2)),
        ("notes", segment(4)),
        ("section table", table.into_bytes()),
        ("sections", sections.into_bytes()),
        ("segment table", segments.into_bytes()),
        ("Mach-O", macho),
        ("PE", pe),
        ("zeros", Vec::new()),
    ] {
        let file = Sparse {
            front,
            read: std::cell::Cell::new(0),
            largest: std::cell::Cell::new(0),
        };
        let depths: [&dyn Fn(&Sparse); 5] = [
            &|file| drop(identity(file, None)),
            &|file| drop(kinds(file, None)),
            &|file| drop(headers(file, None)),
            &|file| drop(symbols(file, None)),
            &|file| drop(scan(file, None, &mut |_, _| {})),
        ];
        for (depth, read) in depths.iter().enumerate() {
            file.read.set(0);
            read(&file);
            let (all, largest) = (file.read.get(), file.largest.get());
            assert!(
                all <= 64 << 20 && largest <= 4 << 20,
                "{name}, depth {depth}: {all} bytes, at most {largest} at once"
            );
        }
    }
}

/// A file on disk that is cut after it was opened: its stated size is no longer true.
#[test]
fn a_file_that_is_cut_after_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shrinking.so");
    let filler = vec![1; 10_000];
    let whole = ElfBuilder::x86_64().section(".rodata", 2, &filler).build();
    for len in [0, 40, 4096, whole.bytes().len() as u64 - 1] {
        fs::write(&path, whole.bytes()).expect("a file");
        let opened = open(&path, Links::Follow).expect("a regular file");
        let writer = fs::OpenOptions::new().write(true).open(&path);
        writer.expect("the file").set_len(len).expect("cut");
        let found = headers(&opened, None);
        assert!(
            codes(&found.problems).contains(&Code::FileShrank),
            "{len}: {:?}",
            found.problems
        );
    }
}

/// A file of which another process takes the end away after some reads.
struct Shrinking {
    bytes: Vec<u8>,
    reads_left: std::cell::Cell<usize>,
}

impl ReadAt for Shrinking {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let Some(left) = self.reads_left.get().checked_sub(1) else {
            return Ok(0);
        };
        self.reads_left.set(left);
        self.bytes.read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

#[test]
fn a_file_that_shrinks_between_two_reads() {
    let filler = vec![1; 300_000];
    let elf = ElfBuilder::x86_64()
        .export("f")
        .section(".rodata", 2, &filler)
        .build()
        .into_bytes();
    let pe = PeBuilder::amd64()
        .section(".rdata", 0x4000_0040, &filler)
        .export("f")
        .import("a.dll", &["g"])
        .build();
    let macho = MachOBuilder::arm64()
        .section("__TEXT", "__text", 0, &filler)
        .symbol("_a", 0x0f, 1, 0)
        .build();
    for bytes in [elf, pe, macho] {
        assert_eq!(symbols(&bytes[..], None).problems, []);
        let mut reads = 0;
        loop {
            let file = Shrinking {
                bytes: bytes.clone(),
                reads_left: std::cell::Cell::new(reads),
            };
            let found = symbols(&file, None);
            if file.reads_left.get() > 0 {
                break;
            }
            let shrank = codes(&found.problems).contains(&Code::FileShrank);
            // With as many reads as it takes nothing is missing.
            assert!(
                shrank || found == symbols(&bytes[..], None),
                "after {reads} reads: {:?}",
                found.problems
            );
            reads += 1;
        }
        assert!(reads > 1, "only one read");
    }
}

/// Files of /proc are regular ones that state no size, and of the kernel's memory.
#[cfg(target_os = "linux")]
#[test]
fn files_of_proc_are_empty() {
    for path in ["/proc/self/maps", "/proc/self/status", "/proc/version"] {
        let opened = open(Path::new(path), Links::Follow).expect("a regular file");
        let found = identity(&opened, None);
        assert_eq!(codes(&found.problems), [Code::EmptyFile], "{path}");
    }
    check_open(Path::new("/dev/zero"), Links::Follow, OpenErrorKind::Device);
    check_open(
        Path::new("/proc/self"),
        Links::Follow,
        OpenErrorKind::Directory,
    );
}

/// Ten thousand levels in a record, as many as one can have, and text that is not UTF-8.
#[test]
fn records_nested_without_end() {
    let deep = [[0x81; 10_000], [0xa1; 10_000]];
    for (bytes, code) in [
        (&deep[0][..], Code::LimitReached),
        (&deep[1], Code::LimitReached),
        (&deep[0][..2000], Code::RecordInvalid),
        (&deep[1][..2000], Code::RecordInvalid),
        (b"\xa1\x01\x61\xff", Code::RecordInvalid),
    ] {
        let file = ElfBuilder::x86_64()
            .note(".note.plugwright", 4, b"plugwright\0", 0x5057_0001, bytes)
            .build();
        let found = identity(file.bytes(), None);
        assert_eq!(codes(&found.problems), [code]);
    }
    let deep = plugwright_manifest::cbor::to_json(&mut plugwright_manifest::cbor::Reader::new(
        &[0x81; 10_000],
    ));
    assert!(deep.is_err());
}

#[test]
fn many_notes() {
    let mut builder = ElfBuilder::x86_64();
    for _ in 0..1000 {
        builder = builder.note(".note.many", 4, b"Other\0", 1, &[0; 20]);
    }
    let file = builder
        .note(".note.many", 4, b"qt-project!\0", 0x7451_0001, QT6)
        .build();
    assert!(identity(file.bytes(), None).images[0].qt.is_some());
    let mut builder = ElfBuilder::x86_64();
    for _ in 0..5000 {
        builder = builder.note(".note.many", 4, b"O\0", 1, &[]);
    }
    assert_eq!(
        codes(&identity(builder.build().bytes(), None).problems),
        [Code::LimitReached]
    );
}

#[test]
fn names_with_escapes() {
    let file = ElfBuilder::x86_64()
        .soname("lib\u{1b}]0;x\u{7}\n.so")
        .needed("\u{202e}so.cbil")
        .build();
    let found = headers(file.bytes(), None);
    let name = found.images[0].name.as_ref().expect("a name");
    assert!(name.needs_escape());
    assert_eq!(name.to_string(), r"lib\u{1b}]0;x\u{7}\n.so");
    assert_eq!(found.images[0].needed[0].to_string(), r"\u{202e}so.cbil");
    let json = serde_json::to_string(&found).expect("JSON");
    assert!(!json.contains('\u{1b}'));
}
