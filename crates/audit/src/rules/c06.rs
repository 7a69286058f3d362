//! C06: More of it looks compressed or encrypted than before.

use crate::comparison::Comparison;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "C06",
    title: "More of it looks compressed or encrypted than before",
    cwe: 506,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The entropy of samples of the whole file and of its executable parts, in both versions.",
    why: "Code that is to be hidden is packed; a release that adds such data adds what nobody can read.",
    remedy: "Find out what the data are.",
    references: &["CVE-2024-3094"],
    check: Check::Comparison(check),
};

/// Bits for each byte by which code, and the samples of a file that are all but noise as a share, may grow.
const CODE: f64 = 0.5;
const SHARE: f64 = 0.1;

fn check(comparison: &Comparison<'_>, sink: &mut Sink<'_>) -> u64 {
    let (old, new) = (&comparison.old, &comparison.new);
    if new.code_entropy > old.code_entropy + CODE {
        sink.report("its code looks more like compressed or encrypted data than before")
            .with(
                "bits a byte before",
                format!("{:.2}", old.code_entropy).as_str(),
            )
            .with(
                "bits a byte now",
                format!("{:.2}", new.code_entropy).as_str(),
            );
    }
    if new.noise > old.noise + SHARE {
        sink.report("more of the file looks compressed or encrypted than before")
            .with(
                "share before",
                format!("{:.0} %", old.noise * 100.0).as_str(),
            )
            .with("share now", format!("{:.0} %", new.noise * 100.0).as_str());
    }
    new.samples
}
