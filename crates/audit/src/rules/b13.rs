//! B13: Mitigations of the linker are off.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B13",
    title: "Mitigations of the linker are off",
    cwe: 693,
    severity: Severity::Low,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::Pe],
    looked_at: "RELRO and immediate binding in ELF; ASLR, its high-entropy form and guarded calls in PE.",
    why: "Tables of function pointers stay writable after loading, so that one stray write becomes a call of choice.",
    remedy: "Link with -z relro -z now; with /DYNAMICBASE /HIGHENTROPYVA /guard:cf on Windows.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut missing = Vec::new();
    let mut looked = 0;
    if let Some((_, elf)) = file
        .elf()
        .filter(|(_, elf)| !elf.dynamic_entries.is_empty())
    {
        looked = 1;
        missing.extend((!elf.relro).then_some("RELRO"));
        missing.extend((!elf.flags.bind_now).then_some("BIND_NOW"));
    }
    if let Some((_, pe)) = file.pe() {
        looked = 1;
        missing.extend((!pe.flags.aslr).then_some("DYNAMIC_BASE"));
        missing.extend((!pe.flags.high_entropy).then_some("HIGH_ENTROPY_VA"));
        missing.extend((!pe.flags.control_flow_guard).then_some("GUARD_CF"));
    }
    if !missing.is_empty() {
        sink.report(format!("without {}", missing.join(", ")))
            .with("absent", missing.join(", ").as_str());
    }
    looked
}
