//! B42: The review could not see the whole file.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B42",
    title: "The review could not see the whole file",
    cwe: 754,
    severity: Severity::Medium,
    severity_rule: "Low where only a limit of the review was reached.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The problems that the strict reader of the format tells.",
    why: "What was not read was not checked.",
    remedy: "Rebuild or fetch the file anew; do not load it meanwhile.",
    references: &["plugwright inspect FILE"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::structure::check(file, sink, "B42")
}
