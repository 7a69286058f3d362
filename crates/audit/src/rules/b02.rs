//! B02: Relative element in the run path.

use super::run_path::{self, elements};
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B02",
    title: "Relative element in the run path",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Medium where $ORIGIN or @executable_path is left by two steps or more. Critical in a program that runs as its owner: glibc honours it even there.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO],
    looked_at: "Every element of DT_RPATH, DT_RUNPATH and LC_RPATH.",
    why: "A relative element is taken against the current directory, also in setuid programs, so that another user can bring the library.",
    remedy: "Use an absolute folder, or one that begins with $ORIGIN or @loader_path.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for element in file
        .elf()
        .into_iter()
        .flat_map(|(image, elf)| elements(image, elf))
    {
        looked = looked.saturating_add(1);
        if !element.text.is_empty()
            && !element.text.starts_with(b"/")
            && !element.text.starts_with(b"$")
        {
            sink.report("the run path has an element relative to the current directory")
                .at(element.tag, element.text, element.offset);
        } else if escapes(element.text) {
            sink.report_as(Severity::Medium, ESCAPES)
                .at(element.tag, element.text, element.offset);
        }
    }
    for (path, at) in run_path::of_macho(file) {
        looked = looked.saturating_add(1);
        let text = path.as_bytes();
        if !text.starts_with(b"/") && !text.starts_with(b"@") {
            sink.report("a run path is relative to the current directory")
                .at("LC_RPATH", path.clone(), at);
        } else if escapes(text) {
            sink.report_as(Severity::Medium, ESCAPES)
                .at("LC_RPATH", path.clone(), at);
        }
    }
    looked
}

const ESCAPES: &str = "the run path leaves the folder above the file's own, so what it means depends on where the file is put";

/// Whether an element that begins at the file or at the program leaves more than the folder that it begins in: `../lib` is
/// how programs name their libraries.
fn escapes(element: &[u8]) -> bool {
    let mut steps = element
        .split(|byte| *byte == b'/')
        .filter(|step| !step.is_empty());
    let from_file = steps
        .next()
        .is_some_and(|first| first.starts_with(b"$") || first.starts_with(b"@"));
    let mut depth = 0_i32;
    let mut deepest = 0_i32;
    for step in steps {
        match step {
            b".." => depth = depth.saturating_sub(1),
            b"." => {}
            _ => depth = depth.saturating_add(1),
        }
        deepest = deepest.min(depth);
    }
    from_file && deepest < -1
}
