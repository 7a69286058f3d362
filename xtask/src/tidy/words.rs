//! Words that have no place in a kind of file, each with the reason that the developer is told.

use std::path::Path;

/// Where a rule looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// Every file, binary ones too.
    Everything,
    /// Rust sources.
    Rust,
}

/// The words are written in two pieces, so that this file does not find itself.
const RULES: [(In, &str, &str); 12] = [
    (
        In::Everything,
        concat!("/ro", "ot/"),
        "a path of one machine",
    ),
    (
        In::Everything,
        concat!("/Us", "ers/"),
        "a path of one machine",
    ),
    (
        In::Everything,
        concat!("/wo", "rk/"),
        "a path of one machine",
    ),
    (
        In::Rust,
        concat!("TO", "DO"),
        "do it, or write it into SHORTCOMINGS.md",
    ),
    (
        In::Rust,
        concat!("FIX", "ME"),
        "mend it, or write it into SHORTCOMINGS.md",
    ),
    (In::Rust, concat!("XX", "X"), "say what is meant"),
    (In::Rust, concat!("to", "do!("), "no stubs"),
    (In::Rust, concat!("unimpl", "emented!("), "no stubs"),
    (
        In::Rust,
        concat!("#[ig", "nore"),
        "a test that does not run is no test; skip loudly inside it",
    ),
    (
        In::Rust,
        concat!("#[al", "low("),
        "#[expect(…, reason = …)] ends by itself when it is no longer needed",
    ),
    (
        In::Rust,
        concat!("#![al", "low("),
        "#![expect(…, reason = …)] ends by itself when it is no longer needed",
    ),
    (
        In::Rust,
        concat!("thread::sl", "eep"),
        "wait for the event, not for a time",
    ),
];

/// Names of modules that say nothing of their subject.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

/// Every forbidden word in `text`, as `path:line: word: reason`.
#[must_use]
pub fn findings(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let is_rust = path.ends_with(".rs");
    let name = Path::new(path)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    if is_rust && EMPTY_NAMES.contains(&&*name) {
        findings.push(format!(
            "{path}: `{name}` names no subject; a module is a noun of the field"
        ));
    }
    for (number, line) in text.lines().enumerate() {
        for (place, word, reason) in RULES {
            if (place == In::Everything || is_rust) && line.contains(word) {
                findings.push(format!("{path}:{}: `{word}`: {reason}", number + 1));
            }
        }
        if names_a_ticket(line) {
            findings.push(format!(
                "{path}:{}: a ticket's number: say the reason itself, it outlives the tracker",
                number + 1
            ));
        }
    }
    findings
}

/// The word and a number, with or without `#`: text that only its writer can follow.
fn names_a_ticket(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.match_indices("issue").any(|(at, word)| {
        let after = lower[at + word.len()..].trim_start_matches('s');
        let number = after.trim_start_matches([' ', '#']);
        number.len() < after.len() && number.starts_with(|first: char| first.is_ascii_digit())
    })
}
