//! B30: Calls functions that are easily used wrongly.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::Watch;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B30",
    title: "Calls functions that are easily used wrongly",
    cwe: 676,
    severity: Severity::Info,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Every import, against a list of names.",
    why: "Copies without a bound, names of temporary files that another guesses, commands through a shell: each is right only with care.",
    remedy: "Look at the calls.",
    references: &[],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    super::imported::check(file, sink, Watch::Dangerous)
}
