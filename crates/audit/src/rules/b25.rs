//! B25: Asks the loader to come before others.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::subject::entry_offset;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B25",
    title: "Asks the loader to come before others",
    cwe: 696,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf],
    looked_at: "DF_1_INITFIRST, DF_1_GLOBAL and DF_1_INTERPOSE.",
    why: "The library runs before the constructors of all others, or its symbols take the place of theirs.",
    remedy: "Rebuild without -z initfirst, -z global or -z interpose.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some((_, elf)) = file.elf() else {
        return 0;
    };
    let flags = [
        (elf.flags.init_first, "INITFIRST"),
        (elf.flags.global, "GLOBAL"),
        (elf.flags.interpose, "INTERPOSE"),
    ];
    for (_, name) in flags.into_iter().filter(|(set, _)| *set) {
        sink.report(format!("the loader is asked for {name}")).at(
            "DT_FLAGS_1",
            name,
            entry_offset(elf, 0x6fff_fffb),
        );
    }
    1
}
