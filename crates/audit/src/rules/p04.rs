//! P04: Code from a place that another user can write.

use crate::finding::Sink;
use crate::os;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, shown};
use plugwright_trust::Severity;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) static RULE: Rule = Rule {
    id: "P04",
    title: "Code from a place that another user can write",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Critical in a privileged process.",
    kinds: &[SubjectKind::Process],
    looked_at: "Owner and mode of every file that is mapped to be executed, and of every folder above it.",
    why: "Whoever can write there decides what the process runs at its next start.",
    remedy: "Install it where root or the process's own user alone can write.",
    references: &["CVE-2024-27903"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut known: BTreeMap<PathBuf, Option<(PathBuf, String)>> = BTreeMap::new();
    for (_, path) in subject.process.code() {
        looked = looked.saturating_add(1);
        let file = open(subject, &path, true);
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let folder = known.entry(folder).or_insert_with_key(|folder| {
            let mut steps = folder.ancestors().enumerate();
            steps.find_map(|(step, path)| open(subject, path, step == 0))
        });
        if let Some((place, why)) = file.or_else(|| folder.clone()) {
            sink.report("it runs code from a place that another user can write")
                .with("mapped file", shown(&path))
                .with(format!("of which {why}"), shown(&place));
        }
    }
    looked
}

/// Why others can write a path; `is_place` is false for folders further up, which their sticky bit protects.
fn open(subject: &ProcessSubject<'_>, path: &Path, is_place: bool) -> Option<(PathBuf, String)> {
    let stat = os::stat(&std::fs::metadata(subject.outside(path)).ok()?);
    let is_kept = !is_place && stat.mode & 0o1000 != 0;
    let why = match subject.ownership.other_writers(&stat) {
        Some(writers) if !is_kept => format!("{writers} may write"),
        _ if !subject.ownership.trusts(stat.uid) => format!("user {} is the owner of", stat.uid),
        _ => return None,
    };
    Some((path.to_owned(), why))
}
