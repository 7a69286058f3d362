//! C02: Functions are chosen by code that were not before.

use crate::comparison::Comparison;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "C02",
    title: "Functions are chosen by code that were not before",
    cwe: 912,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Exports of the type IFUNC and relocations of the type IRELATIVE, in both versions.",
    why: "A resolver runs while symbols are bound, before any constructor: where the planted code of xz 5.6 began.",
    remedy: "Read the resolvers before the release is used.",
    references: &["CVE-2024-3094"],
    check: Check::Comparison(check),
};

fn check(comparison: &Comparison<'_>, sink: &mut Sink<'_>) -> u64 {
    let (old, new) = (&comparison.old, &comparison.new);
    let names = new.chosen.difference(&old.chosen);
    let names: Vec<_> = names.collect();
    if !names.is_empty() || new.indirect > old.indirect {
        let finding = sink.report("functions are chosen by code that were not before");
        finding
            .with("relocations before", old.indirect.to_string().as_str())
            .with("relocations now", new.indirect.to_string().as_str());
        for name in names {
            finding.with("IFUNC", name.clone());
        }
    }
    1
}
