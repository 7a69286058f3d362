//! B21: Control or direction characters in names.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::acts;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B21",
    title: "Control or direction characters in names",
    cwe: 150,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "SONAME, needed libraries, run paths and the name of every symbol.",
    why: "Printed by a tool that does not escape, such a name recolours or retitles the terminal, forges lines of a log, or shows another name than it has.",
    remedy: "Refuse the file; no compiler writes such names.",
    references: &["CVE-2021-42574"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, symbols) in file.images() {
        let headers = &image.headers;
        let names = headers.name.iter().map(|name| ("name", name));
        let names = names.chain(headers.needed.iter().map(|name| ("needed library", name)));
        let names = names.chain(headers.run_path.iter().map(|path| ("run path", path)));
        for (what, name) in names {
            looked = looked.saturating_add(1);
            if acts(name) {
                sink.report(format!("the {what} holds control or direction characters"))
                    .with(what, name.clone());
            }
        }
        looked = looked.saturating_add(symbols.count());
        if !symbols.hostile.is_empty() {
            let finding = sink.report("names of symbols hold control or direction characters");
            for symbol in &symbols.hostile {
                let what = if symbol.is_export { "export" } else { "import" };
                file.show(finding, what, symbol);
            }
        }
    }
    looked
}
