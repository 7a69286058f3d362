//! The report as a person reads it.

use std::fmt;

use super::{PillarReport, Report, Verdict};
use crate::finding::Finding;
use crate::severity::Severity;

/// Findings of one severity that are printed in full; JSON has all.
const MOST: usize = 200;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Security review by the ten pillars of CWE {}\n",
            self.cwe_version
        )?;
        for target in &self.targets {
            writeln!(
                f,
                "  {} ({}): {} files, {} images, {} bytes, {} not examined",
                target.target,
                target.kind,
                target.files,
                target.images,
                target.bytes,
                target.unread
            )?;
        }
        writeln!(f)?;
        for pillar in &self.pillars {
            line(f, pillar)?;
        }
        for severity in Severity::ALL {
            let findings = self
                .findings
                .iter()
                .filter(|finding| finding.severity == severity);
            let count = findings.clone().count();
            if count > 0 {
                writeln!(f, "\n{} ({count})", severity.as_str().to_uppercase())?;
            }
            for found in findings.take(MOST) {
                finding(f, found)?;
            }
            if count > MOST {
                writeln!(
                    f,
                    "  {} more: --format json has all",
                    count.saturating_sub(MOST)
                )?;
            }
        }
        if !self.context.is_empty() {
            writeln!(f, "\nCONTEXT")?;
        }
        for note in &self.context {
            writeln!(f, "  {}: {}", note.subject, note.text)?;
        }
        writeln!(f, "\nOverall: {}", self.assessment.text)?;
        writeln!(
            f,
            "Not covered: the {} rules for source code ({} to {}); what the code does once it runs.",
            self.not_covered.len(),
            self.not_covered.iter().min().unwrap_or(&""),
            self.not_covered.iter().max().unwrap_or(&""),
        )
    }
}

fn line(f: &mut fmt::Formatter<'_>, pillar: &PillarReport) -> fmt::Result {
    let verdict = match pillar.verdict {
        Verdict::NoFinding => "no finding".to_owned(),
        Verdict::NotApplicable => format!(
            "not applicable: {}",
            pillar.reason.as_deref().unwrap_or_default()
        ),
        Verdict::Findings => {
            let counts = pillar
                .by_severity
                .iter()
                .map(|(severity, count)| format!("{count} {severity}"));
            counts.collect::<Vec<_>>().join(", ")
        }
    };
    writeln!(f, "{}: {verdict}", pillar.id)?;
    if !pillar.examined.rules.is_empty() {
        let rules = pillar
            .examined
            .rules
            .iter()
            .map(|count| format!("{} ({})", count.rule, count.looked_at));
        writeln!(f, "    looked at: {}", rules.collect::<Vec<_>>().join(", "))?;
    }
    if !pillar.not_covered.is_empty() {
        writeln!(f, "    not covered: {}", pillar.not_covered.join(" "))?;
    }
    Ok(())
}

fn finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    writeln!(
        f,
        "  {} CWE-{} {}",
        finding.rule.id, finding.rule.cwe, finding.target
    )?;
    writeln!(f, "      {}", finding.title)?;
    if let Some(adjusted) = &finding.adjusted {
        writeln!(f, "      {adjusted}")?;
    }
    for evidence in &finding.evidence {
        let place = evidence
            .offset
            .map(|offset| format!(" at byte {offset:#x}"))
            .unwrap_or_default();
        writeln!(f, "      {}: {}{place}", evidence.what, evidence.found)?;
    }
    Ok(())
}
