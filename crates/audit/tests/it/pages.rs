//! docs/audit-rules.md is what the rules say of themselves, and each rule maps to its weakness as CWE would have it.
//!
//! `PLUGWRIGHT_BLESS=1 cargo test -p plugwright-audit pages` writes the document anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use plugwright_audit::{RULES, cwe};

const HEAD: &str = "# The rules of `plugwright audit`

Made from the rules themselves; `plugwright audit explain B01` prints one. `A` rules are about the review itself, `B` about what stands in a
binary, `C` about what is new since another version, `D` about a deployment, `P` about live processes.

| rule | weakness | pillar | severity | what a finding says |
|---|---|---|---|---|
";

fn document() -> String {
    let mut text = HEAD.to_owned();
    for rule in RULES {
        let _infallible = writeln!(
            text,
            "| [{}](#{}) | CWE-{} | CWE-{} | {} | {} |",
            rule.id,
            anchor(rule.id, rule.title),
            rule.cwe,
            rule.pillar().id(),
            rule.severity,
            rule.title
        );
    }
    for rule in RULES {
        text.push('\n');
        for line in rule.page().lines() {
            let level = if line.starts_with('#') { "#" } else { "" };
            let _infallible = writeln!(text, "{level}{line}");
        }
    }
    text
}

/// The name that readers of Markdown give to the heading `B01: title`.
fn anchor(id: &str, title: &str) -> String {
    let heading = format!("{id}: {title}").to_lowercase();
    let kept = heading
        .chars()
        .filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

#[test]
fn pages_are_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit-rules.md");
    let expected = document();
    if std::env::var_os("PLUGWRIGHT_BLESS").is_some() {
        fs::write(&path, &expected).expect("docs/audit-rules.md can be written");
        return;
    }
    let written = fs::read_to_string(&path).expect("docs/audit-rules.md is there");
    let mut lines = written.lines().zip(expected.lines());
    let differs = lines.find(|(written, expected)| written != expected);
    assert!(
        written == expected,
        "write it anew with PLUGWRIGHT_BLESS=1 cargo test -p plugwright-audit pages\n{differs:?}"
    );
}

#[test]
fn pages_say_everything() {
    for rule in RULES {
        for (what, text) in [
            ("title", rule.title),
            ("severity rule", rule.severity_rule),
            ("looked at", rule.looked_at),
            ("why", rule.why),
            ("remedy", rule.remedy),
        ] {
            assert!(text.trim().len() > 8, "{}: {what}: {text:?}", rule.id);
        }
        assert!(!rule.kinds.is_empty(), "{}", rule.id);
        assert!(!rule.title.ends_with('.'), "{}", rule.id);
    }
}

/// Rule, weakness and pillar, as the rules were laid down from CWE 4.19.1 before they were written.
const STATED: &[(&str, u16, u16)] = &[
    ("B01", 427, 664),
    ("B02", 427, 664),
    ("B03", 427, 664),
    ("B04", 477, 710),
    ("B05", 427, 664),
    ("B06", 829, 664),
    ("B07", 829, 664),
    ("B08", 694, 707),
    ("B09", 386, 664),
    ("B10", 693, 693),
    ("B11", 693, 693),
    ("B12", 693, 693),
    ("B13", 693, 693),
    ("B14", 693, 693),
    ("B15", 1285, 707),
    ("B16", 190, 682),
    ("B17", 1288, 707),
    ("B18", 436, 435),
    ("B19", 1287, 707),
    ("B20", 351, 693),
    ("B21", 150, 707),
    ("B22", 1007, 710),
    ("B23", 912, 710),
    ("B24", 912, 710),
    ("B25", 696, 691),
    ("B26", 772, 664),
    ("B27", 754, 703),
    ("B28", 439, 435),
    ("B29", 242, 710),
    ("B30", 676, 710),
    ("B31", 426, 664),
    ("B32", 250, 284),
    ("B33", 1395, 710),
    ("B34", 1104, 710),
    ("B35", 1284, 707),
    ("B36", 506, 710),
    ("B37", 427, 664),
    ("B38", 732, 284),
    ("B39", 353, 693),
    ("B40", 693, 693),
    ("B41", 1284, 707),
    ("D01", 732, 284),
    ("D02", 732, 284),
    ("D03", 708, 284),
    ("D04", 59, 664),
    ("D05", 62, 664),
    ("D06", 349, 693),
    ("D07", 353, 693),
    ("D08", 354, 693),
    ("D09", 347, 693),
    ("D10", 328, 693),
    ("D11", 324, 664),
    ("D12", 672, 664),
    ("D13", 694, 707),
    ("D14", 178, 664),
    ("D15", 427, 664),
    ("D16", 829, 664),
    ("D17", 15, 664),
    ("D18", 250, 284),
    ("D19", 266, 284),
    ("D20", 276, 284),
    ("D21", 428, 664),
    ("D22", 1164, 710),
    ("P01", 386, 664),
    ("P02", 829, 664),
    ("P03", 693, 693),
    ("P04", 427, 664),
    ("P05", 426, 664),
    ("P06", 439, 435),
    ("P07", 829, 664),
    ("P08", 250, 284),
    ("P09", 403, 664),
    ("P10", 829, 664),
];

#[test]
fn each_rule_has_the_weakness_and_the_pillar_that_were_laid_down() {
    for (id, weakness, pillar) in STATED {
        // Not the rule's own word: the way up by primary parents in the table.
        assert_eq!(cwe::path(*weakness).last(), Some(pillar), "{id}");
        if let Some(rule) = plugwright_audit::rule(id) {
            assert_eq!((rule.cwe, rule.pillar().id()), (*weakness, *pillar), "{id}");
        }
    }
    let unstated: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.id)
        .filter(|id| id.starts_with(['B', 'D', 'P']))
        .filter(|id| STATED.iter().all(|(stated, ..)| stated != id))
        .collect();
    // Limits of the reader have no row in the list of rules that this crate began with.
    assert_eq!(unstated, ["B42"]);
}

#[test]
fn each_weakness_may_be_mapped_to() {
    for rule in RULES {
        let weakness = rule.weakness().expect("it exists");
        let may = matches!(
            weakness.usage,
            cwe::Usage::Allowed | cwe::Usage::AllowedWithReview
        );
        // The single exception: no child of 693 fits mitigations of a platform that are absent.
        assert!(may || rule.cwe == 693, "{}: {:?}", rule.id, weakness.usage);
        assert!(
            weakness.abstraction != "Pillar" || rule.cwe == 693,
            "{}",
            rule.id
        );
    }
}
