//! The report as a person reads it: what was reviewed, the ten pillars with what each verdict rests on, the findings, the
//! surroundings, what it comes to, and what it does not cover.

use std::collections::BTreeMap;
use std::fmt;

use super::words::{counted, known, line, number, size, verdict};
use super::{PillarReport, Report, TargetReport};
use crate::finding::Finding;
use crate::options::Tier;
use crate::rules::RULES;
use plugwright_trust::Severity;

/// Findings of one severity that are printed in full; the other formats have all.
const MOST: usize = 200;
/// Lines of lists end before this column, as people like to read; a long path may go beyond it.
const WIDTH: usize = 100;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Security review by the ten pillars of CWE {}, with the {} rules of plugwright {}\n",
            self.cwe_version,
            RULES.len(),
            env!("CARGO_PKG_VERSION"),
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
            "\nTHE TEN PILLARS, each with its rules, what they found, and among how much"
        )?;
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for finding in &self.findings {
            let count = found.entry(finding.rule.id).or_default();
            *count = count.saturating_add(1);
        }
        for pillar in &self.pillars {
            write_pillar(f, pillar, &found)?;
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
        writeln!(f, "\nOVERALL")?;
        let assessment = line(&self.assessment.text);
        fill(f, "  ", assessment.split(' '), " ")?;
        for note in known(self.known).iter().chain(&self.warnings) {
            writeln!(f, "  {}", line(note))?;
        }
        writeln!(f, "\nNOT COVERED")?;
        let mut words = vec![
            "What the code does once it runs: whether it is correct, keeps secrets, and does what it says.",
            "Whether its author is to be trusted.",
        ];
        words.extend(match self.tier {
            Tier::Files => Some("What the libraries bring in (--tier closure)."),
            Tier::Closure => None,
        });
        let (count, ends) = (
            self.not_covered.len(),
            (self.not_covered.first(), self.not_covered.last()),
        );
        let source = match ends {
            (Some(first), Some(last)) => format!(
                "Source code, with the {count} rules {first} to {last}, which the pillars name above."
            ),
            _ => String::new(),
        };
        let words = words.into_iter().chain([source.as_str()]);
        fill(f, "  ", words.flat_map(|sentence| sentence.split(' ')), " ")
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

fn write_pillar(
    f: &mut fmt::Formatter<'_>,
    pillar: &PillarReport,
    found: &BTreeMap<&str, u64>,
) -> fmt::Result {
    writeln!(f, "  {}: {}", pillar.id, line(&verdict(pillar)))?;
    let asked = &pillar.examined.rules;
    for count in asked {
        let title = RULES.iter().find(|rule| rule.id == count.rule);
        let title = title.map_or("", |rule| rule.title);
        let objects = counted(count.objects, "object", "objects");
        let outcome = match found.get(count.rule) {
            Some(found) => format!("{} in {objects}", counted(*found, "finding", "findings")),
            None if count.looked_at == 0 => format!("nothing of the kind in {objects}"),
            None => format!("none among {} in {objects}", number(count.looked_at)),
        };
        writeln!(f, "      {} {title}: {outcome}", count.rule)?;
    }
    let others = RULES.iter().filter(|rule| {
        rule.pillar() == pillar.id && asked.iter().all(|count| count.rule != rule.id)
    });
    let others: Vec<&str> = others.map(|rule| rule.id).collect();
    if !others.is_empty() {
        let start = "      not asked, for nothing here is of their kind: ";
        fill(f, start, others.into_iter(), ", ")?;
    }
    if !pillar.not_covered.is_empty() {
        let rules = pillar.not_covered.iter().copied();
        fill(f, "      not covered, about source code: ", rules, ", ")?;
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

/// Words after `start`, in lines of the width, the further ones indented like the first. `between` ends with the space at which a
/// line may end.
fn fill<'w>(
    f: &mut fmt::Formatter<'_>,
    start: &str,
    words: impl Iterator<Item = &'w str>,
    between: &str,
) -> fmt::Result {
    let indent = start.len().saturating_sub(start.trim_start().len());
    let mut column = start.chars().count();
    f.write_str(start)?;
    let mut first = true;
    for word in words.filter(|word| !word.is_empty()) {
        let length = word.chars().count().saturating_add(between.len());
        if !first {
            f.write_str(between.trim_end())?;
            if column.saturating_add(length) > WIDTH {
                write!(f, "\n{:indent$}", "")?;
                column = indent;
            } else {
                f.write_str(" ")?;
            }
        }
        first = false;
        column = column.saturating_add(length);
        f.write_str(word)?;
    }
    writeln!(f)
}
