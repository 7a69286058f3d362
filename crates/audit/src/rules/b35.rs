//! B35: Metadata of a plugin is damaged or lies where it may be changed.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B35",
    title: "Metadata of a plugin is damaged or lies where it may be changed",
    cwe: 1284,
    severity: Severity::High,
    severity_rule: "Low where it can only not be read.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The problems that the strict reader of the format tells.",
    why: "Metadata decides what is loaded for whom; in writable or executable memory it is not data any more.",
    remedy: "Rebuild or fetch the file anew; do not load it meanwhile.",
    references: &["plugwright inspect FILE"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::structure::check(file, sink, "B35")
}
