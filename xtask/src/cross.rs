//! Checks for systems that this machine is not, with a cargo that builds the standard library from its sources itself: types for
//! macOS, and for Windows what can be linked by MinGW and run by wine.
//!
//! Debian ships such a toolchain beside the usual one; its cargo and its rustc have to be used together, and a rustup in front
//! of them has to be kept out. Nothing is installed here.

use std::path::Path;
use std::process::Command;

use crate::process::{command, run, say, succeeds};
use crate::{Outcome, workspace};

/// Where Debian's newer toolchain lies, and the sources of its standard library.
const FOLDER: &str = "/usr/bin";
const SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// What to say where the toolchain is absent.
pub(crate) const MISSING: &str = "needs a toolchain with the sources of std in /usr: \
     apt-get install --no-install-recommends rustc-web cargo-web rust-web-src";

/// The crates that hold their types on macOS.
const MACOS: &[&str] = &[
    "plugwright-manifest",
    "plugwright-inspect",
    "plugwright-trust",
    "plugwright-plugin",
    "plugwright-dylib",
];

/// The crates that are built for Windows.
const WINDOWS: &[&str] = &[
    "plugwright-manifest",
    "plugwright-inspect",
    "plugwright-trust",
    "plugwright-plugin",
    "plugwright-dylib",
];
const WINDOWS_TARGET: &str = "x86_64-pc-windows-gnu";
/// The crates whose tests run there, and which of them: those of the boundary as a whole go through a Unix socket.
const WINDOWS_TESTS: [(&str, &str); 2] = [
    ("plugwright-dylib", "--tests"),
    ("plugwright-plugin", "--lib"),
];

/// What runs Windows' programs here, and what links them.
const RUNNER: [&str; 3] = ["wine", "wineserver", "timeout"];
const LINKER: &str = "x86_64-w64-mingw32-gcc";

/// Whether the toolchain is there.
pub(crate) fn available() -> bool {
    let there = |path: &Path| path.try_exists().unwrap_or(false);
    let programs = ["cargo", "rustc"].map(|program| Path::new(FOLDER).join(program));
    programs.iter().all(|path| there(path)) && there(Path::new(SOURCES))
}

/// What of this is not there, in a word each.
pub(crate) fn skipped() -> Vec<&'static str> {
    if !available() {
        return vec!["cross"];
    }
    missing_for_windows()
        .map(|_| "Windows")
        .into_iter()
        .collect()
}

/// The first program that is not there for building and running Windows' programs.
fn missing_for_windows() -> Option<&'static str> {
    let absent = |program: &&str| !succeeds(command(program).arg("--version"));
    std::iter::once(LINKER).chain(RUNNER).find(absent)
}

/// Checks types for macOS; builds for Windows and runs tests there, under wine. Says what is not checked.
///
/// # Errors
/// The first system for which a crate does not hold its types, or whose tests fail.
pub fn cross() -> Outcome {
    if !available() {
        say(format_args!("\n=== cross: SKIPPED, {MISSING}"));
        return Ok(());
    }
    run(
        "macOS types",
        &mut toolchain("check", "aarch64-apple-darwin", MACOS),
    )?;
    if let Some(program) = missing_for_windows() {
        say(format_args!(
            "\n=== Windows: SKIPPED, there is no {program}: \
             apt-get install --no-install-recommends gcc-mingw-w64-x86-64 mingw-w64 wine wine64"
        ));
    } else {
        run("Windows", &mut toolchain("build", WINDOWS_TARGET, WINDOWS))?;
        windows_tests()?;
    }
    say(
        "\n=== cross: what ran held. NOT CHECKED: evidence, host and cli for Windows; nothing was linked or run for macOS",
    );
    Ok(())
}

/// Runs the tests of [`WINDOWS_TESTS`] under wine, in a prefix of their own, and ends that prefix's server.
fn windows_tests() -> Outcome {
    let folder = workspace::root().join("target/cross");
    let programs = folder.join(WINDOWS_TARGET).join("debug/deps");
    stand_in(&programs)?;
    let prefix = folder.join("wine");
    // Five minutes for one test program; the first one makes the prefix. What it would install is not wanted.
    let wine = |command: &mut Command| {
        command
            .env("WINEPREFIX", &prefix)
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    };
    let one = |(name, which): (&str, &str)| {
        let mut tests = toolchain("test", WINDOWS_TARGET, &[name]);
        wine(tests.arg(which).env(
            "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER",
            "timeout --kill-after=5 300 wine",
        ));
        run(&format!("Windows tests of {name}"), &mut tests)
    };
    let outcome = WINDOWS_TESTS.into_iter().try_for_each(one);
    let mut end = command("wineserver");
    wine(end.arg("--kill"));
    // No server runs if no test did.
    let _ended = succeeds(&mut end);
    outcome
}

/// Builds what Debian's wine lacks and Rust's standard library asks for: one function that gives random bytes. For tests only.
fn stand_in(folder: &Path) -> Outcome {
    const SOURCE: &str = "#include <windows.h>\n\
        BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);\n\
        __declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T size) {\n\
        return SystemFunction036(buffer, (ULONG)size); }\n";
    let source = folder.join("bcryptprimitives.c");
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&source, SOURCE));
    written.map_err(|error| format!("{}: {error}", source.display()))?;
    let mut compile = command(LINKER);
    compile
        .args(["-shared", "-o"])
        .arg(folder.join("bcryptprimitives.dll"))
        .arg(&source)
        .arg("-ladvapi32");
    run("a stand-in for bcryptprimitives.dll", &mut compile)
}

/// A command of the newer cargo, for another system.
fn toolchain(task: &str, target: &str, packages: &[&str]) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(FOLDER.into()).chain(std::env::split_paths(&path));
    let mut command = command(Path::new(FOLDER).join("cargo"));
    command
        .args([task, "-Zbuild-std", "--target", target])
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
