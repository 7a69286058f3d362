//! D19: Library with the bits of a privileged program.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D19",
    title: "Library with the bits of a privileged program",
    cwe: 266,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The setuid and setgid bits and file capabilities of every library.",
    why: "They mean nothing for a library, except for one that can also be started as a program: then they give its starter rights that nobody meant to give.",
    remedy: "chmod ug-s, setcap -r.",
    references: &["setuid(2)", "capabilities(7)"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for library in deployment.libraries.iter().filter(|file| !file.is_program) {
        looked = looked.saturating_add(1);
        if library.is_privileged() {
            sink.report_about(&library.path, Severity::Medium, RULE.title)
                .with("owner and mode", in_words(&library.stat).as_str())
                .with(
                    "file capabilities",
                    if library.has_capabilities {
                        "present"
                    } else {
                        "none"
                    },
                );
        }
    }
    looked
}
