//! Qt's binary JSON, in which Qt 5.0 to 5.11 stored plugin metadata.
//!
//! Layout (Qt 5's `qjson_p.h` describes it): `qbjs`, version 1, then a *base*: size, a word
//! with the count shifted left by one over a flag "is an object", and the offset of a table
//! of 32-bit words at the end. A value is a word: three bits of type, a flag, a flag of
//! entries' keys, 27 bits of number or of offset from the base. Little endian throughout.

use serde_json::{Map, Value};

use super::json::float;
use crate::arch::ByteOrder;
use crate::fields::Fields;
use crate::limits;

/// Decodes the document; the error is a sentence about what was found.
pub(super) fn decode(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    let document = bytes
        .strip_prefix(b"qbjs\x01\0\0\0")
        .ok_or("no mark \"qbjs\" with version 1")?;
    let mut left = Left {
        values: limits::QT_VALUES,
        // Values may share one string, so that the text could outgrow the document.
        text: bytes.len().saturating_mul(2),
    };
    match container(document, 0, &mut left)? {
        Value::Object(object) => Ok(object),
        _ => Err("an array"),
    }
}

/// What may still be made of the document.
struct Left {
    values: usize,
    text: usize,
}

/// A view of `bytes` as little-endian fields.
fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields::new(bytes, ByteOrder::Little)
}

fn container(bytes: &[u8], depth: usize, left: &mut Left) -> Result<Value, &'static str> {
    const OUTSIDE: &str = "an array or object that ends outside its parent";
    if depth > limits::QT_DEPTH {
        return Err("too many levels");
    }
    let index = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
    let size = index(fields(bytes).u32(0)).ok_or(OUTSIDE)?;
    let base = bytes.get(..size).ok_or(OUTSIDE)?;
    let shape = fields(base).u32(4).ok_or(OUTSIDE)?;
    let table = index(fields(base).u32(8))
        .and_then(|start| base.get(start..))
        .ok_or(OUTSIDE)?;
    let count = index(Some(shape >> 1)).ok_or(OUTSIDE)?;
    let words = count
        .checked_mul(4)
        .and_then(|len| table.get(..len))
        .ok_or(OUTSIDE)?
        .chunks_exact(4)
        .filter_map(|word| fields(word).u32(0));
    left.values = left.values.checked_sub(count).ok_or("too many values")?;
    if shape & 1 == 0 {
        let values = words.map(|word| value(base, word, depth, left));
        return Ok(Value::Array(values.collect::<Result<_, _>>()?));
    }
    let mut object = Map::new();
    for offset in words {
        let entry = index(Some(offset)).and_then(|offset| base.get(offset..));
        let entry = entry.ok_or("an entry outside its object")?;
        let word = fields(entry).u32(0).ok_or("an entry outside its object")?;
        let key = string(entry.get(4..).unwrap_or_default(), word & 16 != 0, left)?;
        object.insert(key, value(base, word, depth, left)?);
    }
    Ok(Value::Object(object))
}

fn value(base: &[u8], word: u32, depth: usize, left: &mut Left) -> Result<Value, &'static str> {
    let flag = word & 8 != 0;
    let number = word >> 5;
    let inside = || {
        let offset = usize::try_from(number).ok();
        offset
            .and_then(|offset| base.get(offset..))
            .ok_or("a value outside its parent")
    };
    Ok(match word & 7 {
        0 => Value::Null,
        1 => Value::from(number != 0),
        // A small integer in 27 bits with sign, or a double elsewhere.
        2 if flag => Value::from(i64::from(word.cast_signed() >> 5)),
        2 => {
            let bits = fields(inside()?)
                .u64(0)
                .ok_or("a number outside its parent")?;
            float(f64::from_bits(bits))
        }
        3 => Value::from(string(inside()?, flag, left)?),
        4 | 5 => container(inside()?, depth.saturating_add(1), left)?,
        _ => return Err("a value of an unknown type"),
    })
}

fn string(bytes: &[u8], latin1: bool, left: &mut Left) -> Result<String, &'static str> {
    const OUTSIDE: &str = "a string outside its parent";
    let mut spend = |len: usize| {
        left.text = left.text.checked_sub(len).ok_or("more text than bytes")?;
        Ok::<_, &'static str>(())
    };
    if latin1 {
        let len = usize::from(fields(bytes).u16(0).ok_or(OUTSIDE)?);
        let text = bytes.get(2..).and_then(|rest| rest.get(..len));
        spend(len)?;
        return Ok(text
            .ok_or(OUTSIDE)?
            .iter()
            .copied()
            .map(char::from)
            .collect());
    }
    let units = fields(bytes).u32(0).ok_or(OUTSIDE)?;
    let text = usize::try_from(units)
        .ok()
        .and_then(|units| units.checked_mul(2))
        .and_then(|len| bytes.get(4..)?.get(..len))
        .ok_or(OUTSIDE)?;
    spend(text.len())?;
    let units = text.chunks_exact(2).filter_map(|unit| fields(unit).u16(0));
    Ok(String::from_utf16_lossy(&units.collect::<Vec<_>>()))
}
