//! B03: Run path in a folder that everyone can write.

use super::run_path::elements;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::severity::Severity;
use crate::subject::FileSubject;

pub(crate) static RULE: Rule = Rule {
    id: "B03",
    title: "Run path in a folder that everyone can write",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Critical in a program that runs as its owner.",
    kinds: &[SubjectKind::Elf],
    looked_at: "Every element of DT_RPATH and DT_RUNPATH, with its .. steps taken.",
    why: "In /tmp, /var/tmp and /dev/shm anybody can put a library where the loader looks first.",
    remedy: "Remove the element; it is mostly left over from a build.",
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
        let folder = super::run_path::plain(element.text);
        if ["tmp", "var/tmp", "dev/shm"]
            .iter()
            .any(|open| folder == *open || folder.starts_with(&format!("{open}/")))
        {
            sink.report("the run path names a folder that everyone can write")
                .at(element.tag, element.text, element.offset);
        }
    }
    looked
}
