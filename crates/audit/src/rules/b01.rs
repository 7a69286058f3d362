//! B01: Empty element in the run path.

use super::run_path::elements;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B01",
    title: "Empty element in the run path",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Critical in a program that runs as its owner.",
    kinds: &[SubjectKind::Elf],
    looked_at: "Every element of DT_RPATH and DT_RUNPATH.",
    why: "An empty element means the current directory: whoever chooses where the program is started chooses the code that it loads.",
    remedy: "Remove the element, for example with patchelf --set-rpath; often an unset variable was joined with a colon at build time.",
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
        if element.text.is_empty() {
            sink.report("the run path has an empty element, which means the current directory")
                .at(element.tag, element.whole.clone(), element.offset);
        }
    }
    looked
}
