//! P02: Executable memory that comes from no ordinary file.

use crate::finding::Sink;
use crate::os;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, range};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "P02",
    title: "Executable memory that comes from no ordinary file",
    cwe: 829,
    severity: Severity::High,
    severity_rule: "Medium for anonymous memory that cannot be written meanwhile, as programs that translate code have; low for a memory file with all seals.",
    kinds: &[SubjectKind::Process],
    looked_at: "Every executable mapping without a file, of a memory file, and of a file below /dev/shm.",
    why: "Such code was reviewed by nobody, and leaves no trace on the disk.",
    remedy: "Find out what put it there. Programs that translate code, such as browsers and Java, have such memory.",
    references: &[
        "memfd_create(2)",
        "https://attack.mitre.org/techniques/T1620/",
    ],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut anonymous = Vec::new();
    let mut sealed = Vec::new();
    for mapping in subject
        .process
        .mappings
        .iter()
        .filter(|mapping| mapping.is_executable)
    {
        looked = looked.saturating_add(1);
        let name = &mapping.name;
        if name.starts_with(b"/memfd:") && os::is_sealed(&subject.map_file(mapping)) {
            sealed.push(mapping);
        } else if name.starts_with(b"/memfd:")
            || name.starts_with(b"/dev/shm/")
            || name.starts_with(b"/SYSV")
        {
            sink.report("code is mapped from a memory file that can be changed")
                .with("mapping", name.as_slice())
                .with("mapped at", range(mapping).as_str());
        } else if name.is_empty() || name == b"[heap]" || name == b"//anon" {
            anonymous.push(mapping);
        }
    }
    // What is writable too is told by the rule about that.
    anonymous.retain(|mapping| !mapping.is_writable);
    for (severity, mappings, what) in [
        (
            Severity::Medium,
            anonymous,
            "ranges of anonymous memory are executable",
        ),
        (
            Severity::Low,
            sealed,
            "libraries are mapped from memory files that nobody can change any more",
        ),
    ] {
        if !mappings.is_empty() {
            let finding = sink.report_as(severity, format!("{} {what}", mappings.len()));
            for mapping in mappings {
                finding.with(range(mapping), mapping.name.as_slice());
            }
        }
    }
    looked
}
