//! How shapes become fingerprints.

use super::{FieldShape, Shape, VariantShape, code};

const PRIME: u64 = 0x0000_0100_0000_01b3;

/// To the power of eight.
const PRIME_8: u64 = {
    let square = PRIME.wrapping_mul(PRIME);
    let fourth = square.wrapping_mul(square);
    fourth.wrapping_mul(fourth)
};

/// Mixes bytes into a 64-bit FNV-1a hash (the parameters are those of the FNV authors).
///
/// The hash need not withstand an attacker: whoever can choose a fingerprint already
/// chooses the code behind it.
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) const fn value(&self) -> u64 {
        self.0
    }

    /// The hash, where 0 has a meaning of its own.
    pub(super) const fn nonzero(&self) -> u64 {
        if self.0 == 0 { 1 } else { self.0 }
    }

    /// Mixes a number's eight bytes in, the lowest first.
    ///
    /// Nearly all numbers are codes and counts of one byte. The seven zeros behind it are one
    /// multiplication: the compiler runs this for each method of each interface, and takes its time.
    pub(super) const fn number(&mut self, number: u64) {
        if number <= 0xff {
            self.0 = (self.0 ^ number).wrapping_mul(PRIME_8);
            return;
        }
        let mut rest = number;
        let mut index = 0;
        while index < 8 {
            self.0 = (self.0 ^ (rest & 0xff)).wrapping_mul(PRIME);
            rest >>= 8;
            index += 1;
        }
    }

    pub(super) const fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.number(bytes.len() as u64);
        let mut index = 0;
        while index < bytes.len() {
            self.0 = (self.0 ^ bytes[index] as u64).wrapping_mul(PRIME);
            index += 1;
        }
    }

    pub(super) const fn fields(&mut self, fields: &[FieldShape]) {
        self.number(fields.len() as u64);
        let mut index = 0;
        while index < fields.len() {
            self.text(fields[index].name);
            self.shape(fields[index].shape);
            index += 1;
        }
    }

    pub(super) const fn variants(&mut self, variants: &[VariantShape]) {
        self.number(variants.len() as u64);
        let mut index = 0;
        while index < variants.len() {
            self.text(variants[index].name);
            self.fields(variants[index].fields);
            index += 1;
        }
    }

    pub(super) const fn one(&mut self, code: u64, part: &Shape) {
        self.number(code);
        self.shape(part);
    }

    pub(super) const fn two(&mut self, code: u64, first: &Shape, second: &Shape) {
        self.one(code, first);
        self.shape(second);
    }

    pub(super) const fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Scalar(scalar) => self.number(*scalar as u64),
            Shape::Option(some) => self.one(code::OPTION, some),
            Shape::Result(ok, err) => self.two(code::RESULT, ok, err),
            Shape::Vec(element) => self.one(code::VEC, element),
            Shape::Slice(element) => self.one(code::SLICE, element),
            Shape::Ref(value) => self.one(code::REF, value),
            Shape::Future(value) => self.one(code::FUTURE, value),
            Shape::LocalFuture(value) => self.one(code::LOCAL_FUTURE, value),
            Shape::SliceMut(element) => self.one(code::SLICE_MUT, element),
            Shape::Tuple(parts) => {
                self.number(code::TUPLE);
                self.number(parts.len() as u64);
                let mut index = 0;
                while index < parts.len() {
                    self.shape(parts[index]);
                    index += 1;
                }
            }
            Shape::Array(element, length) => {
                self.one(code::ARRAY, element);
                self.number(*length as u64);
            }
            Shape::Map(key, value) => self.two(code::MAP, key, value),
            Shape::Set(element) => self.one(code::SET, element),
            Shape::Interface(holder, id, major) => {
                self.number(code::INTERFACE);
                self.number(*holder as u64);
                self.text(id);
                self.number(*major as u64);
            }
            Shape::Constant(constant) => {
                self.number(code::CONSTANT);
                self.number(constant.scalar as u64);
                self.number(constant.bits);
                self.text(constant.text);
            }
            // A type's name is not part of what crosses: renaming it breaks nobody.
            Shape::Struct(_, fields) => {
                self.number(code::STRUCT);
                self.fields(fields);
            }
            Shape::Enum(_, variants) => {
                self.number(code::ENUM);
                self.variants(variants);
            }
            // Those that were added later may be missing on one side.
            Shape::Open(_, variants, _) => {
                self.number(code::OPEN);
                self.variants(variants);
            }
        }
    }
}
