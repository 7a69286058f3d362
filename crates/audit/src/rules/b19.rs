//! B19: Class, byte order or ABI that no loader knows.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B19",
    title: "Class, byte order or ABI that no loader knows",
    cwe: 1287,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The problems that the strict reader of the format tells.",
    why: "Nothing of such a file can be reviewed, and what a foreign loader makes of it is not known.",
    remedy: "Rebuild or fetch the file anew; do not load it meanwhile.",
    references: &["plugwright inspect FILE"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::structure::check(file, sink, "B19")
}
