//! Nothing that an audit of the bytes found is as bad as the policy names.

use crate::{Audit, Code, Facts, Policy, Reason};
use alloc::format;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    let Audit::Refuse(worst) = policy.audit else {
        return;
    };
    let expected = format!("an audit without a finding of {worst} or worse");
    let Some(findings) = &facts.audit else {
        let what = format!("nobody audited {}", facts.origin);
        let advice =
            "have it judged by a host, or by plugwright verify, which audit what they judge";
        let reason = Reason::new(Code::AuditMissing, &what, &expected, "none", advice);
        reasons.push(reason);
        return;
    };
    for finding in findings.iter().filter(|finding| finding.severity >= worst) {
        let what = format!(
            "the audit of {} tells ({}, {}) that {}",
            facts.origin, finding.rule, finding.severity, finding.title
        );
        let (found, advice) = (&finding.evidence, &finding.remedy);
        let mut reason = Reason::new(Code::AuditFinding, &what, &expected, found, advice);
        // The weakness is the finding's own.
        reason.cwe = finding.cwe;
        reasons.push(reason);
    }
}
