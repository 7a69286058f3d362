//! B14: No trace of a stack protector.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::Watch;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B14",
    title: "No trace of a stack protector",
    cwe: 693,
    severity: Severity::Info,
    severity_rule: "Always this: many libraries have no arrays on the stack.",
    kinds: &[SubjectKind::Elf],
    looked_at: "Imports of functions that write text into a caller's buffer, and of the function that a stack protector calls.",
    why: "Without it an overflow of an array on the stack goes unnoticed until the return address is used.",
    remedy: "Compile with -fstack-protector-strong.",
    references: &["gcc(1)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (_, symbols) in file.images() {
        looked = looked.saturating_add(symbols.imports);
        let protected = symbols.imports_any(Watch::StackProtector)
            || symbols.exported(Watch::StackProtector).next().is_some();
        let mut buffers = symbols.imported(Watch::Buffer).peekable();
        if buffers.peek().is_some() && !protected {
            let finding = sink.report(RULE.title);
            for symbol in buffers {
                file.show(finding, "import", symbol);
            }
        }
    }
    looked
}
