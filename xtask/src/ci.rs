//! The order of checks. One list each, read from top to bottom; the first failure ends it.

use std::process::Command;

use crate::process::{cargo, command, run, say, succeeds};
use crate::{Outcome, cross, fuzz, page, self_audit, tidy, wheels, workspace};

/// Whether `ci` runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tests {
    /// Run them.
    Run,
    /// They ran just before; say that they are skipped here.
    Skip,
}

/// What has to hold before a change is merged: format, lints, tests, documentation, tidiness.
///
/// # Errors
/// The first check that failed.
pub fn ci(tests: Tests) -> Outcome {
    run("fmt", cargo().args(["fmt", "--all", "--check"]))?;
    run(
        "clippy",
        cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    match tests {
        Tests::Run => run("test", cargo().args(["test", "--workspace"]))?,
        Tests::Skip => skip("test", "asked for with --no-test"),
    }
    // RUSTDOCFLAGS reaches only rustdoc, so nothing that was compiled for the tests is compiled again.
    run(
        "doc",
        cargo()
            .args([
                "doc",
                "--workspace",
                "--no-deps",
                "--document-private-items",
            ])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    say("\n=== tidy");
    tidy::tidy()
}

/// [`ci`], then each slower check for which this machine has the tool. A missing tool is said, never passed over.
///
/// # Errors
/// The first check that failed.
pub fn full() -> Outcome {
    ci(Tests::Run)?;
    self_audit::self_audit()?;
    let mut skipped = Vec::new();
    for check in &CHECKS {
        if (check.available)() {
            run(check.name, &mut (check.command)())?;
        } else {
            skip(check.name, check.missing);
            skipped.push(check.name);
        }
    }
    if wheels::available() {
        wheels::wheels()?;
    } else {
        skip("wheels", wheels::MISSING);
        skipped.push("wheels");
    }
    skipped.extend(cross::skipped());
    cross::cross()?;
    if skipped.is_empty() {
        say("\n=== ci-full: all checks ran and held");
    } else {
        say(format_args!(
            "\n=== ci-full: what ran held; SKIPPED: {}",
            skipped.join(", ")
        ));
    }
    Ok(())
}

/// The option that names the leaks which the tests make on purpose.
fn suppressions() -> String {
    format!(
        "suppressions={}",
        workspace::root().join("xtask/leaks.txt").display()
    )
}

/// A check that needs a tool which not everybody has.
struct Check {
    name: &'static str,
    available: fn() -> bool,
    missing: &'static str,
    command: fn() -> Command,
}

const CHECKS: [Check; 12] = [
    Check {
        // A bounded number of rounds is part of the tests.
        name: "killed writers of registries, 10,000 rounds",
        available: || true,
        missing: "",
        command: || {
            let mut command = cargo();
            command
                .args(["test", "-p", "plugwright-host", "--test", "it", "killed::"])
                .env("PLUGWRIGHT_ROUNDS", "10000");
            command
        },
    },
    Check {
        name: "features",
        available: || true,
        missing: "",
        command: || {
            let mut command = cargo();
            command.args(["check", "--workspace", "--no-default-features"]);
            command
        },
    },
    Check {
        // One process per test: what a test loads never meets what another test loaded.
        name: "nextest",
        available: || succeeds(cargo().args(["nextest", "--version"])),
        missing: "cargo-nextest is not installed: cargo install cargo-nextest --locked",
        command: || {
            let mut command = cargo();
            command.args(["nextest", "run", "--workspace"]);
            command
        },
    },
    Check {
        // Lifetimes of libraries and vtables: what an ordinary test run cannot see.
        name: "address sanitizer",
        available: || {
            cfg!(all(target_os = "linux", target_arch = "x86_64"))
                && succeeds(&mut nightly(&["--version"]))
        },
        missing: "needs x86-64 Linux and a nightly toolchain: rustup toolchain install nightly",
        command: || {
            let mut command = nightly(&[
                "test",
                "--lib",
                "--tests",
                "--target",
                "x86_64-unknown-linux-gnu",
                "--target-dir",
                "target/asan",
            ]);
            command.args([
                "-p",
                "plugwright-dylib",
                "-p",
                "plugwright-plugin",
                "-p",
                "plugwright-host",
            ]);
            // Plugins find the sanitizer in the test program, so that has to export it. Zones around
            // statics are left out: they would stand between the notes of a library with several
            // plugins, which follow each other in their section.
            command.env(
                "RUSTFLAGS",
                "-Zsanitizer=address -Clink-arg=-rdynamic -Cllvm-args=-asan-globals=0",
            );
            // A test of `dylib` expects a child to die of a signal, which the sanitizer would turn into an exit code.
            command.env("ASAN_OPTIONS", "handle_segv=0");
            // What a side that lies about its functions owns cannot be given back: there is nothing to call.
            command.env("LSAN_OPTIONS", suppressions());
            command
        },
    },
    Check {
        // What the sanitizer's own allocator hides, with each type in each direction over both transports.
        name: "valgrind",
        available: || succeeds(command("valgrind").arg("--version")),
        missing: "valgrind is not installed: Debian's package has the same name",
        command: || {
            let mut command = cargo();
            command.args(["test", "-p", "plugwright-plugin", "--test", "it"]);
            command.args(["--", "--test-threads=1"]);
            command.env(
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
                "valgrind -q --error-exitcode=9",
            );
            command
        },
    },
    Check {
        // The folder that is swapped while plugins are loaded from it: 10,000 loads instead of 200.
        name: "the whole race",
        available: || cfg!(target_os = "linux"),
        missing: "needs Linux",
        command: || {
            let mut command = cargo();
            command.args([
                "test",
                "-p",
                "plugwright-host",
                "--test",
                "it",
                "swapped_in_a_loop",
            ]);
            command.env("PLUGWRIGHT_WHOLE", "1");
            command
        },
    },
    Check {
        // Every interleaving of threads in the store of loaded libraries, which no number of ordinary runs shows.
        name: "loom",
        available: || true,
        missing: "",
        command: || {
            let mut command = cargo();
            command.args([
                "test",
                "-p",
                "plugwright-dylib",
                "--lib",
                "--release",
                "--target-dir",
                "target/loom",
                "store::model",
            ]);
            command
                .env("RUSTFLAGS", "--cfg loom")
                .env("LOOM_MAX_PREEMPTIONS", "2");
            command
        },
    },
    Check {
        // The readers of hostile bytes: what a change broke at once.
        name: "fuzz",
        available: fuzz::available,
        missing: fuzz::MISSING,
        command: || {
            let mut command = cargo();
            command.args(["xtask", "fuzz"]);
            command
        },
    },
    Check {
        name: "page",
        available: page::available,
        missing: "there is no Chromium: apt-get install chromium",
        command: || {
            let mut command = cargo();
            command.args(["xtask", "page"]);
            command
        },
    },
    Check {
        name: "miri",
        available: || succeeds(&mut nightly(&["miri", "--version"])),
        missing: "the nightly toolchain has no miri: rustup component add miri rust-src --toolchain nightly",
        command: || {
            nightly(&[
                "miri",
                "test",
                "-p",
                "plugwright-manifest",
                "-p",
                "plugwright-plugin",
                "--lib",
                "--target-dir",
                "target/miri",
            ])
        },
    },
    Check {
        // What is measured beside its peers, where those are installed: it prints ratios and fails on wrong answers only.
        name: "benches",
        available: || true,
        missing: "",
        command: || {
            let mut command = cargo();
            command.args(["bench", "-p", "plugwright-benches"]);
            command
        },
    },
    Check {
        // A workspace of its own, so that nobody else builds other people's plugin systems.
        name: "peers",
        available: || true,
        missing: "",
        command: || {
            let mut command = cargo();
            command.args(["bench", "--manifest-path", "benches/peers/Cargo.toml"]);
            command
        },
    },
];

fn nightly(arguments: &[&str]) -> Command {
    let mut command = command("rustup");
    command.args(["run", "nightly", "cargo"]).args(arguments);
    command
}

fn skip(name: &str, why: &str) {
    say(format_args!("\n=== {name}: SKIPPED, {why}"));
}
