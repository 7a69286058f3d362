//! C03: Needs functions that it did not need before.

use crate::comparison::Comparison;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::watched::Watch;
use plugwright_inspect::Untrusted;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "C03",
    title: "Needs functions that it did not need before",
    cwe: 912,
    severity: Severity::Info,
    severity_rule: "Medium where they start programs, load libraries, look into other processes or open connections.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The names of all imports, in both versions.",
    why: "What a library can do is bounded by what it imports.",
    remedy: "Ask what the release needs them for.",
    references: &["CVE-2024-3094"],
    check: Check::Comparison(check),
};

fn check(comparison: &Comparison<'_>, sink: &mut Sink<'_>) -> u64 {
    let new: Vec<_> = comparison
        .new
        .imports
        .difference(&comparison.old.imports)
        .collect();
    let is_grave = |name: &Untrusted| {
        [Watch::Execute, Watch::Trace, Watch::Network, Watch::Load]
            .into_iter()
            .any(|watch| watch.has(name.as_bytes()))
    };
    let (grave, other): (Vec<_>, Vec<_>) = new.into_iter().partition(|name| is_grave(name));
    for (severity, names) in [(Severity::Medium, grave), (Severity::Info, other)] {
        if !names.is_empty() {
            let finding = sink.report_as(severity, format!("{} imports are new", names.len()));
            for name in names {
                finding.with("import", name.clone());
            }
        }
    }
    u64::try_from(comparison.new.imports.len()).unwrap_or(u64::MAX)
}
