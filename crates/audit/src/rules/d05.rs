//! D05: More than one name for a library.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::walk::EntryKind;
use plugwright_trust::Severity;
use std::collections::BTreeMap;

pub(crate) static RULE: Rule = Rule {
    id: "D05",
    title: "More than one name for a library",
    cwe: 62,
    severity: Severity::Low,
    severity_rule: "Info where the system keeps users from linking to files that are not theirs.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The number of hard links to every file that is loaded, and fs.protected_hardlinks.",
    why: "A hard link keeps an old, weak version alive under another name when its package is updated.",
    remedy: "Install the file anew, as a file with one name; set fs.protected_hardlinks.",
    references: &["proc_sys_fs(5)"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut here: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let files = || {
        deployment
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::File)
    };
    for entry in files() {
        let count = here
            .entry((entry.stat.device, entry.stat.inode))
            .or_default();
        *count = count.saturating_add(1);
    }
    let protected =
        std::fs::read("/proc/sys/fs/protected_hardlinks").is_ok_and(|text| text.starts_with(b"1"));
    let severity = if protected {
        Severity::Info
    } else {
        Severity::Low
    };
    let loadable = deployment.loadable();
    for entry in loadable.filter(|entry| entry.kind == EntryKind::File) {
        looked = looked.saturating_add(1);
        let known = here
            .get(&(entry.stat.device, entry.stat.inode))
            .copied()
            .unwrap_or(1);
        if entry.stat.links > known {
            let title = format!(
                "the file has {} names, {known} of them here",
                entry.stat.links
            );
            sink.report_about(&entry.path, severity, title)
                .with("inode", entry.stat.inode.to_string().as_str());
        }
    }
    looked
}
