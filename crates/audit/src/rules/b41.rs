//! B41: The header of a hash table is absurd.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B41",
    title: "The header of a hash table is absurd",
    cwe: 1284,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The problems that the strict reader of the format tells.",
    why: "glibc follows these numbers without a look: four of six absurd headers end the process inside the loader.",
    remedy: "Rebuild or fetch the file anew; do not load it meanwhile.",
    references: &["plugwright inspect FILE"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::structure::check(file, sink, "B41")
}
