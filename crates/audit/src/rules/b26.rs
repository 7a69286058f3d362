//! B26: Can never be unloaded.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::subject::entry_offset;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B26",
    title: "Can never be unloaded",
    cwe: 772,
    severity: Severity::Info,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf],
    looked_at: "DF_1_NODELETE and symbols that are one for the process (STB_GNU_UNIQUE).",
    why: "Closing it does nothing, and nobody is told: memory and code stay until the process ends.",
    remedy: "Nothing, where the host does not mean to unload it.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    if let Some((_, elf)) = file.elf() {
        looked = looked.saturating_add(1);
        if elf.flags.no_delete {
            sink.report("the library asks never to be unloaded").at(
                "DT_FLAGS_1",
                "NODELETE",
                entry_offset(elf, 0x6fff_fffb),
            );
        }
    }
    for (_, symbols) in file.images() {
        looked = looked.saturating_add(symbols.count());
        if symbols.unique_count > 0 {
            let title = format!(
                "{} symbols are one for the process, which keeps the library loaded",
                symbols.unique_count
            );
            let finding = sink.report(title);
            for symbol in &symbols.unique {
                finding.symbol("UNIQUE", symbol);
            }
        }
    }
    looked
}
