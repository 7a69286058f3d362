//! D01: Library that others can write.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use crate::walk::EntryKind;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D01",
    title: "Library that others can write",
    cwe: 732,
    severity: Severity::Critical,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Owner and mode of every file that is loaded.",
    why: "Whoever can write the file decides what runs in every process that loads it, at once and for as long as it pleases.",
    remedy: "chmod go-w, and give it to root or to the user who installs it.",
    references: &["CVE-2024-27903"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let files = deployment.loadable();
    for entry in files.filter(|entry| entry.kind == EntryKind::File) {
        looked = looked.saturating_add(1);
        if let Some(writers) = deployment.ownership.other_writers(&entry.stat) {
            let title = format!("the file may be written by {writers}");
            sink.report_about(&entry.path, Severity::Critical, title)
                .with("owner and mode", in_words(&entry.stat).as_str());
        }
    }
    looked
}
