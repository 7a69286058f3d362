//! D18: Program with more rights that loads libraries by itself.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D18",
    title: "Program with more rights that loads libraries by itself",
    cwe: 250,
    severity: Severity::High,
    severity_rule: "Always this; the context raises it.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Every program that is setuid, setgid or has capabilities, and whether it imports dlopen.",
    why: "Each plugin of such a program has all the rights that the program was given for one purpose.",
    remedy: "Load plugins in a process without those rights.",
    references: &["setuid(2)", "capabilities(7)"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for program in deployment.libraries.iter().filter(|file| file.is_program) {
        looked = looked.saturating_add(1);
        if program.is_privileged() && program.loads_libraries {
            let title =
                "the program has more rights than who starts it, and loads libraries by itself";
            sink.report_about(&program.path, Severity::High, title)
                .with("owner and mode", in_words(&program.stat).as_str())
                .with("import", "dlopen");
        }
    }
    looked
}
