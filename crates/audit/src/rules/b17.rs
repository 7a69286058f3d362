//! B17: Fields of the file contradict each other.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B17",
    title: "Fields of the file contradict each other",
    cwe: 1288,
    severity: Severity::High,
    severity_rule: "Low where the loader accepts the file all the same.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The problems that the strict reader of the format tells.",
    why: "Which of two contradicting fields counts differs between readers, so that a check can be shown another file than the loader sees.",
    remedy: "Rebuild or fetch the file anew; do not load it meanwhile.",
    references: &["plugwright inspect FILE"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::structure::check(file, sink, "B17")
}
