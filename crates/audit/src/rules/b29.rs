//! B29: Calls a function that cannot be used safely.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::Watch;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B29",
    title: "Calls a function that cannot be used safely",
    cwe: 242,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Every import, against a list of names.",
    why: "Such a function writes beyond its buffer whenever the input is long enough.",
    remedy: "Use fgets or getline.",
    references: &[],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::imported::check(file, sink, Watch::Inherent)
}
