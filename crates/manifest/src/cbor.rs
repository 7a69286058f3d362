//! A pull reader for CBOR (RFC 8949) over bytes that may be hostile.
//!
//! It keeps one invariant: whatever the bytes say, reading costs at most time linear in
//! their length, no allocation is sized by a field of the input, and nothing recurses
//! without a limit. It refuses to know what the values mean: records are decoded by
//! [`crate::Summary`] and [`crate::Detail`], Qt's metadata by the inspection crate.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::borrow::Cow;
use std::fmt;

/// The deepest nesting of arrays, maps and tags that [`Reader::skip`] and [`to_json`] follow.
pub const MAX_DEPTH: usize = 128;

/// The largest number of values that [`to_json`] builds from one input.
pub const MAX_VALUES: usize = 100_000;

/// One data item's head, with its content where the item has no children.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 1: the value is `-1 - n`.
    Negative(u64),
    /// Major type 2; the chunks of an indefinite-length string are joined.
    Bytes(Cow<'a, [u8]>),
    /// Major type 3; the chunks of an indefinite-length string are joined.
    Text(Cow<'a, str>),
    /// Major type 4: the number of elements, or `None` until [`Item::Break`].
    Array(Option<u64>),
    /// Major type 5: the number of pairs, or `None` until [`Item::Break`].
    Map(Option<u64>),
    /// Major type 6: the tagged item follows.
    Tag(u64),
    /// `false` and `true`.
    Bool(bool),
    /// The simple value `null`.
    Null,
    /// The simple value `undefined`.
    Undefined,
    /// Any other simple value.
    Simple(u8),
    /// A half, single or double precision number, widened.
    Float(f64),
    /// The end of an indefinite-length array or map.
    Break,
}

impl Item<'_> {
    /// The item's name in messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Unsigned(_) => "an unsigned integer",
            Self::Negative(_) => "a negative integer",
            Self::Bytes(_) => "a byte string",
            Self::Text(_) => "a text string",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Tag(_) => "a tag",
            Self::Bool(_) => "a boolean",
            Self::Null => "null",
            Self::Undefined => "undefined",
            Self::Simple(_) => "a simple value",
            Self::Float(_) => "a floating-point number",
            Self::Break => "a break",
        }
    }
}

/// Why bytes are not the CBOR that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CborError {
    offset: usize,
    kind: CborErrorKind,
}

/// The kinds of [`CborError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CborErrorKind {
    /// The input ends inside an item.
    UnexpectedEnd,
    /// Additional information 28 to 30, or an indefinite length where none is allowed.
    InvalidHead(u8),
    /// A chunk of an indefinite-length string is not a definite string of the same type.
    InvalidChunk,
    /// A text string is not UTF-8.
    InvalidUtf8,
    /// A break outside an indefinite-length item.
    UnexpectedBreak,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
    /// More than [`MAX_VALUES`] values.
    TooMany,
    /// An item of another type was expected.
    Unexpected {
        /// What the reader wanted.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
}

impl CborError {
    /// The offset in bytes, from the start of the input, at which the fault was seen.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &CborErrorKind {
        &self.kind
    }
}

impl fmt::Display for CborError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            CborErrorKind::UnexpectedEnd => f.write_str("the data ends inside an item")?,
            CborErrorKind::InvalidHead(byte) => write!(f, "0x{byte:02x} cannot begin an item")?,
            CborErrorKind::InvalidChunk => f.write_str("a string's chunk has another type")?,
            CborErrorKind::InvalidUtf8 => f.write_str("a text string is not UTF-8")?,
            CborErrorKind::UnexpectedBreak => f.write_str("a break stands where an item must")?,
            CborErrorKind::TooDeep => write!(f, "nested more than {MAX_DEPTH} levels deep")?,
            CborErrorKind::TooMany => write!(f, "more than {MAX_VALUES} values")?,
            CborErrorKind::Unexpected { expected, found } => {
                write!(f, "expected {expected}, found {found}")?;
            }
        }
        write!(f, " (at byte {})", self.offset)
    }
}

impl std::error::Error for CborError {}

/// Reads items one after the other.
///
/// ```
/// use plugwright_manifest::cbor::{Item, Reader};
///
/// let mut reader = Reader::new(&[0x82, 0x01, 0x62, b'h', b'i']);
/// assert_eq!(reader.item()?, Item::Array(Some(2)));
/// assert_eq!(reader.item()?, Item::Unsigned(1));
/// assert_eq!(reader.text()?, "hi");
/// # Ok::<(), plugwright_manifest::cbor::CborError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// The offset of the next item, in bytes.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether every byte has been read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.offset >= self.bytes.len()
    }

    /// An error of `kind` at the next item.
    #[must_use]
    pub fn error(&self, kind: CborErrorKind) -> CborError {
        CborError {
            offset: self.offset,
            kind,
        }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], CborError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = usize::try_from(count)
            .ok()
            .and_then(|count| rest.get(..count))
            .ok_or_else(|| self.error(CborErrorKind::UnexpectedEnd))?;
        self.offset = self.offset.saturating_add(taken.len());
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = rest
            .first_chunk::<N>()
            .ok_or_else(|| self.error(CborErrorKind::UnexpectedEnd))?;
        self.offset = self.offset.saturating_add(N);
        Ok(*taken)
    }

    /// The initial byte's argument, or `None` for an indefinite length.
    fn argument(&mut self, initial: u8) -> Result<Option<u64>, CborError> {
        Ok(Some(match initial & 0x1f {
            small @ 0..=23 => u64::from(small),
            24 => u64::from(u8::from_be_bytes(self.take_array()?)),
            25 => u64::from(u16::from_be_bytes(self.take_array()?)),
            26 => u64::from(u32::from_be_bytes(self.take_array()?)),
            27 => u64::from_be_bytes(self.take_array()?),
            31 => return Ok(None),
            _ => return Err(self.error(CborErrorKind::InvalidHead(initial))),
        }))
    }

    fn definite(&mut self, initial: u8) -> Result<u64, CborError> {
        self.argument(initial)?
            .ok_or_else(|| self.error(CborErrorKind::InvalidHead(initial)))
    }

    /// The bytes of a string of `major` type, joined when they come in chunks.
    fn string(&mut self, initial: u8) -> Result<Cow<'a, [u8]>, CborError> {
        if let Some(length) = self.argument(initial)? {
            return Ok(Cow::Borrowed(self.take(length)?));
        }
        let mut joined = Vec::new();
        loop {
            let [chunk] = self.take_array()?;
            if chunk == 0xff {
                return Ok(Cow::Owned(joined));
            }
            if chunk >> 5 != initial >> 5 || chunk & 0x1f == 31 {
                return Err(self.error(CborErrorKind::InvalidChunk));
            }
            let length = self.definite(chunk)?;
            let bytes = self.take(length)?;
            // RFC 8949, 3.2.3: every chunk of a text string is itself valid UTF-8.
            if initial >> 5 == 3 && std::str::from_utf8(bytes).is_err() {
                return Err(self.error(CborErrorKind::InvalidUtf8));
            }
            joined.extend_from_slice(bytes);
        }
    }

    /// Reads the next item's head, and its content when it has no children.
    ///
    /// # Errors
    /// When the bytes end too early or are not well-formed CBOR.
    pub fn item(&mut self) -> Result<Item<'a>, CborError> {
        let start = self.offset;
        let at_start = |mut error: CborError| {
            error.offset = start;
            error
        };
        let [initial] = self.take_array()?;
        Ok(match initial >> 5 {
            0 => Item::Unsigned(self.definite(initial)?),
            1 => Item::Negative(self.definite(initial)?),
            2 => Item::Bytes(self.string(initial)?),
            3 => Item::Text(match self.string(initial)? {
                Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => Cow::Borrowed(text),
                    Err(_) => return Err(at_start(self.error(CborErrorKind::InvalidUtf8))),
                },
                Cow::Owned(bytes) => match String::from_utf8(bytes) {
                    Ok(text) => Cow::Owned(text),
                    Err(_) => return Err(at_start(self.error(CborErrorKind::InvalidUtf8))),
                },
            }),
            4 => Item::Array(self.argument(initial)?),
            5 => Item::Map(self.argument(initial)?),
            6 => Item::Tag(self.definite(initial)?),
            _ => match initial & 0x1f {
                20 => Item::Bool(false),
                21 => Item::Bool(true),
                22 => Item::Null,
                23 => Item::Undefined,
                24 => {
                    let [value] = self.take_array()?;
                    if value < 32 {
                        return Err(at_start(self.error(CborErrorKind::InvalidHead(initial))));
                    }
                    Item::Simple(value)
                }
                25 => Item::Float(half(u16::from_be_bytes(self.take_array()?))),
                26 => Item::Float(f64::from(f32::from_be_bytes(self.take_array()?))),
                27 => Item::Float(f64::from_be_bytes(self.take_array()?)),
                31 => Item::Break,
                simple @ 0..=19 => Item::Simple(simple),
                _ => return Err(at_start(self.error(CborErrorKind::InvalidHead(initial)))),
            },
        })
    }

    /// The argument of the next item's head if it has this major type and a definite
    /// length; otherwise nothing is read. The way of nearly every item of a good record.
    #[inline]
    fn expect(&mut self, major: u8) -> Option<u64> {
        let start = self.offset;
        let initial = *self.bytes.get(start)?;
        if initial >> 5 != major {
            return None;
        }
        self.offset = start.saturating_add(1);
        let argument = match initial & 0x1f {
            small @ 0..=23 => Some(u64::from(small)),
            _ => self.argument(initial).ok().flatten(),
        };
        if argument.is_none() {
            self.offset = start;
        }
        argument
    }

    fn unexpected<T>(
        &self,
        start: usize,
        want: &'static str,
        got: &Item<'_>,
    ) -> Result<T, CborError> {
        Err(CborError {
            offset: start,
            kind: CborErrorKind::Unexpected {
                expected: want,
                found: got.describe(),
            },
        })
    }

    /// Reads a text string.
    ///
    /// # Errors
    /// As [`Reader::item`], and when another item stands there.
    pub fn text(&mut self) -> Result<Cow<'a, str>, CborError> {
        let start = self.offset;
        if let Some(length) = self.expect(3) {
            if let Ok(Ok(text)) = self.take(length).map(std::str::from_utf8) {
                return Ok(Cow::Borrowed(text));
            }
            // Read it again for the error.
            self.offset = start;
        }
        match self.item()? {
            Item::Text(text) => Ok(text),
            other => self.unexpected(start, "a text string", &other),
        }
    }

    /// Reads an unsigned integer.
    ///
    /// # Errors
    /// As [`Reader::item`], and when another item stands there.
    pub fn unsigned(&mut self) -> Result<u64, CborError> {
        if let Some(argument) = self.expect(0) {
            return Ok(argument);
        }
        let start = self.offset;
        match self.item()? {
            Item::Unsigned(value) => Ok(value),
            other => self.unexpected(start, "an unsigned integer", &other),
        }
    }

    /// Reads a signed integer.
    ///
    /// # Errors
    /// As [`Reader::item`], and when another item or a number outside `i64` stands there.
    pub fn signed(&mut self) -> Result<i64, CborError> {
        let start = self.offset;
        let item = self.item()?;
        let value = match item {
            Item::Unsigned(value) => i64::try_from(value).ok(),
            Item::Negative(value) => i64::try_from(value).ok().map(|value| !value),
            _ => None,
        };
        match value {
            Some(value) => Ok(value),
            None => self.unexpected(start, "a 64-bit signed integer", &item),
        }
    }

    /// Reads a boolean.
    ///
    /// # Errors
    /// As [`Reader::item`], and when another item stands there.
    pub fn boolean(&mut self) -> Result<bool, CborError> {
        let start = self.offset;
        match self.item()? {
            Item::Bool(value) => Ok(value),
            other => self.unexpected(start, "a boolean", &other),
        }
    }

    /// Reads the head of an array of known length.
    ///
    /// # Errors
    /// As [`Reader::item`], and when another item or an indefinite length stands there.
    pub fn array(&mut self) -> Result<u64, CborError> {
        if let Some(argument) = self.expect(4) {
            return Ok(argument);
        }
        let start = self.offset;
        match self.item()? {
            Item::Array(Some(count)) => Ok(count),
            other => self.unexpected(start, "an array of known length", &other),
        }
    }

    /// Reads the head of a map of known length.
    ///
    /// # Errors
    /// As [`Reader::item`], and when another item or an indefinite length stands there.
    pub fn map(&mut self) -> Result<u64, CborError> {
        if let Some(argument) = self.expect(5) {
            return Ok(argument);
        }
        let start = self.offset;
        match self.item()? {
            Item::Map(Some(count)) => Ok(count),
            other => self.unexpected(start, "a map of known length", &other),
        }
    }

    /// Passes over one whole item and returns its bytes.
    ///
    /// # Errors
    /// As [`Reader::item`], and when it is nested more than [`MAX_DEPTH`] levels deep.
    pub fn skip(&mut self) -> Result<&'a [u8], CborError> {
        let start = self.offset;
        // What is still owed at each level: a count, or `None` until a break.
        let mut owed: Vec<Option<u64>> = vec![Some(1)];
        while let Some(level) = owed.last_mut() {
            match level {
                Some(0) => {
                    owed.pop();
                    continue;
                }
                Some(count) => *count = count.saturating_sub(1),
                None => {}
            }
            let indefinite = level.is_none();
            let children = match self.item()? {
                Item::Array(count) => count,
                Item::Map(count) => match count {
                    Some(pairs) => Some(
                        pairs
                            .checked_mul(2)
                            .ok_or_else(|| self.error(CborErrorKind::UnexpectedEnd))?,
                    ),
                    None => None,
                },
                Item::Tag(_) => Some(1),
                Item::Break if indefinite => {
                    owed.pop();
                    continue;
                }
                Item::Break => return Err(self.error(CborErrorKind::UnexpectedBreak)),
                _ => continue,
            };
            if owed.len() > MAX_DEPTH {
                return Err(self.error(CborErrorKind::TooDeep));
            }
            owed.push(children);
        }
        Ok(self.bytes.get(start..self.offset).unwrap_or_default())
    }
}

/// Widens an IEEE 754 half-precision number (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let exponent = (bits >> 10) & 0x1f;
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(exponent).saturating_sub(15)),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// Reads one item as JSON, the way [`json_to_cbor`] wrote it.
///
/// Byte strings, tags, `undefined`, numbers that JSON cannot hold and map keys that are
/// not text have no place in application metadata and are refused.
///
/// # Errors
/// As [`Reader::item`], and beyond [`MAX_DEPTH`] or [`MAX_VALUES`].
pub fn to_json(reader: &mut Reader<'_>) -> Result<serde_json::Value, CborError> {
    let mut left = MAX_VALUES;
    json_value(reader, 0, &mut left)
}

fn json_value(
    reader: &mut Reader<'_>,
    depth: usize,
    left: &mut usize,
) -> Result<serde_json::Value, CborError> {
    use serde_json::Value;

    if depth > MAX_DEPTH {
        return Err(reader.error(CborErrorKind::TooDeep));
    }
    *left = left
        .checked_sub(1)
        .ok_or_else(|| reader.error(CborErrorKind::TooMany))?;
    let deeper = depth.saturating_add(1);
    let start = reader.offset();
    let item = reader.item()?;
    Ok(match item {
        Item::Unsigned(value) => Value::from(value),
        Item::Negative(value) => match i64::try_from(value) {
            Ok(value) => Value::from(!value),
            Err(_) => return reader.unexpected(start, "a 64-bit signed integer", &item),
        },
        Item::Text(text) => Value::from(text.into_owned()),
        Item::Bool(value) => Value::from(value),
        Item::Null => Value::Null,
        Item::Float(value) => match serde_json::Number::from_f64(value) {
            Some(number) => Value::Number(number),
            None => return reader.unexpected(start, "a finite number", &item),
        },
        Item::Array(Some(count)) => {
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(json_value(reader, deeper, left)?);
            }
            Value::Array(values)
        }
        Item::Map(Some(count)) => {
            let mut map = serde_json::Map::new();
            for _ in 0..count {
                let key = reader.text()?.into_owned();
                map.insert(key, json_value(reader, deeper, left)?);
            }
            Value::Object(map)
        }
        other => return reader.unexpected(start, "a JSON value", &other),
    })
}

/// Appends an item's head: `major` type 0 to 7 with its argument in the shortest form.
fn push_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    if let Ok(byte) = u8::try_from(argument) {
        if byte < 24 {
            out.push(major | byte);
        } else {
            out.extend_from_slice(&[major | 24, byte]);
        }
    } else if let Ok(short) = u16::try_from(argument) {
        out.push(major | 25);
        out.extend_from_slice(&short.to_be_bytes());
    } else if let Ok(word) = u32::try_from(argument) {
        out.push(major | 26);
        out.extend_from_slice(&word.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend_from_slice(&argument.to_be_bytes());
    }
}

/// Writes a JSON value as CBOR: the encoding of application metadata.
///
/// The result is deterministic: definite lengths, shortest heads, keys in the map's order.
#[must_use]
pub fn json_to_cbor(value: &serde_json::Value) -> Vec<u8> {
    let mut out = Vec::new();
    push_json(&mut out, value);
    out
}

fn push_json(out: &mut Vec<u8>, value: &serde_json::Value) {
    use serde_json::Value;

    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => {
            if let Some(unsigned) = number.as_u64() {
                push_head(out, 0, unsigned);
            } else if let Some(signed) = number.as_i64() {
                // Only negative numbers get here: CBOR stores `-1 - n`, the complement.
                push_head(out, 1, u64::try_from(!signed).unwrap_or_default());
            } else {
                out.push(0xfb);
                out.extend_from_slice(&number.as_f64().unwrap_or_default().to_be_bytes());
            }
        }
        Value::String(text) => {
            push_head(out, 3, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(values) => {
            push_head(out, 4, values.len() as u64);
            for value in values {
                push_json(out, value);
            }
        }
        Value::Object(map) => {
            push_head(out, 5, map.len() as u64);
            for (key, value) in map {
                push_head(out, 3, key.len() as u64);
                out.extend_from_slice(key.as_bytes());
                push_json(out, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_item(bytes: &[u8], expected: Item<'_>) {
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.item(), Ok(expected));
        assert!(reader.is_at_end());
    }

    #[track_caller]
    fn check_error(bytes: &[u8], offset: usize, kind: CborErrorKind) {
        let error = Reader::new(bytes).skip().expect_err("must be refused");
        assert_eq!((error.offset, error.kind), (offset, kind));
    }

    /// The examples of RFC 8949, appendix A.
    #[test]
    fn items_of_the_rfc() {
        check_item(&[0x17], Item::Unsigned(23));
        check_item(&[0x18, 0x64], Item::Unsigned(100));
        check_item(
            &[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0],
            Item::Unsigned(1_000_000_000_000),
        );
        check_item(&[0x38, 0x63], Item::Negative(99));
        check_item(&[0xf9, 0x3c, 0x00], Item::Float(1.0));
        check_item(&[0xf9, 0x7b, 0xff], Item::Float(65504.0));
        check_item(&[0xf9, 0x00, 0x01], Item::Float(5.960_464_477_539_063e-8));
        check_item(&[0xf9, 0xc4, 0x00], Item::Float(-4.0));
        check_item(&[0xfa, 0x47, 0xc3, 0x50, 0x00], Item::Float(100_000.0));
        check_item(&[0xf9, 0x7c, 0x00], Item::Float(f64::INFINITY));
        check_item(&[0xf8, 0xff], Item::Simple(255));
        check_item(
            &[0x44, 1, 2, 3, 4],
            Item::Bytes(Cow::Borrowed(&[1, 2, 3, 4])),
        );
        check_item(
            &[
                0x7f, 0x65, b's', b't', b'r', b'e', b'a', 0x64, b'm', b'i', b'n', b'g', 0xff,
            ],
            Item::Text(Cow::Borrowed("streaming")),
        );
    }

    #[test]
    fn malformed_items() {
        check_error(&[], 0, CborErrorKind::UnexpectedEnd);
        check_error(&[0x1c], 1, CborErrorKind::InvalidHead(0x1c));
        check_error(&[0x1f], 1, CborErrorKind::InvalidHead(0x1f));
        check_error(&[0x62, 0xff, 0xff], 0, CborErrorKind::InvalidUtf8);
        check_error(
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0],
            9,
            CborErrorKind::UnexpectedEnd,
        );
        check_error(&[0x7f, 0x41, b'a', 0xff], 2, CborErrorKind::InvalidChunk);
        check_error(&[0xff], 1, CborErrorKind::UnexpectedBreak);
        check_error(&[0x82, 0x01], 2, CborErrorKind::UnexpectedEnd);
        check_error(
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            9,
            CborErrorKind::UnexpectedEnd,
        );
    }

    #[test]
    fn depth_is_bounded() {
        check_error(&[0x81; 10_000], MAX_DEPTH + 1, CborErrorKind::TooDeep);
        let error = to_json(&mut Reader::new(&[0x81; 10_000])).expect_err("must be refused");
        assert_eq!(error.kind, CborErrorKind::TooDeep);
    }

    #[test]
    fn count_is_bounded() {
        // An array that promises 2^32 values and has many.
        let mut bytes = vec![0x9a, 0xff, 0xff, 0xff, 0xff];
        bytes.resize(MAX_VALUES * 2, 0);
        let error = to_json(&mut Reader::new(&bytes)).expect_err("must be refused");
        assert_eq!(error.kind, CborErrorKind::TooMany);
    }

    #[test]
    fn skip_returns_the_item() {
        let bytes = [0xbf, 0x01, 0x9f, 0x02, 0xff, 0x03, 0xc1, 0x04, 0xff, 0x07];
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.skip(), Ok(bytes.get(..9).expect("nine bytes")));
        assert_eq!(reader.unsigned(), Ok(7));
    }

    #[test]
    fn json_comes_back() {
        let value = serde_json::json!({
            "Keys": ["zst", "zstd"], "n": -129, "big": u64::MAX, "least": i64::MIN,
            "f": 1.5, "no": null, "yes": true, "deep": {"a": [{"b": []}]},
        });
        let bytes = json_to_cbor(&value);
        assert_eq!(to_json(&mut Reader::new(&bytes)), Ok(value));
        for length in 0..bytes.len() {
            let cut = bytes.get(..length).expect("shorter");
            assert!(
                to_json(&mut Reader::new(cut)).is_err(),
                "{length} bytes were taken"
            );
        }
    }
}
