//! B13: Mitigations of the linker are off.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_inspect::Machine;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B13",
    title: "Mitigations of the linker are off",
    cwe: 693,
    severity: Severity::Low,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::Pe],
    looked_at: "RELRO and immediate binding in ELF; ASLR, its high-entropy form, guarded calls and shadow stacks in PE.",
    why: "Tables of function pointers stay writable after loading, so that one stray write becomes a call of choice.",
    remedy: "Link with -z relro -z now; with /DYNAMICBASE /HIGHENTROPYVA /guard:cf /CETCOMPAT on Windows.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut missing = Vec::new();
    let mut looked = 0;
    let mut place = None;
    if let Some((_, elf)) = file
        .elf()
        .filter(|(_, elf)| !elf.dynamic_entries.is_empty())
    {
        looked = 1;
        missing.extend((!elf.relro).then_some("RELRO"));
        missing.extend((!elf.flags.bind_now).then_some("BIND_NOW"));
    }
    if let Some((image, pe)) = file.pe() {
        looked = 1;
        missing.extend((!pe.flags.aslr).then_some("DYNAMIC_BASE"));
        missing.extend((!pe.flags.high_entropy).then_some("HIGH_ENTROPY_VA"));
        missing.extend((!pe.flags.control_flow_guard).then_some("GUARD_CF"));
        // Processors of other kinds have no second stack.
        let is_x86 = matches!(image.image.target.machine, Machine::X86 | Machine::X86_64);
        missing.extend((is_x86 && !pe.flags.shadow_stack).then_some("CET_COMPAT"));
        place = Some(pe.flags_at);
    }
    if !missing.is_empty() {
        sink.report(format!("without {}", missing.join(", "))).at(
            "absent",
            missing.join(", ").as_str(),
            place,
        );
    }
    looked
}
