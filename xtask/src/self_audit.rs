//! The project's own review: `plugwright audit` over what this repository builds, over the libraries of the distribution, and over
//! a live process of the example with its plugins in it.
//!
//! A finding of high or above fails it, unless `xtask/self-audit.toml` accepts it, with a reason and an end.

use std::ffi::OsString;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cargo_metadata::{Message, TargetKind};

use crate::process::{cargo, command, say, succeeds};
use crate::{Outcome, workspace};

/// What is accepted, and why.
const WAIVERS: &str = "xtask/self-audit.toml";
/// What the example compresses while it is looked at: large enough that it is not done before.
const SAMPLE: usize = 256 * 1024 * 1024;
/// The example has its first plugin within milliseconds; a machine that needs longer than this has other troubles.
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds everything, then reviews it, the distribution's libraries and a live host.
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
    if cfg!(target_os = "linux") {
        live(&built)
    } else {
        say("\n=== a live host: SKIPPED, processes are looked at on Linux only");
        Ok(())
    }
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
    let targets = targets.iter().map(|target| target.as_os_str().to_owned());
    audit_with(name, built, targets.collect())
}

fn audit_with(name: &str, built: &Built, arguments: Vec<OsString>) -> Outcome {
    say(format_args!("\n=== {name}: {} targets", arguments.len()));
    let mut audit = command(built.program("plugwright")?);
    audit.args(["audit", "--fail-on", "high"]);
    // What is accepted is about processes, and a waiver that accepts nothing is warned of.
    if arguments.iter().any(|argument| argument == "--pid") {
        audit.args(["--waivers", WAIVERS]);
    }
    let output = audit
        .args(arguments)
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

/// The example with a plugin in it, stopped where it stands, and reviewed as a process.
fn live(built: &Built) -> Outcome {
    let folder = workspace::root().join("target/self-audit");
    let _may_be_absent = fs::remove_dir_all(&folder);
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins).map_err(|error| format!("{}: {error}", plugins.display()))?;
    let codecs = built.libraries.iter().filter(|library| {
        let name = library.file_name().unwrap_or_default().to_string_lossy();
        name.contains("press_")
    });
    for codec in codecs {
        let to = plugins.join(codec.file_name().unwrap_or_default());
        fs::copy(codec, to).map_err(|error| format!("{}: {error}", codec.display()))?;
    }
    let sample = folder.join("sample");
    fs::write(&sample, vec![b'a'; SAMPLE])
        .map_err(|error| format!("{}: {error}", sample.display()))?;
    let mut host = command(built.program("press")?)
        .arg("--plugins")
        .arg(&plugins)
        .arg("compare")
        .arg(&sample)
        // Cargo's, which steers what a program loads; the review says so, and rightly.
        .env_remove("LD_LIBRARY_PATH")
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("press did not start: {error}"))?;
    let outcome = stopped_with_a_plugin(&mut host).and_then(|()| {
        let arguments = vec!["--pid".into(), host.id().to_string().into()];
        audit_with("a live host with its plugins", built, arguments)
    });
    // It is stopped, so only this ends it; where it ended by itself there is nothing left to do.
    let _ended = host.kill();
    let _reaped = host.wait();
    let _tidied = fs::remove_dir_all(&folder);
    outcome
}

/// Waits until a plugin is mapped into the process, and stops it there.
fn stopped_with_a_plugin(host: &mut Child) -> Outcome {
    let id = host.id().to_string();
    let maps = PathBuf::from("/proc").join(&id).join("maps");
    let start = Instant::now();
    loop {
        let mapped = fs::read_to_string(&maps).unwrap_or_default();
        if mapped
            .lines()
            .any(|line| line.contains("r-x") && line.contains("press_"))
        {
            break;
        }
        let ended = host.try_wait().map_err(|error| format!("press: {error}"))?;
        if let Some(status) = ended {
            return Err(format!(
                "press ended ({status}) before it could be looked at"
            ));
        }
        if start.elapsed() > PATIENCE {
            return Err("press has not loaded a plugin".to_owned());
        }
        thread::yield_now();
    }
    if succeeds(command("kill").args(["-STOP", &id])) {
        Ok(())
    } else {
        Err("press could not be stopped".to_owned())
    }
}
