//! Interfaces and types as they are read back from a manifest: what [`Shape`] and
//! [`InterfaceShape`] are to the compiler, these are to who only has the file.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{
    Bounds, ConstantShape, FieldShape, Holder, InterfaceShape, MethodShape, Receiver, Scalar,
    Shape, VariantShape,
};
use crate::InterfaceVersion;

/// A type that crosses the boundary, read from a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// A type without parts.
    Scalar(Scalar),
    /// `Option<T>`.
    Option(Box<Self>),
    /// `Result<T, E>`.
    Result(Box<Self>, Box<Self>),
    /// `Vec<T>`.
    Vec(Box<Self>),
    /// `&[T]`.
    Slice(Box<Self>),
    /// `&T`.
    Ref(Box<Self>),
    /// `&mut [T]`.
    SliceMut(Box<Self>),
    /// A tuple.
    Tuple(Vec<Self>),
    /// `[T; N]`.
    Array(Box<Self>, u64),
    /// A map.
    Map(Box<Self>, Box<Self>),
    /// A set.
    Set(Box<Self>),
    /// An object of another interface, by its id and major version.
    Interface(Holder, crate::Id, u16),
    /// `PluginFuture<'_, T>`.
    Future(Box<Self>),
    /// `LocalPluginFuture<'_, T>`.
    LocalFuture(Box<Self>),
    /// What stands for the result of a constant.
    Constant(Constant),
    /// A derived struct.
    Struct(String, Vec<Field>),
    /// A derived enum.
    Enum(String, Vec<Variant>),
    /// A derived enum that grows: the variants that it had from the start, and those that were
    /// added later.
    Open(String, Vec<Variant>, Vec<Variant>),
}

/// The value of an interface's constant, read from a manifest: as [`ConstantShape`] has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Constant {
    /// Its type.
    pub scalar: Scalar,
    /// The value of everything but text.
    pub bits: u64,
    /// The value of a `&str`.
    pub text: String,
}

impl Constant {
    pub(crate) fn new(scalar: Scalar, bits: u64, text: String) -> Self {
        Self { scalar, bits, text }
    }
}

/// A field or parameter, read from a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a name and a type, nothing more")]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// The field's type.
    pub ty: Type,
}

/// An enum's variant, read from a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a name and fields, nothing more")]
pub struct Variant {
    /// The variant's name.
    pub name: String,
    /// Its fields in order.
    pub fields: Vec<Field>,
}

/// A method, read from a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Method {
    /// The method's name.
    pub name: String,
    /// How it takes its object.
    pub receiver: Receiver,
    /// Its parameters without the receiver.
    pub params: Vec<Field>,
    /// What it returns.
    pub result: Type,
    /// The minor version of the interface in which it was added.
    pub since: u16,
}

/// The methods of one interface as a plugin was built with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema {
    /// The interface's reverse-DNS name.
    pub interface: crate::Id,
    /// Its version.
    pub version: InterfaceVersion,
    /// What it requires of its implementors.
    pub bounds: Bounds,
    /// Its methods in the order of the vtable.
    pub methods: Vec<Method>,
    /// The interfaces that it requires, in the order in which they stand in front of the
    /// methods: those that one of these requires are among them, and stand here only.
    pub requires: Vec<Self>,
}

impl Schema {
    /// The interface's constants as the plugin was built with them, with their names.
    pub fn constants(&self) -> impl Iterator<Item = (&str, &Constant)> {
        self.methods
            .iter()
            .filter_map(|method| match &method.result {
                Type::Constant(constant) => Some((method.name.as_str(), constant)),
                _ => None,
            })
    }

    /// The constants that the compiler would have of the interface. They live as long as the
    /// program: this is for one that makes something of an interface once, and ends.
    #[must_use]
    pub fn to_shape(&self) -> &'static InterfaceShape {
        let methods = self.methods.iter().map(|method| {
            MethodShape::new(
                leaked(&method.name),
                method.receiver,
                constant_fields(&method.params),
                method.result.constant(),
                method.since,
            )
        });
        let requires = self.requires.iter().map(Self::to_shape);
        Box::leak(Box::new(InterfaceShape {
            id: leaked(self.interface.as_str()),
            version: self.version,
            bounds: self.bounds,
            methods: methods.collect::<Vec<_>>().leak(),
            requires: requires.collect::<Vec<_>>().leak(),
        }))
    }
}

fn leaked(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn constant_fields(fields: &[Field]) -> &'static [FieldShape] {
    let fields = fields.iter().map(|field| FieldShape {
        name: leaked(&field.name),
        shape: field.ty.constant(),
    });
    fields.collect::<Vec<_>>().leak()
}

fn constant_variants(variants: &[Variant]) -> &'static [VariantShape] {
    let variants = variants.iter().map(|variant| VariantShape {
        name: leaked(&variant.name),
        fields: constant_fields(&variant.fields),
    });
    variants.collect::<Vec<_>>().leak()
}

impl Type {
    fn constant(&self) -> &'static Shape {
        Box::leak(Box::new(match self {
            Self::Scalar(scalar) => Shape::Scalar(*scalar),
            Self::Option(some) => Shape::Option(some.constant()),
            Self::Result(ok, err) => Shape::Result(ok.constant(), err.constant()),
            Self::Vec(element) => Shape::Vec(element.constant()),
            Self::Slice(element) => Shape::Slice(element.constant()),
            Self::Ref(value) => Shape::Ref(value.constant()),
            Self::Future(value) => Shape::Future(value.constant()),
            Self::LocalFuture(value) => Shape::LocalFuture(value.constant()),
            Self::SliceMut(element) => Shape::SliceMut(element.constant()),
            Self::Tuple(parts) => {
                Shape::Tuple(parts.iter().map(Self::constant).collect::<Vec<_>>().leak())
            }
            Self::Array(element, length) => Shape::Array(
                element.constant(),
                usize::try_from(*length).unwrap_or(usize::MAX),
            ),
            Self::Map(key, value) => Shape::Map(key.constant(), value.constant()),
            Self::Set(element) => Shape::Set(element.constant()),
            Self::Interface(holder, id, major) => {
                Shape::Interface(*holder, leaked(id.as_str()), *major)
            }
            Self::Constant(constant) => Shape::Constant(ConstantShape {
                scalar: constant.scalar,
                bits: constant.bits,
                text: leaked(&constant.text),
            }),
            Self::Struct(name, fields) => Shape::Struct(leaked(name), constant_fields(fields)),
            Self::Enum(name, variants) => Shape::Enum(leaked(name), constant_variants(variants)),
            Self::Open(name, variants, later) => Shape::Open(
                leaked(name),
                constant_variants(variants),
                constant_variants(later),
            ),
        }))
    }
}

impl From<&Shape> for Type {
    fn from(shape: &Shape) -> Self {
        let boxed = |part: &Shape| Box::new(Self::from(part));
        match shape {
            Shape::Scalar(scalar) => Self::Scalar(*scalar),
            Shape::Option(some) => Self::Option(boxed(some)),
            Shape::Result(ok, err) => Self::Result(boxed(ok), boxed(err)),
            Shape::Vec(element) => Self::Vec(boxed(element)),
            Shape::Slice(element) => Self::Slice(boxed(element)),
            Shape::Ref(value) => Self::Ref(boxed(value)),
            Shape::Future(value) => Self::Future(boxed(value)),
            Shape::LocalFuture(value) => Self::LocalFuture(boxed(value)),
            Shape::SliceMut(element) => Self::SliceMut(boxed(element)),
            Shape::Tuple(parts) => Self::Tuple(parts.iter().map(|part| (*part).into()).collect()),
            Shape::Array(element, length) => Self::Array(boxed(element), *length as u64),
            Shape::Map(key, value) => Self::Map(boxed(key), boxed(value)),
            Shape::Set(element) => Self::Set(boxed(element)),
            Shape::Interface(holder, id, major) => {
                Self::Interface(*holder, crate::Id::from_checked(id), *major)
            }
            Shape::Constant(constant) => Self::Constant(Constant::new(
                constant.scalar,
                constant.bits,
                constant.text.to_owned(),
            )),
            Shape::Struct(name, fields) => Self::Struct((*name).to_owned(), owned(fields)),
            Shape::Enum(name, variants) => Self::Enum((*name).to_owned(), owned_variants(variants)),
            Shape::Open(name, variants, later) => Self::Open(
                (*name).to_owned(),
                owned_variants(variants),
                owned_variants(later),
            ),
        }
    }
}

fn owned(fields: &[FieldShape]) -> Vec<Field> {
    fields
        .iter()
        .map(|field| Field {
            name: field.name.to_owned(),
            ty: field.shape.into(),
        })
        .collect()
}

fn owned_variants(variants: &[VariantShape]) -> Vec<Variant> {
    variants
        .iter()
        .map(|variant| Variant {
            name: variant.name.to_owned(),
            fields: owned(variant.fields),
        })
        .collect()
}

impl From<&MethodShape> for Method {
    fn from(method: &MethodShape) -> Self {
        Self {
            name: method.name.to_owned(),
            receiver: method.receiver,
            params: owned(method.params),
            result: method.result.into(),
            since: method.since,
        }
    }
}

impl From<&InterfaceShape> for Schema {
    fn from(interface: &InterfaceShape) -> Self {
        Self {
            interface: crate::Id::from_checked(interface.id),
            version: interface.version,
            bounds: interface.bounds,
            methods: interface.methods.iter().map(Method::from).collect(),
            requires: interface
                .requires
                .iter()
                .map(|shape| (*shape).into())
                .collect(),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => f.write_str(scalar.name()),
            Self::Option(some) => write!(f, "Option<{some}>"),
            Self::Result(ok, err) => write!(f, "Result<{ok}, {err}>"),
            Self::Vec(element) => write!(f, "Vec<{element}>"),
            Self::Slice(element) => write!(f, "&[{element}]"),
            Self::Ref(value) => write!(f, "&{value}"),
            Self::Future(value) => write!(f, "PluginFuture<{value}>"),
            Self::LocalFuture(value) => write!(f, "LocalPluginFuture<{value}>"),
            Self::SliceMut(element) => write!(f, "&mut [{element}]"),
            Self::Tuple(parts) => {
                f.write_str("(")?;
                for (index, part) in parts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{part}")?;
                }
                f.write_str(")")
            }
            Self::Array(element, length) => write!(f, "[{element}; {length}]"),
            Self::Map(key, value) => write!(f, "Map<{key}, {value}>"),
            Self::Set(element) => write!(f, "Set<{element}>"),
            Self::Interface(Holder::Ref, id, major) => write!(f, "&dyn {id} {major}"),
            Self::Interface(holder, id, major) => {
                write!(f, "{}<dyn {id} {major}>", holder.name())
            }
            Self::Constant(constant) => constant.fmt(f),
            Self::Struct(name, _) | Self::Enum(name, _) | Self::Open(name, ..) => f.write_str(name),
        }
    }
}

/// Type and value, as in `u32 = 7`.
impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = ", self.scalar.name())?;
        match self.scalar {
            Scalar::Str => write!(f, "{:?}", self.text),
            Scalar::Bool => write!(f, "{}", self.bits != 0),
            Scalar::Char => match u32::try_from(self.bits).ok().and_then(char::from_u32) {
                Some(letter) => write!(f, "{letter:?}"),
                None => write!(f, "{:#x}", self.bits),
            },
            Scalar::F64 => write!(f, "{:?}", f64::from_bits(self.bits)),
            // What was given is a float of 32 bits, whose code fills the lower half.
            Scalar::F32 => match u32::try_from(self.bits) {
                Ok(bits) => write!(f, "{:?}", f32::from_bits(bits)),
                Err(_) => write!(f, "{:#x}", self.bits),
            },
            Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::Isize => {
                write!(f, "{}", self.bits.cast_signed())
            }
            _ => write!(f, "{}", self.bits),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Type::Interface(Holder::Super, id, major) = &self.result {
            return write!(f, "requires {id} {major}");
        }
        if let Type::Constant(constant) = &self.result {
            return write!(f, "const {}: {constant}", self.name);
        }
        write!(f, "fn {}({}", self.name, self.receiver.name())?;
        for param in &self.params {
            write!(f, ", {}: {}", param.name, param.ty)?;
        }
        match self.result {
            Type::Scalar(Scalar::Unit) => f.write_str(")"),
            ref result => write!(f, ") -> {result}"),
        }
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut out = serializer.serialize_struct("Schema", 5)?;
        out.serialize_field("interface", &self.interface)?;
        out.serialize_field("version", &self.version)?;
        out.serialize_field("bounds", &self.bounds)?;
        out.serialize_field("methods", &self.methods)?;
        if self.requires.is_empty() {
            out.skip_field("requires")?;
        } else {
            out.serialize_field("requires", &self.requires)?;
        }
        out.end()
    }
}
