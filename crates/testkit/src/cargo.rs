//! Plugins built with flags of their own, by a cargo inside the one that runs the tests.
//!
//! Fixtures with ordinary flags are dev-dependencies of the tests that need them. The others
//! share a target folder below the one that the tests are built in, so that what they have in
//! common is built once, and again only when a source changed; cargo's lock on that folder
//! makes tests that ask at the same time wait for the first. What is returned is never to be
//! changed: a test that damages or replaces a file copies it first.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages that are built here, and how their settings differ from the workspace's
/// release profile.
///
/// One set for each package: cargo gives the libraries of one package one file name, whatever
/// the flags, and would take the file of the other set for the one that it built last.
/// `lto` and `strip` are the same for all, since the macros are built again where they differ.
const BUILDS: &[(&str, &[&str])] = &[
    (
        "fixture-polyglot",
        &["opt-level=3", "lto=\"fat\"", "strip=\"symbols\""],
    ),
    (
        "fixture-depot",
        &["opt-level=3", "lto=\"fat\"", "strip=\"symbols\""],
    ),
    (
        "fixture-matrix",
        &["opt-level=3", "lto=\"fat\"", "strip=\"symbols\""],
    ),
    (
        "fixture-matrix-aborting",
        &["panic=\"abort\"", "lto=\"fat\"", "strip=\"symbols\""],
    ),
    (
        "fixture-marker",
        &["panic=\"abort\"", "lto=\"fat\"", "strip=\"symbols\""],
    ),
];

/// Builds a fixture and returns its library's path: `fixture-polyglot`, `fixture-depot` and
/// `fixture-matrix` with all optimisations, LTO over all crates, and no symbols that a loader does
/// not need; `fixture-marker` and `fixture-matrix-aborting` so too, and so that a panic ends the
/// process.
///
/// # Panics
/// If the package is none of these, or cannot be built: the messages are in the panic's text.
#[must_use]
#[track_caller]
pub fn library(package: &str) -> PathBuf {
    built(package, None)
}

/// Builds a fixture, as [`library`], with another compiler.
///
/// # Panics
/// As [`library`].
#[must_use]
#[track_caller]
pub fn library_by(compiler: &Path, package: &str) -> PathBuf {
    built(package, Some(compiler))
}

/// The system's own compiler, when there is one and it is of another version than the one that
/// cargo takes: of Debian's packages, `rustc` or `rustc-web`.
#[must_use]
pub fn other_compiler() -> Option<PathBuf> {
    let usual = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let other = PathBuf::from("/usr/bin/rustc");
    let (ours, theirs) = (version(Path::new(&usual))?, version(&other)?);
    (ours != theirs).then_some(other)
}

/// What a compiler says of itself.
#[expect(
    clippy::disallowed_methods,
    reason = "only the compiler can tell what it is"
)]
fn version(compiler: &Path) -> Option<String> {
    let output = Command::new(compiler).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[track_caller]
fn built(package: &str, compiler: Option<&Path>) -> PathBuf {
    let (_, settings) = BUILDS
        .iter()
        .find(|(name, _)| *name == package)
        .unwrap_or_else(|| panic!("{package} is not built with flags of its own"));
    let mut hasher = DefaultHasher::new();
    BUILDS.hash(&mut hasher);
    compiler.and_then(version).hash(&mut hasher);
    let folder = target().join(format!("testkit-{:016x}", hasher.finish()));
    build(package, settings, &folder, compiler);
    let file = format!(
        "{}{}{}",
        std::env::consts::DLL_PREFIX,
        package.replace('-', "_"),
        std::env::consts::DLL_SUFFIX
    );
    let library = folder.join("release").join(file);
    assert!(library.is_file(), "{} was not built", library.display());
    library
}

/// Runs cargo. Offline, since the packages were there when the tests were built.
#[expect(
    clippy::disallowed_methods,
    reason = "building fixtures with cargo is what this module is for"
)]
#[track_caller]
fn build(package: &str, settings: &[&str], folder: &Path, compiler: Option<&Path>) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--quiet",
            "--offline",
            "--locked",
            "--release",
            "--lib",
        ])
        .args(["--package", package, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(folder);
    for setting in settings {
        command
            .arg("--config")
            .arg(format!("profile.release.{setting}"));
    }
    // What the tests themselves are built with (a sanitizer, say) is not meant for the fixture.
    for inherited in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(inherited);
    }
    if let Some(compiler) = compiler {
        command.env("RUSTC", compiler);
    }
    let output = command.output().expect("cargo, which runs the tests");
    assert!(
        output.status.success(),
        "{package} was not built with {settings:?}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The target folder that the running test program lies in. Cargo marks it as a cache.
#[track_caller]
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("the test program has a path");
    program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .expect("the test program lies in cargo's target folder")
        .to_path_buf()
}
