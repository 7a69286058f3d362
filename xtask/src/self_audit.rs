//! The project's own review: `plugwright audit` over what this repository builds, and over the libraries of the distribution.
//!
//! A finding of high or above fails it, unless `xtask/self-audit.toml` accepts it, with a reason and an end.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cargo_metadata::{Message, TargetKind};

use crate::Outcome;
use crate::process::{cargo, command, say};

/// What is accepted, and why.
const WAIVERS: &str = "xtask/self-audit.toml";

/// Builds everything, then reviews it and the distribution's libraries.
///
/// # Errors
/// If something does not build, or there is a finding of high or above that nobody accepted.
pub fn self_audit() -> Outcome {
    let built = build()?;
    let mut targets = built.libraries.clone();
    targets.extend(built.programs.iter().cloned());
    audit("what this repository builds", &built, &targets)?;
    let distribution = PathBuf::from(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    if distribution.is_dir() {
        audit("the distribution's libraries", &built, &[distribution])?;
    } else {
        say(format_args!(
            "\n=== the distribution's libraries: SKIPPED, there is no {}",
            distribution.display()
        ));
    }
    Ok(())
}

/// What cargo built.
struct Built {
    programs: Vec<PathBuf>,
    libraries: Vec<PathBuf>,
}

impl Built {
    fn program(&self, name: &str) -> Outcome<&Path> {
        let found = self
            .programs
            .iter()
            .find(|path| path.file_stem().is_some_and(|stem| stem == name));
        found
            .map(PathBuf::as_path)
            .ok_or_else(|| format!("cargo built no program {name}"))
    }
}

fn build() -> Outcome<Built> {
    say("=== building the programs and libraries of this repository");
    let mut child = cargo()
        .args([
            "build",
            "--workspace",
            "--message-format",
            "json-render-diagnostics",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    let messages = child.stdout.take().ok_or("cargo gave no output")?;
    let mut built = Built {
        programs: Vec::new(),
        libraries: Vec::new(),
    };
    for message in Message::parse_stream(BufReader::new(messages)) {
        let message = message.map_err(|error| format!("cargo's messages: {error}"))?;
        // Build scripts and macros are programs of the compiler and come without a workspace's path.
        let Message::CompilerArtifact(artifact) = message else {
            continue;
        };
        if artifact.target.kind.contains(&TargetKind::CDyLib) {
            built
                .libraries
                .extend(artifact.filenames.first().map(PathBuf::from));
        } else if artifact.target.kind.contains(&TargetKind::Bin) {
            built
                .programs
                .extend(artifact.executable.map(PathBuf::from));
        }
    }
    let status = child.wait().map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the workspace does not build ({status})"));
    }
    if built.libraries.is_empty() {
        return Err("cargo built no library: there would be nothing to review".to_owned());
    }
    Ok(built)
}

/// Reviews targets; says what it comes to, and all of it where that is too much.
fn audit(name: &str, built: &Built, targets: &[PathBuf]) -> Outcome {
    say(format_args!("\n=== {name}: {} targets", targets.len()));
    let output = command(built.program("plugwright")?)
        .args(["audit", "--fail-on", "high", "--waivers", WAIVERS])
        .args(targets)
        .output()
        .map_err(|error| format!("plugwright audit: {error}"))?;
    let report = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        say(&report);
        say(String::from_utf8_lossy(&output.stderr));
        return Err(format!(
            "{name}: a finding of high or above that {WAIVERS} does not accept ({})",
            output.status
        ));
    }
    let overall = report
        .split_once("\nOVERALL\n")
        .map(|(_, rest)| rest.lines().take_while(|line| !line.is_empty()));
    for line in overall.into_iter().flatten() {
        say(line);
    }
    Ok(())
}
