//! B10: Executable stack.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_inspect::ImageHeaders;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B10",
    title: "Executable stack",
    cwe: 693,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "PT_GNU_STACK, NX_COMPAT of PE, MH_ALLOW_STACK_EXECUTION of Mach-O.",
    why: "glibc up to 2.40 makes the stack of the whole host executable when such a library is loaded; later ones refuse it.",
    remedy: "Mark assembler sources with .note.GNU-stack, or link with -z noexecstack; /NXCOMPAT on Windows.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

/// Where the flags of a Mach-O header stand in the file (`flags` of `mach_header`).
const fn flags_at(image: &ImageHeaders) -> u64 {
    image.image.offset.saturating_add(24)
}

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    if let Some((_, elf)) = file
        .elf()
        .filter(|(_, elf)| !elf.program_headers.is_empty())
    {
        looked = looked.saturating_add(1);
        let header = elf
            .program_headers
            .iter()
            .find(|header| header.kind == 0x6474_e551);
        match elf.executable_stack {
            Some(false) => {}
            Some(true) => {
                sink.report("the stack is asked to be executable").at(
                    "PT_GNU_STACK",
                    "executable",
                    header.map(|header| header.at),
                );
            }
            None => {
                sink.report("the file does not say that the stack need not be executable")
                    .with("PT_GNU_STACK", "absent");
            }
        }
    }
    if let Some((_, pe)) = file.pe() {
        looked = looked.saturating_add(1);
        if !pe.flags.no_execute {
            sink.report("data may be executed")
                .at("NX_COMPAT", "not set", pe.flags_at);
        }
    }
    for (image, facts) in file.macho() {
        looked = looked.saturating_add(1);
        if facts.executable_stack {
            sink.report("the stack is asked to be executable").at(
                "MH_ALLOW_STACK_EXECUTION",
                "set",
                flags_at(image),
            );
        }
    }
    looked
}
