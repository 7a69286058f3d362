//! Whole processes: how long they run, and how much memory they ever had.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a process took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) time: Duration,
    /// The most memory that it had at once, in KiB.
    pub(crate) peak: i64,
}

/// A program that prints to nobody.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured here are whole processes"
)]
pub(crate) fn program<S: AsRef<OsStr>>(
    name: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(name);
    command.args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// How the program was linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// With the system's libraries.
    Dynamically,
    /// With all it needs inside (`cargo static`).
    Statically,
}

impl Linked {
    /// Those that [`build_plugwright`] left.
    pub(crate) const BUILT: &[Self] = if cfg!(all(
        target_arch = "x86_64",
        target_os = "linux",
        target_env = "gnu"
    )) {
        &[Self::Dynamically, Self::Statically]
    } else {
        &[Self::Dynamically]
    };

    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Dynamically => "`plugwright list --recursive`",
            Self::Statically => "the same, linked statically",
        }
    }

    /// The alias or command of Cargo that builds it.
    const fn build(self) -> &'static [&'static str] {
        match self {
            Self::Dynamically => &["build", "--release", "-p", "plugwright-cli"],
            Self::Statically => &["static"],
        }
    }

    /// Below the folder for what Cargo builds.
    const fn folder(self) -> &'static str {
        match self {
            Self::Dynamically => "release",
            Self::Statically => "x86_64-unknown-linux-gnu/release",
        }
    }
}

/// The program of this workspace, as [`build_plugwright`] left it.
pub(crate) fn plugwright<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    plugwright_as(Linked::Dynamically, arguments)
}

/// The same, linked in one way or the other.
pub(crate) fn plugwright_as<S: AsRef<OsStr>>(
    linked: Linked,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let bench = std::env::current_exe().expect("the bench has a path");
    // Of target/release/deps/inspection.
    let target = bench.ancestors().nth(3).expect("a folder");
    program(target.join(linked.folder()).join("plugwright"), arguments)
}

/// Builds the program with the settings that the bench itself was built with.
pub(crate) fn build_plugwright() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for linked in Linked::BUILT {
        let mut build = program(&cargo, linked.build().iter().chain(&["--quiet"]));
        let status = build.stderr(Stdio::inherit()).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "plugwright is built"
        );
    }
}

/// Whether a program can be started at all.
pub(crate) fn is_there(name: &str) -> bool {
    program(name, ["--version"]).status().is_ok()
}

/// Runs a process to its end, whatever its exit code is.
#[expect(
    clippy::zombie_processes,
    reason = "it is waited for by the system call that also tells its memory"
)]
pub(crate) fn run(command: &mut Command) -> Taken {
    let start = Instant::now();
    let child = command.spawn().expect("it starts");
    let id = i32::try_from(child.id()).expect("the system's number");
    let mut status = 0;
    // SAFETY: all zeros are a value of this structure of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the child is ours and nobody else waits for it; both places are valid for the time of the call.
    let ended = unsafe { libc::wait4(id, &raw mut status, 0, &raw mut usage) };
    let time = start.elapsed();
    assert_eq!(ended, id, "it ended");
    assert!(libc::WIFEXITED(status), "it ended by itself");
    Taken {
        time,
        peak: usage.ru_maxrss,
    }
}

/// The time of [`run`] in nanoseconds.
pub(crate) fn nanoseconds(command: &mut Command) -> f64 {
    run(command).time.as_secs_f64() * 1e9
}
