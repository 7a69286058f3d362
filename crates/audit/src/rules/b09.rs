//! B09: Defines functions that the C library or a TLS library owns.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::severity::Severity;
use crate::subject::FileSubject;
use crate::watched::Watch;

pub(crate) static RULE: Rule = Rule {
    id: "B09",
    title: "Defines functions that the C library or a TLS library owns",
    cwe: 386,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Every export, against a list of names.",
    why: "A definition that comes first takes the place of the real one for the whole process: allocation, opening of files, checks of certificates.",
    remedy: "Hide the symbol (a version script or -fvisibility=hidden), unless interposing is what the library is for.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (_, symbols) in file.images() {
        looked = looked.saturating_add(symbols.count());
        let names: Vec<_> = symbols.exported(Watch::Owned).collect();
        if !names.is_empty() {
            let title = format!(
                "{} functions of the C library or a TLS library are defined here",
                names.len()
            );
            let finding = sink.report(title);
            for symbol in names {
                file.show(finding, "export", symbol);
            }
        }
    }
    looked
}
