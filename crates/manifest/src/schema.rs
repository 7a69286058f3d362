//! The shape of an interface: its methods and the types that cross with them.
//!
//! A [`Shape`] is a constant that the macros build; from it come the fingerprint of a
//! method, computed by the compiler, and the schema in the manifest's detail. A [`Type`]
//! is the same thing read back from a binary. The invariant that both keep: two methods
//! with equal fingerprints pass and return the same bytes in the same order.

mod bounds;
mod hash;
mod read;
#[cfg(test)]
mod tests;

use crate::InterfaceVersion;
use crate::record::{MAX_ENTRIES, MAX_TEXT, MAX_TYPE_DEPTH};

use hash::Hash;

pub use bounds::Bounds;
pub use read::{Constant, Field, Method, Schema, Type, Variant};

/// A type that crosses the boundary, as a constant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Shape {
    /// A type without parts.
    Scalar(Scalar),
    /// `Option<T>`.
    Option(&'static Self),
    /// `Result<T, E>`.
    Result(&'static Self, &'static Self),
    /// `Vec<T>`, copied once by the receiver.
    Vec(&'static Self),
    /// `&[T]`, as pointer and length.
    Slice(&'static Self),
    /// `&T` of a value, as a clone of it.
    Ref(&'static Self),
    /// `&mut [T]`, as pointer and length.
    SliceMut(&'static Self),
    /// A tuple of two or more.
    Tuple(&'static [&'static Self]),
    /// `[T; N]`.
    Array(&'static Self, usize),
    /// A map, as a vector of pairs.
    Map(&'static Self, &'static Self),
    /// A set, as a vector.
    Set(&'static Self),
    /// An object of another interface: its id and major version. Its methods are compared
    /// when an object arrives, so that the two interfaces can grow apart from each other.
    Interface(Holder, &'static str, u16),
    /// `PluginFuture<'_, T>`.
    Future(&'static Self),
    /// `LocalPluginFuture<'_, T>`.
    LocalFuture(&'static Self),
    /// What stands for the result of an interface's constant, which is no method.
    Constant(ConstantShape),
    /// A derived struct: its name and fields in order.
    Struct(&'static str, &'static [FieldShape]),
    /// A derived enum: its name and variants in order.
    Enum(&'static str, &'static [VariantShape]),
    /// A derived enum that grows: its name, the variants that both sides must have, and those
    /// that were added later, which one side may not know.
    Open(
        &'static str,
        &'static [VariantShape],
        &'static [VariantShape],
    ),
}

/// The value of an interface's constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct ConstantShape {
    /// Its type: a number of at most 64 bits, `bool`, `char` or `&str`.
    pub scalar: Scalar,
    /// The value: integers with their sign in all 64 bits, floats as they are encoded, a `char` as
    /// its code, a `bool` as 0 or 1; 0 for text.
    pub bits: u64,
    /// The value of a `&str`; empty for everything else.
    pub text: &'static str,
}

/// How an object of an interface is held when it crosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Holder {
    /// `Box<dyn Interface>`.
    Box = 0,
    /// `Arc<dyn Interface>`.
    Arc = 1,
    /// `&dyn Interface`, for the call.
    Ref = 2,
    /// The same object: an interface that another one requires.
    Super = 3,
}

impl Holder {
    fn name(self) -> &'static str {
        match self {
            Self::Box => "Box",
            Self::Arc => "Arc",
            Self::Ref => "&",
            Self::Super => "Self",
        }
    }

    pub(crate) fn from_code(code: u64) -> Option<Self> {
        match code {
            0 => Some(Self::Box),
            1 => Some(Self::Arc),
            2 => Some(Self::Ref),
            3 => Some(Self::Super),
            _ => None,
        }
    }
}

/// A named field, or a tuple's field named by its position.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct FieldShape {
    /// The field's name.
    pub name: &'static str,
    /// The field's type.
    pub shape: &'static Shape,
}

/// A variant of an enum.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct VariantShape {
    /// The variant's name.
    pub name: &'static str,
    /// Its fields in order.
    pub fields: &'static [FieldShape],
}

impl VariantShape {
    /// What a variant of an enum that grows is told by: a number that is equal on both sides
    /// exactly if its name and its fields are (but for a collision of 64-bit hashes). It is
    /// never 0, which stands for a variant that the sender itself does not know.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        let mut hash = Hash::new();
        hash.text(self.name);
        hash.fields(self.fields);
        hash.nonzero()
    }
}

/// How a method takes the object that it is called on. The number is its code in the manifest
/// and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Receiver {
    /// `&self`
    Shared = 0,
    /// `&mut self`
    Exclusive = 1,
    /// `self: Box<Self>`
    Owned = 2,
}

impl Receiver {
    /// The receiver as Rust writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shared => "&self",
            Self::Exclusive => "&mut self",
            Self::Owned => "self: Box<Self>",
        }
    }

    pub(crate) fn from_code(code: u64) -> Option<Self> {
        match code {
            0 => Some(Self::Shared),
            1 => Some(Self::Exclusive),
            2 => Some(Self::Owned),
            _ => None,
        }
    }
}

/// A method of an interface.
#[derive(Clone, Copy, Debug)]
pub struct MethodShape {
    /// The method's name.
    pub name: &'static str,
    /// How it takes its object.
    pub receiver: Receiver,
    /// Its parameters without the receiver.
    pub params: &'static [FieldShape],
    /// What it returns.
    pub result: &'static Shape,
    /// The minor version of the interface in which it was added.
    pub since: u16,
    /// Made once: each plugin that is made is compared with it.
    fingerprint: u64,
}

/// An interface: what `#[interface]` knows of a trait.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct InterfaceShape {
    /// Its reverse-DNS name.
    pub id: &'static str,
    /// Its version.
    pub version: InterfaceVersion,
    /// What it requires of its implementors.
    pub bounds: Bounds,
    /// Its methods in the order of the vtable. In front of them stand the interfaces that it
    /// requires, each as a method of that one's id which returns the same object, and its
    /// constants, each as a method of its name.
    pub methods: &'static [MethodShape],
    /// The interfaces that it requires, in the order in which they stand in front of the
    /// methods. Those that one of these requires are among them.
    pub requires: &'static [&'static Self],
}

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// A type without parts. The number is its code in the manifest and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Scalar {
            $($(#[$doc])* $name = $code,)*
        }

        impl Scalar {
            /// The type as Rust writes it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub(crate) fn from_code(code: u64) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

scalars! {
    /// `()`
    Unit = 0, "()";
    /// `bool`, as one byte, 0 or 1
    Bool = 1, "bool";
    /// `char`, as a 32-bit scalar value
    Char = 2, "char";
    /// `u8`
    U8 = 3, "u8";
    /// `u16`
    U16 = 4, "u16";
    /// `u32`
    U32 = 5, "u32";
    /// `u64`
    U64 = 6, "u64";
    /// `u128`, as two 64-bit halves, low half first
    U128 = 7, "u128";
    /// `usize`
    Usize = 8, "usize";
    /// `i8`
    I8 = 9, "i8";
    /// `i16`
    I16 = 10, "i16";
    /// `i32`
    I32 = 11, "i32";
    /// `i64`
    I64 = 12, "i64";
    /// `i128`, as two 64-bit halves, low half first
    I128 = 13, "i128";
    /// `isize`
    Isize = 14, "isize";
    /// `f32`
    F32 = 15, "f32";
    /// `f64`
    F64 = 16, "f64";
    /// `&str`, as pointer and length
    Str = 17, "&str";
    /// `String`, copied once by the receiver
    String = 18, "String";
    /// `&OsStr`, as pointer and length of its bytes on Unix, and as `OsString` on Windows
    OsStr = 19, "&OsStr";
    /// `OsString`, copied once by the receiver
    OsString = 20, "OsString";
    /// `&Path`, as `&OsStr`
    Path = 21, "&Path";
    /// `PathBuf`, as `OsString`
    PathBuf = 22, "PathBuf";
    /// `Duration`, as 64 bits of seconds and 32 bits of nanoseconds
    Duration = 23, "Duration";
    /// `NonZero<u8>`
    NonZeroU8 = 24, "NonZero<u8>";
    /// `NonZero<u16>`
    NonZeroU16 = 25, "NonZero<u16>";
    /// `NonZero<u32>`
    NonZeroU32 = 26, "NonZero<u32>";
    /// `NonZero<u64>`
    NonZeroU64 = 27, "NonZero<u64>";
    /// `NonZero<usize>`
    NonZeroUsize = 28, "NonZero<usize>";
    /// `NonZero<i8>`
    NonZeroI8 = 29, "NonZero<i8>";
    /// `NonZero<i16>`
    NonZeroI16 = 30, "NonZero<i16>";
    /// `NonZero<i32>`
    NonZeroI32 = 31, "NonZero<i32>";
    /// `NonZero<i64>`
    NonZeroI64 = 32, "NonZero<i64>";
    /// `NonZero<isize>`
    NonZeroIsize = 33, "NonZero<isize>";
    /// `Buffer`: owned bytes that are not copied
    Buffer = 34, "Buffer";
    /// What serde knows: CBOR, copied once by the receiver
    Encoded = 35, "#[encoded]";
    /// `NonZero<u128>`, as `u128`
    NonZeroU128 = 36, "NonZero<u128>";
    /// `NonZero<i128>`, as `i128`
    NonZeroI128 = 37, "NonZero<i128>";
}

/// Codes of the types that have parts.
pub(crate) mod code {
    pub(crate) const OPTION: u64 = 128;
    pub(crate) const RESULT: u64 = 129;
    pub(crate) const STRUCT: u64 = 130;
    pub(crate) const ENUM: u64 = 131;
    pub(crate) const VEC: u64 = 132;
    pub(crate) const SLICE: u64 = 133;
    pub(crate) const SLICE_MUT: u64 = 134;
    pub(crate) const TUPLE: u64 = 135;
    pub(crate) const ARRAY: u64 = 136;
    pub(crate) const MAP: u64 = 137;
    pub(crate) const SET: u64 = 138;
    pub(crate) const INTERFACE: u64 = 139;
    pub(crate) const REF: u64 = 140;
    pub(crate) const FUTURE: u64 = 141;
    pub(crate) const LOCAL_FUTURE: u64 = 142;
    pub(crate) const OPEN: u64 = 143;
    pub(crate) const CONSTANT: u64 = 144;
    /// In fingerprints only: what a [`super::Receiver`]'s number is added to.
    pub(crate) const RECEIVER: u64 = 256;
}

impl MethodShape {
    /// A method of these parts.
    #[must_use]
    pub const fn new(
        name: &'static str,
        receiver: Receiver,
        params: &'static [FieldShape],
        result: &'static Shape,
        since: u16,
    ) -> Self {
        let mut hash = Hash::new();
        hash.text(name);
        hash.number(params.len() as u64);
        let mut index = 0;
        while index < params.len() {
            hash.shape(params[index].shape);
            index += 1;
        }
        hash.shape(result);
        // Nothing for what nearly all methods take.
        if !matches!(receiver, Receiver::Shared) {
            hash.number(code::RECEIVER + receiver as u64);
        }
        Self {
            name,
            receiver,
            params,
            result,
            since,
            fingerprint: hash.value(),
        }
    }

    /// A number that is equal on both sides exactly if the method's name, its receiver, the types
    /// of its parameters and its result are (but for a collision of 64-bit hashes). Names of
    /// parameters and of types do not enter; names of fields and variants do.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether the method can be called from a side that shares no memory with the object:
    /// everything can be but a result that borrows from the object, an object that is lent, and
    /// a future that is an argument or stays on its thread.
    #[must_use]
    pub const fn is_remotable(&self) -> bool {
        let gives = match self.result {
            Shape::Future(gives) => gives,
            other => other,
        };
        !gives.any(Part::Borrowed)
            && !gives.any(Part::Future)
            && !any_field(self.params, Part::LentObject)
            && !any_field(self.params, Part::Future)
    }

    /// Whether values are made for the call, which its arguments borrow.
    #[must_use]
    pub const fn is_converted(&self) -> bool {
        any_field(self.params, Part::Converted)
    }
}

/// What is asked of each part of a type.
#[derive(Clone, Copy)]
enum Part {
    Borrowed,
    Converted,
    LentObject,
    Future,
    /// What a message over a connection has beside its bytes.
    Attached,
}

impl Shape {
    /// Whether no part of it is borrowed.
    #[must_use]
    pub const fn is_owned(&self) -> bool {
        !self.any(Part::Borrowed)
    }

    /// Whether it is a number, which crosses as itself.
    const fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::Scalar(
                Scalar::U8
                    | Scalar::U16
                    | Scalar::U32
                    | Scalar::U64
                    | Scalar::Usize
                    | Scalar::I8
                    | Scalar::I16
                    | Scalar::I32
                    | Scalar::I64
                    | Scalar::Isize
                    | Scalar::F32
                    | Scalar::F64
            )
        )
    }

    /// Whether this or a part of it is one.
    const fn any(&self, part: Part) -> bool {
        let itself = match (self, part) {
            (Self::Interface(Holder::Ref, ..), _)
            | (Self::Interface(..) | Self::SliceMut(_), Part::Attached)
            | (Self::Ref(_), Part::Borrowed | Part::Converted)
            | (Self::Future(_) | Self::LocalFuture(_), Part::Future | Part::Attached) => true,
            (
                Self::Scalar(Scalar::Str | Scalar::OsStr | Scalar::Path)
                | Self::Slice(_)
                | Self::SliceMut(_),
                Part::Borrowed,
            ) => true,
            (Self::Slice(element), Part::Converted) => !element.is_plain(),
            // There it is not what Rust holds.
            (Self::Scalar(Scalar::OsStr | Scalar::Path), Part::Converted) => cfg!(windows),
            _ => false,
        };
        if itself {
            return true;
        }
        match self {
            Self::Scalar(_) | Self::Interface(..) | Self::Constant(_) => false,
            Self::Option(of)
            | Self::Vec(of)
            | Self::Slice(of)
            | Self::SliceMut(of)
            | Self::Ref(of)
            | Self::Array(of, _)
            | Self::Set(of)
            | Self::Future(of)
            | Self::LocalFuture(of) => of.any(part),
            Self::Result(first, second) | Self::Map(first, second) => {
                first.any(part) || second.any(part)
            }
            Self::Tuple(parts) => {
                let mut index = 0;
                while index < parts.len() {
                    if parts[index].any(part) {
                        return true;
                    }
                    index += 1;
                }
                false
            }
            Self::Struct(_, fields) => any_field(fields, part),
            Self::Enum(_, variants) => any_variant(variants, part),
            Self::Open(_, variants, later) => {
                any_variant(variants, part) || any_variant(later, part)
            }
        }
    }

    /// The fingerprint of a variant of an enum that grows, counted over all but the unknown one.
    ///
    /// # Panics
    /// When it has no such variant.
    #[must_use]
    pub const fn variant(&self, index: usize) -> u64 {
        let Self::Open(_, variants, later) = self else {
            panic!("no enum that grows");
        };
        if index < variants.len() {
            variants[index].fingerprint()
        } else {
            later[index - variants.len()].fingerprint()
        }
    }
}

const fn any_variant(variants: &[VariantShape], part: Part) -> bool {
    let mut index = 0;
    while index < variants.len() {
        if any_field(variants[index].fields, part) {
            return true;
        }
        index += 1;
    }
    false
}

const fn any_field(fields: &[FieldShape], part: Part) -> bool {
    let mut index = 0;
    while index < fields.len() {
        if fields[index].shape.any(part) {
            return true;
        }
        index += 1;
    }
    false
}

/// Holds a type to what a record can hold.
const fn hold(shape: &Shape, depth: usize) {
    assert!(
        depth <= MAX_TYPE_DEPTH,
        "a type is nested deeper than a record can hold, which is 32: give a part of it to a \
         method of its own"
    );
    match shape {
        Shape::Scalar(_) | Shape::Interface(..) => {}
        Shape::Constant(constant) => assert!(
            constant.text.len() <= MAX_TEXT,
            "a constant of an interface is a text that is longer than a record can hold, which are \
             1,024 bytes: return it from a method"
        ),
        Shape::Option(of)
        | Shape::Vec(of)
        | Shape::Slice(of)
        | Shape::SliceMut(of)
        | Shape::Ref(of)
        | Shape::Array(of, _)
        | Shape::Set(of)
        | Shape::Future(of)
        | Shape::LocalFuture(of) => hold(of, depth + 1),
        Shape::Result(first, second) | Shape::Map(first, second) => {
            hold(first, depth + 1);
            hold(second, depth + 1);
        }
        Shape::Tuple(parts) => {
            let mut index = 0;
            while index < parts.len() {
                hold(parts[index], depth + 1);
                index += 1;
            }
        }
        Shape::Struct(_, fields) => hold_fields(fields, depth + 1),
        Shape::Enum(_, variants) => hold_variants(variants, depth),
        Shape::Open(_, variants, later) => {
            hold_variants(variants, depth);
            hold_variants(later, depth);
            assert!(
                !any_variant(later, Part::Attached),
                "a variant behind the one that is `#[unknown]` holds an object or a `&mut` slice, which \
                 who does not know the variant could not let go of: let it stand before, or hand the \
                 object over with a method of its own"
            );
        }
    }
}

const fn hold_variants(variants: &[VariantShape], depth: usize) {
    assert!(
        variants.len() <= MAX_ENTRIES,
        "an enum has more variants than a record can hold, which are 4,096"
    );
    let mut index = 0;
    while index < variants.len() {
        hold_fields(variants[index].fields, depth + 1);
        index += 1;
    }
}

const fn hold_fields(fields: &[FieldShape], depth: usize) {
    assert!(
        fields.len() <= MAX_ENTRIES,
        "there are more fields than a record can hold, which are 4,096"
    );
    let mut index = 0;
    while index < fields.len() {
        hold(fields[index].shape, depth);
        index += 1;
    }
}

impl InterfaceShape {
    /// Holds the interface to what can cross, and to what a record can hold. So many of its
    /// methods return a future, by what is written there.
    ///
    /// # Panics
    /// At compile time, when it cannot: the message says what to write instead.
    #[must_use]
    pub const fn checked(self, futures: usize) -> Self {
        let mut found = 0;
        assert!(
            self.methods.len() <= MAX_ENTRIES,
            "an interface has more methods than a record can hold, which are 4,096"
        );
        let mut index = 0;
        while index < self.methods.len() {
            hold_fields(self.methods[index].params, 0);
            hold(self.methods[index].result, 0);
            assert!(
                !self.methods[index].result.any(Part::Converted),
                "a method returns a reference to what is converted when it crosses: return the \
                 value itself, or a `&str` or a slice of numbers"
            );
            let gives = match self.methods[index].result {
                Shape::Future(gives) | Shape::LocalFuture(gives) => {
                    found += 1;
                    gives
                }
                other => other,
            };
            assert!(
                !gives.any(Part::Future),
                "a method returns a future inside of something else: return the future itself, \
                 as in `PluginFuture<'_, Result<T, E>>`"
            );
            index += 1;
        }
        assert!(
            found == futures,
            "a method returns a future under another name: write `PluginFuture<'_, T>` or \
             `LocalPluginFuture<'_, T>` there"
        );
        self
    }

    /// Whether an object has one handle only, because a method takes it exclusively or whole.
    /// All minor versions of one major version agree on it: what was there from the start
    /// decides.
    #[must_use]
    pub const fn is_exclusive(&self) -> bool {
        let mut index = 0;
        while index < self.methods.len() {
            let method = &self.methods[index];
            if method.since == 0 && !matches!(method.receiver, Receiver::Shared) {
                return true;
            }
            index += 1;
        }
        false
    }

    /// Whether a method of this interface can be called from a side that shares no memory with
    /// the object. A future that borrows an object which has one handle cannot, since another
    /// call might come before its end.
    #[must_use]
    pub const fn is_remotable(&self, method: &MethodShape) -> bool {
        let waits = matches!(method.result, Shape::Future(_));
        method.is_remotable() && !(waits && self.is_exclusive())
    }

    /// Of each of `N` methods, whether values are made for a call of it, which its arguments borrow.
    ///
    /// # Panics
    /// When `N` is not the number of methods.
    #[must_use]
    pub const fn converted<const N: usize>(&self) -> [bool; N] {
        assert!(self.methods.len() == N, "one answer for each method");
        let mut all = [false; N];
        let mut index = 0;
        while index < N {
            all[index] = self.methods[index].is_converted();
            index += 1;
        }
        all
    }

    /// The fingerprints of the methods, for a table of `N` methods.
    ///
    /// # Panics
    /// When `N` is not the number of methods.
    #[must_use]
    pub const fn fingerprints<const N: usize>(&self) -> [u64; N] {
        assert!(self.methods.len() == N, "one fingerprint for each method");
        let mut all = [0; N];
        let mut index = 0;
        while index < N {
            all[index] = self.methods[index].fingerprint();
            index += 1;
        }
        all
    }
}
