//! B06: Names a library that audits the process.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B06",
    title: "Names a library that audits the process",
    cwe: 829,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf],
    looked_at: "The entries DT_AUDIT and DT_DEPAUDIT of the dynamic section.",
    why: "An audit library runs before everything else in each program that is linked against this one, and sees every symbol that is bound.",
    remedy: "Rebuild without the linker option that writes the entry, unless it is what the library is for.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some((_, elf)) = file.elf() else {
        return 0;
    };
    for (name, offset) in elf.auditors.iter().zip(&elf.auditors_at) {
        sink.report(RULE.title)
            .at("DT_AUDIT or DT_DEPAUDIT", name.clone(), *offset);
    }
    1
}
