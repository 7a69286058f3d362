//! The report: all ten pillars, what was examined for each, then the findings. As data, which serialises to the JSON that
//! docs/cli.md describes, and as text.

mod assessment;
#[cfg(test)]
mod hostile;
mod html;
mod junit;
mod markdown;
mod sarif;
mod text;
mod words;

use std::collections::BTreeMap;

use plugwright_inspect::Untrusted;
use serde::Serialize;

use crate::context::ContextNote;
use crate::cwe;
use crate::finding::Finding;
use crate::options::Tier;
use crate::pillar::Pillar;
use crate::rules::RULES;
use crate::source_rules;
use crate::target::TargetKind;
use crate::waiver::Accepted;
use plugwright_trust::Severity;

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
    /// What was found, the worst first, then by target and rule. Without what is accepted or was known.
    pub findings: Vec<Finding>,
    /// What was found and is accepted by a waiver; see [`Report::waive`].
    pub accepted: Vec<Accepted>,
    /// How many findings were left out because an earlier report has them; `None` if none was compared. See
    /// [`Report::leave_out_known`].
    pub known: Option<usize>,
    /// What whoever asked for the review should know of waivers: unused ones, expired ones. Escaped already.
    pub warnings: Vec<String>,
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

    /// Whether nothing of it was examined, because it is not there, cannot be read or is no regular file: whatever the verdicts
    /// are, they say nothing of it.
    #[must_use]
    pub const fn is_unexamined(&self) -> bool {
        self.unread > 0 && self.images == 0 && self.entries <= 1
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
    /// In a few sentences: what was found, what to begin with, where nothing was found, and what follows from it. Escaped already.
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
    /// Findings that are accepted by waivers, which the verdict does not count.
    pub accepted: usize,
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
        let pillars = Pillar::ALL.map(|pillar| PillarReport::new(pillar, &counts, objects, bytes));
        let mut not_covered: Vec<&str> = Pillar::ALL
            .into_iter()
            .flat_map(source_rules::of)
            .map(|(id, _)| id)
            .collect();
        not_covered.sort_unstable();
        let mut report = Self {
            cwe_version: cwe::VERSION,
            tier,
            targets,
            pillars: pillars.into(),
            findings,
            accepted: Vec::new(),
            known: None,
            warnings: Vec::new(),
            context,
            loads,
            assessment: Assessment {
                worst: None,
                text: String::new(),
            },
            not_covered,
        };
        report.settle();
        report
    }

    /// Says what the findings come to; whoever takes findings away calls it again.
    pub(crate) fn settle(&mut self) {
        let mut counts: BTreeMap<(Pillar, Severity), usize> = BTreeMap::new();
        for finding in &self.findings {
            let count = counts
                .entry((finding.pillar(), finding.severity))
                .or_default();
            *count = count.saturating_add(1);
        }
        for pillar in &mut self.pillars {
            pillar.settle(&counts, &self.accepted);
        }
        self.assessment = Assessment::of(self);
    }
}

impl PillarReport {
    fn new(pillar: Pillar, counts: &[RuleCount], objects: u64, bytes: u64) -> Self {
        let own = |count: &&RuleCount| {
            RULES
                .iter()
                .any(|rule| rule.id == count.rule && rule.pillar() == pillar)
        };
        let rules = counts
            .iter()
            .filter(own)
            .filter(|count| count.objects > 0)
            .cloned()
            .collect();
        Self {
            id: pillar,
            name: pillar.name(),
            verdict: Verdict::NotApplicable,
            reason: None,
            by_severity: Vec::new(),
            accepted: 0,
            examined: Examined {
                objects,
                bytes,
                rules,
            },
            not_covered: source_rules::of(pillar).map(|(id, _)| id).collect(),
        }
    }

    fn settle(&mut self, findings: &BTreeMap<(Pillar, Severity), usize>, accepted: &[Accepted]) {
        let pillar = self.id;
        let found = |severity| {
            let count = findings.get(&(pillar, severity));
            (severity, count.copied().unwrap_or_default())
        };
        let counts = Severity::ALL.map(found).into_iter();
        self.by_severity = counts.filter(|(_, count)| *count > 0).collect();
        let own = |accepted: &&Accepted| accepted.finding.pillar() == pillar;
        self.accepted = accepted.iter().filter(own).count();
        self.verdict = if !self.by_severity.is_empty() {
            Verdict::Findings
        } else if self.examined.rules.is_empty() && self.accepted == 0 {
            Verdict::NotApplicable
        } else {
            Verdict::NoFinding
        };
        self.reason = (self.verdict == Verdict::NotApplicable).then(|| {
            if RULES.iter().any(|rule| rule.pillar() == pillar) {
                "nothing was read that its rules can be asked of".to_owned()
            } else {
                "its rules are about source code".to_owned()
            }
        });
    }
}
