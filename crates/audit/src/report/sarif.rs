//! The report in SARIF 2.1.0, for programs that collect the findings of many tools.
//!
//! Messages follow the standard's own rules: braces begin a placeholder, and brackets a link, so text that a file chose is written
//! in a way that no reader takes for either.

use plugwright_inspect::Untrusted;
use serde_json::{Value, json};

use super::{PillarReport, Report};
use crate::cwe;
use crate::finding::Finding;
use crate::pillar::Pillar;
use crate::rule::{Rule, SubjectKind};
use crate::rules::RULES;
use plugwright_trust::Severity;

/// Where the standard's schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

impl Report {
    /// The report as a SARIF 2.1.0 log with one run.
    ///
    /// Rules carry their weaknesses as a taxonomy with each step up to the pillar; findings carry `partialFingerprints`, which stay
    /// the same where the same deployment is reviewed elsewhere. What this report knows beyond SARIF (pillars, context, what loads
    /// what) stands in the run's `properties`, by the names of the JSON report.
    #[must_use]
    pub fn sarif(&self) -> Value {
        let taxa = taxa();
        let index = |id: u16| taxa.iter().position(|taxon| *taxon == id);
        let rules: Vec<Value> = RULES.iter().map(|rule| descriptor(rule, index)).collect();
        let pillars: Vec<Value> = self.pillars.iter().map(pillar).collect();
        // What an earlier report has is left out, so the rest is new; without one nobody knows.
        let state = self.known.map(|_| "new");
        let results = self.findings.iter().map(|finding| {
            let mut result = result(finding, index);
            if let (Some(state), Some(members)) = (state, result.as_object_mut()) {
                members.insert("baselineState".to_owned(), json!(state));
            }
            result
        });
        let accepted = self.accepted.iter().map(|accepted| {
            let mut result = result(&accepted.finding, index);
            if let Some(members) = result.as_object_mut() {
                let suppression = json!({
                    "kind": "external",
                    "status": "accepted",
                    "justification": accepted.reason.to_string(),
                    "properties": {"expires": accepted.expires},
                });
                members.insert("suppressions".to_owned(), json!([suppression]));
            }
            result
        });
        let results: Vec<Value> = results.chain(accepted).collect();
        json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "plugwright audit",
                    "version": env!("CARGO_PKG_VERSION"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "shortDescription": {"text": "Reviews libraries, deployments and live processes by the ten pillars of CWE."},
                    "supportedTaxonomies": [{"name": "CWE", "index": 0}],
                    "rules": rules,
                }},
                "taxonomies": [{
                    "name": "CWE",
                    "version": cwe::VERSION,
                    "organization": "MITRE",
                    "informationUri": "https://cwe.mitre.org/",
                    "shortDescription": {"text": "The Common Weakness Enumeration, as far as the rules name it."},
                    "isComprehensive": false,
                    "taxa": taxa.iter().filter_map(|id| taxon(*id, index)).collect::<Vec<_>>(),
                }],
                "invocations": [{"executionSuccessful": true}],
                "columnKind": "unicodeCodePoints",
                "results": results,
                "properties": {
                    "tier": self.tier,
                    "targets": self.targets,
                    "pillars": pillars,
                    "context": self.context,
                    "loads": self.loads,
                    "assessment": self.assessment,
                    "known": self.known,
                    "warnings": self.warnings,
                    "not_covered": self.not_covered,
                },
            }],
        })
    }
}

/// The weaknesses of all rules and what lies between them and their pillars, in ascending order.
fn taxa() -> Vec<u16> {
    let mut taxa: Vec<u16> = RULES
        .iter()
        .flat_map(|rule| cwe::path(rule.cwe))
        .chain(Pillar::ALL.map(Pillar::id))
        .collect();
    taxa.sort_unstable();
    taxa.dedup();
    taxa
}

fn taxon(id: u16, index: impl Fn(u16) -> Option<usize>) -> Option<Value> {
    let weakness = cwe::find(id)?;
    let above: Vec<Value> = weakness
        .primary
        .into_iter()
        .map(|above| json!({"target": reference(above, &index), "kinds": ["subset"]}))
        .collect();
    Some(json!({
        "id": id.to_string(),
        "name": weakness.name,
        "shortDescription": {"text": message(weakness.name)},
        "helpUri": page(id),
        "relationships": above,
    }))
}

/// A weakness as SARIF refers to it.
fn reference(id: u16, index: impl Fn(u16) -> Option<usize>) -> Value {
    let mut reference = json!({"id": id.to_string(), "toolComponent": {"name": "CWE", "index": 0}});
    if let (Some(index), Some(members)) = (index(id), reference.as_object_mut()) {
        members.insert("index".to_owned(), json!(index));
    }
    reference
}

fn page(id: u16) -> String {
    format!("https://cwe.mitre.org/data/definitions/{id}.html")
}

fn descriptor(rule: &Rule, index: impl Fn(u16) -> Option<usize>) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": message(rule.title)},
        "fullDescription": {"text": message(rule.why)},
        "help": {"text": message(rule.remedy), "markdown": braces(&rule.page())},
        "helpUri": page(rule.cwe),
        "defaultConfiguration": {"level": level(rule.severity)},
        "relationships": [{"target": reference(rule.cwe, index), "kinds": ["relevant"]}],
        "properties": {
            "tags": ["security", format!("external/cwe/cwe-{}", rule.cwe)],
            "security-severity": score(rule.severity),
        },
    })
}

fn result(finding: &Finding, index: impl Fn(u16) -> Option<usize>) -> Value {
    let rule = RULES.iter().position(|rule| **rule == *finding.rule);
    let locations = locations(finding);
    let mut result = json!({
        "ruleId": finding.rule.id,
        "level": level(finding.severity),
        "kind": "fail",
        "message": {"text": message(&text(finding))},
        "locations": locations,
        "partialFingerprints": {"plugwright/v1": finding.fingerprint},
        "taxa": [reference(finding.rule.cwe, index)],
        "properties": {
            "severity": finding.severity,
            "security-severity": score(finding.severity),
            "pillar": finding.pillar(),
            "adjusted": finding.adjusted,
            "evidence": finding.evidence,
        },
    });
    if let (Some(rule), Some(members)) = (rule, result.as_object_mut()) {
        members.insert("ruleIndex".to_owned(), json!(rule));
    }
    result
}

/// The title, then the evidence, each in its line: what a person reads who sees nothing but the message.
fn text(finding: &Finding) -> String {
    let evidence = finding
        .evidence
        .iter()
        .map(|evidence| format!("\n{}: {}", evidence.what, evidence.found));
    finding.title.clone() + &evidence.collect::<String>()
}

/// The target, at each place that the evidence has; once without a place if it has none. A process has no place in a file.
fn locations(finding: &Finding) -> Vec<Value> {
    if finding.rule.kinds == [SubjectKind::Process] {
        let name = finding.target.to_string();
        return vec![json!({"logicalLocations": [{"name": name, "kind": "process"}]})];
    }
    let artifact = json!({"uri": uri(&finding.target)});
    let mut places: Vec<u64> = finding
        .evidence
        .iter()
        .filter_map(|evidence| evidence.offset)
        // SARIF's numbers are those of its readers, which end at 2^63.
        .filter(|offset| i64::try_from(*offset).is_ok())
        .collect();
    places.dedup();
    if places.is_empty() {
        return vec![json!({"physicalLocation": {"artifactLocation": artifact}})];
    }
    let place = |offset: u64| {
        json!({"physicalLocation": {
            "artifactLocation": artifact,
            "region": {"byteOffset": offset, "byteLength": 0},
        }})
    };
    places.into_iter().map(place).collect()
}

fn pillar(pillar: &PillarReport) -> Value {
    serde_json::to_value(pillar).unwrap_or_default()
}

/// SARIF's three levels.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// A number from 0 to 10, from which collectors of findings make their own severities: above 9 is critical, from 7 high, from 4
/// medium.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
        Severity::Info => "0.0",
    }
}

/// Text as a SARIF message. Braces are doubled, or they would be placeholders; a link is text in brackets with parentheses right behind,
/// so these are parted.
fn message(text: &str) -> String {
    braces(text).replace("](", "] (")
}

fn braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A path as a URI, or as a reference that is relative to where the review was made.
fn uri(target: &Untrusted) -> String {
    let mut uri = String::new();
    let bytes = target.as_bytes();
    if bytes.first() == Some(&b'/') {
        uri.push_str("file://");
    } else if bytes
        .split(|byte| *byte == b'/')
        .next()
        .is_some_and(|first| first.contains(&b':'))
    {
        // Otherwise what stands before the colon were a scheme.
        uri.push_str("./");
    }
    for byte in bytes {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => {
                // Writing into a String cannot fail.
                let _infallible = std::fmt::Write::write_fmt(&mut uri, format_args!("%{byte:02X}"));
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_link_or_a_placeholder() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(message(text), expected);
        }
        check("plain", "plain");
        check("{0}", "{{0}}");
        check("[a](http://b)", "[a] (http://b)");
        check(r"[a\](b)", r"[a\] (b)");
    }

    #[test]
    fn every_path_is_a_uri() {
        #[track_caller]
        fn check(path: &[u8], expected: &str) {
            assert_eq!(uri(&Untrusted::from(path)), expected);
        }
        check(b"/usr/lib/a b.so", "file:///usr/lib/a%20b.so");
        check(b"lib/a%2f#?.so", "lib/a%252f%23%3F.so");
        check(b"javascript:alert(1)", "./javascript%3Aalert%281%29");
        check(b"a\xff\x1b\n", "a%FF%1B%0A");
    }
}
