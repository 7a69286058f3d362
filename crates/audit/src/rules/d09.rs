//! D09: Signature that is bad, or by an unknown key.

use super::signing::Signing;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;
use plugwright_trust::SignatureCheck;

pub(crate) static RULE: Rule = Rule {
    id: "D09",
    title: "Signature that is bad, or by an unknown key",
    cwe: 347,
    severity: Severity::Critical,
    severity_rule: "High for a key that is not known; asked only if keys are given, but for what is no signature at all.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The signature beside each file, and the one over each bundle manifest.",
    why: "Somebody changed the file, or signed it who has no say.",
    remedy: "Install it anew; if the key is right, add it to the keys.",
    references: &["docs/plugins.md"],
    check: Check::Signing(check),
};

fn check(signing: &Signing<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for file in &signing.files {
        for signature in &file.signatures {
            looked = looked.saturating_add(1);
            let (severity, what) = match signature.check {
                SignatureCheck::Forged => (
                    Severity::Critical,
                    "the signature was not made over these bytes",
                ),
                SignatureCheck::Malformed => {
                    (Severity::Critical, "what stands for a signature is none")
                }
                SignatureCheck::Legacy => (
                    Severity::High,
                    "the signature is of a form that is not accepted",
                ),
                SignatureCheck::UnknownKey if signing.has_keys => (
                    Severity::High,
                    "the signature is by a key that nobody trusts",
                ),
                _ => continue,
            };
            sink.report_about(file.path, severity, what)
                .with("signature", signature.origin.as_str())
                .with("key", signature.key.to_string().as_str());
        }
    }
    looked
}
