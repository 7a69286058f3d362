//! Running programs and printing: the only place of this crate that does either.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{Outcome, workspace};

/// Prints one line. A closed pipe (`cargo xtask ci | head`) is no reason to stop the checks, so its error is dropped.
pub fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _closed_pipe = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints what went wrong, where a reader looks for it who pipes the rest away.
pub fn complain(line: impl Display) {
    let _nobody_listens = writeln!(std::io::stderr(), "{line}");
}

/// A command that runs in the root of the workspace.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "development tasks start programs; libraries do not"
)]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}

/// The cargo that runs this task, so that a toolchain chosen by `cargo +NAME xtask` stays chosen.
#[must_use]
pub fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs `command` with the terminal's streams and says what it runs, and how long that took.
///
/// # Errors
/// If the program cannot be started or does not end with success.
pub fn run(name: &str, command: &mut Command) -> Outcome {
    say(format_args!("\n=== {name}: {}", shown(command)));
    let start = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("{name}: `{}` did not start: {error}", shown(command)))?;
    let seconds = start.elapsed().as_secs_f64();
    if status.success() {
        say(format_args!("=== {name}: good, {seconds:.1} s"));
        Ok(())
    } else {
        Err(format!(
            "{name} failed ({status}) after {seconds:.1} s: {}",
            shown(command)
        ))
    }
}

/// Whether `command` starts and ends with success; its output is not shown.
#[must_use]
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as one could type it: variables that were set, program, arguments.
fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.display(), quoted(value?.to_str()?)))
    });
    let program = std::path::Path::new(command.get_program())
        .file_name()
        .unwrap_or_else(|| command.get_program());
    let arguments = command
        .get_args()
        .map(|argument| quoted(&argument.to_string_lossy()));
    variables
        .chain([program.display().to_string()])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    if word.contains(' ') {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}
