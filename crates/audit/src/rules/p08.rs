//! P08: Plugins run with all rights of a privileged process.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, shown};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "P08",
    title: "Plugins run with all rights of a privileged process",
    cwe: 250,
    severity: Severity::Medium,
    severity_rule: "Raised, as the process is privileged.",
    kinds: &[SubjectKind::Process],
    looked_at: "Capabilities, no_new_privs and seccomp of a process that has plugins mapped.",
    why: "Each plugin can do all that the process can.",
    remedy: "Load plugins in a process without those rights; set no_new_privs, filter system calls.",
    references: &["capabilities(7)", "prctl(2)"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let plugins: Vec<_> = subject
        .libraries
        .iter()
        .filter(|library| library.is_plugin)
        .collect();
    let status = &subject.process.status;
    let has_rights = subject.process.is_privileged();
    if !plugins.is_empty() && has_rights && !status.no_new_privileges && !status.is_filtered {
        let finding = sink.report("plugins run with all rights of a privileged process");
        let rights = format!(
            "user {}, capabilities {:#x}, no_new_privs unset, seccomp off",
            status.user, status.capabilities
        );
        finding.with("process", rights.as_str());
        for plugin in plugins {
            finding.with("plugin", shown(&plugin.path));
        }
    }
    u64::try_from(subject.libraries.len()).unwrap_or(u64::MAX)
}
