//! B07: Names a library whose symbols replace its own.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B07",
    title: "Names a library whose symbols replace its own",
    cwe: 829,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf],
    looked_at: "The entries DT_FILTER and DT_AUXILIARY of the dynamic section.",
    why: "The named library is loaded as well, its constructors run, and its functions are taken instead of those that were reviewed.",
    remedy: "Rebuild without the linker option that writes the entry, unless it is what the library is for.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some((_, elf)) = file.elf() else {
        return 0;
    };
    for (name, offset) in elf.filters.iter().zip(&elf.filters_at) {
        sink.report(RULE.title)
            .at("DT_FILTER or DT_AUXILIARY", name.clone(), *offset);
    }
    1
}
