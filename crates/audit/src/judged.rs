//! Use by whoever judges: what an audit of held bytes finds, as facts for the judge.

use std::path::Path;

use plugwright_inspect::ReadAt;
use plugwright_trust::{Audit, AuditFinding, Facts, Policy};

use crate::finding::Finding;
use crate::review::review_bytes;

/// Adds to the facts about bytes what their audit finds, if the policy wants them audited.
///
/// ```
/// use std::path::Path;
///
/// use plugwright_audit::{Severity, audited};
/// use plugwright_trust::{Audit, Digest, Facts, Policy, Structure};
///
/// let bytes = b"no library at all";
/// let policy = Policy::desktop().with_audit(Audit::Refuse(Severity::High));
/// let facts = Facts::new("libx.so", Digest::from_bytes([0; 32]), Structure::sound());
/// let facts = audited(facts, &policy, &&bytes[..], Path::new("libx.so"));
/// assert_eq!(facts.audit.expect("asked")[0].rule, "A01");
/// ```
#[must_use]
pub fn audited(facts: Facts, policy: &Policy, bytes: &dyn ReadAt, path: &Path) -> Facts {
    if policy.audit == Audit::NotAsked {
        return facts;
    }
    let findings = review_bytes(bytes, path);
    facts.with_audit(findings.iter().map(AuditFinding::from).collect())
}

impl From<&Finding> for AuditFinding {
    fn from(finding: &Finding) -> Self {
        let evidence = finding.evidence.iter().map(|evidence| {
            let place = evidence
                .offset
                .map(|offset| format!(" at byte {offset:#x}"));
            let place = place.unwrap_or_default();
            format!("{} {}{place}", evidence.what, evidence.found)
        });
        let evidence: Vec<String> = evidence.collect();
        let (rule, severity) = (finding.rule, finding.severity);
        Self::new(rule.id, rule.cwe.into(), severity).with_texts(
            finding.title.as_str(),
            evidence.join("; "),
            rule.remedy,
        )
    }
}
