//! Type checks for systems that this machine is not: with a cargo that builds the standard library from its sources itself.
//!
//! Debian ships such a toolchain beside the usual one; its cargo and its rustc have to be used together, and a rustup in front
//! of them has to be kept out. Nothing is installed here, nothing is linked and nothing runs.

use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::process::{command, run, say};

/// Where Debian's newer toolchain lies, and the sources of its standard library.
const FOLDER: &str = "/usr/bin";
const SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// What to say where the toolchain is absent.
pub(crate) const MISSING: &str = "needs a toolchain with the sources of std in /usr: \
     apt-get install --no-install-recommends rustc-web cargo-web rust-web-src";

/// The systems, and the crates that hold their types there.
const TARGETS: [(&str, &[&str]); 2] = [
    (
        "aarch64-apple-darwin",
        &[
            "plugwright-manifest",
            "plugwright-inspect",
            "plugwright-trust",
            "plugwright-plugin",
            "plugwright-dylib",
        ],
    ),
    (
        "x86_64-pc-windows-gnu",
        &[
            "plugwright-manifest",
            "plugwright-inspect",
            "plugwright-trust",
            "plugwright-plugin",
        ],
    ),
];

/// Whether the toolchain is there.
pub(crate) fn available() -> bool {
    let there = |path: &Path| path.try_exists().unwrap_or(false);
    let programs = ["cargo", "rustc"].map(|program| Path::new(FOLDER).join(program));
    programs.iter().all(|path| there(path)) && there(Path::new(SOURCES))
}

/// Checks the types of each crate for each system, and says what is not checked.
///
/// # Errors
/// The first system for which a crate does not hold its types.
pub fn cross() -> Outcome {
    if !available() {
        say(format_args!("\n=== cross: SKIPPED, {MISSING}"));
        return Ok(());
    }
    for (target, packages) in TARGETS {
        run(target, &mut check(target, packages))?;
    }
    say(
        "\n=== cross: types hold. NOT CHECKED: dylib, evidence, host and cli for Windows; nothing was linked or run",
    );
    Ok(())
}

fn check(target: &str, packages: &[&str]) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(FOLDER.into()).chain(std::env::split_paths(&path));
    let mut command = command(Path::new(FOLDER).join("cargo"));
    command
        .args(["check", "-Zbuild-std", "--target", target])
        .args(["--target-dir", "target/cross"])
        .args(packages.iter().flat_map(|package| ["-p", package]))
        .env("RUSTC_BOOTSTRAP", "1");
    // Without names of programs in the way, which the cargo that runs this task sets.
    for name in [
        "RUSTUP_TOOLCHAIN",
        "RUSTC",
        "RUSTDOC",
        "RUSTC_WRAPPER",
        "CARGO",
    ] {
        command.env_remove(name);
    }
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    command
}
