//! P03: Memory that is writable and executable.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, range};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "P03",
    title: "Memory that is writable and executable",
    cwe: 693,
    severity: Severity::High,
    severity_rule: "Raised in a privileged process.",
    kinds: &[SubjectKind::Process],
    looked_at: "The access of every mapping, the stack among them.",
    why: "One stray write becomes code.",
    remedy: "Find the library that asked for it: plugwright audit on its files tells of executable stacks and of segments that are both.",
    references: &["mmap(2)"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mappings = &subject.process.mappings;
    let both = mappings.iter().filter(|mapping| {
        mapping.is_executable && (mapping.is_writable || mapping.name == b"[stack]")
    });
    let both: Vec<_> = both.collect();
    if !both.is_empty() {
        let stack = both.iter().any(|mapping| mapping.name == b"[stack]");
        let title = format!(
            "{} mappings are writable and executable{}",
            both.len(),
            if stack { ", the stack among them" } else { "" }
        );
        let finding = sink.report(title);
        for mapping in both {
            finding.with(range(mapping), mapping.name.as_slice());
        }
    }
    u64::try_from(mappings.len()).unwrap_or(u64::MAX)
}
