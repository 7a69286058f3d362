//! B12: Relocations that write into code.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::subject::entry_offset;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B12",
    title: "Relocations that write into code",
    cwe: 693,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf],
    looked_at: "DT_TEXTREL and DF_TEXTREL.",
    why: "The loader makes the code writable while it relocates, and every process has a copy of its own.",
    remedy: "Compile everything with -fPIC.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some((_, elf)) = file.elf() else {
        return 0;
    };
    if elf.flags.text_relocations {
        sink.report("relocations write into code").at(
            "DT_TEXTREL or DF_TEXTREL",
            "set",
            entry_offset(elf, 22).or_else(|| entry_offset(elf, 30)),
        );
    }
    1
}
