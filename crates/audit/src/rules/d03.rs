//! D03: Owned by a user who is not trusted.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::os::Stat;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use crate::severity::Severity;
use crate::walk::EntryKind;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "D03",
    title: "Owned by a user who is not trusted",
    cwe: 708,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The owner of every file that is loaded, of its folder, and of every folder above.",
    why: "An owner can change the file, or its mode, whenever it likes.",
    remedy: "Give it to root or to the user who runs the program; or say that its owner is trusted.",
    references: &["CVE-2024-27903"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let is_above = |path: &Path| deployment.on_the_way.contains(path);
    let mut look = |path: &Path, stat: &Stat, what: &str| {
        looked = looked.saturating_add(1);
        if !deployment.ownership.trusts(stat.uid) {
            let title = format!("{what} belongs to user {}, who is not trusted", stat.uid);
            sink.report_about(path, Severity::High, title)
                .with("owner and mode", in_words(stat).as_str());
        }
    };
    let files = deployment.loadable();
    for entry in files.filter(|entry| entry.kind == EntryKind::File) {
        look(&entry.path, &entry.stat, "the file");
    }
    let folders = deployment.entries.iter();
    let folders = folders.filter(|entry| entry.kind == EntryKind::Folder);
    for entry in folders.filter(|entry| is_above(&entry.path)) {
        look(&entry.path, &entry.stat, "the folder");
    }
    for (path, stat) in deployment.ancestors {
        look(path, stat, "a folder above");
    }
    looked
}
