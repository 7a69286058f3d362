//! The report as one page of HTML, for a browser: the ten pillars at a glance, the findings with a filter, what loads what, and what
//! was examined.
//!
//! The page has no script at all, and a policy that forbids every browser to run one or to fetch anything: the filter is made of
//! style sheets. What a file chose is escaped like everything else, and could do nothing if it were not.

mod graph;

use std::fmt;

use super::words::{counted, known, len, line, number, size, verdict};
use super::{PillarReport, Report, Verdict};
use crate::finding::Finding;
use crate::pillar::Pillar;
use crate::rule::Rule;
use plugwright_trust::Severity;

const STYLE: &str = include_str!("html/style.css");
/// Nothing is fetched, nothing runs, nothing is sent; the page's own style sheet is all that there is.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";
/// Groups of so few findings show their evidence at once.
const OPEN: usize = 6;

/// The report as a page of HTML; see [`Report::html`].
#[derive(Clone, Copy, Debug)]
pub struct Html<'a>(&'a Report);

impl Report {
    /// The report as one page of HTML, to be printed. It needs no network and runs no script.
    #[must_use]
    pub const fn html(&self) -> Html<'_> {
        Html(self)
    }
}

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(
            f,
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>Security review by the ten pillars of CWE {}</title>
<style>
{STYLE}{}</style>
</head>
<body>
<form>"#,
            report.cwe_version,
            filters(),
        )?;
        header(f, report)?;
        writeln!(f, "<main>")?;
        pillars(f, report)?;
        findings(f, report)?;
        accepted(f, report)?;
        context(f, report)?;
        graph::write(f, report)?;
        examined(f, report)?;
        writeln!(
            f,
            "<footer><p>Written by plugwright audit {}. Weaknesses are those of CWE {}, © The MITRE Corporation.</p></footer>\n</main>\n</form>\n</body>\n</html>",
            env!("CARGO_PKG_VERSION"),
            report.cwe_version,
        )
    }
}

/// The style sheet of the filter: what is not asked for is not shown.
fn filters() -> String {
    let severities = Severity::ALL.map(|severity| {
        format!(
            "body:has(#show-{severity}:not(:checked)) .group.s-{severity} {{ display: none; }}\n"
        )
    });
    let pillars = Pillar::ALL.map(|pillar| {
        let id = pillar.id();
        format!("body:has(#only-{id}:checked) .group:not(.p-{id}) {{ display: none; }}\n")
    });
    severities.concat() + &pillars.concat()
}

fn header(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let text = &report.assessment.text;
    let (found, rest) = text.split_once(". ").unwrap_or((text, ""));
    let known = known(report.known);
    let notes = known.iter().chain(&report.warnings);
    let notes: String = notes
        .map(|note| format!("<p>{}</p>\n", escaped(note)))
        .collect();
    writeln!(
        f,
        r##"<header><div>
<h1>Security review</h1>
<p class="lead"><span class="badge s-{}">{}</span> <strong>{}</strong></p>
<p>{}</p>
<p class="soft">{}. By the ten pillars of CWE {}. Nothing that was reviewed was executed.</p>
{notes}<nav><a href="#pillars">Pillars</a><a href="#findings">Findings</a><a href="#context">Context</a><a href="#loads">What loads what</a><a href="#examined">What was examined</a><a href="#uncovered">Not covered</a></nav>
</div></header>"##,
        report.assessment.worst.map_or("good", Severity::as_str),
        report.assessment.worst.map_or("clean", Severity::as_str),
        escaped(found),
        escaped(rest),
        reviewed(report),
        report.cwe_version,
    )
}

/// What was reviewed, in a few words: the whole list stands further down.
fn reviewed(report: &Report) -> String {
    const SHOWN: usize = 3;
    let targets = report.targets.iter().take(SHOWN);
    let targets =
        targets.map(|target| format!("<code>{}</code>", escaped(&target.target.to_string())));
    let targets: Vec<String> = targets.collect();
    let more = report.targets.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("Reviewed: {}{more}", targets.join(", "))
}

fn pillars(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(
        f,
        r#"<h2 id="pillars">The ten pillars</h2>
<div class="cards">"#
    )?;
    for pillar in &report.pillars {
        card(f, pillar)?;
    }
    writeln!(f, "</div>")
}

fn card(f: &mut fmt::Formatter<'_>, pillar: &PillarReport) -> fmt::Result {
    let worst = pillar.by_severity.first().map(|(severity, _)| *severity);
    let tone = match pillar.verdict {
        Verdict::NoFinding => "good",
        Verdict::NotApplicable => "none",
        Verdict::Findings => worst.map_or("info", Severity::as_str),
    };
    let chips: Vec<String> = match pillar.verdict {
        Verdict::Findings => pillar
            .by_severity
            .iter()
            .map(|(severity, count)| {
                format!(
                    r#"<span class="badge s-{severity}">{} {severity}</span>"#,
                    number(len(*count))
                )
            })
            .collect(),
        Verdict::NoFinding => vec![r#"<span class="badge s-good">no finding</span>"#.to_owned()],
        Verdict::NotApplicable => {
            vec![r#"<span class="badge s-none">not applicable</span>"#.to_owned()]
        }
    };
    let foot = match &pillar.reason {
        Some(reason) => escaped(reason),
        None => {
            let looked = pillar.examined.rules.iter();
            let looked = looked.fold(0_u64, |sum, count| sum.saturating_add(count.looked_at));
            format!(
                "{} looked at {}",
                counted(len(pillar.examined.rules.len()), "rule", "rules"),
                counted(looked, "thing", "things"),
            )
        }
    };
    writeln!(
        f,
        r#"<label class="card s-{tone}"><input type="radio" name="pillar" id="only-{id}"/><span class="id">CWE-{id}</span><strong>{}</strong><span class="chips">{}</span><span class="foot">{foot}</span></label>"#,
        escaped(pillar.name),
        chips.concat(),
        id = pillar.id.id(),
    )
}

/// Findings of one rule and one severity.
struct Group<'a> {
    severity: Severity,
    rule: &'static Rule,
    findings: Vec<&'a Finding>,
}

/// The findings by severity and rule, in the order of the report.
fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in &report.findings {
        let same = |group: &&mut Group<'_>| {
            group.severity == finding.severity && group.rule == finding.rule
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.findings.push(finding),
            None => groups.push(Group {
                severity: finding.severity,
                rule: finding.rule,
                findings: vec![finding],
            }),
        }
    }
    groups.sort_by_key(|group| (std::cmp::Reverse(group.severity), group.rule.id));
    groups
}

fn findings(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(f, r#"<h2 id="findings">Findings</h2>"#)?;
    let groups = groups(report);
    if groups.is_empty() {
        return writeln!(
            f,
            r##"<p class="empty">Nothing was found. What that rests on stands below, under <a href="#examined">what was examined</a>.</p>"##
        );
    }
    writeln!(f, r#"<div class="filter">"#)?;
    for severity in Severity::ALL {
        let same = |finding: &&Finding| finding.severity == severity;
        let count = report.findings.iter().filter(same).count();
        if count > 0 {
            writeln!(
                f,
                r#"<label><input type="checkbox" id="show-{severity}" checked=""/><span class="badge s-{severity}">{} {severity}</span></label>"#,
                number(len(count))
            )?;
        }
    }
    writeln!(
        f,
        r#"<span class="soft">A pillar above, when chosen, shows its own findings only.</span><button type="reset">Show all</button></div>"#
    )?;
    for group in &groups {
        write_group(f, group)?;
    }
    Ok(())
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &Group<'_>) -> fmt::Result {
    let (rule, severity) = (group.rule, group.severity);
    writeln!(
        f,
        r#"<section class="group s-{severity} p-{}">
<div class="head"><span class="badge">{severity}</span><h3>{} {}</h3><span class="soft">{}</span></div>
<div class="about"><p>{}</p><p><strong>To do:</strong> {}</p><p class="soft"><a href="https://cwe.mitre.org/data/definitions/{cwe}.html">CWE-{cwe}</a> {} · {}</p></div>"#,
        rule.pillar().id(),
        rule.id,
        escaped(rule.title),
        counted(len(group.findings.len()), "finding", "findings"),
        escaped(rule.why),
        escaped(rule.remedy),
        escaped(rule.weakness().map_or("", |weakness| weakness.name)),
        escaped(&rule.pillar().to_string()),
        cwe = rule.cwe,
    )?;
    for finding in &group.findings {
        let open = if group.findings.len() <= OPEN {
            r#" open="""#
        } else {
            ""
        };
        writeln!(
            f,
            r#"<details class="finding"{open}><summary><code>{}</code> <span class="what">{}</span></summary><dl>"#,
            escaped(&finding.target.to_string()),
            escaped(&finding.title),
        )?;
        for evidence in &finding.evidence {
            let place = evidence.offset.map_or_else(String::new, |offset| {
                format!(r#" <span class="soft">at byte {offset:#x}</span>"#)
            });
            writeln!(
                f,
                "<dt>{}</dt><dd><code>{}</code>{place}</dd>",
                escaped(&evidence.what),
                escaped(&evidence.found.to_string()),
            )?;
        }
        if let Some(adjusted) = &finding.adjusted {
            writeln!(f, "<dt>severity</dt><dd>{}</dd>", escaped(adjusted))?;
        }
        writeln!(
            f,
            r#"<dt>fingerprint</dt><dd><code class="soft">{}</code></dd></dl></details>"#,
            escaped(&finding.fingerprint)
        )?;
    }
    writeln!(f, "</section>")
}

fn accepted(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    if report.accepted.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        r#"<h2 id="accepted">Accepted</h2>
<div class="table"><table><thead><tr><th>rule</th><th>severity</th><th>target</th><th>what</th><th>why it is accepted</th><th>until</th></tr></thead><tbody>"#
    )?;
    for accepted in &report.accepted {
        let finding = &accepted.finding;
        writeln!(
            f,
            r#"<tr><td>{}</td><td><span class="badge s-{severity}">{severity}</span></td><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>"#,
            finding.rule.id,
            escaped(&finding.target.to_string()),
            escaped(&finding.title),
            escaped(&accepted.reason.to_string()),
            accepted.expires,
            severity = finding.severity,
        )?;
    }
    writeln!(f, "</tbody></table></div>")
}

fn context(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(f, r#"<h2 id="context">Context</h2>"#)?;
    if report.context.is_empty() {
        return writeln!(
            f,
            r#"<p class="soft">Nothing of the surroundings makes a finding worse or milder.</p>"#
        );
    }
    writeln!(
        f,
        r#"<div class="table"><table><thead><tr><th>subject</th><th>about</th><th>what is known</th></tr></thead><tbody>"#
    )?;
    for note in &report.context {
        writeln!(
            f,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            escaped(&note.subject.to_string()),
            note.kind.as_str(),
            escaped(&note.text)
        )?;
    }
    writeln!(f, "</tbody></table></div>")
}

fn examined(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(
        f,
        r#"<h2 id="examined">What was examined</h2>
<div class="table"><table><thead><tr><th>target</th><th>kind</th><th class="number">files</th><th class="number">images</th><th class="number">size</th><th class="number">processes</th><th class="number">not examined</th></tr></thead><tbody>"#
    )?;
    for target in &report.targets {
        writeln!(
            f,
            r#"<tr><td><code>{}</code></td><td>{}</td><td class="number">{}</td><td class="number">{}</td><td class="number">{}</td><td class="number">{}</td><td class="number">{}</td></tr>"#,
            escaped(&target.target.to_string()),
            target.kind,
            number(target.files),
            number(target.images),
            size(target.bytes),
            number(target.processes),
            number(target.unread),
        )?;
    }
    writeln!(
        f,
        r#"</tbody></table></div>
<p class="soft">Below, of each rule: how many files, folders or processes it was asked of, and how many things in them it looked at.</p>
<div class="table"><table><thead><tr><th>pillar</th><th>rule</th><th class="number">asked of</th><th class="number">looked at</th></tr></thead><tbody>"#
    )?;
    for pillar in &report.pillars {
        let name = escaped(&pillar.id.to_string());
        if pillar.examined.rules.is_empty() {
            writeln!(
                f,
                r#"<tr><td>{name}</td><td colspan="3" class="soft">{}</td></tr>"#,
                escaped(&verdict(pillar))
            )?;
        }
        for (count, first) in pillar.examined.rules.iter().zip(first_only(&name)) {
            let title = crate::rules::rule(count.rule).map_or("", |rule| rule.title);
            writeln!(
                f,
                r#"<tr><td>{first}</td><td>{} {}</td><td class="number">{}</td><td class="number">{}</td></tr>"#,
                count.rule,
                escaped(title),
                number(count.objects),
                number(count.looked_at)
            )?;
        }
    }
    writeln!(
        f,
        r#"</tbody></table></div>
<h2 id="uncovered">Not covered</h2>
<p>What the code does once it runs, and the {} rules about source code: {}.</p>"#,
        report.not_covered.len(),
        report.not_covered.join(", "),
    )
}

/// `text` once, then nothing for ever: a cell that is written in the first row only.
fn first_only(text: &str) -> impl Iterator<Item = &str> {
    std::iter::once(text).chain(std::iter::repeat(""))
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
            other => escaped.push(other),
        }
    }
    escaped
}
