//! Waivers: findings that somebody accepts, with a reason and for a time.
//!
//! A waiver hides nothing: what it accepts stays in the report, with the reason. One that accepts nothing, or whose time is over, is
//! told, so that the file does not outlive what it was written for.

use std::fmt;

use glob::Pattern;
use plugwright_inspect::Untrusted;
use plugwright_trust::Timestamp;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::finding::Finding;
use crate::report::Report;
use crate::rule::Rule;
use crate::rules;

/// The most bytes of a file of waivers.
const MOST: usize = 4 * 1024 * 1024;
/// The version of the file's format.
const FORMAT: u32 = 1;

/// The waivers of a file.
///
/// ```
/// use plugwright_audit::Waivers;
///
/// Waivers::parse(r#"
///     version = 1
///
///     [[waiver]]
///     rule = "B09"
///     target = "libjemalloc.so.*"      # the path, or the end of it; with * ? and [a-z]
///     reason = "An allocator replaces malloc: that is what it is for."
///     expires = "2028-01-01"
///
///     [[waiver]]
///     fingerprint = "07cc3ee9dc1db2818ff9aff8bd9338d0"
///     reason = "The vendor mends it in its next release."
///     expires = "2027-06-01"
/// "#)?;
/// # Ok::<(), plugwright_audit::WaiverError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waivers(Vec<Waiver>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiver {
    /// Where it begins in the file, counted from 1.
    line: usize,
    which: Which,
    reason: String,
    expires: Timestamp,
}

/// Which findings a waiver means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    /// The one with this fingerprint, or those: the same in several folders have one.
    Fingerprint(String),
    /// All of a rule about matching targets.
    Rule(&'static Rule, Pattern),
}

/// A finding that a waiver accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Accepted {
    /// The finding.
    pub finding: Finding,
    /// Why it is accepted, as the waiver says. As it stands there: escape it.
    pub reason: Untrusted,
    /// Until when.
    pub expires: Timestamp,
}

/// Why a file of waivers could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaiverError {
    /// The line of the mistake, counted from 1; 0 if it has no place.
    pub line: usize,
    /// The character in that line, counted from 1; 0 if it has no place.
    pub column: usize,
    /// What is wrong; escaped.
    pub message: String,
}

impl fmt::Display for WaiverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for WaiverError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    #[serde(default)]
    waiver: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: Option<Spanned<String>>,
    rule: Option<Spanned<String>>,
    target: Option<Spanned<String>>,
    reason: Spanned<String>,
    expires: Timestamp,
}

impl Waivers {
    /// Reads a file of waivers.
    ///
    /// # Errors
    /// With the line and column: if the text is not TOML; if a waiver has an unknown member or lacks its reason or its end; if it
    /// names no rule that there is, or does not say which findings it means.
    pub fn parse(text: &str) -> Result<Self, WaiverError> {
        if text.len() > MOST {
            let length = text.len();
            return Err(mistake(
                text,
                None,
                format!("expected at most {MOST} bytes, found {length}"),
            ));
        }
        let file: File = toml::from_str(text)
            .map_err(|error| mistake(text, error.span().map(|span| span.start), error.message()))?;
        if *file.version.as_ref() != FORMAT {
            return Err(at(
                text,
                &file.version,
                format!(
                    "expected version = {FORMAT}, found {}: this program is too old for it",
                    file.version.as_ref()
                ),
            ));
        }
        let entries = file.waiver.iter().map(|entry| waiver(text, entry));
        entries.collect::<Result<_, _>>().map(Self)
    }
}

fn waiver(text: &str, entry: &Spanned<Entry>) -> Result<Waiver, WaiverError> {
    let place = place(text, entry.span().start);
    let entry_at = |message: &str| Err(at(text, entry, message.to_owned()));
    let entry = entry.as_ref();
    if entry.reason.as_ref().trim().is_empty() {
        return Err(at(
            text,
            &entry.reason,
            "the reason is empty: say why this is accepted".to_owned(),
        ));
    }
    let which = match (&entry.fingerprint, &entry.rule, &entry.target) {
        (Some(fingerprint), None, None) => {
            let digits = fingerprint.as_ref();
            if digits.len() != 32
                || !digits
                    .bytes()
                    .all(|byte| b"0123456789abcdef".contains(&byte))
            {
                return Err(at(
                    text,
                    fingerprint,
                    format!(
                        "expected the 32 hexadecimal digits of a finding's fingerprint, found {digits:?}"
                    ),
                ));
            }
            Which::Fingerprint(digits.clone())
        }
        (None, Some(id), Some(target)) => {
            let found = rules::rule(id.as_ref()).ok_or_else(|| {
                at(
                    text,
                    id,
                    format!(
                        "there is no rule {:?}; `plugwright audit explain` lists them",
                        id.as_ref()
                    ),
                )
            })?;
            let pattern = Pattern::new(target.as_ref()).map_err(|error| {
                at(
                    text,
                    target,
                    format!("{:?} is no pattern: {}", target.as_ref(), error.msg),
                )
            })?;
            Which::Rule(found, pattern)
        }
        _ => {
            return entry_at(
                "expected either a fingerprint, or a rule and a target: which findings are meant?",
            );
        }
    };
    Ok(Waiver {
        line: place.0,
        which,
        reason: entry.reason.as_ref().clone(),
        expires: entry.expires,
    })
}

impl Waiver {
    fn means(&self, finding: &Finding) -> bool {
        match &self.which {
            Which::Fingerprint(fingerprint) => finding.fingerprint == *fingerprint,
            Which::Rule(rule, pattern) => {
                **rule == *finding.rule && matches(pattern, &finding.target.to_string_lossy())
            }
        }
    }
}

/// Whether a pattern fits a path, or the end of it that begins at one of its names.
fn matches(pattern: &Pattern, path: &str) -> bool {
    let ends = path
        .match_indices('/')
        .filter_map(|(at, _)| path.get(at.saturating_add(1)..));
    std::iter::once(path)
        .chain(ends)
        .any(|end| pattern.matches(end))
}

impl Report {
    /// Takes out of the findings what waivers accept at this time, and adds a warning for every waiver that accepts nothing.
    pub fn waive(&mut self, waivers: &Waivers, now: Timestamp) {
        let mut used = vec![false; waivers.0.len()];
        let mut kept = Vec::new();
        for finding in std::mem::take(&mut self.findings) {
            let mut by = None;
            for (waiver, used) in waivers.0.iter().zip(&mut used) {
                if waiver.means(&finding) {
                    *used = true;
                    if now < waiver.expires {
                        by = by.or(Some(waiver));
                    }
                }
            }
            match by {
                Some(waiver) => self.accepted.push(Accepted {
                    finding,
                    reason: waiver.reason.as_str().into(),
                    expires: waiver.expires,
                }),
                None => kept.push(finding),
            }
        }
        self.findings = kept;
        for (waiver, used) in waivers.0.iter().zip(used) {
            let line = waiver.line;
            if now >= waiver.expires {
                let found = if used {
                    "what it accepted is reported again"
                } else {
                    "remove it"
                };
                let expired = waiver.expires;
                self.warnings.push(format!(
                    "the waiver at line {line} expired on {expired}: {found}"
                ));
            } else if !used {
                self.warnings.push(format!(
                    "the waiver at line {line} accepts no finding: remove it"
                ));
            }
        }
        self.settle();
    }
}

fn at<T>(text: &str, value: &Spanned<T>, message: String) -> WaiverError {
    mistake(text, Some(value.span().start), message)
}

fn mistake(text: &str, start: Option<usize>, message: impl AsRef<str>) -> WaiverError {
    let (line, column) = start.map_or((0, 0), |start| place(text, start));
    WaiverError {
        line,
        column,
        // It may quote what stands in the file, in several lines.
        message: Untrusted::from(message.as_ref().trim()).to_string(),
    }
}

/// Line and column of a byte, both counted from 1.
fn place(text: &str, start: usize) -> (usize, usize) {
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_with_their_place() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = Waivers::parse(text).expect_err("a mistake");
            assert_eq!(error.to_string(), expected);
        }
        let waiver = |members: &str| format!("version = 1\n[[waiver]]\n{members}\n");
        check(
            "version = 2",
            "line 1, column 11: expected version = 1, found 2: this program is too old for it",
        );
        check(
            "version = 1\nwaivers = []",
            "line 2, column 1: unknown field `waivers`, expected `version` or `waiver`",
        );
        check(
            &waiver("rule = \"B01\"\ntarget = \"*\"\nexpires = \"2027-01-01\""),
            "line 2, column 1: missing field `reason`",
        );
        check(
            &waiver("rule = \"B01\"\ntarget = \"*\"\nreason = \"r\""),
            "line 2, column 1: missing field `expires`",
        );
        let rest = "reason = \"r\"\nexpires = \"2027-01-01\"";
        check(
            &waiver(&format!("  rule = \"B99\"\ntarget = \"*\"\n{rest}")),
            "line 3, column 10: there is no rule \"B99\"; `plugwright audit explain` lists them",
        );
        check(
            &waiver(&format!("rule = \"B01\"\ntarget = \"[\"\n{rest}")),
            "line 4, column 10: \"[\" is no pattern: invalid range pattern",
        );
        check(
            &waiver(&format!("rule = \"B01\"\n{rest}")),
            "line 2, column 1: expected either a fingerprint, or a rule and a target: which findings are meant?",
        );
        check(
            &waiver(&format!("fingerprint = \"xy\"\n{rest}")),
            "line 3, column 15: expected the 32 hexadecimal digits of a finding's fingerprint, found \"xy\"",
        );
        check(
            &waiver("rule = \"B01\"\ntarget = \"*\"\nreason = \" \"\nexpires = \"2027-01-01\""),
            "line 5, column 10: the reason is empty: say why this is accepted",
        );
        check(
            &waiver("rule = \"B01\"\ntarget = \"*\"\nreason = \"r\"\nexpires = \"2027-02-30\""),
            "line 6, column 11: expected a date of UTC as in 2027-03-01 or a time as in 2027-03-01T12:00:00Z, found \"2027-02-30\"",
        );
    }

    #[test]
    fn a_pattern_fits_a_path_or_its_end() {
        #[track_caller]
        fn check(pattern: &str, path: &str, expected: bool) {
            let compiled = Pattern::new(pattern).expect("a pattern");
            assert_eq!(matches(&compiled, path), expected, "{pattern} {path}");
        }
        check("liba.so", "/usr/lib/liba.so", true);
        check("liba.so.*", "/usr/lib/liba.so.1", true);
        check("/usr/lib/*", "/usr/lib/liba.so", true);
        check("lib/liba.so", "/usr/lib/liba.so", true);
        check("a.so", "/usr/lib/liba.so", false);
        check("ib/liba.so", "/usr/lib/liba.so", false);
    }
}
