//! D07: Plugins without a manifest or signature.

use super::signing::Signing;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D07",
    title: "Plugins without a manifest or signature",
    cwe: 353,
    severity: Severity::Medium,
    severity_rule: "Always this; asked of folders with plugins' records, and of all if signatures are wanted.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Signatures beside the files, and bundle manifests of the folders.",
    why: "Nothing tells whether these are the files that somebody released.",
    remedy: "Sign each plugin, or a bundle manifest of the folder.",
    references: &["docs/plugins.md"],
    check: Check::Signing(check),
};

fn check(signing: &Signing<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let wanted = signing
        .files
        .iter()
        .filter(|file| file.has_record || signing.wants_signatures);
    for file in wanted {
        looked = looked.saturating_add(1);
        if file.bundle.is_none() && !file.has_signature {
            sink.report_about(
                file.path,
                Severity::Medium,
                "neither a signature nor a bundle manifest speaks for the file",
            );
        }
    }
    looked
}
