//! C01: More code runs when it is loaded than in the version before.

use crate::comparison::Comparison;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::entry_offset;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "C01",
    title: "More code runs when it is loaded than in the version before",
    cwe: 912,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Constructors, initialisers and TLS callbacks, in both versions.",
    why: "A release that adds code which runs by itself adds what nobody asks for by name; the planted code of xz 5.6 ran in this way.",
    remedy: "Read what was added before the release is used.",
    references: &["CVE-2024-3094"],
    check: Check::Comparison(check),
};

fn check(comparison: &Comparison<'_>, sink: &mut Sink<'_>) -> u64 {
    let (old, new) = (comparison.old.constructors(), comparison.new.constructors());
    if new > old {
        let place = comparison.new.elf().and_then(|elf| entry_offset(elf, 27));
        sink.report(format!(
            "{} more constructors run when it is loaded",
            new.saturating_sub(old)
        ))
        .with("before", old.to_string().as_str())
        .at("now", new.to_string().as_str(), place);
    }
    1
}
