//! Metadata survives the tools that packagers run over libraries.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use plugwright_inspect::{Links, headers, identity, open};
use plugwright_manifest::note;
use plugwright_testkit::cc;

use crate::{QT6, records};

/// C source with the notes of Plugwright and of Qt, as their own tools place them.
fn source() -> String {
    let list = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte},")).collect() };
    let word = |value: u32| value.to_le_bytes();
    let len = |len: usize| u32::try_from(len).expect("small");
    let qt = [
        &word(12)[..],
        &word(len(QT6.len())),
        &word(0x7451_0001),
        b"qt-project!\0",
        QT6,
    ]
    .concat();
    format!(
        "__attribute__((section(\"{}#\"), used, aligned(4))) \
         static const unsigned char own[] = {{{}}};\n\
         __attribute__((section(\".note.qt.metadata#\"), used, aligned(8))) \
         static const unsigned char qt[] = {{{}}};\n\
         int value(void);\nint value(void) {{ return 1; }}\n",
        note::ELF_SECTION,
        list(&records::first_note()),
        list(&qt),
    )
}

fn run(tool: &str, arguments: &[&str], file: &Path) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test runs the packagers' tools"
    )]
    let status = std::process::Command::new(tool)
        .args(arguments)
        .arg(file)
        .status();
    status.is_ok_and(|status| status.success())
}

#[track_caller]
fn check(path: &Path, what: &str) {
    let file = open(path, Links::Follow).expect("a file");
    let quick = identity(&file, path.file_name());
    let full = headers(&file, path.file_name());
    assert_eq!(full.problems, [], "{what}");
    for image in [&quick.images[0], &full.images[0].image] {
        assert_eq!(image.records.len(), 1, "{what}");
        assert_eq!(
            image.qt.as_ref().and_then(|qt| qt.class_name()),
            Some("B"),
            "{what}"
        );
    }
    assert!(full.images[0].image.records[0].detail.is_some(), "{what}");
}

#[test]
fn strip_objcopy_and_patchelf() {
    // `#` begins a comment for the assembler, which hides the flags that the compiler adds
    // to the name; without it the section would be data and not a note.
    let source = source().replace('#', ",\\\"a\\\",%note#");
    let made = cc::shared("libtools.so", &source, &[]);
    check(&made, "as made");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("libtools.so");
    let mut ran = Vec::new();
    for (tool, arguments) in [
        ("strip", &["--strip-all"][..]),
        ("strip", &["--strip-unneeded", "--remove-section=.comment"]),
        ("objcopy", &["--strip-debug"]),
        (
            "objcopy",
            &["--only-section=*", "--set-section-alignment=.text=64"],
        ),
        (
            "patchelf",
            &[
                "--set-rpath",
                "/a/rather/long/path/that/moves/the/strings/elsewhere",
            ],
        ),
        ("patchelf", &["--set-soname", "libanother.so.1"]),
        ("patchelf", &["--add-needed", "libm.so.6"]),
    ] {
        // A fresh copy each time, since the one that was made is shared.
        drop(fs::remove_file(&path));
        fs::write(&path, fs::read(&made).expect("the library")).expect("a copy");
        if run(tool, arguments, &path) {
            check(&path, &format!("{tool} {arguments:?}"));
            ran.push(tool);
        }
    }
    drop(writeln!(
        std::io::stderr().lock(),
        "metadata survived: {ran:?}"
    ));
    assert!(ran.contains(&"strip"), "no tool ran");
    assert!(
        ran.contains(&"patchelf") || std::env::var_os("CI").is_none(),
        "no patchelf"
    );
}
