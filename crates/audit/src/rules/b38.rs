//! B38: Writable memory shared between processes.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B38",
    title: "Writable memory shared between processes",
    cwe: 732,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Pe],
    looked_at: "The flags of every section.",
    why: "Any process that loads the library can change the data of all others.",
    remedy: "Share through a file mapping with an access list.",
    references: &[],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some((_, pe)) = file.pe() else {
        return 0;
    };
    if pe.shared_writable > 0 {
        sink.report("sections are writable and shared between processes")
            .with("number", pe.shared_writable.to_string().as_str());
    }
    1
}
