//! The report as a person reads it: what was reviewed, the ten pillars with what each verdict rests on, the findings, the
//! surroundings, what it comes to, and what it does not cover.

use std::fmt;

use super::words::{counted, known, line, number, size, verdict};
use super::{PillarReport, Report, TargetReport};
use crate::finding::Finding;
use crate::options::Tier;
use crate::rules::RULES;
use crate::severity::Severity;

/// Findings of one severity that are printed in full; the other formats have all.
const MOST: usize = 200;
/// Lines of lists end before this column, as people like to read; a long path may go beyond it.
const WIDTH: usize = 100;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Security review by the ten pillars of CWE {}\n",
            self.cwe_version
        )?;
        writeln!(f, "REVIEWED, without executing any of it")?;
        for target in &self.targets {
            write_target(f, target)?;
        }
        writeln!(
            f,
            "  {}",
            match self.tier {
                Tier::Files => "Each file by itself, and the deployment around it.",
                Tier::Closure =>
                    "Each file by itself, the deployment around it, and what each library brings in.",
            }
        )?;
        writeln!(
            f,
            "\nTHE TEN PILLARS, each with its rules: things that the rule looked at, in how many objects"
        )?;
        for pillar in &self.pillars {
            write_pillar(f, pillar)?;
        }
        for severity in Severity::ALL {
            self.write_findings(f, severity)?;
        }
        self.write_accepted(f)?;
        if !self.context.is_empty() {
            writeln!(f, "\nCONTEXT")?;
        }
        for note in &self.context {
            let (kind, text) = (note.kind.as_str(), line(&note.text));
            writeln!(f, "  {}: {kind}: {text}", note.subject)?;
        }
        writeln!(f, "\nOVERALL\n  {}", line(&self.assessment.text))?;
        for note in known(self.known).iter().chain(&self.warnings) {
            writeln!(f, "  {}", line(note))?;
        }
        writeln!(f, "\nNOT COVERED")?;
        wrap(
            f,
            "  What the code does once it runs; and source code, with the rules ",
            self.not_covered.iter().map(ToString::to_string),
        )
    }
}

impl Report {
    fn write_findings(&self, f: &mut fmt::Formatter<'_>, severity: Severity) -> fmt::Result {
        let same = |finding: &&Finding| finding.severity == severity;
        let findings = self.findings.iter().filter(same);
        let count = findings.clone().count();
        if count > 0 {
            writeln!(f, "\n{} ({count})", severity.as_str().to_uppercase())?;
        }
        for found in findings.take(MOST) {
            write_finding(f, found)?;
        }
        if count > MOST {
            let more = count.saturating_sub(MOST);
            writeln!(f, "  {more} more: the other formats have all")?;
        }
        Ok(())
    }

    fn write_accepted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.accepted.is_empty() {
            writeln!(f, "\nACCEPTED by waivers ({})", self.accepted.len())?;
        }
        for accepted in &self.accepted {
            let (finding, reason) = (&accepted.finding, &accepted.reason);
            let (id, target) = (finding.rule.id, &finding.target);
            writeln!(f, "  {id} {} {target}", finding.severity)?;
            writeln!(f, "      {}", line(&finding.title))?;
            writeln!(f, "      until {}: {reason}", accepted.expires)?;
        }
        Ok(())
    }
}

fn write_target(f: &mut fmt::Formatter<'_>, target: &TargetReport) -> fmt::Result {
    write!(
        f,
        "  {} ({}): {}, {}, {}",
        target.target,
        target.kind,
        counted(target.files, "file", "files"),
        counted(target.images, "image", "images"),
        size(target.bytes),
    )?;
    if target.processes > 0 {
        let processes = counted(target.processes, "process", "processes");
        write!(f, ", {processes}")?;
    }
    if target.links > 0 {
        let links = counted(target.links, "link", "links");
        write!(f, ", {links} not followed")?;
    }
    match target.unread {
        0 => writeln!(f, "; all was read"),
        unread => writeln!(f, "; {} NOT examined", number(unread)),
    }
}

fn write_pillar(f: &mut fmt::Formatter<'_>, pillar: &PillarReport) -> fmt::Result {
    writeln!(f, "  {}: {}", pillar.id, line(&verdict(pillar)))?;
    let asked = &pillar.examined.rules;
    if !asked.is_empty() {
        let rules = asked.iter().map(|count| {
            let (looked_at, objects) = (number(count.looked_at), number(count.objects));
            format!("{} {looked_at} in {objects}", count.rule)
        });
        wrap(f, "      looked at: ", rules)?;
    }
    let others = RULES.iter().filter(|rule| {
        rule.pillar() == pillar.id && asked.iter().all(|count| count.rule != rule.id)
    });
    let others: Vec<&str> = others.map(|rule| rule.id).collect();
    if !others.is_empty() {
        let others = others.into_iter().map(str::to_owned);
        wrap(
            f,
            "      not asked, for nothing here is of their kind: ",
            others,
        )?;
    }
    if !pillar.not_covered.is_empty() {
        let rules = pillar.not_covered.iter().map(ToString::to_string);
        wrap(f, "      not covered: ", rules)?;
    }
    Ok(())
}

fn write_finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    writeln!(
        f,
        "  {} CWE-{} {}",
        finding.rule.id, finding.rule.cwe, finding.target
    )?;
    writeln!(f, "      {}", line(&finding.title))?;
    if let Some(adjusted) = &finding.adjusted {
        writeln!(f, "      {}", line(adjusted))?;
    }
    for evidence in &finding.evidence {
        let place = evidence
            .offset
            .map(|offset| format!(" at byte {offset:#x}"))
            .unwrap_or_default();
        let what = line(&evidence.what);
        writeln!(f, "      {what}: {}{place}", evidence.found)?;
    }
    Ok(())
}

/// A list after `start`, in lines of its width, the further ones indented like the first.
fn wrap(
    f: &mut fmt::Formatter<'_>,
    start: &str,
    items: impl Iterator<Item = String>,
) -> fmt::Result {
    let indent = start.len().saturating_sub(start.trim_start().len());
    let mut column = start.chars().count();
    f.write_str(start)?;
    let mut first = true;
    for item in items {
        let length = item.chars().count().saturating_add(2);
        if !first {
            f.write_str(",")?;
            if column.saturating_add(length) > WIDTH {
                write!(f, "\n{:indent$} ", "")?;
                column = indent.saturating_add(2);
            }
            f.write_str(" ")?;
        }
        first = false;
        column = column.saturating_add(length);
        f.write_str(&item)?;
    }
    writeln!(f)
}
