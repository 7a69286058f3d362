//! What a review comes to, in the words of a reviewer: what was found, where nothing was, on what that rests, and what follows.

use plugwright_trust::Severity;

use super::words::{by_severity, counted, len, number};
use super::{Assessment, Report, RuleCount, TargetReport, Verdict};
use crate::pillar::Pillar;

impl Assessment {
    pub(super) fn of(report: &Report) -> Self {
        let worst = report.findings.iter().map(|finding| finding.severity).max();
        let sentences = [
            found(report),
            begin_with(report),
            pillars(report),
            writers(report),
            closures(report),
            basis(report),
            consequence(report, worst).to_owned(),
        ];
        let told: Vec<&str> = sentences
            .iter()
            .map(String::as_str)
            .filter(|sentence| !sentence.is_empty())
            .collect();
        Self {
            worst,
            text: told.join(" "),
        }
    }
}

fn found(report: &Report) -> String {
    let count = |severity| {
        let findings = report.findings.iter();
        let same = findings.filter(|finding| finding.severity == severity);
        (severity, same.count())
    };
    let counts = Severity::ALL.map(count).into_iter();
    let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    let new = if report.known.is_some() { " new" } else { "" };
    let found = if counts.is_empty() {
        format!("Nothing{new} was found")
    } else {
        format!("Found{new}: {}", by_severity(&counts))
    };
    match report.accepted.len() {
        0 => format!("{found}."),
        accepted => format!("{found} ({accepted} accepted)."),
    }
}

/// The first of the findings, which are in the order of their severity.
fn begin_with(report: &Report) -> String {
    let worth = |finding: &&crate::finding::Finding| finding.severity >= Severity::Medium;
    let Some(first) = report.findings.first().filter(worth) else {
        return String::new();
    };
    // The rule's own words: what a file chose stands with the finding.
    let (rule, severity) = (first.rule, first.severity);
    format!(
        "The first to look at is {severity}, of {}: {}.",
        rule.id, rule.title
    )
}

fn pillars(report: &Report) -> String {
    let of = |verdict| {
        let pillars = report.pillars.iter();
        let same = pillars.filter(move |pillar| pillar.verdict == verdict);
        same.map(|pillar| pillar.id).collect::<Vec<Pillar>>()
    };
    let numbers = |pillars: &[Pillar]| {
        let numbers: Vec<String> = pillars
            .iter()
            .map(|pillar| format!("CWE-{}", pillar.id()))
            .collect();
        numbers.join(", ")
    };
    let (with, without, other) = (
        of(Verdict::Findings),
        of(Verdict::NoFinding),
        of(Verdict::NotApplicable),
    );
    let mut parts = Vec::new();
    if !with.is_empty() {
        parts.push(format!("{} with findings ({})", with.len(), numbers(&with)));
    }
    let any = if with.is_empty() { "a finding" } else { "any" };
    parts.push(format!("{} without {any}", without.len()));
    if !other.is_empty() {
        let (count, numbers) = (other.len(), numbers(&other));
        parts.push(format!("{count} of which no rule applies ({numbers})"));
    }
    format!("Of the ten pillars there are {}.", parts.join(", "))
}

/// How often a rule was asked, if it was.
fn asked<'r>(report: &'r Report, rule: &str) -> Option<&'r RuleCount> {
    let rules = report.pillars.iter();
    let mut rules = rules.flat_map(|pillar| &pillar.examined.rules);
    rules.find(|count| count.rule == rule)
}

fn has(report: &Report, rules: &[&str]) -> bool {
    let accepted = report.accepted.iter().map(|accepted| &accepted.finding);
    let mut findings = report.findings.iter().chain(accepted);
    findings.any(|finding| rules.contains(&finding.rule.id))
}

fn writers(report: &Report) -> String {
    let rules = ["D01", "D02", "D03"];
    if asked(report, "D02").is_none() || report.known.is_some() {
        String::new()
    } else if has(report, &rules) {
        "Others can write what is loaded here, or a folder on the way to it.".to_owned()
    } else {
        "Nobody but those who are trusted can write what is loaded here, or a folder on the way to it."
            .to_owned()
    }
}

fn closures(report: &Report) -> String {
    let is_asked = asked(report, "B27").is_some_and(|count| count.objects > 0);
    if !is_asked || report.known.is_some() {
        String::new()
    } else if has(report, &["B27"]) {
        "Something that it needs is nowhere, or is brought along by who loads it.".to_owned()
    } else {
        "All libraries and symbols that it needs are there.".to_owned()
    }
}

/// What the answer rests on.
fn basis(report: &Report) -> String {
    let asked = report.pillars.iter();
    let asked = asked.filter(|pillar| !pillar.examined.rules.is_empty());
    let rules = asked.clone().flat_map(|pillar| &pillar.examined.rules);
    let looked_at = rules.clone().map(|rule| rule.looked_at);
    let looked_at = looked_at.fold(0, u64::saturating_add);
    let sum = |of: fn(&TargetReport) -> u64| {
        let targets = report.targets.iter().map(of);
        targets.fold(0, u64::saturating_add)
    };
    let images = sum(|target| target.images);
    let mut objects = vec![counted(images, "image", "images")];
    let processes = sum(|target| target.processes);
    if processes > 0 {
        objects.push(counted(processes, "process", "processes"));
    }
    let unread = match sum(|target| target.unread) {
        0 => "all that was asked for was read".to_owned(),
        unread => format!(
            "{} of what was asked for could not be examined",
            number(unread)
        ),
    };
    format!(
        "This rests on {} of {}, which looked at {} in {}; {unread}.",
        counted(len(rules.count()), "rule", "rules"),
        counted(len(asked.count()), "pillar", "pillars"),
        counted(looked_at, "thing", "things"),
        objects.join(" and "),
    )
}

/// What follows, by the worst finding.
fn consequence(report: &Report, worst: Option<Severity>) -> &'static str {
    let unread = report.targets.iter().any(|target| target.unread > 0);
    match worst {
        Some(Severity::Critical) => {
            "It must not be used as it stands: others decide what runs here."
        }
        Some(Severity::High) => {
            "It should not be used before what is high is mended, or accepted with a reason."
        }
        _ if unread => "What could not be examined may hold anything: the answer is not complete.",
        Some(Severity::Medium) => {
            "Defences are weaker than they could be; nothing that was found lets others run code by itself."
        }
        Some(Severity::Low | Severity::Info) => {
            "What was found is a matter of hygiene: it keeps nobody from using this who trusts its author."
        }
        None => {
            "Nothing that these rules look for speaks against using this, where its author is trusted."
        }
    }
}
