//! What packagers do to a library leaves its records readable and the plugin usable.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use fixture_greeter::Greeter;
use plugwright_host::Handle;
use plugwright_inspect::headers;
use plugwright_manifest::Role;

use crate::Folder;

/// Changes the file of a plugin that embeds another one, then reads and loads it.
#[track_caller]
fn check(change: impl FnOnce(&Folder, &Path)) {
    let folder = Folder::new();
    let path = folder.add("polyglot", "renamed.so");
    let before = std::fs::read(&path).expect("readable");
    change(&folder, &path);
    let after = std::fs::read(&path).expect("readable");
    assert!(before != after, "nothing was changed");
    let records = |bytes: &[u8]| {
        let headers = headers(bytes, None);
        let mut found: Vec<_> = headers.images[0].image.records.clone();
        found.sort_by(|a, b| a.summary.entry().cmp(b.summary.entry()));
        found
    };
    let (before, after) = (records(&before), records(&after));
    assert_eq!(before, after);
    let roots = after.iter().filter(|record| record.role == Role::Root);
    let roots: Vec<&str> = roots.map(|record| record.summary.id.as_str()).collect();
    assert_eq!((after.len(), roots), (2, vec!["org.example.polyglot"]));
    let handle: Handle<dyn Greeter> = folder.host().create("*").expect("it fits");
    assert_eq!(handle.greet("x"), "Bonjour, x! Hallo!");
}

/// Runs a program on the file, or tells that there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests change libraries with the programs that packagers use"
)]
#[track_caller]
fn run(program: &str, arguments: &[&OsStr]) -> io::Result<()> {
    let output = std::process::Command::new(program)
        .args(arguments)
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    Ok(())
}

#[track_caller]
fn check_with(program: &str, arguments: &[&str]) {
    check(|_, path| {
        let mut all: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        all.push(path.as_os_str());
        run(program, &all).expect("binutils belong to the C compiler");
    });
}

#[test]
fn strip() {
    check_with("strip", &["--strip-all"]);
    check_with("strip", &["--strip-unneeded", "--remove-section=.comment"]);
}

#[test]
fn objcopy() {
    check_with("objcopy", &["--strip-debug"]);
    check_with("objcopy", &["--compress-debug-sections"]);
    check(|folder, path| {
        let data = folder.write("data", b"a section of somebody else's");
        let section = format!(".extra={}", data.display());
        let arguments = ["--add-section", section.as_str()].map(OsStr::new);
        let arguments = [&arguments[..], &[path.as_os_str()]].concat();
        run("objcopy", &arguments).expect("binutils belong to the C compiler");
    });
}

/// What distributions without a common place for libraries do to all of them.
#[test]
fn patchelf() {
    if let Err(error) = run("patchelf", &["--version".as_ref()]) {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "patchelf is to be installed here: {error}");
        // Past the test harness, which keeps what a test prints to itself.
        writeln!(io::stderr(), "SKIPPED: no patchelf here ({error})").expect("standard error");
        return;
    }
    check_with("patchelf", &["--set-rpath", "$ORIGIN/../lib:/opt/lib"]);
    check_with("patchelf", &["--add-needed", "libm.so.6"]);
    check_with("patchelf", &["--set-soname", "a-name-of-some-length.so.1"]);
    check(|_, path| {
        for arguments in [
            ["--set-rpath", "/a/first/folder/that/is/much/longer"],
            ["--add-needed", "libm.so.6"],
            [
                "--set-rpath",
                "/a/second/folder/that/is/longer/than/the/first",
            ],
        ] {
            let [option, value] = arguments.map(OsStr::new);
            run("patchelf", &[option, value, path.as_os_str()]).expect("it was there just now");
        }
    });
}

/// A loader needs segments only.
#[test]
fn no_section_headers() {
    check(|_, path| {
        let mut bytes = std::fs::read(path).expect("readable");
        assert_eq!(bytes[4], 2, "the offsets are those of 64-bit files");
        // e_shoff, then e_shnum and e_shstrndx.
        bytes[0x28..0x30].fill(0);
        bytes[0x3c..0x40].fill(0);
        std::fs::write(path, bytes).expect("writable");
    });
}
