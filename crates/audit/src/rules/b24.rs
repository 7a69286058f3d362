//! B24: Code that runs while symbols are bound (ifunc).

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::severity::Severity;
use crate::subject::FileSubject;

pub(crate) static RULE: Rule = Rule {
    id: "B24",
    title: "Code that runs while symbols are bound (ifunc)",
    cwe: 912,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf],
    looked_at: "Exports of the type IFUNC and relocations of the type IRELATIVE.",
    why: "A resolver runs during relocation, before any constructor and even with lazy binding; the planted code of xz 5.6 began there.",
    remedy: "Ask why the library has it. The C library and mathematical ones do; few others need to.",
    references: &["CVE-2024-3094"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, symbols) in file.images() {
        let relocations = image
            .relocations
            .as_ref()
            .map_or(0, |counted| counted.indirect);
        looked = looked.saturating_add(symbols.count());
        if symbols.indirect_count > 0 || relocations > 0 {
            let title = format!(
                "{} functions are chosen by code, in {relocations} relocations",
                symbols.indirect_count
            );
            let finding = sink.report(title);
            for symbol in &symbols.indirect {
                file.show(finding, "IFUNC", symbol);
            }
        }
    }
    looked
}
