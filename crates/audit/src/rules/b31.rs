//! B31: The environment chooses a library.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::Watch;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B31",
    title: "The environment chooses a library",
    cwe: 426,
    severity: Severity::Info,
    severity_rule: "High in a program that runs with more rights than who starts it.",
    kinds: &[SubjectKind::Elf],
    looked_at: "Imports of dlopen and dlmopen, of getenv, and of what asks whether the process is privileged.",
    why: "Where the caller's environment names the library, a program with more rights than its caller runs the caller's code.",
    remedy: "Use secure_getenv, or read no library's name from the environment.",
    references: &["secure_getenv(3)", "CVE-2012-2738"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (_, symbols) in file.images() {
        looked = looked.saturating_add(symbols.imports);
        let careful = symbols.imports_any(Watch::SecureEnvironment);
        if !symbols.imports_any(Watch::Load) || !symbols.imports_any(Watch::Environment) || careful
        {
            continue;
        }
        // The context raises what it finds in a privileged program by one.
        let severity = if file.is_privileged() {
            Severity::Medium
        } else {
            Severity::Info
        };
        let title =
            "it loads libraries and reads the environment without asking whether it may be trusted";
        let finding = sink.report_as(severity, title);
        for watch in [Watch::Load, Watch::Environment] {
            for symbol in symbols.imported(watch) {
                finding.symbol("import", symbol);
            }
        }
    }
    looked
}
