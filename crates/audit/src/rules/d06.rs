//! D06: File that the signed manifest does not list.

use super::signing::Signing;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::shown;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D06",
    title: "File that the signed manifest does not list",
    cwe: 349,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Every file that is loaded below a folder with a bundle manifest, against its list.",
    why: "A program that loads whatever lies in the folder loads it too, beside what was released and signed.",
    remedy: "Remove it, or list and sign it.",
    references: &["docs/plugins.md"],
    check: Check::Signing(check),
};

fn check(signing: &Signing<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for file in &signing.files {
        if let Some((folder, _)) = &file.bundle {
            looked = looked.saturating_add(1);
            if file.listed.is_none() {
                sink.report_about(
                    file.path,
                    Severity::Medium,
                    "the bundle manifest of the folder does not list the file",
                )
                .with("folder of the manifest", shown(folder));
            }
        }
    }
    looked
}
