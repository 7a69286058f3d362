//! No report can be broken out of: of every format, what it is with hostile text in every field compared with what it is with
//! harmless text.

use plugwright_inspect::Untrusted;
use plugwright_trust::Timestamp;
use serde_json::Value;

use super::{Load, Parts, Report, TargetReport};
use crate::context::{ContextKind, ContextNote};
use crate::finding::{Evidence, Finding};
use crate::options::Tier;
use crate::rules::{RULES, rule};
use crate::target::TargetKind;
use crate::waiver::Accepted;
use plugwright_trust::Severity;

/// For terminals, for lines, for direction of writing, for HTML, for its attributes, for XML, for Markdown, for SARIF, for JSON, and
/// what is no text at all. The last is harmless, and code in Markdown like the others.
const TEXTS: [&[u8]; 11] = [
    b"\x1b[2J\x1b]0;title\x07\x9b31m",
    b"a\nCWE-284 Improper Access Control: no finding\r\n\nOverall: nothing\x0b\x0c",
    "\u{202e}os.elif\u{2066}\u{200f}\u{61c}\u{2028}\u{85}\u{feff}\u{e0041}".as_bytes(),
    b"</code></summary></title></style><script>alert(1)</script><img src=x onerror=alert(1)><!--",
    b"\" onload=\"alert(1)\" x='\"'><svg/onload=alert(1)>",
    b"]]><!-- --><?xml?><!ENTITY a \"&b;\">&lt;&#60;&amp",
    b"](javascript:alert(1)) [x]: http://a <b> ** `a` ``b`` ``` | \\` ~~~ @everyone www.a.example https://a.example\n\n# h",
    b"{0} {{1}} [x](http://a.example) {{{2}}}",
    br#"\","x":{"y":[1,"\u0022"]},//"#,
    "\0\u{1}\u{7f}\u{fffe}\u{ffff}\u{fffd}\u{d7ff}\u{10ffff}".as_bytes(),
    b"\xff\xfe\xc0\x80\xed\xa0\x80",
];
const HARMLESS: &[u8] = b"_harmless_";

/// A report with the same text in every field that a file, a name or a message of the system can reach.
fn report(bytes: &[u8]) -> Report {
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let untrusted = || Untrusted::from(bytes);
    let found = |id, severity| Finding {
        rule: rule(id).expect("there is such a rule"),
        severity,
        adjusted: Some(text()),
        target: untrusted(),
        title: text(),
        evidence: vec![Evidence {
            what: text().into(),
            found: untrusted(),
            offset: Some(7),
        }],
        fingerprint: text(),
    };
    let mut report = Report::new(Parts {
        tier: Tier::Closure,
        targets: vec![TargetReport::new(untrusted(), TargetKind::Folder)],
        counts: vec![super::RuleCount::default(); RULES.len()],
        findings: vec![found("B01", Severity::High), found("B30", Severity::Info)],
        context: vec![ContextNote {
            subject: untrusted(),
            kind: ContextKind::Writers,
            text: text(),
        }],
        loads: vec![
            Load {
                from: b"a.so"[..].into(),
                name: untrusted(),
                path: Some(untrusted()),
            },
            Load {
                from: untrusted(),
                name: b"b.so"[..].into(),
                path: None,
            },
        ],
    });
    report.accepted = vec![Accepted {
        finding: found("B02", Severity::High),
        reason: untrusted(),
        expires: Timestamp::from_unix(0),
    }];
    report.known = Some(1);
    report.warnings = vec![text()];
    report.settle();
    report.assessment.text = text();
    report.pillars[6].reason = Some(text());
    report
}

/// Whether a character acts on a terminal or turns the direction of writing.
fn acts(character: char) -> bool {
    character != '\n' && Untrusted::from(character.to_string().as_str()).needs_escape()
}

/// Compares the skeletons of the format with harmless and with each hostile text.
#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(write: fn(&Report) -> String, skeleton: fn(&str) -> T) {
    let expected = skeleton(&write(&report(HARMLESS)));
    for hostile in TEXTS {
        let written = write(&report(hostile));
        let shown = String::from_utf8_lossy(hostile);
        assert_eq!(written.chars().find(|c| acts(*c)), None, "{shown:?}");
        assert_eq!(skeleton(&written), expected, "{shown:?}");
    }
}

#[test]
fn no_text_breaks_out_of_the_text() {
    // A line begins with the program's own words or with the indent of a detail, so no line can be forged without a new line.
    // The assessment alone is wrapped, and has none of a file's words; here it is one paragraph, however long.
    check(ToString::to_string, |written| {
        let (before, rest) = written.split_once("\nOVERALL\n").expect("an assessment");
        let (paragraph, after) = rest
            .split_once("\nNOT COVERED\n")
            .expect("what is not covered");
        let mut lines = paragraph.lines();
        assert!(lines.all(|line| line.starts_with("  ")), "{paragraph}");
        (before.lines().count(), after.lines().count())
    });
}

#[test]
fn no_text_breaks_out_of_markdown() {
    check(|report| report.markdown().to_string(), without_code);
}

#[test]
fn no_text_breaks_out_of_junit() {
    check(
        |report| report.junit(Severity::High).to_string(),
        |written| {
            let forbidden = |c: &char| matches!(c, '\u{fffe}' | '\u{ffff}');
            assert_eq!(written.chars().find(forbidden), None);
            tags(written)
        },
    );
}

#[test]
fn no_text_breaks_out_of_html() {
    check(
        |report| report.html().to_string(),
        |written| {
            assert!(!written.contains("<script") && !written.contains("javascript:alert(1)\""));
            tags(written)
        },
    );
}

#[test]
fn no_text_breaks_out_of_sarif() {
    for hostile in TEXTS {
        let report = report(hostile);
        let log = report.sarif();
        for result in log["runs"][0]["results"].as_array().into_iter().flatten() {
            let message = result["message"]["text"].as_str().expect("a message");
            assert!(!message.contains("]("), "{message}");
            // What is left of braces after the doubled ones are gone would be a placeholder.
            let left = message.replace("{{", "").replace("}}", "");
            assert!(!left.contains(['{', '}']), "{message}");
            let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            let uri = uri.as_str().expect("a URI");
            assert!(
                uri.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)),
                "{uri}"
            );
        }
        let again: Value = serde_json::from_str(&log.to_string()).expect("JSON");
        assert_eq!(again, log);
    }
}

#[test]
fn no_text_breaks_out_of_json() {
    for hostile in TEXTS {
        let written = serde_json::to_string(&report(hostile)).expect("it serialises");
        let read: Value = serde_json::from_str(&written).expect("JSON");
        let text = String::from_utf8_lossy(hostile);
        for found in [
            &read["findings"][0]["target"],
            &read["findings"][0]["title"],
            &read["findings"][0]["evidence"][0]["found"],
            &read["accepted"][0]["reason"],
            &read["context"][0]["subject"],
            &read["loads"][0]["path"],
            &read["targets"][0]["target"],
        ] {
            assert_eq!(found.as_str(), Some(&*text));
        }
        assert_eq!(read["findings"].as_array().map(Vec::len), Some(2));
    }
}

/// Markdown with every code span taken out as its readers do: from a run of backticks to the next run of the same length.
fn without_code(markdown: &str) -> String {
    let mut left = String::new();
    let mut rest = markdown;
    while let Some(start) = rest.find('`') {
        left.push_str(&rest[..start]);
        let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let after = &rest[start + run..];
        let mut at = 0;
        let end = loop {
            let next = after[at..].find('`').expect("a code span ends") + at;
            let length = after[next..].len() - after[next..].trim_start_matches('`').len();
            if length == run {
                break next;
            }
            at = next + length;
        };
        assert!(
            !after[..end].contains('\n'),
            "a code span stays in its line"
        );
        left.push_str("CODE");
        rest = &after[end + run..];
    }
    left + rest
}

/// The tags of XML, or of HTML that is written like it, with the names of their attributes. Everything has to be well-formed: what is
/// open is closed, and an ampersand begins a reference.
fn tags(written: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    let mut pieces = written.split('<');
    references(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        if tag.starts_with(['!', '?']) {
            found.push(tag.to_owned());
        } else if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else {
            let name = tag.split([' ', '/']).next().unwrap_or_default();
            let mut described = name.to_owned();
            let mut attributes = tag[name.len()..].trim_end_matches('/');
            while let Some((attribute, rest)) = attributes.split_once("=\"") {
                let (value, after) = rest.split_once('"').expect("a value ends");
                references(value);
                described += attribute;
                attributes = after;
            }
            assert_eq!(attributes.trim(), "", "{tag}");
            if !tag.ends_with('/') {
                open.push(name);
            }
            found.push(described);
        }
        // A style sheet is no text: it ends at its own end only.
        if open.last() != Some(&"style") {
            references(text);
        }
    }
    assert_eq!(open, [""; 0]);
    found
}

fn references(text: &str) {
    assert!(!text.contains('>'), "{text}");
    for after in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        assert!(known.iter().any(|name| after.starts_with(name)), "{text}");
    }
}
