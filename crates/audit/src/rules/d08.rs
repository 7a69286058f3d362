//! D08: Other bytes than the manifest says.

use super::signing::Signing;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D08",
    title: "Other bytes than the manifest says",
    cwe: 354,
    severity: Severity::Critical,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The BLAKE3 digest of every file that a bundle manifest or a lock file lists.",
    why: "The file was changed after it was released.",
    remedy: "Install it anew; find out who changed it.",
    references: &["docs/plugins.md"],
    check: Check::Signing(check),
};

fn check(signing: &Signing<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for file in &signing.files {
        let expected = file.listed.iter().chain(&file.locked);
        for expected in expected {
            looked = looked.saturating_add(1);
            match &file.digest {
                Some(digest) if digest == expected => {}
                Some(digest) => {
                    sink.report_about(
                        file.path,
                        Severity::Critical,
                        "the file has other bytes than its manifest says",
                    )
                    .with("digest", digest.to_string().as_str())
                    .with("the manifest's", expected.to_string().as_str());
                }
                None => {
                    sink.report_about(
                        file.path,
                        Severity::Critical,
                        "the file is listed and could not be read whole",
                    );
                }
            }
        }
    }
    looked
}
