//! P09: Secret files that plugins and child processes inherit.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, shown};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "P09",
    title: "Secret files that plugins and child processes inherit",
    cwe: 403,
    severity: Severity::Low,
    severity_rule: "Raised in a privileged process.",
    kinds: &[SubjectKind::Process],
    looked_at: "Every open file of a process that has plugins mapped: whether others may read it, and whether a program that it starts gets it.",
    why: "A program that a plugin starts gets the descriptor, and with it what its own user may not read.",
    remedy: "Open files with O_CLOEXEC; close_range before the worker begins.",
    references: &["open(2)", "close_range(2)"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    if !subject.libraries.iter().any(|library| library.is_plugin) {
        return 0;
    }
    let mut looked = 0_u64;
    for descriptor in subject.process.descriptors.iter().flatten() {
        looked = looked.saturating_add(1);
        // S_IFREG, and not the three that every program hands on.
        let is_file = descriptor.stat.mode & 0o170_000 == 0o100_000 && descriptor.number > 2;
        let is_secret =
            descriptor.stat.mode & 0o004 == 0 && !descriptor.target.starts_with("/memfd:");
        if is_file && is_secret && descriptor.is_inherited {
            sink.report(
                "a file that others may not read is handed on to every program that is started",
            )
            .with(
                format!("descriptor {}", descriptor.number),
                shown(&descriptor.target),
            );
        }
    }
    looked
}
