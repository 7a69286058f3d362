//! B04: Old run path (`DT_RPATH`).

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::subject::entry_offset;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B04",
    title: "Old run path (DT_RPATH)",
    cwe: 477,
    severity: Severity::Low,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf],
    looked_at: "The dynamic section.",
    why: "DT_RPATH beats LD_LIBRARY_PATH and holds for everything that is needed further down, so that nobody can correct it.",
    remedy: "Link with --enable-new-dtags, which writes DT_RUNPATH.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some((_, elf)) = file.elf() else {
        return 0;
    };
    if let Some(path) = &elf.rpath {
        sink.report("the library has the old kind of run path").at(
            "DT_RPATH",
            path.clone(),
            entry_offset(elf, 15),
        );
    }
    1
}
