//! Text as the reports for people write it: what they share.

use std::borrow::Cow;

use plugwright_inspect::Untrusted;

use super::{PillarReport, Verdict};
use plugwright_trust::Severity;

/// A sentence that its maker escaped already, checked once more, because this is the last door: one line, and nothing in it that
/// acts on a terminal or turns the direction of writing.
pub(super) fn line(sentence: &str) -> Cow<'_, str> {
    let text = Untrusted::from(sentence);
    if text.needs_escape() {
        Cow::Owned(text.to_string())
    } else {
        Cow::Borrowed(sentence)
    }
}

/// A length as a number.
pub(super) fn len(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// `1 file`, `1,234 files`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// With a comma between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_mul(2));
    for (left, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if left > 0 && left.is_multiple_of(3) {
            text.push(',');
        }
    }
    text
}

/// Bytes in the largest unit that leaves a number before the point.
pub(super) fn size(bytes: u64) -> String {
    let mut unit = 1_u64;
    for name in ["bytes", "kB", "MB", "GB", "TB"] {
        let next = unit.saturating_mul(1000);
        if bytes < next || name == "TB" {
            return if unit == 1 {
                counted(bytes, "byte", "bytes")
            } else {
                let tenths = bytes.checked_div(unit.checked_div(10).unwrap_or(1));
                let tenths = tenths.unwrap_or_default();
                format!("{}.{} {name}", number(tenths / 10), tenths % 10)
            };
        }
        unit = next;
    }
    counted(bytes, "byte", "bytes")
}

/// `1 high, 2 low`.
pub(super) fn by_severity(counts: &[(Severity, usize)]) -> String {
    let told: Vec<String> = counts
        .iter()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    told.join(", ")
}

/// A pillar's verdict, as a sentence without its end.
pub(super) fn verdict(pillar: &PillarReport) -> String {
    let verdict = match pillar.verdict {
        Verdict::NoFinding => "no finding".to_owned(),
        Verdict::NotApplicable => format!(
            "not applicable: {}",
            pillar.reason.as_deref().unwrap_or_default()
        ),
        Verdict::Findings => by_severity(&pillar.by_severity),
    };
    match pillar.accepted {
        0 => verdict,
        accepted => format!("{verdict} ({accepted} accepted)"),
    }
}

/// That findings were left out, if they were.
pub(super) fn known(known: Option<usize>) -> Option<String> {
    known.map(|known| {
        let findings = counted(len(known), "finding", "findings");
        format!("Only what is new: {findings} of the earlier report left out.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_easily() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file", "files"), "1 file");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1_000), "1.0 kB");
        assert_eq!(size(1_454_000_000), "1.4 GB");
        assert_eq!(size(u64::MAX), "18,446,744.0 TB");
    }

    #[test]
    fn a_sentence_stays_a_line() {
        assert_eq!(line(r"the name is a\u{1b}"), r"the name is a\u{1b}");
        assert_eq!(line("a\nb\u{202e}"), r"a\nb\u{202e}");
    }
}
