//! D11: Key or signature past its end.

use super::signing::Signing;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D11",
    title: "Key or signature past its end",
    cwe: 324,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The end of each signature's and each manifest's validity, and the revocation of its key.",
    why: "A key that was given up may be in other hands by now.",
    remedy: "Get a release that is signed anew.",
    references: &["docs/plugins.md"],
    check: Check::Signing(check),
};

fn check(signing: &Signing<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for file in &signing.files {
        for signature in &file.signatures {
            looked = looked.saturating_add(1);
            let expires = signature.subject.expires;
            if let Some((expires, _)) = expires
                .zip(signing.now)
                .filter(|(expires, now)| expires <= now)
            {
                sink.report_about(file.path, Severity::High, "the signature is past its end")
                    .with("signature", signature.origin.as_str())
                    .with("end", expires.to_string().as_str());
            }
            let key = signing
                .keys
                .iter()
                .find(|key| key.public.id() == signature.key);
            let until = key.and_then(|key| key.until).zip(signing.now);
            if let Some((until, _)) = until.filter(|(until, now)| until <= now) {
                let what = "the signature is by a key that is past its end";
                sink.report_about(file.path, Severity::High, what)
                    .with("signature", signature.origin.as_str())
                    .with("end", until.to_string().as_str());
            }
            if let Some(reason) = key.and_then(|key| key.revoked.as_ref()) {
                sink.report_about(
                    file.path,
                    Severity::High,
                    "the signature is by a key that was revoked",
                )
                .with("signature", signature.origin.as_str())
                .with("reason", reason.as_str());
            }
        }
    }
    looked
}
