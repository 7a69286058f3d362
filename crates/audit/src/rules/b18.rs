//! B18: Two views of the file lead to different dynamic sections.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B18",
    title: "Two views of the file lead to different dynamic sections",
    cwe: 436,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The problems that the strict reader of the format tells.",
    why: "A tool that follows sections sees other libraries and symbols than the loader, which follows segments.",
    remedy: "Rebuild or fetch the file anew; do not load it meanwhile.",
    references: &["plugwright inspect FILE"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::structure::check(file, sink, "B18")
}
