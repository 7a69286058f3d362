//! Checks of the tree itself: what neither the compiler nor clippy sees.

mod references;
mod unsafe_count;
mod words;

use std::fs;
use std::path::Path;

use crate::process::say;
use crate::{Outcome, licences, table, workspace};

pub use references::findings as dead_references;
pub use unsafe_count::count as count_unsafe;
pub use words::findings as forbidden;

/// A source file longer than this has two subjects.
pub const MOST_LINES: usize = 800;
/// A file larger than this does not belong into the repository.
pub const MOST_BYTES: u64 = 512 * 1024;

/// Runs all checks of the tree and prints every finding.
///
/// # Errors
/// If there was a finding, or a file could not be read.
pub fn tidy() -> Outcome {
    let mut findings = Vec::new();
    let files = workspace::files(workspace::root())?;
    for path in &files {
        check_file(path, &mut findings)?;
    }
    let metadata = workspace::metadata()?;
    let (expected, found) = (
        workspace::read(unsafe_count::FILE)?,
        unsafe_count::listing(&metadata)?,
    );
    findings.extend(unsafe_count::differences(&expected, &found));
    for finding in &findings {
        say(finding);
    }
    if findings.is_empty() {
        say(format_args!("tidy: {} files, nothing to say", files.len()));
        Ok(())
    } else {
        Err(format!(
            "tidy: {} findings in {} files",
            findings.len(),
            files.len()
        ))
    }
}

/// Writes what is generated: the counts of `unsafe` and the table of licences.
///
/// # Errors
/// If a file cannot be read or written.
pub fn bless() -> Outcome {
    let metadata = workspace::metadata()?;
    write(unsafe_count::FILE, &unsafe_count::listing(&metadata)?)?;
    let architecture = workspace::read("ARCHITECTURE.md")?;
    write(
        "ARCHITECTURE.md",
        &table::replace(&architecture, "licences", &licences::table(&metadata))?,
    )
}

fn write(path: &str, text: &str) -> Outcome {
    fs::write(workspace::root().join(path), text).map_err(|error| format!("{path}: {error}"))?;
    say(format_args!("wrote {path}"));
    Ok(())
}

fn check_file(path: &Path, findings: &mut Vec<String>) -> Outcome {
    let shown = workspace::relative(path);
    let bytes = fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        findings.push(format!(
            "{shown}: {} bytes; at most {MOST_BYTES} belong into the repository",
            bytes.len()
        ));
    }
    // Binary files are searched as well: a path of the machine that built it hides best in there.
    let text = String::from_utf8_lossy(&bytes);
    if shown.ends_with(".rs") && text.lines().count() > MOST_LINES {
        findings.push(format!(
            "{shown}: {} lines; above {MOST_LINES} there are two subjects",
            text.lines().count()
        ));
    }
    findings.extend(words::findings(&shown, &text));
    if shown.ends_with(".md") {
        findings.extend(references::findings(&shown, &text, workspace::root()));
    }
    Ok(())
}
