//! What the compiler says of `#[encoded]` where its feature is off. The program is built here and not in
//! `plugwright-plugin`, whose own tests have all of its features.

use std::io::Write;

/// The compiler whose messages the file holds, as in the tests of `plugwright-plugin`.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn messages_without_the_feature() {
    let compiler = version();
    if !compiler.starts_with(COMPILER) {
        let what = "SKIPPED: the compiler's messages: they are those of";
        writeln!(
            std::io::stderr(),
            "{what} {COMPILER}x, and this is {compiler}"
        )
        .expect("standard error");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// What the compiler that cargo takes in this folder says of itself.
#[expect(
    clippy::disallowed_methods,
    reason = "only the compiler can tell what it is"
)]
fn version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc)
        .arg("--version")
        .output()
        .expect("a compiler that answers");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
