//! The report: all ten pillars, what was examined for each, then the findings. As data, which serialises to the JSON that
//! docs/cli.md describes, and as text.

#[cfg(test)]
mod hostile;
mod html;
mod junit;
mod markdown;
mod sarif;
mod text;
mod words;

use plugwright_inspect::Untrusted;
use serde::Serialize;

use crate::context::ContextNote;
use crate::cwe;
use crate::finding::Finding;
use crate::options::Tier;
use crate::pillar::Pillar;
use crate::rules::RULES;
use crate::severity::Severity;
use crate::source_rules;
use crate::target::TargetKind;

pub use html::Html;
pub use junit::Junit;
pub use markdown::Markdown;

/// The result of a review.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of CWE whose weaknesses are named.
    pub cwe_version: &'static str,
    /// How deep the review went.
    pub tier: Tier,
    /// What was reviewed, in the order in which it was asked: one for each target that was given.
    pub targets: Vec<TargetReport>,
    /// All ten, in the order of their numbers.
    pub pillars: Vec<PillarReport>,
    /// What was found, the worst first, then by target and rule.
    pub findings: Vec<Finding>,
    /// The surroundings, by target: who can write what, who loads it, from where.
    pub context: Vec<ContextNote>,
    /// What loads what, by the loading file and in its order; direct needs only.
    pub loads: Vec<Load>,
    /// What it comes to.
    pub assessment: Assessment,
    /// The rules for source code, which were not asked.
    pub not_covered: Vec<&'static str>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TargetReport {
    /// The file or folder as it was given, or `process N`.
    pub target: Untrusted,
    /// What it turned out to be.
    pub kind: TargetKind,
    /// What was come across: files, folders, links and others below a folder, the mapped files of a process.
    pub entries: u64,
    /// Files that were looked at.
    pub files: u64,
    /// Images of libraries and programs in them.
    pub images: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Links below a folder. They are not followed: what they lead to is reviewed where it lies, if it lies below the folder,
    /// and told otherwise.
    pub links: u64,
    /// Processes that were looked at.
    pub processes: u64,
    /// What could not be read: each is a finding.
    pub unread: u64,
}

impl TargetReport {
    pub(crate) const fn new(target: Untrusted, kind: TargetKind) -> Self {
        Self {
            target,
            kind,
            entries: 0,
            files: 0,
            images: 0,
            bytes: 0,
            links: 0,
            processes: 0,
            unread: 0,
        }
    }
}

/// A library that another file asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub struct Load {
    /// The file that needs it.
    pub from: Untrusted,
    /// The name under which it does.
    pub name: Untrusted,
    /// Where the loader finds it. `None` where it does not, and in reviews that do not look (see [`Tier`]).
    pub path: Option<Untrusted>,
}

/// What a review comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Assessment {
    /// The severity of the worst finding.
    pub worst: Option<Severity>,
    /// In a sentence. Escaped already.
    pub text: String,
}

/// How often a rule was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleCount {
    /// The rule.
    pub rule: &'static str,
    /// Files, folders or processes that it was asked of.
    pub objects: u64,
    /// Things in them that it looked at: names, symbols, segments.
    pub looked_at: u64,
}

/// One pillar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PillarReport {
    /// The pillar.
    pub id: Pillar,
    /// Its name.
    pub name: &'static str,
    /// What the review says of it.
    pub verdict: Verdict,
    /// Why it does not apply, if it does not.
    pub reason: Option<String>,
    /// Findings by severity, the worst first; those without any are left out.
    pub by_severity: Vec<(Severity, usize)>,
    /// What the verdict rests on.
    pub examined: Examined,
    /// The rules for source code that belong to it, which were not asked.
    pub not_covered: Vec<&'static str>,
}

/// What a review says of a pillar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Its rules were asked and found nothing.
    NoFinding,
    /// There are findings.
    Findings,
    /// No rule of it was asked.
    NotApplicable,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Examined {
    /// Images of libraries and programs.
    pub objects: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The rules, with how often each was asked.
    pub rules: Vec<RuleCount>,
}

/// What a review gathered.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) tier: Tier,
    pub(crate) targets: Vec<TargetReport>,
    /// One for each rule, in the order of [`RULES`].
    pub(crate) counts: Vec<RuleCount>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) context: Vec<ContextNote>,
    pub(crate) loads: Vec<Load>,
}

impl Assessment {
    fn of(findings: &[Finding], pillars: &[PillarReport], targets: &[TargetReport]) -> Self {
        let worst = findings
            .iter()
            .max_by_key(|finding| finding.severity)
            .map(|finding| finding.severity);
        let count = |severity| {
            let same = |finding: &&Finding| finding.severity == severity;
            findings.iter().filter(same).count()
        };
        let counts = Severity::ALL.map(|severity| (severity, count(severity)));
        let counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        let found = if counts.is_empty() {
            "Nothing was found".to_owned()
        } else {
            format!("Found: {}", words::by_severity(&counts))
        };
        let asked = pillars
            .iter()
            .filter(|pillar| !pillar.examined.rules.is_empty());
        let rules = asked.clone().flat_map(|pillar| &pillar.examined.rules);
        let looked_at = rules.clone().map(|rule| rule.looked_at);
        let sum =
            |of: fn(&TargetReport) -> u64| targets.iter().map(of).fold(0, u64::saturating_add);
        let mut objects = vec![words::counted(
            sum(|target| target.images),
            "image",
            "images",
        )];
        let processes = sum(|target| target.processes);
        if processes > 0 {
            objects.push(words::counted(processes, "process", "processes"));
        }
        let unread = match sum(|target| target.unread) {
            0 => "all that was asked for was read".to_owned(),
            unread => format!(
                "{} of what was asked for could not be examined",
                words::number(unread)
            ),
        };
        Self {
            worst,
            text: format!(
                "{found}. {} of {} looked at {} in {}; {unread}.",
                words::counted(words::len(rules.count()), "rule", "rules"),
                words::counted(words::len(asked.count()), "pillar", "pillars"),
                words::counted(looked_at.fold(0, u64::saturating_add), "thing", "things"),
                objects.join(" and "),
            ),
        }
    }
}

impl Report {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            tier,
            targets,
            counts,
            mut findings,
            mut context,
            loads,
        } = parts;
        let counts = RULES.iter().zip(counts).map(|(rule, count)| RuleCount {
            rule: rule.id,
            ..count
        });
        let counts: Vec<RuleCount> = counts.collect();
        let key = |finding: &Finding| {
            (
                finding.target.clone(),
                finding.rule.id,
                finding.title.clone(),
            )
        };
        findings.sort_by_cached_key(|finding| (std::cmp::Reverse(finding.severity), key(finding)));
        context.sort();
        context.dedup();
        let sum =
            |of: fn(&TargetReport) -> u64| targets.iter().map(of).fold(0, u64::saturating_add);
        let (objects, bytes) = (sum(|target| target.images), sum(|target| target.bytes));
        let pillars =
            Pillar::ALL.map(|pillar| PillarReport::new(pillar, &counts, &findings, objects, bytes));
        let mut not_covered: Vec<&str> = Pillar::ALL
            .into_iter()
            .flat_map(source_rules::of)
            .map(|(id, _)| id)
            .collect();
        not_covered.sort_unstable();
        Self {
            cwe_version: cwe::VERSION,
            tier,
            assessment: Assessment::of(&findings, &pillars, &targets),
            targets,
            pillars: pillars.into(),
            findings,
            context,
            loads,
            not_covered,
        }
    }
}

impl PillarReport {
    fn new(
        pillar: Pillar,
        counts: &[RuleCount],
        findings: &[Finding],
        objects: u64,
        bytes: u64,
    ) -> Self {
        let own = |count: &&RuleCount| {
            RULES
                .iter()
                .any(|rule| rule.id == count.rule && rule.pillar() == pillar)
        };
        let rules: Vec<RuleCount> = counts
            .iter()
            .filter(own)
            .filter(|count| count.objects > 0)
            .cloned()
            .collect();
        let found = |severity| {
            let of =
                |finding: &&Finding| finding.pillar() == pillar && finding.severity == severity;
            (severity, findings.iter().filter(of).count())
        };
        let by_severity = Severity::ALL
            .into_iter()
            .map(found)
            .filter(|(_, count)| *count > 0);
        let by_severity: Vec<_> = by_severity.collect();
        let verdict = if !by_severity.is_empty() {
            Verdict::Findings
        } else if rules.is_empty() {
            Verdict::NotApplicable
        } else {
            Verdict::NoFinding
        };
        let reason = (verdict == Verdict::NotApplicable).then(|| {
            if RULES.iter().any(|rule| rule.pillar() == pillar) {
                "nothing was read that its rules can be asked of".to_owned()
            } else {
                "its rules are about source code".to_owned()
            }
        });
        Self {
            id: pillar,
            name: pillar.name(),
            verdict,
            reason,
            by_severity,
            examined: Examined {
                objects,
                bytes,
                rules,
            },
            not_covered: source_rules::of(pillar).map(|(id, _)| id).collect(),
        }
    }
}
