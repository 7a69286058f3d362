//! All rules, each in a file of its own.

mod a01;
mod b01;
mod b02;
mod b03;
mod b04;
mod b05;
mod b06;
mod b07;
mod b08;
mod b09;
mod b10;
mod b11;
mod b12;
mod b13;
mod b14;
mod b15;
mod b16;
mod b17;
mod b18;
mod b19;
mod b20;
mod b21;
mod b22;
mod b23;
mod b24;
mod b25;
mod b26;
mod b27;
mod b28;
mod b29;
mod b30;
mod b31;
mod b32;
mod b33;
mod b34;
mod b35;
pub(crate) mod b36;
mod b37;
mod b38;
mod b39;
mod b40;
mod b41;
mod b42;
mod c01;
mod c02;
mod c03;
mod c04;
mod c05;
mod c06;
mod d01;
pub(crate) mod d02;
mod d03;
mod d04;
mod d05;
mod d06;
mod d07;
mod d08;
mod d09;
mod d10;
mod d11;
mod d12;
mod d13;
mod d14;
mod d15;
mod d16;
mod d17;
mod d18;
mod d19;
mod d20;
mod d21;
mod d22;
mod imported;
mod p01;
mod p02;
mod p03;
mod p04;
mod p05;
mod p06;
mod p07;
mod p08;
mod p09;
mod p10;
pub(crate) mod parts;
mod run_path;
pub(crate) mod signing;
mod structure;

use crate::rule::Rule;

/// The rule by which the review tells of what it could not look at.
pub(crate) use a01::RULE as NOT_EXAMINED;

/// Every rule, in the order of the numbers.
pub static RULES: &[&Rule] = &[
    &a01::RULE,
    &b01::RULE,
    &b02::RULE,
    &b03::RULE,
    &b04::RULE,
    &b05::RULE,
    &b06::RULE,
    &b07::RULE,
    &b08::RULE,
    &b09::RULE,
    &b10::RULE,
    &b11::RULE,
    &b12::RULE,
    &b13::RULE,
    &b14::RULE,
    &b15::RULE,
    &b16::RULE,
    &b17::RULE,
    &b18::RULE,
    &b19::RULE,
    &b20::RULE,
    &b21::RULE,
    &b22::RULE,
    &b23::RULE,
    &b24::RULE,
    &b25::RULE,
    &b26::RULE,
    &b27::RULE,
    &b28::RULE,
    &b29::RULE,
    &b30::RULE,
    &b31::RULE,
    &b32::RULE,
    &b33::RULE,
    &b34::RULE,
    &b35::RULE,
    &b36::RULE,
    &b37::RULE,
    &b38::RULE,
    &b39::RULE,
    &b40::RULE,
    &b41::RULE,
    &b42::RULE,
    &c01::RULE,
    &c02::RULE,
    &c03::RULE,
    &c04::RULE,
    &c05::RULE,
    &c06::RULE,
    &d01::RULE,
    &d02::RULE,
    &d03::RULE,
    &d04::RULE,
    &d05::RULE,
    &d06::RULE,
    &d07::RULE,
    &d08::RULE,
    &d09::RULE,
    &d10::RULE,
    &d11::RULE,
    &d12::RULE,
    &d13::RULE,
    &d14::RULE,
    &d15::RULE,
    &d16::RULE,
    &d17::RULE,
    &d18::RULE,
    &d19::RULE,
    &d20::RULE,
    &d21::RULE,
    &d22::RULE,
    &p01::RULE,
    &p02::RULE,
    &p03::RULE,
    &p04::RULE,
    &p05::RULE,
    &p06::RULE,
    &p07::RULE,
    &p08::RULE,
    &p09::RULE,
    &p10::RULE,
];

/// The rule with this id, in either case.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .copied()
        .find(|rule| rule.id.eq_ignore_ascii_case(id))
}
