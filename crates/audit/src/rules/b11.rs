//! B11: Memory that is writable and executable.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B11",
    title: "Memory that is writable and executable",
    cwe: 693,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The protection of every segment or section.",
    why: "Whoever can write into such memory by any mistake of the host has written code.",
    remedy: "Find the section that asks for both and split it; self-modifying code needs a mapping of its own.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    if let Some((_, elf)) = file.elf() {
        for header in elf.program_headers.iter().filter(|header| header.kind == 1) {
            looked = looked.saturating_add(1);
            if header.flags & 3 == 3 {
                sink.report("a segment is writable and executable at once")
                    .at(
                        "PT_LOAD",
                        format!("{} bytes at address {:#x}", header.size, header.address).as_str(),
                        header.at,
                    );
            }
        }
    }
    let others = file.pe().map(|(_, facts)| facts.writable_code);
    for count in others
        .into_iter()
        .chain(file.macho().map(|(_, facts)| facts.writable_code))
    {
        looked = looked.saturating_add(1);
        if count > 0 {
            sink.report("sections are writable and executable at once")
                .with("number", count.to_string().as_str());
        }
    }
    looked
}
