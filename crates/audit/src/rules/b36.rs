//! B36: Packed or encrypted code.

use std::sync::LazyLock;

use super::parts;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{FileSubject, place};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B36",
    title: "Packed or encrypted code",
    cwe: 506,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The entropy of samples of each executable part, from its middle on, unless the first is that of ordinary code, and the marks of packers in the first page.",
    why: "Code that unpacks itself shows a review nothing of what it does.",
    remedy: "Ask for the unpacked file; a library has no reason to hide its code.",
    references: &["https://attack.mitre.org/techniques/T1027/002/"],
    check: Check::File(check),
};

/// Bytes of one sample, and how many of each executable part are taken.
const SAMPLE: usize = 4096;
/// Bytes of the first: fewer have few different values whatever they are. Of noise these have 7.8 bits each.
const SHORT: usize = 1024;
const SAMPLES: u64 = 8;
/// Bits for each byte: machine code has 5 to 6.6, compressed or encrypted data more than 7.9 of 8.
const TOO_MANY: f64 = 7.5;

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for part in parts::executable(file.scan) {
        let step = part.size.checked_div(SAMPLES).unwrap_or_default();
        let (mut most, mut least, mut taken, mut dense) = (0.0_f64, 8.0_f64, 0_u64, 0_u64);
        for number in 0..SAMPLES {
            // From the middle on: what unpacks the rest stands at an end. The first is short, for nearly all code is ordinary.
            let turned = number.saturating_add(SAMPLES / 2) % SAMPLES;
            let at = part.offset.saturating_add(step.saturating_mul(turned));
            let most_bytes = if number == 0 { SHORT } else { SAMPLE };
            let room = usize::try_from(part.size).unwrap_or(usize::MAX);
            let sample = file.bytes(at, room.min(most_bytes));
            if sample.len() < SHORT {
                break;
            }
            let bits = entropy(&sample);
            (most, least, taken) = (most.max(bits), least.min(bits), taken.saturating_add(1));
            dense = dense.saturating_add(u64::from(bits > TOO_MANY));
            // Where the first is ordinary code the whole is.
            if dense == 0 || part.size <= u64::try_from(SAMPLE).unwrap_or(u64::MAX) {
                break;
            }
        }
        looked = looked.saturating_add(taken);
        if dense > 0 && dense.saturating_mul(2) >= taken {
            sink.report("code looks compressed or encrypted").at(
                part.name,
                format!("{least:.2} to {most:.2} bits a byte in {taken} samples").as_str(),
                part.offset,
            );
        }
    }
    let head = file.opened.head();
    looked = looked.saturating_add(1);
    let marks: [&[u8]; 2] = [b"UPX!", b"UPX0"];
    let found = marks
        .into_iter()
        .find_map(|mark| Some((mark, place(head, mark)?)));
    if let Some((mark, at)) = found {
        sink.report("the mark of a packer stands in the headers")
            .at("mark", mark, u64::try_from(at).ok());
    }
    looked
}

/// Shannon's entropy of bytes, in bits for each.
pub(crate) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.wrapping_add(1);
        }
    }
    if bytes.is_empty() {
        return 0.0;
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let weigh = |count: u32| {
        let known = usize::try_from(count).ok();
        let known = known.and_then(|count| WEIGHTS.get(count).copied());
        known.unwrap_or_else(|| weight(count))
    };
    log2(total) - counts.into_iter().map(weigh).sum::<f64>() / total
}

/// The weights of counts up to a sample's size.
static WEIGHTS: LazyLock<Vec<f64>> = LazyLock::new(|| (0..=4096).map(weight).collect());

/// A count times its logarithm.
fn weight(count: u32) -> f64 {
    let count = f64::from(count);
    if count > 0.0 {
        count * log2(count)
    } else {
        0.0
    }
}

/// The logarithm to the base 2 of a number that is at least one.
///
/// By arithmetic alone, since the system's own is all that the program would need `libm` for, which each of its starts
/// would have to map. It differs from that by less than 1e-15 of the result.
fn log2(number: f64) -> f64 {
    const FRACTION: u64 = (1 << 52) - 1;
    const ONE: u64 = 1023 << 52;
    let bits = number.to_bits();
    let exponent = u32::try_from(bits >> 52).map_or(0.0, |biased| f64::from(biased) - 1023.0);
    let mantissa = f64::from_bits(bits & FRACTION | ONE);
    // The logarithm is twice the area tangent of this, whose series shrinks ninefold with each term.
    let part = (mantissa - 1.0) / (mantissa + 1.0);
    let square = part * part;
    let series = (0_u8..18).rev().fold(0.0, |sum, term| {
        sum * square + 1.0 / (2.0 * f64::from(term) + 1.0)
    });
    exponent + 2.0 * part * series / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_of_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        assert!((entropy(&all) - 8.0).abs() < 1e-9);
        assert!(entropy(&[7; 100]).abs() < 1e-9);
    }

    #[test]
    fn logarithms_are_those_of_the_system() {
        for number in (1..5000_u32).chain([65_535, 65_536, 1 << 20, u32::MAX]) {
            let number = f64::from(number);
            let difference = (log2(number) - number.log2()).abs();
            assert!(difference <= 1e-15 * number.log2().max(1.0), "{number}");
        }
    }
}
