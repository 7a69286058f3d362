//! B05: Needed library by a relative path.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{FileSubject, needed};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B05",
    title: "Needed library by a relative path",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Critical in a program that runs as its owner.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The name of every needed library.",
    why: "A name with a separator is opened as it is, relative to the current directory.",
    remedy: "Link against the library by its SONAME, and let a run path or the loader find it.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, _) in file.images() {
        for (name, offset) in needed(&image.headers) {
            looked = looked.saturating_add(1);
            let bytes = name.as_bytes();
            let separated = bytes.iter().any(|byte| matches!(byte, b'/' | b'\\'));
            if separated && !matches!(bytes.first(), Some(b'/' | b'@' | b'$')) {
                sink.report("a library is needed by a path relative to the current directory")
                    .at("needed library", name.clone(), offset);
            }
        }
    }
    looked
}
