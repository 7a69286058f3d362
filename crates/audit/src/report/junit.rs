//! The report as JUnit's XML, for servers that show test results: a suite per pillar, a case per rule that found nothing and per
//! finding.

use std::fmt;

use super::words::{line, number};
use super::{PillarReport, Report, Verdict};
use crate::finding::Finding;
use crate::rules;
use crate::waiver::Accepted;
use plugwright_trust::Severity;

/// The report as JUnit's XML; see [`Report::junit`].
#[derive(Clone, Copy, Debug)]
pub struct Junit<'a> {
    report: &'a Report,
    fail_on: Severity,
}

impl Report {
    /// The report as JUnit's XML, to be printed. Findings as bad as `fail_on` or worse are failures; milder ones are cases that
    /// passed, with what was found as their output.
    #[must_use]
    pub const fn junit(&self, fail_on: Severity) -> Junit<'_> {
        Junit {
            report: self,
            fail_on,
        }
    }
}

impl fmt::Display for Junit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        let failed = self.failed(&self.report.findings.iter().collect::<Vec<_>>());
        let suites = || self.report.pillars.iter().map(|pillar| self.suite(pillar));
        let cases: usize = suites().map(|suite| suite.cases()).sum();
        writeln!(
            f,
            r#"<testsuites name="plugwright audit" tests="{cases}" failures="{failed}">"#
        )?;
        for suite in suites() {
            self.write_suite(f, &suite)?;
        }
        writeln!(f, "</testsuites>")
    }
}

/// A pillar with its cases.
struct Suite<'a> {
    pillar: &'a PillarReport,
    findings: Vec<&'a Finding>,
    accepted: Vec<&'a Accepted>,
    /// Rules that were asked and found nothing, with how many things they looked at.
    passed: Vec<(&'static str, u64)>,
}

impl Suite<'_> {
    fn skipped(&self) -> usize {
        let absent = usize::from(self.pillar.verdict == Verdict::NotApplicable);
        self.accepted.len().saturating_add(absent)
    }

    fn cases(&self) -> usize {
        self.findings
            .len()
            .saturating_add(self.passed.len())
            .saturating_add(self.skipped())
    }
}

impl<'a> Junit<'a> {
    fn suite(&self, pillar: &'a PillarReport) -> Suite<'a> {
        let findings: Vec<&Finding> = self
            .report
            .findings
            .iter()
            .filter(|finding| finding.pillar() == pillar.id)
            .collect();
        let own = |accepted: &&Accepted| accepted.finding.pillar() == pillar.id;
        let accepted: Vec<&Accepted> = self.report.accepted.iter().filter(own).collect();
        let told = |id| {
            let mut rules = findings.iter().map(|finding| finding.rule.id);
            let mut others = accepted.iter().map(|accepted| accepted.finding.rule.id);
            rules.any(|found| found == id) || others.any(|found| found == id)
        };
        let counts = pillar.examined.rules.iter();
        let passed = counts
            .filter(|count| !told(count.rule))
            .map(|count| (count.rule, count.looked_at))
            .collect();
        Suite {
            pillar,
            passed,
            accepted,
            findings,
        }
    }

    fn failed(&self, findings: &[&Finding]) -> usize {
        let bad = |finding: &&&Finding| finding.severity >= self.fail_on;
        findings.iter().filter(bad).count()
    }

    fn write_suite(&self, f: &mut fmt::Formatter<'_>, suite: &Suite<'_>) -> fmt::Result {
        let name = escaped(&suite.pillar.id.to_string());
        writeln!(
            f,
            r#"  <testsuite name="{name}" tests="{}" failures="{}" skipped="{}">"#,
            suite.cases(),
            self.failed(&suite.findings),
            suite.skipped(),
        )?;
        for finding in &suite.findings {
            self.write_finding(f, &name, finding)?;
        }
        for (id, looked_at) in &suite.passed {
            let title = rules::rule(id).map_or("", |rule| rule.title);
            writeln!(
                f,
                r#"    <testcase classname="{name}" name="{id} {}"><system-out>nothing found in {} looked at</system-out></testcase>"#,
                escaped(title),
                number(*looked_at),
            )?;
        }
        for accepted in &suite.accepted {
            let finding = &accepted.finding;
            writeln!(
                f,
                r#"    <testcase classname="{name}" name="{} {}: {}"><skipped message="{}"/></testcase>"#,
                finding.rule.id,
                escaped(finding.rule.title),
                escaped(&finding.target.to_string()),
                escaped(&format!(
                    "accepted until {}: {}",
                    accepted.expires, accepted.reason
                )),
            )?;
        }
        if suite.pillar.verdict == Verdict::NotApplicable {
            writeln!(
                f,
                r#"    <testcase classname="{name}" name="not applicable"><skipped message="{}"/></testcase>"#,
                escaped(suite.pillar.reason.as_deref().unwrap_or_default()),
            )?;
        }
        writeln!(f, "  </testsuite>")
    }

    fn write_finding(
        &self,
        f: &mut fmt::Formatter<'_>,
        suite: &str,
        finding: &Finding,
    ) -> fmt::Result {
        writeln!(
            f,
            r#"    <testcase classname="{suite}" name="{} {}: {}">"#,
            finding.rule.id,
            escaped(finding.rule.title),
            escaped(&finding.target.to_string()),
        )?;
        let body = body(finding);
        if finding.severity >= self.fail_on {
            writeln!(
                f,
                r#"      <failure type="{}" message="{}">{body}</failure>"#,
                finding.severity,
                escaped(&finding.title),
            )?;
        } else {
            writeln!(
                f,
                "      <system-out>{}: {}\n{body}</system-out>",
                finding.severity,
                escaped(&finding.title)
            )?;
        }
        writeln!(f, "    </testcase>")
    }
}

/// Evidence, weakness and what to do, a line each.
fn body(finding: &Finding) -> String {
    let mut body = String::new();
    for evidence in &finding.evidence {
        let place = evidence
            .offset
            .map(|offset| format!(" at byte {offset:#x}"))
            .unwrap_or_default();
        body.push_str(&escaped(&evidence.what));
        body.push_str(": ");
        body.push_str(&escaped(&evidence.found.to_string()));
        body.push_str(&place);
        body.push('\n');
    }
    body.push_str(&escaped(&format!(
        "CWE-{}: {}",
        finding.rule.cwe, finding.rule.remedy
    )));
    body
}

/// A line as text of an element or as a value of an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in line(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // The two that a line may have and XML may not; controls are escaped already.
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_unicode()),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_element_or_attribute() {
        #[track_caller]
        fn check(hostile: &str, expected: &str) {
            assert_eq!(escaped(hostile), expected);
        }
        check(
            "a]]><b c=\"d\" e='&'/>",
            "a]]&gt;&lt;b c=&quot;d&quot; e=&#39;&amp;&#39;/&gt;",
        );
        check("a\0\u{1b}\n\u{ffff}", "a\\u{0}\\u{1b}\\n\\u{ffff}");
    }
}
