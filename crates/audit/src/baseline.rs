//! What an earlier report found, so that a later one tells only what is new.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

use serde::Deserialize;

use crate::finding::Finding;
use crate::report::Report;

/// The findings of an earlier report, by their fingerprints.
///
/// A fingerprint is made of the rule, the place below what was reviewed and what was found there, without offsets: it stays the same
/// where a deployment is installed elsewhere, or where something else in the file moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline(HashMap<String, usize>);

/// Why an earlier report cannot be compared with.
#[derive(Debug)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is no JSON report.
    Invalid(serde_json::Error),
    /// It leaves findings out itself, which it was compared with in its turn: so many. What it does not have would seem new.
    Reduced(usize),
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The words of the parser have the line and column.
            Self::Invalid(error) => {
                let error = plugwright_inspect::Untrusted::from(error.to_string().as_str());
                write!(f, "it is no report as --format json makes it: {error}")
            }
            Self::Reduced(known) => write!(
                f,
                "it leaves out {known} findings that were known before it: make a report without --baseline to compare with"
            ),
        }
    }
}

impl Error for BaselineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid(error) => Some(error),
            Self::Reduced(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct File {
    findings: Vec<Entry>,
    #[serde(default)]
    known: Option<usize>,
}

#[derive(Deserialize)]
struct Entry {
    fingerprint: String,
}

impl Baseline {
    /// Reads a report in JSON. What it accepted by waivers is not known by that: when the waiver ends, it is told again.
    ///
    /// # Errors
    /// If it is no such report, with the line and column; if it was made with a baseline of its own and leaves findings out.
    pub fn parse(json: &[u8]) -> Result<Self, BaselineError> {
        let file: File = serde_json::from_slice(json).map_err(BaselineError::Invalid)?;
        if let Some(known) = file.known.filter(|known| *known > 0) {
            return Err(BaselineError::Reduced(known));
        }
        let mut known: HashMap<String, usize> = HashMap::new();
        for entry in file.findings {
            let count = known.entry(entry.fingerprint).or_default();
            *count = count.saturating_add(1);
        }
        Ok(Self(known))
    }
}

impl Report {
    /// Leaves out what an earlier report has, as often as that has it.
    pub fn leave_out_known(&mut self, baseline: &Baseline) {
        let mut left = baseline.0.clone();
        let before = self.findings.len();
        self.findings.retain(|finding: &Finding| {
            match left
                .get_mut(&finding.fingerprint)
                .filter(|count| **count > 0)
            {
                Some(count) => {
                    *count = count.saturating_sub(1);
                    false
                }
                None => true,
            }
        });
        let known = before.saturating_sub(self.findings.len());
        self.known = Some(self.known.unwrap_or(0).saturating_add(known));
        self.settle();
    }
}
