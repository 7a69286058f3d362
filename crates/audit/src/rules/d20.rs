//! D20: Other files of a deployment that anybody can write.

use super::d17;
use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use crate::walk::EntryKind;
use plugwright_trust::Severity;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "D20",
    title: "Other files of a deployment that anybody can write",
    cwe: 276,
    severity: Severity::High,
    severity_rule: "Medium for a folder without libraries whose sticky bit is set.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Owner and mode of every file and folder that no other rule asks about.",
    why: "An installer or a umask that left these open leaves open what is installed next, and configuration that says what to load.",
    remedy: "chmod -R go-w on the deployment; mend the installer.",
    references: &["umask(2)"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let is_above = |path: &Path| deployment.on_the_way.contains(path);
    for (entry, loadable) in deployment.entries.iter().zip(deployment.loadable) {
        let asked_elsewhere = match entry.kind {
            EntryKind::File => *loadable || d17::names_libraries(&entry.path),
            EntryKind::Folder => is_above(&entry.path),
            EntryKind::Link(_) | EntryKind::Other => true,
        };
        if asked_elsewhere {
            continue;
        }
        looked = looked.saturating_add(1);
        let Some(writers) = deployment.ownership.other_writers(&entry.stat) else {
            continue;
        };
        let is_sticky = entry.kind == EntryKind::Folder && entry.stat.mode & 0o1000 != 0;
        let severity = if is_sticky {
            Severity::Medium
        } else {
            Severity::High
        };
        sink.report_about(
            &entry.path,
            severity,
            format!("it may be written by {writers}"),
        )
        .with("owner and mode", in_words(&entry.stat).as_str());
    }
    looked
}
