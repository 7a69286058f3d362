//! B32: Uses what its record does not ask for.

use plugwright_manifest::Capability;

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::Watch;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B32",
    title: "Uses what its record does not ask for",
    cwe: 250,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Imports that start programs, look into other processes or open connections, of files with a plugin's record, against the capabilities that the record asks for.",
    why: "A plugin runs with all rights of its host; what its record does not ask for, nobody granted.",
    remedy: "Run it in a process of its own without those rights, or ask its author what it needs them for.",
    references: &["capabilities(7)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, symbols) in file.images() {
        if image.headers.image.records.is_empty() {
            continue;
        }
        looked = looked.saturating_add(symbols.imports);
        let records = image.headers.image.records.iter();
        let asked: Vec<&Capability> = records
            .flat_map(|record| &record.summary.capabilities)
            .collect();
        let families = [
            ("starts other programs", Watch::Execute),
            ("looks into other processes", Watch::Trace),
            ("reaches the network", Watch::Network),
        ];
        for (what, watch) in families {
            if asked.iter().any(|asked| grants(asked, watch)) {
                continue;
            }
            let mut symbols = symbols.imported(watch).peekable();
            if symbols.peek().is_none() {
                continue;
            }
            let finding = sink.report(format!(
                "the plugin {what}, for which its record does not ask"
            ));
            for symbol in symbols {
                finding.symbol("import", symbol);
            }
        }
    }
    looked
}

/// Whether what a record asks for is what a family of names is for. Nothing asks for looking into other processes.
const fn grants(asked: &Capability, watch: Watch) -> bool {
    match watch {
        Watch::Execute => matches!(asked, Capability::Processes),
        Watch::Network => matches!(asked, Capability::Network { .. }),
        _ => false,
    }
}
