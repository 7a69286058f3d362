//! Qt's CBOR as the JSON that Qt makes of it.
//!
//! The rules are those of `QCborValue::toJsonValue` as its documentation states them,
//! checked against `qtplugininfo` on files made for the purpose.

use plugwright_manifest::cbor::{CborError, CborErrorKind, Item, Reader};
use serde_json::{Map, Number, Value};

use super::Header;
use crate::limits;

/// Why there is no object.
#[derive(Debug)]
pub(super) enum Fault {
    Cbor(CborError),
    NotAMap(&'static str),
    TooMany,
    TooDeep,
    KeyText,
}

impl From<CborError> for Fault {
    fn from(error: CborError) -> Self {
        Self::Cbor(error)
    }
}

/// How a byte string becomes text.
#[derive(Clone, Copy)]
enum BytesAs {
    Base64Url,
    Base64,
    Base16,
    Uuid,
}

/// Decodes the map and adds what Qt's reader adds from the header.
pub(super) fn decode(cbor: &[u8], header: Header) -> Result<Map<String, Value>, Fault> {
    let mut decoder = Decoder {
        reader: Reader::new(cbor),
        left: limits::QT_VALUES,
        key_text: limits::QT_KEY_TEXT,
        is_qt5: header.qt_major == 5,
    };
    // Qt 5's reader inserts its own keys first, so that the map's win; Qt 6's last.
    let is_qt5 = decoder.is_qt5;
    let mut json = Map::new();
    if is_qt5 {
        add_header(&mut json, header);
    }
    let mut rest = match decoder.reader.item()? {
        Item::Map(count) => count,
        Item::Break => return Err(decoder.reader.error(CborErrorKind::UnexpectedBreak).into()),
        other => return Err(Fault::NotAMap(other.describe())),
    };
    while let Some(key) = decoder.next(&mut rest)? {
        let key = decoder.key(key, 1)?;
        let value = decoder.value(1)?;
        let name = match key {
            Key::Integer(2) => "IID".into(),
            Key::Integer(3) => "className".into(),
            Key::Integer(4) => "MetaData".into(),
            Key::Integer(5) => "URI".into(),
            Key::Integer(1) if is_qt5 => {
                let bits = value.as_i64().unwrap_or_default();
                json.insert("debug".into(), Value::from(bits & 1 != 0));
                "archreq".into()
            }
            Key::Text(text) if !text.is_empty() => text,
            Key::Text(_) | Key::Integer(_) | Key::Other(_) => continue,
        };
        json.insert(name, value);
    }
    if !is_qt5 {
        add_header(&mut json, header);
    }
    Ok(json)
}

fn add_header(json: &mut Map<String, Value>, header: Header) {
    let version = u32::from(header.qt_major) << 16 | u32::from(header.qt_minor) << 8;
    json.insert("version".into(), Value::from(version));
    json.insert("debug".into(), Value::from(header.debug));
    if header.qt_major == 5 {
        json.insert("archreq".into(), Value::from(header.requirements));
    } else {
        json.insert("archlevel".into(), Value::from(header.level));
    }
}

/// A key of a map.
enum Key {
    Integer(i64),
    Text(String),
    /// Anything else, as Qt makes text of it.
    Other(String),
}

impl Key {
    fn into_text(self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Text(text) | Self::Other(text) => text,
        }
    }
}

struct Decoder<'a> {
    reader: Reader<'a>,
    left: usize,
    /// Bytes that may still be made of keys that are no text.
    key_text: usize,
    /// Qt 5 keeps every number of JSON as a double.
    is_qt5: bool,
}

impl<'a> Decoder<'a> {
    /// The next element's head; `rest` is what a definite length still owes.
    fn next(&mut self, rest: &mut Option<u64>) -> Result<Option<Item<'a>>, Fault> {
        if let Some(count) = rest {
            let Some(less) = count.checked_sub(1) else {
                return Ok(None);
            };
            *count = less;
            return self.item().map(Some);
        }
        match self.reader.item()? {
            Item::Break => Ok(None),
            item => Ok(Some(item)),
        }
    }

    /// An item where a break has no place.
    fn item(&mut self) -> Result<Item<'a>, Fault> {
        match self.reader.item()? {
            Item::Break => Err(self.reader.error(CborErrorKind::UnexpectedBreak).into()),
            item => Ok(item),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        let item = self.item()?;
        self.convert(item, depth, BytesAs::Base64Url)
    }

    /// The value that begins with `item`.
    fn convert(&mut self, item: Item<'a>, depth: usize, bytes_as: BytesAs) -> Result<Value, Fault> {
        self.left = self.left.checked_sub(1).ok_or(Fault::TooMany)?;
        if depth > limits::QT_DEPTH {
            return Err(Fault::TooDeep);
        }
        let deeper = depth.saturating_add(1);
        Ok(match item {
            Item::Unsigned(number) => match i64::try_from(number) {
                Ok(number) => self.integer(number),
                Err(_) => float(unsigned_float(number)),
            },
            Item::Negative(number) => match i64::try_from(number) {
                Ok(number) => self.integer(!number),
                // Qt adds the one before it widens, so that the least of all wraps to 0.
                Err(_) => float(-unsigned_float(number.wrapping_add(1))),
            },
            Item::Float(number) => float(number),
            Item::Bytes(bytes) => Value::from(bytes_text(&bytes, bytes_as)),
            Item::Text(text) => Value::from(text.into_owned()),
            Item::Bool(value) => Value::from(value),
            Item::Null | Item::Undefined => Value::Null,
            Item::Simple(number) => Value::from(format!("simple({number})")),
            Item::Array(mut rest) => {
                let mut values = Vec::new();
                while let Some(item) = self.next(&mut rest)? {
                    values.push(self.convert(item, deeper, BytesAs::Base64Url)?);
                }
                Value::Array(values)
            }
            Item::Map(mut rest) => {
                let mut object = Map::new();
                while let Some(key) = self.next(&mut rest)? {
                    let key = self.key(key, deeper)?.into_text();
                    let value = self.value(deeper)?;
                    object.insert(key, value);
                }
                Value::Object(object)
            }
            Item::Tag(tag) => {
                let item = self.item()?;
                let bytes_as = match tag {
                    22 => BytesAs::Base64,
                    23 => BytesAs::Base16,
                    37 => BytesAs::Uuid,
                    _ => BytesAs::Base64Url,
                };
                return self.convert(item, deeper, bytes_as);
            }
            // `item` lets no break through, and a head that this reader does not know is no
            // value.
            _ => Value::Null,
        })
    }

    fn integer(&self, number: i64) -> Value {
        if self.is_qt5 {
            float(signed_float(number))
        } else {
            Value::from(number)
        }
    }

    fn key(&mut self, item: Item<'a>, depth: usize) -> Result<Key, Fault> {
        Ok(match item {
            Item::Text(text) => Key::Text(text.into_owned()),
            Item::Undefined => Key::Other("undefined".into()),
            Item::Unsigned(number) if number <= i64::MAX.unsigned_abs() => {
                Key::Integer(number.cast_signed())
            }
            Item::Negative(number) if number <= i64::MAX.unsigned_abs() => {
                Key::Integer(!number.cast_signed())
            }
            other => {
                let text = match self.convert(other, depth, BytesAs::Base64Url)? {
                    Value::String(text) => text,
                    value => value.to_string(),
                };
                // A map that is a key of a map that is a key: each level escapes the text of
                // the one below, so that a hundred bytes would make gigabytes.
                let left = self.key_text.checked_sub(text.len());
                self.key_text = left.ok_or(Fault::KeyText)?;
                Key::Other(text)
            }
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Qt turns integers beyond 63 bits into doubles in the same way"
)]
fn unsigned_float(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Qt 5 turns every integer into a double in the same way"
)]
fn signed_float(number: i64) -> f64 {
    number as f64
}

/// A double as Qt prints it: without fraction where it has none, `null` where JSON has no
/// number for it.
pub(super) fn float(number: f64) -> Value {
    /// 2 to the power of 53: below it every whole double is an exact integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and below 2 to the power of 53"
        )]
        let whole = number as i64;
        return Value::from(whole);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn bytes_text(bytes: &[u8], bytes_as: BytesAs) -> String {
    match bytes_as {
        BytesAs::Base64Url => base64(bytes, b'-', b'_', false),
        BytesAs::Base64 => base64(bytes, b'+', b'/', true),
        BytesAs::Base16 => hex(bytes),
        BytesAs::Uuid => {
            let part = |from, len| {
                hex(bytes
                    .get(from..)
                    .and_then(|rest| rest.get(..len))
                    .unwrap_or_default())
            };
            [part(0, 4), part(4, 2), part(6, 2), part(8, 2), part(10, 6)].join("-")
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8], plus: u8, slash: u8, pad: bool) -> String {
    let digit = |value: u32| {
        char::from(match u8::try_from(value & 63).unwrap_or_default() {
            value @ 0..=25 => b'A'.saturating_add(value),
            value @ 26..=51 => b'a'.saturating_add(value.saturating_sub(26)),
            value @ 52..=61 => b'0'.saturating_add(value.saturating_sub(52)),
            62 => plus,
            _ => slash,
        })
    };
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            if index <= chunk.len() {
                text.push(digit(group >> shift));
            } else if pad {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        // RFC 4648, 10.
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes, b'+', b'/', true), expected);
            assert_eq!(
                base64(bytes, b'-', b'_', false),
                expected.trim_end_matches('=')
            );
        }
    }
}
