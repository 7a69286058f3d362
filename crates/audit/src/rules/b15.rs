//! B15: Offsets, sizes or addresses lead outside the file.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B15",
    title: "Offsets, sizes or addresses lead outside the file",
    cwe: 1285,
    severity: Severity::High,
    severity_rule: "Low where the loader accepts the file all the same.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The problems that the strict reader of the format tells.",
    why: "A reader that believes such a field reads beyond the file; the system's own loader ends the process over several of them.",
    remedy: "Rebuild or fetch the file anew; do not load it meanwhile.",
    references: &["plugwright inspect FILE"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::structure::check(file, sink, "B15")
}
