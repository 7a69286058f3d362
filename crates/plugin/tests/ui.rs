//! What the compiler says of mistakes in interfaces, plugins and types that cross.
//!
//! Each program has the messages that it must cause beside it, in a file that
//! `TRYBUILD=overwrite` writes anew; those in `ui/pass` must compile and run. The compiler's
//! own part of a message differs between its versions, so they are compared under one version
//! only; `ui/library` and `ui/files` depend on how it is installed and where it builds too.

use std::io::Write;
use std::path::Path;

/// The compiler whose messages the files hold: the oldest that the workspace supports.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn messages() {
    let compiler = said("--version");
    if !compiler.starts_with(COMPILER) {
        skipped(&format!(
            "the compiler's messages: they are those of {COMPILER}x, and this is {compiler}"
        ));
        return;
    }
    write_metadata();
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
    // A compiler that has the sources of its library beside it quotes them in these.
    if Path::new(&said("--print=sysroot"))
        .join("lib/rustlib/src")
        .is_dir()
    {
        skipped("tests/ui/library, since the component rust-src is installed");
    } else {
        cases.compile_fail("tests/ui/library/*.rs");
    }
    // These name files in the target folder.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    if workspace.map(|folder| folder.join("target/tmp")).as_deref()
        == Some(Path::new(env!("CARGO_TARGET_TMPDIR")))
    {
        cases.compile_fail("tests/ui/files/*.rs");
    } else {
        skipped("tests/ui/files, since the target folder is not where it usually is");
    }
}

/// Says so past the test harness, which keeps what a test prints to itself.
fn skipped(what: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {what}").expect("standard error");
}

/// What the compiler that cargo takes in this folder says to one question.
#[expect(
    clippy::disallowed_methods,
    reason = "only the compiler can tell what it is"
)]
fn said(question: &str) -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc)
        .arg(question)
        .output()
        .expect("a compiler that answers");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Metadata files lie beside the crate's `Cargo.toml`, and the programs here belong to a
/// crate that trybuild makes: below the target folder, which holds the folder for tests too.
fn write_metadata() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("../tests/trybuild")
        .join(env!("CARGO_PKG_NAME"));
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    let many = format!("[{}0]", "0,".repeat(100_000));
    for (name, text) in [
        ("good.json", r#"{ "formats": ["png", "jpeg"] }"#),
        ("bad.json", "{ formats: [] }"),
        ("many.json", many.as_str()),
    ] {
        std::fs::write(folder.join(name), text).expect("the folder is writable");
    }
}
