//! Files and folders that no plugin should be: each gives a line, none stops the scan.

use std::os::unix::fs::{PermissionsExt, symlink};

use fixture_greeter::Greeter;
use plugwright_host::{Host, Policy};

use crate::privileges::as_ordinary_user;
use crate::{Folder, outcomes};

/// The outcome of the file `name` in a folder that also holds a good plugin.
#[track_caller]
fn check(folder: &Folder, name: &str, expected: &str) {
    folder.add("hello", "zz-good.so");
    let host = folder.host();
    assert_eq!(host.plugins().count(), 1, "the good plugin is still found");
    let all = outcomes(&host);
    let line = all
        .iter()
        .find(|line| line.starts_with(&format!("{name}: ")));
    let line = line.unwrap_or_else(|| panic!("nothing is said of {name}: {all:?}"));
    assert!(line.contains(expected), "{line}");
}

#[test]
fn an_empty_file() {
    let folder = Folder::new();
    folder.write("empty.so", b"");
    check(&folder, "empty.so", "is no library: empty-file");
}

#[test]
fn a_text_file() {
    let folder = Folder::new();
    folder.write("notes.so", b"#!/bin/sh\necho hello\n");
    check(&folder, "notes.so", "is no library: not-a-library");
}

#[test]
fn a_library_without_a_record() {
    let folder = Folder::new();
    let libc = std::fs::read("/proc/self/maps").expect("readable");
    let libc = String::from_utf8_lossy(&libc).into_owned();
    let libc = libc
        .split_whitespace()
        .find(|word| word.contains("libc.so.6"));
    std::fs::copy(libc.expect("a C library is mapped"), folder.join("libc.so")).expect("copied");
    check(
        &folder,
        "libc.so",
        "is a library without a Plugwright plugin in it",
    );
}

#[test]
fn another_processor() {
    let folder = Folder::new();
    let path = folder.add("hello", "foreign.so");
    let mut bytes = std::fs::read(&path).expect("readable");
    // e_machine: EM_S390.
    bytes[18..20].copy_from_slice(&22_u16.to_le_bytes());
    folder.write("foreign.so", &bytes);
    check(
        &folder,
        "foreign.so",
        "is for another system: wrong-machine",
    );
}

#[test]
fn another_word_size() {
    let folder = Folder::new();
    let path = folder.add("hello", "narrow.so");
    let mut bytes = std::fs::read(&path).expect("readable");
    bytes[4] = 1;
    folder.write("narrow.so", &bytes);
    check(&folder, "narrow.so", "is damaged");
}

#[test]
fn a_fifo_does_not_block() {
    let folder = Folder::new();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        folder.join("pipe.so"),
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .expect("made");
    check(&folder, "pipe.so", "pipe.so");
}

#[test]
fn a_dangling_link_and_one_that_leads_elsewhere() {
    let folder = Folder::new();
    let other = Folder::with(&["bonjour"]);
    symlink("nowhere.so", folder.join("dangling.so")).expect("made");
    symlink(other.join("libbonjour.so"), folder.join("elsewhere.so")).expect("made");
    check(&folder, "dangling.so", "dangling.so");
    check(&folder, "elsewhere.so", "symbolic link");
}

#[test]
fn a_folder_named_like_a_library_is_passed_over() {
    let folder = Folder::with(&["hello"]);
    std::fs::create_dir(folder.join("nested.so")).expect("made");
    assert_eq!(folder.host().plugins().count(), 1);
}

#[test]
fn a_name_that_a_terminal_would_act_on_is_escaped() {
    let folder = Folder::new();
    folder.write("a\u{1b}[2J\n.so", b"");
    let host = folder.host();
    let text = outcomes(&host).join("");
    let (_, said) = text.split_once(": ").expect("a line");
    assert!(!said.contains('\u{1b}') && !said.contains('\n'), "{said:?}");
}

#[test]
fn a_file_without_permission() {
    let test = "bad_input::a_file_without_permission";
    as_ordinary_user(test, &["hello", "bonjour"], check_a_file_without_permission);
}

fn check_a_file_without_permission() {
    let folder = Folder::new();
    let path = folder.add("bonjour", "closed.so");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("closed");
    check(&folder, "closed.so", "this user may not open");
}

/// Every 97th length of a real plugin, and every length of its first page, beside the whole: nothing crashes or hangs, and
/// the whole one is offered alone, since what was cut off does not count as a duplicate of it.
#[test]
fn truncated_plugins() {
    let folder = Folder::with(&["hello"]);
    let bytes = std::fs::read(folder.join("libhello.so")).expect("readable");
    let lengths = (0..4096).chain((4096..bytes.len()).step_by(bytes.len() / 97));
    for length in lengths.chain([bytes.len() - 1]) {
        folder.write("cut.so", &bytes[..length]);
        let host = folder.host();
        let offered: Vec<_> = host.plugins().map(|plugin| plugin.origin()).collect();
        let all = outcomes(&host);
        assert_eq!(offered.len(), 1, "{length} bytes: {all:?}");
        assert!(
            offered[0].to_string().contains("libhello.so"),
            "{length} bytes: {all:?}"
        );
        assert_eq!(all.len(), 2, "{length} bytes: {all:?}");
    }
    assert!(folder.host().create::<dyn Greeter>("en").is_ok());
}

/// A manifest that lies about sizes: every length field of the notes, set to extremes.
#[test]
fn lying_sizes() {
    let folder = Folder::new();
    let path = folder.add("hello", "liar.so");
    let bytes = std::fs::read(&path).expect("readable");
    let owner = bytes
        .windows(11)
        .position(|window| window == b"plugwright\0")
        .expect("a note");
    for field in [owner - 12, owner - 8] {
        for lie in [0, 1, 12, 0x7fff_ffff, 0xffff_fff0, u32::MAX] {
            let mut changed = bytes.clone();
            changed[field..field + 4].copy_from_slice(&lie.to_le_bytes());
            folder.write("liar.so", &changed);
            let host = folder.host();
            assert_eq!(host.seen().len(), 1);
            assert_eq!(
                host.plugins().count(),
                0,
                "field {field:#x} = {lie:#x}: {:?}",
                outcomes(&host)
            );
        }
    }
}

#[test]
fn ten_thousand_files() {
    let folder = Folder::with(&["hello"]);
    for index in 0..10_000 {
        folder.write(
            &format!("file-{index:05}.so"),
            if index % 2 == 0 { b"" } else { b"text" },
        );
    }
    let host = folder.host();
    assert_eq!(host.seen().len(), 10_001, "every file is accounted for");
    assert_eq!(host.plugins().count(), 1);
}

#[test]
fn a_device_is_not_touched() {
    let host = Host::builder(Policy::server()).folder("/dev").scan();
    assert_eq!(host.plugins().count(), 0);
    assert!(!host.seen().is_empty());
}
