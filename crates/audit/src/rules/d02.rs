//! D02: Folder that others can write, on the way to a library.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::os;
use crate::ownership::{Ownership, in_words};
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::shown;
use crate::walk::EntryKind;
use plugwright_trust::Severity;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "D02",
    title: "Folder that others can write, on the way to a library",
    cwe: 732,
    severity: Severity::Critical,
    severity_rule: "High where the sticky bit keeps others from taking away what is there: also for a single file in such a folder, which stays its owner's, but beside which anybody may lay what it looks for.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Owner and mode of every folder that holds libraries, and of every folder above it up to the top.",
    why: "Who can write a folder can put another file under a library's name. The sticky bit forbids to replace what another made; it does not forbid to make what is not there yet.",
    remedy: "chmod go-w on the folder, or install elsewhere.",
    references: &["CVE-2024-27903"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let is_above = |path: &Path| deployment.on_the_way.contains(path);
    let folders = deployment
        .entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Folder);
    for entry in folders.filter(|entry| is_above(&entry.path)) {
        looked = looked.saturating_add(1);
        let Some(writers) = deployment.ownership.other_writers(&entry.stat) else {
            continue;
        };
        let severity = if entry.stat.mode & STICKY != 0 {
            Severity::High
        } else {
            Severity::Critical
        };
        sink.report_about(
            &entry.path,
            severity,
            format!("the folder may be written by {writers}"),
        )
        .with("owner and mode", in_words(&entry.stat).as_str());
    }
    for (path, stat) in deployment.ancestors {
        looked = looked.saturating_add(1);
        let Some(writers) = deployment.ownership.other_writers(stat) else {
            continue;
        };
        // In a sticky folder nobody can take away the next folder on the way, if that is not theirs.
        if stat.mode & STICKY != 0 {
            continue;
        }
        sink.report_about(
            path,
            Severity::Critical,
            format!("a folder above may be written by {writers}"),
        )
        .with("owner and mode", in_words(stat).as_str());
    }
    looked
}

/// Tells whether others can put a library into a folder where a loader looks, or make the folder where it is missing.
pub(crate) fn look_searched(folder: &Path, ownership: &Ownership, sink: &mut Sink<'_>) {
    let mut nearest = folder.ancestors();
    let Some((path, stat)) = nearest.find_map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((path, os::stat(&metadata)))
    }) else {
        return;
    };
    let title = if let Some(writers) = ownership.other_writers(&stat) {
        format!("a folder where the loader looks may be written by {writers}")
    } else if !ownership.trusts(stat.uid) {
        format!(
            "a folder where the loader looks belongs to user {}, who is not trusted",
            stat.uid
        )
    } else {
        return;
    };
    sink.report_as(Severity::Critical, title)
        .with("folder", shown(folder))
        .with("the nearest that is there", shown(path))
        .with("owner and mode", in_words(&stat).as_str());
}

/// `S_ISVTX`.
const STICKY: u32 = 0o1000;
