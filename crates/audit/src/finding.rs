//! What a rule found, with the evidence.

use std::borrow::Cow;
use std::path::Path;

use plugwright_inspect::Untrusted;
use serde::{Serialize, Serializer};

use crate::context::Context;
use crate::pillar::Pillar;
use crate::rule::Rule;
use crate::subject::shown;
use crate::watched::Seen;
use plugwright_trust::Severity;

/// Findings of one rule about one target that are kept; one more says how many were left out.
const MOST: usize = 32;
/// Pieces of evidence of one finding.
const MOST_EVIDENCE: usize = 32;

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is, the context taken into account.
    pub severity: Severity,
    /// What the context changed, and why; nothing if it changed nothing.
    pub adjusted: Option<String>,
    /// The file, folder or process that it is about.
    pub target: Untrusted,
    /// What is wrong, in one line. Escaped already.
    pub title: String,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// The same in every report of the same finding: made of the rule, the target's place below what was reviewed, and the evidence
    /// without its places.
    pub fingerprint: String,
}

/// One thing that shows a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// What was looked at.
    pub what: Cow<'static, str>,
    /// What stands there, as it stands there.
    pub found: Untrusted,
    /// Where in the file, in bytes from its start.
    pub offset: Option<u64>,
}

impl Finding {
    /// The pillar that it belongs to.
    #[must_use]
    pub fn pillar(&self) -> Pillar {
        self.rule.pillar()
    }

    /// Adds evidence without a place.
    pub(crate) fn with(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        found: impl Into<Untrusted>,
    ) -> &mut Self {
        self.at(what, found, None)
    }

    /// Adds evidence with its place.
    pub(crate) fn at(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        found: impl Into<Untrusted>,
        offset: impl Into<Option<u64>>,
    ) -> &mut Self {
        if self.evidence.len() < MOST_EVIDENCE {
            self.evidence.push(Evidence {
                what: what.into(),
                found: found.into(),
                offset: offset.into(),
            });
        }
        self
    }

    /// Adds a symbol with the place of its entry in the file.
    pub(crate) fn symbol(&mut self, what: &'static str, symbol: &Seen) -> &mut Self {
        let (name, offset) = (symbol.name.clone(), symbol.offset);
        if symbol.is_export {
            let what = format!("{what} at address {:#x}", symbol.address);
            self.at(what, name, offset)
        } else {
            self.at(what, name, offset)
        }
    }

    /// Makes it milder by one, for this reason.
    pub(crate) fn lower(&mut self, why: &str) {
        let lowered = self.severity.lowered();
        if lowered == self.severity {
            return;
        }
        let before = self.adjusted.take().map(|before| format!("{before}; "));
        let before = before.unwrap_or_default();
        self.adjusted = Some(format!("{before}{} to {lowered}: {why}", self.severity));
        self.severity = lowered;
    }

    /// Fixes the fingerprint, once all evidence is there. `place` is the target as seen from what was reviewed, so that the
    /// same deployment elsewhere has the same fingerprints.
    pub(crate) fn seal(&mut self, place: &[u8]) {
        let mut hasher = blake3::Hasher::new();
        let mut put = |bytes: &[u8]| {
            hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(bytes);
        };
        put(self.rule.id.as_bytes());
        put(place);
        put(self.title.as_bytes());
        for evidence in &self.evidence {
            put(evidence.what.as_bytes());
            put(evidence.found.as_bytes());
        }
        let digest = hasher.finalize().to_hex();
        self.fingerprint = digest.get(..32).unwrap_or_default().to_owned();
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut object = serializer.serialize_struct("Finding", 12)?;
        object.serialize_field("rule", self.rule.id)?;
        object.serialize_field("cwe", &format!("CWE-{}", self.rule.cwe))?;
        object.serialize_field(
            "cwe_name",
            self.rule.weakness().map_or("", |weakness| weakness.name),
        )?;
        object.serialize_field("pillar", &self.pillar())?;
        object.serialize_field("also_pillars", &also(self.rule))?;
        object.serialize_field("severity", &self.severity)?;
        object.serialize_field("adjusted", &self.adjusted)?;
        object.serialize_field("target", &self.target)?;
        object.serialize_field("title", &self.title)?;
        object.serialize_field("evidence", &self.evidence)?;
        object.serialize_field("remedy", self.rule.remedy)?;
        object.serialize_field("fingerprint", &self.fingerprint)?;
        object.end()
    }
}

/// The other pillars that a rule's weakness reaches.
fn also(rule: &Rule) -> Vec<Pillar> {
    let mut pillars = crate::cwe::pillars(rule.cwe);
    pillars.retain(|pillar| *pillar != rule.pillar());
    pillars
}

/// Where one rule puts what it finds about one target.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    rule: &'static Rule,
    target: &'a Untrusted,
    context: &'a Context,
    found: &'a mut Vec<Finding>,
    kept: usize,
    left_out: usize,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(
        rule: &'static Rule,
        target: &'a Untrusted,
        context: &'a Context,
        found: &'a mut Vec<Finding>,
    ) -> Self {
        Self {
            rule,
            target,
            context,
            found,
            kept: 0,
            left_out: 0,
        }
    }

    pub(crate) const fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// Adds a finding of the rule's own severity.
    pub(crate) fn report(&mut self, title: impl Into<String>) -> &mut Finding {
        self.report_as(self.rule.severity, title)
    }

    /// Adds a finding about another target than the sink's own, such as a file of the folder that is reviewed. There is no limit
    /// here: rules tell each file once.
    pub(crate) fn report_about(
        &mut self,
        path: &Path,
        severity: Severity,
        title: impl Into<String>,
    ) -> &mut Finding {
        let (severity, adjusted) = self.context.adjust(severity);
        self.found.push(Finding {
            rule: self.rule,
            severity,
            adjusted,
            target: shown(path),
            title: title.into(),
            evidence: Vec::new(),
            fingerprint: String::new(),
        });
        self.newest()
    }

    fn newest(&mut self) -> &mut Finding {
        let last = self.found.len().saturating_sub(1);
        match self.found.get_mut(last) {
            Some(finding) => finding,
            None => unreachable!("a finding was pushed"),
        }
    }

    /// Adds a finding of another severity.
    pub(crate) fn report_as(
        &mut self,
        severity: Severity,
        title: impl Into<String>,
    ) -> &mut Finding {
        let (severity, adjusted) = self.context.adjust(severity);
        let finding = Finding {
            rule: self.rule,
            severity,
            adjusted,
            target: self.target.clone(),
            title: title.into(),
            evidence: Vec::new(),
            fingerprint: String::new(),
        };
        if self.kept < MOST {
            self.kept = self.kept.saturating_add(1);
            self.found.push(finding);
        } else {
            // The last one is made to tell of all that follow, so that a hostile file cannot fill a report.
            self.left_out = self.left_out.saturating_add(1);
            let text = format!("{} more findings of this rule", self.left_out);
            if self.left_out == 1 {
                self.found.push(Finding {
                    title: text,
                    ..finding
                });
            } else if let Some(last) = self.found.last_mut() {
                last.severity = last.severity.max(finding.severity);
                last.evidence.clear();
                last.title = text;
            }
        }
        self.newest()
    }
}
