//! What rules told, and how often each was asked.

use std::sync::atomic::{AtomicU64, Ordering};

use std::path::Path;

use plugwright_inspect::Untrusted;

use crate::context::Context;
use crate::finding::{Finding, Sink};
use crate::report::RuleCount;
use crate::rule::Rule;
use crate::rules::{NOT_EXAMINED, RULES};
use plugwright_trust::Severity;

/// How often each rule was asked, counted by all threads together: objects, and things in them.
#[derive(Debug)]
pub(super) struct Counts(Vec<[AtomicU64; 2]>);

impl Counts {
    pub(super) fn new() -> Self {
        Self(RULES.iter().map(|_| <[AtomicU64; 2]>::default()).collect())
    }

    /// One for each rule, in the order of [`RULES`].
    pub(super) fn into_inner(self) -> Vec<RuleCount> {
        let counts = RULES.iter().zip(self.0);
        counts
            .map(|(rule, [objects, looked_at])| RuleCount {
                rule: rule.id,
                objects: objects.into_inner(),
                looked_at: looked_at.into_inner(),
            })
            .collect()
    }
}

/// What rules told of one thing.
#[derive(Debug)]
pub(super) struct Tally<'c> {
    pub(super) findings: Vec<Finding>,
    counts: &'c Counts,
}

impl<'c> Tally<'c> {
    pub(super) const fn new(counts: &'c Counts) -> Self {
        Self {
            findings: Vec::new(),
            counts,
        }
    }

    /// Asks every rule for which `check` has an answer: how many things it looked at.
    pub(super) fn ask(
        &mut self,
        target: &Untrusted,
        context: &Context,
        root: &Path,
        check: impl Fn(&'static Rule, &mut Sink<'_>) -> Option<u64>,
    ) {
        let before = self.findings.len();
        for (rule, count) in RULES.iter().zip(&self.counts.0) {
            let mut sink = Sink::new(rule, target, context, &mut self.findings);
            if let Some(looked_at) = check(rule, &mut sink) {
                let [objects, things] = count;
                objects.fetch_add(1, Ordering::Relaxed);
                things.fetch_add(looked_at, Ordering::Relaxed);
            }
        }
        for finding in self.findings.iter_mut().skip(before) {
            finding.seal(place(&finding.target, root).as_bytes());
        }
    }

    /// Tells what was not looked at.
    pub(super) fn not_examined(
        &mut self,
        target: &Untrusted,
        root: &Path,
        severity: Severity,
        why: &str,
    ) {
        let context = Context::default();
        let mut sink = Sink::new(&NOT_EXAMINED, target, &context, &mut self.findings);
        sink.report_as(severity, format!("not examined: {why}"))
            .seal(place(target, root).as_bytes());
    }

    /// Counts that the rule about what was not examined was kept, for `count` things.
    pub(super) fn saw(&mut self, count: u64) {
        for (rule, own) in RULES.iter().zip(&self.counts.0) {
            if **rule == NOT_EXAMINED {
                for sum in own {
                    sum.fetch_add(count, Ordering::Relaxed);
                }
            }
        }
    }
}

/// The target as seen from what was reviewed, so that the same deployment elsewhere has the same fingerprints.
fn place(target: &Untrusted, root: &Path) -> Untrusted {
    let root = root.as_os_str().as_encoded_bytes();
    let rest = target.as_bytes().strip_prefix(root);
    let below = rest.and_then(|rest| rest.strip_prefix(b"/"));
    below.map_or_else(|| target.clone(), Untrusted::from)
}
