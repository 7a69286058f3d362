//! The report in GitHub-flavoured Markdown, for a merge request or a page of documentation.
//!
//! What a file chose stands in code spans only. Inside one there is neither markup nor HTML, and no address or name behind an `@`
//! becomes a link. Headings, lists and tables consist of the program's own words.

use std::fmt;

use super::words::{counted, known, line, number, size, verdict};
use super::{Report, Verdict};
use crate::finding::Finding;
use plugwright_trust::Severity;

/// The report in Markdown; see [`Report::markdown`].
#[derive(Clone, Copy, Debug)]
pub struct Markdown<'a>(&'a Report);

impl Report {
    /// The report in GitHub-flavoured Markdown, to be printed.
    #[must_use]
    pub const fn markdown(&self) -> Markdown<'_> {
        Markdown(self)
    }
}

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(
            f,
            "# Security review by the ten pillars of CWE {}\n",
            report.cwe_version
        )?;
        writeln!(f, "{}\n", text(&report.assessment.text))?;
        for note in known(report.known).iter().chain(&report.warnings) {
            writeln!(f, "{}\n", text(note))?;
        }
        targets(f, report)?;
        pillars(f, report)?;
        for severity in Severity::ALL {
            let findings = || {
                report
                    .findings
                    .iter()
                    .filter(|found| found.severity == severity)
            };
            if findings().next().is_some() {
                let mut name = severity.as_str().to_owned();
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                writeln!(f, "\n## {name}")?;
            }
            for found in findings() {
                finding(f, found)?;
            }
        }
        if !report.accepted.is_empty() {
            writeln!(f, "\n## Accepted\n")?;
        }
        for accepted in &report.accepted {
            let finding = &accepted.finding;
            writeln!(
                f,
                "- {} ({}) {}: {}; until {}: {}",
                finding.rule.id,
                finding.severity,
                code(&finding.target.to_string()),
                text(&finding.title),
                accepted.expires,
                text(&accepted.reason.to_string()),
            )?;
        }
        if !report.context.is_empty() {
            writeln!(f, "\n## Context\n")?;
            for note in &report.context {
                writeln!(
                    f,
                    "- {} {}: {}",
                    code(&note.subject.to_string()),
                    note.kind.as_str(),
                    text(&note.text)
                )?;
            }
        }
        writeln!(f, "\n## Not covered\n")?;
        writeln!(
            f,
            "The {} rules for source code ({}), and what the code does once it runs.",
            report.not_covered.len(),
            report.not_covered.join(" ")
        )
    }
}

fn targets(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(f, "## Targets\n")?;
    for target in &report.targets {
        writeln!(
            f,
            "- {} ({}): {}, {}, {}, {} not examined",
            code(&target.target.to_string()),
            target.kind,
            counted(target.files, "file", "files"),
            counted(target.images, "image", "images"),
            size(target.bytes),
            number(target.unread),
        )?;
    }
    Ok(())
}

fn pillars(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(
        f,
        "\n## Pillars\n\n| pillar | verdict | examined | not covered |\n|---|---|---|---|"
    )?;
    for pillar in &report.pillars {
        let rules: Vec<String> = pillar
            .examined
            .rules
            .iter()
            .map(|count| format!("{} {}×", count.rule, number(count.looked_at)))
            .collect();
        let mark = match pillar.verdict {
            Verdict::Findings => "**",
            _ => "",
        };
        writeln!(
            f,
            "| {} | {mark}{}{mark} | {} | {} |",
            pillar.id,
            text(&verdict(pillar)),
            rules.join(", "),
            pillar.not_covered.join(" ")
        )?;
    }
    Ok(())
}

fn finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    writeln!(
        f,
        "\n### {}: {}\n",
        finding.rule.id,
        text(finding.rule.title)
    )?;
    writeln!(f, "- where: {}", code(&finding.target.to_string()))?;
    writeln!(f, "- what: {}", text(&finding.title))?;
    for evidence in &finding.evidence {
        let place = evidence
            .offset
            .map(|offset| format!(" at byte {offset:#x}"))
            .unwrap_or_default();
        writeln!(
            f,
            "- {}: {}{place}",
            text(&evidence.what),
            code(&evidence.found.to_string())
        )?;
    }
    if let Some(adjusted) = &finding.adjusted {
        writeln!(f, "- severity: {}", text(adjusted))?;
    }
    writeln!(
        f,
        "- weakness: CWE-{} {}",
        finding.rule.cwe,
        finding.rule.weakness().map_or("", |weakness| weakness.name)
    )?;
    writeln!(f, "- to do: {}", text(finding.rule.remedy))
}

/// A sentence: as it stands if no character of it means anything in Markdown, in a code span otherwise.
fn text(sentence: &str) -> String {
    let sentence = line(sentence);
    let plain = |character: char| character.is_alphanumeric() || " ,;'()/-.:%=".contains(character);
    if sentence.chars().all(plain) && !sentence.contains("//") && !sentence.contains("www.") {
        sentence.into_owned()
    } else {
        code(&sentence)
    }
}

/// A code span, with more backticks around than inside, so that it ends where it should. A line that is escaped already.
fn code(text: &str) -> String {
    let runs = text.split(|character| character != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).saturating_add(1));
    // One space on each side is taken away again; without, a span could begin or end with a backtick, or be empty.
    let pad = if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_in_its_span() {
        #[track_caller]
        fn check(hostile: &str, expected: &str) {
            assert_eq!(text(hostile), expected);
        }
        check("the run path is relative", "the run path is relative");
        check("**bold**", "`**bold**`");
        check("<script>", "`<script>`");
        check("a `b` c", "``a `b` c``");
        check("`", "`` ` ``");
        check("@everyone", "`@everyone`");
        check("https://a.example", "`https://a.example`");
        check("a\n# b", r"`a\n# b`");
    }
}
