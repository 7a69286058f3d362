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
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Imports of functions that write text into a caller's buffer, and of the function that a stack protector calls; the security cookie of PE.",
    why: "Without it an overflow of an array on the stack goes unnoticed until the return address is used.",
    remedy: "Compile with -fstack-protector-strong, or /GS on Windows.",
    references: &["gcc(1)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, symbols) in file.images() {
        looked = looked.saturating_add(symbols.imports);
        let has_cookie = image.headers.pe().is_some_and(|pe| pe.stack_cookie);
        let protected = has_cookie
            || symbols.imports_any(Watch::StackProtector)
            || symbols.exported(Watch::StackProtector).next().is_some();
        let mut buffers = symbols.imported(Watch::Buffer).peekable();
        if buffers.peek().is_some() && !protected {
            let finding = sink.report(RULE.title);
            for symbol in buffers {
                finding.symbol("import", symbol);
            }
        }
    }
    looked
}
