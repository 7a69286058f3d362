//! A01: Not examined.

use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "A01",
    title: "Not examined",
    cwe: 392,
    severity: Severity::Medium,
    severity_rule: "Low for what is no regular file.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Every target, and every file below a folder.",
    why: "A review that passes over what it could not read reports safety that it did not see.",
    remedy: "Give the review the right to read it, or take it out of the folder.",
    references: &[],
    check: Check::Reviewer,
};
