//! D14: Names that differ in case alone.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::shown;
use plugwright_trust::Severity;
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "D14",
    title: "Names that differ in case alone",
    cwe: 178,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The names of all files that are loaded, folder by folder.",
    why: "On a disk that does not tell case apart one of them hides the other, and a list that allows one allows both.",
    remedy: "Rename one of them.",
    references: &["https://cwe.mitre.org/data/definitions/178.html"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut seen: BTreeMap<String, &Path> = BTreeMap::new();
    for entry in deployment.loadable() {
        looked = looked.saturating_add(1);
        let folded = entry.path.to_string_lossy().to_lowercase();
        if let Some(other) = seen.insert(folded, &entry.path) {
            sink.report_about(
                &entry.path,
                Severity::Medium,
                "another name differs from this in case alone",
            )
            .with("the other", shown(other));
        }
    }
    looked
}
