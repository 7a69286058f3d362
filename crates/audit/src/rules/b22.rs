//! B22: Letters of several alphabets in a name.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B22",
    title: "Letters of several alphabets in a name",
    cwe: 1007,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The file's name, SONAME, ids and names of plugins, Qt's class names, key by key.",
    why: "A name whose letters look like those of another alphabet passes for that of a plugin that somebody trusts.",
    remedy: "Refuse it, or ask its author to rename it.",
    references: &["https://www.unicode.org/reports/tr39/"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let name = file.path.file_name().unwrap_or_default();
    let mut look = |what: &'static str, text: &str| {
        looked = looked.saturating_add(1);
        if let Some(word) = text
            .split(|c: char| !c.is_alphanumeric())
            .find(|word| confuses(word))
        {
            let title = "a name holds letters that look like those of another alphabet";
            sink.report(title)
                .with(what, word)
                .with("points of code", points(word).as_str());
        }
    };
    look("file name", &name.to_string_lossy());
    for (image, _) in file.images() {
        if let Some(name) = &image.headers.name {
            look("SONAME", &name.to_string_lossy());
        }
        for record in &image.headers.image.records {
            if let Some(detail) = &record.detail {
                look("plugin's name", &detail.name);
                for author in &detail.authors {
                    look("author", author);
                }
            }
            for key in record
                .summary
                .provides
                .iter()
                .flat_map(|provided| &provided.keys)
            {
                look("plugin's key", key);
            }
        }
        if let Some(qt) = &image.headers.image.qt {
            let texts = [("interface", qt.iid()), ("class", qt.class_name())];
            for (what, text) in texts {
                look(what, text.unwrap_or_default());
            }
            for key in qt.keys() {
                look("plugin's key", key);
            }
        }
    }
    looked
}

/// Whether a word mixes letters of the Latin alphabet with those of one that looks like it, or is made of such alone.
fn confuses(word: &str) -> bool {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    let latin = letters().any(is_latin);
    let other = letters().any(resembles_latin);
    let all_alike = word.chars().count() > 1 && letters().all(|c| LOOK_LIKE_LATIN.contains(c));
    other && (latin || all_alike)
}

const fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}')
}

/// Greek, Cyrillic, Armenian, Cherokee, and the letters of mathematics and of full width.
const fn resembles_latin(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{531}'..='\u{587}' | '\u{13a0}'..='\u{13ff}'
        | '\u{ff21}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}')
}

/// Letters of Cyrillic and Greek that cannot be told from Latin ones (UTS #39, the confusables that every font shows).
const LOOK_LIKE_LATIN: &str = "аеорсухіјѕԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТУХІЈЅ";

fn points(word: &str) -> String {
    let points = word.chars().map(|c| format!("U+{:04X}", u32::from(c)));
    points.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_confuse() {
        #[track_caller]
        fn check(word: &str, expected: bool) {
            assert_eq!(confuses(word), expected, "{word}");
        }
        check("paypal", false);
        check("p\u{430}ypal", true);
        check("größe", false);
        check("привет", false);
        // Every letter of it has a Latin double.
        check("\u{440}\u{430}\u{441}\u{435}", true);
        check("", false);
    }
}
