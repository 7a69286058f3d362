//! The fuzzers: every reader of hostile bytes against bytes that are made up.
//!
//! cargo-fuzz is not needed. What it does is to build with coverage counters and to start the
//! program; both are done here with the flags that it uses, which any compiler takes, also a
//! stable one. Sanitizers, which need a nightly, are left out: the readers forbid unsafe code, and
//! what is looked for are panics, overflows, broken promises, and time or memory without bound.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{cargo, command, run, say, succeeds};
use crate::{Outcome, workspace};

/// The processor and system for which the fuzzers are built. It is named to cargo so that the
/// flags below do not reach build scripts and macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Coverage as libFuzzer reads it: a counter for each edge, and the two sides of comparisons.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

/// Whether this machine can build them: libFuzzer is written in C++.
pub(crate) fn available() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
        && succeeds(command("c++").arg("--version"))
}

/// What is missing where they cannot be built.
pub(crate) const MISSING: &str = "needs x86-64 Linux and a C++ compiler: apt-get install g++";

/// How long each fuzzer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Length {
    /// So long that a fresh mistake shows: ten seconds.
    Smoke,
    /// This many executions, however long they take.
    Runs(u64),
}

/// Builds the fuzzers and runs `only`, or all of them one after the other. What they learn is
/// kept below `target/fuzz` for the next time.
///
/// # Errors
/// If there is no such fuzzer, it cannot be built, or it finds something: where the input lies
/// that shows it is said.
pub fn fuzz(only: Option<&str>, length: Length) -> Outcome {
    let all = targets()?;
    let chosen: Vec<&String> = all
        .iter()
        .filter(|name| only.is_none_or(|only| only == *name))
        .collect();
    if chosen.is_empty() {
        return Err(format!(
            "there is no fuzzer `{}`; there are {}",
            only.unwrap_or_default(),
            all.join(", ")
        ));
    }
    let mut build = cargo();
    build
        .args(["build", "--release", "--locked"])
        .args(["--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target-dir", "target/fuzz", "--target", TARGET])
        .env("RUSTFLAGS", FLAGS.join(" "));
    run("build the fuzzers", &mut build)?;
    for name in &chosen {
        one(name, length)?;
    }
    say(format_args!("\n=== fuzz: {} ran, no finds", chosen.len()));
    Ok(())
}

/// The names of the fuzzers, sorted.
fn targets() -> Outcome<Vec<String>> {
    let files = workspace::files(&workspace::root().join("fuzz/fuzz_targets"))?;
    let stem = |path: &PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    Ok(files.iter().filter_map(stem).collect())
}

fn one(name: &str, length: Length) -> Outcome {
    let folder = Path::new("target/fuzz");
    // libFuzzer writes into the first folder only, so that the committed corpus stays as it is.
    let learnt = folder.join("corpus").join(name);
    let finds = folder.join("finds").join(name);
    for folder in [&learnt, &finds] {
        let folder = workspace::root().join(folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let program = workspace::root()
        .join(folder)
        .join(TARGET)
        .join("release")
        .join(name);
    let mut fuzzer = command(program);
    fuzzer
        .arg(&learnt)
        .arg(Path::new("fuzz/corpus").join(name))
        .arg(format!("-dict=fuzz/dictionaries/{name}.dict"))
        .arg(format!("-artifact_prefix={}/", finds.display()))
        .args(["-max_len=4096", "-timeout=10", "-reload=0"])
        .args(["-rss_limit_mb=2048", "-malloc_limit_mb=512"])
        .args(["-verbosity=0", "-print_final_stats=1"]);
    fuzzer.arg(match length {
        Length::Smoke => "-max_total_time=10".to_owned(),
        Length::Runs(count) => format!("-runs={count}"),
    });
    run(&format!("fuzz {name}"), &mut fuzzer).map_err(|failure| {
        format!(
            "{failure}\nthe input lies in {}; put it into fuzz/finds/{name} under a name that says \
             what it shows, where an ordinary test replays it",
            finds.display()
        )
    })
}
