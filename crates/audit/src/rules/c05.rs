//! C05: Offers other functions than before.

use crate::comparison::Comparison;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "C05",
    title: "Offers other functions than before",
    cwe: 439,
    severity: Severity::Info,
    severity_rule: "Medium for names that are gone.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The names of all exports, in both versions.",
    why: "A name that is gone ends the programs that need it; a new one can take the place of another library's.",
    remedy: "Keep names within one SONAME; hide what is not meant for others.",
    references: &[
        "https://www.gnu.org/software/libtool/manual/html_node/Updating-version-info.html",
    ],
    check: Check::Comparison(check),
};

fn check(comparison: &Comparison<'_>, sink: &mut Sink<'_>) -> u64 {
    let (old, new) = (&comparison.old.exports, &comparison.new.exports);
    let gone: Vec<_> = old.difference(new).collect();
    let added: Vec<_> = new.difference(old).collect();
    for (severity, names, what) in [
        (Severity::Medium, gone, "gone"),
        (Severity::Info, added, "new"),
    ] {
        if !names.is_empty() {
            let finding = sink.report_as(severity, format!("{} exports are {what}", names.len()));
            for name in names {
                finding.with("export", name.clone());
            }
        }
    }
    u64::try_from(new.len()).unwrap_or(u64::MAX)
}
