//! C04: Needs libraries that it did not need before.

use crate::comparison::Comparison;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "C04",
    title: "Needs libraries that it did not need before",
    cwe: 829,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The names of all needed libraries, in both versions.",
    why: "Each brings code of somebody else into every process that loads this one; sshd got liblzma in this way.",
    remedy: "Ask what the release needs them for.",
    references: &["CVE-2024-3094"],
    check: Check::Comparison(check),
};

fn check(comparison: &Comparison<'_>, sink: &mut Sink<'_>) -> u64 {
    let new = comparison.new.needed.difference(&comparison.old.needed);
    let new: Vec<_> = new.collect();
    if !new.is_empty() {
        let finding = sink.report(format!("{} needed libraries are new", new.len()));
        for name in new {
            finding.with("needed library", name.clone());
        }
    }
    u64::try_from(comparison.new.needed.len()).unwrap_or(u64::MAX)
}
