//! The schemas of a record: interfaces with their methods and types, read back from its detail.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    DecodeError, MAX_TEXT, bounds, end, entries, exactly, interface_version, number, text,
};
use crate::Id;
use crate::cbor::{CborErrorKind, Item, Reader};
use crate::schema::{
    Constant, Field, Holder, Method, Receiver, Scalar, Schema, Type, Variant, code,
};

/// The deepest nesting of types in a schema.
pub(crate) const MAX_TYPE_DEPTH: usize = 32;

/// The most types in one record's schemas.
const MAX_TYPES: usize = 100_000;

pub(super) fn read_schemas(reader: &mut Reader<'_>) -> Result<Vec<Schema>, DecodeError> {
    let mut all = Vec::new();
    let mut left = MAX_TYPES;
    for _ in 0..entries(reader, "schemas")? {
        all.push(read_schema(reader, &mut left)?);
    }
    Ok(all)
}

/// An interface that requires none does not say so.
fn read_schema(reader: &mut Reader<'_>, left: &mut usize) -> Result<Schema, DecodeError> {
    let parts = reader.array()?;
    if parts != 5 && parts != 6 {
        return Err(DecodeError::Unknown {
            field: "schema",
            value: parts,
        });
    }
    let mut schema = read_methods(reader, left)?;
    if parts == 6 {
        for _ in 0..entries(reader, "required interfaces")? {
            exactly(reader, "required interface", 5)?;
            schema.requires.push(read_methods(reader, left)?);
        }
    }
    Ok(schema)
}

/// A schema without the interfaces that it requires: five items.
fn read_methods(reader: &mut Reader<'_>, left: &mut usize) -> Result<Schema, DecodeError> {
    let (interface, version) = interface_version(reader)?;
    let bounds = bounds(reader)?;
    let mut methods = Vec::new();
    for _ in 0..entries(reader, "methods")? {
        methods.push(read_method(reader, left)?);
    }
    Ok(Schema {
        interface,
        version,
        bounds,
        methods,
        requires: Vec::new(),
    })
}

/// A method that takes `&self` does not say so.
fn read_method(reader: &mut Reader<'_>, left: &mut usize) -> Result<Method, DecodeError> {
    let parts = reader.array()?;
    if parts != 4 && parts != 5 {
        return Err(DecodeError::Unknown {
            field: "method",
            value: parts,
        });
    }
    let name = text(reader, "method name", MAX_TEXT)?;
    let params = read_fields(reader, 0, left)?;
    let result = read_type(reader, 0, left)?;
    let since = number(reader, "since")?;
    let code = if parts == 5 { reader.unsigned()? } else { 0 };
    let receiver = Receiver::from_code(code).ok_or(DecodeError::Unknown {
        field: "receiver",
        value: code,
    })?;
    Ok(Method {
        name,
        receiver,
        params,
        result,
        since,
    })
}

/// Reads the schema of one interface, as it stands in a detail.
pub(crate) fn decode_schema(bytes: &[u8]) -> Result<Schema, DecodeError> {
    let mut reader = Reader::new(bytes);
    let schema = read_schema(&mut reader, &mut { MAX_TYPES })?;
    end(&reader, bytes)?;
    Ok(schema)
}

fn read_fields(
    reader: &mut Reader<'_>,
    depth: usize,
    left: &mut usize,
) -> Result<Vec<Field>, DecodeError> {
    let mut fields = Vec::new();
    for _ in 0..entries(reader, "fields")? {
        exactly(reader, "field", 2)?;
        fields.push(Field {
            name: text(reader, "field name", MAX_TEXT)?,
            ty: read_type(reader, depth, left)?,
        });
    }
    Ok(fields)
}

fn read_variants(
    reader: &mut Reader<'_>,
    depth: usize,
    left: &mut usize,
) -> Result<Vec<Variant>, DecodeError> {
    let mut variants = Vec::new();
    for _ in 0..entries(reader, "variants")? {
        exactly(reader, "variant", 2)?;
        variants.push(Variant {
            name: text(reader, "variant name", MAX_TEXT)?,
            fields: read_fields(reader, depth, left)?,
        });
    }
    Ok(variants)
}

fn read_type(reader: &mut Reader<'_>, depth: usize, left: &mut usize) -> Result<Type, DecodeError> {
    if depth > MAX_TYPE_DEPTH {
        return Err(DecodeError::TooLarge {
            field: "depth of types",
            limit: MAX_TYPE_DEPTH,
        });
    }
    *left = left.checked_sub(1).ok_or(DecodeError::TooLarge {
        field: "number of types",
        limit: MAX_TYPES,
    })?;
    let unknown = |value| DecodeError::Unknown {
        field: "type",
        value,
    };
    let deeper = depth.saturating_add(1);
    let parts = match reader.item()? {
        Item::Unsigned(code) => {
            return Scalar::from_code(code)
                .map(Type::Scalar)
                .ok_or_else(|| unknown(code));
        }
        Item::Array(Some(parts)) => parts,
        other => {
            return Err(reader
                .error(CborErrorKind::Unexpected {
                    expected: "a type",
                    found: other.describe(),
                })
                .into());
        }
    };
    let code = reader.unsigned()?;
    if (code, parts) == (code::INTERFACE, 4) {
        let holder = reader.unsigned()?;
        let holder = Holder::from_code(holder).ok_or_else(|| unknown(holder))?;
        let id = Id::new(reader.text()?)?;
        return Ok(Type::Interface(
            holder,
            id,
            number(reader, "major version")?,
        ));
    }
    if (code, parts) == (code::CONSTANT, 4) {
        let scalar = reader.unsigned()?;
        let scalar = Scalar::from_code(scalar).ok_or_else(|| unknown(scalar))?;
        let bits = reader.unsigned()?;
        return Ok(Type::Constant(Constant::new(
            scalar,
            bits,
            text(reader, "constant", MAX_TEXT)?,
        )));
    }
    let mut part = || read_type(reader, deeper, left).map(Box::new);
    Ok(match (code, parts) {
        (code::OPTION, 2) => Type::Option(part()?),
        (code::RESULT, 3) => Type::Result(part()?, part()?),
        (code::VEC, 2) => Type::Vec(part()?),
        (code::SLICE, 2) => Type::Slice(part()?),
        (code::REF, 2) => Type::Ref(part()?),
        (code::FUTURE, 2) => Type::Future(part()?),
        (code::LOCAL_FUTURE, 2) => Type::LocalFuture(part()?),
        (code::SLICE_MUT, 2) => Type::SliceMut(part()?),
        (code::MAP, 3) => Type::Map(part()?, part()?),
        (code::SET, 2) => Type::Set(part()?),
        (code::ARRAY, 3) => Type::Array(part()?, reader.unsigned()?),
        (code::TUPLE, 2) => {
            let mut parts = Vec::new();
            for _ in 0..entries(reader, "tuple")? {
                parts.push(read_type(reader, deeper, left)?);
            }
            Type::Tuple(parts)
        }
        (code::STRUCT, 3) => Type::Struct(
            text(reader, "type name", MAX_TEXT)?,
            read_fields(reader, deeper, left)?,
        ),
        (code::ENUM, 3) => Type::Enum(
            text(reader, "type name", MAX_TEXT)?,
            read_variants(reader, deeper, left)?,
        ),
        (code::OPEN, 4) => Type::Open(
            text(reader, "type name", MAX_TEXT)?,
            read_variants(reader, deeper, left)?,
            read_variants(reader, deeper, left)?,
        ),
        (code, _) => return Err(unknown(code)),
    })
}
