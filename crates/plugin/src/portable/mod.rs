//! Types that cross the boundary, and how.
//!
//! A value crosses as its [`Portable::Abi`], a `repr(C)` type of plain parts. The side that
//! receives it checks every part before it builds the Rust type, so a wrong boolean or text
//! is an error and not undefined behaviour. The invariant: `from_abi` takes over whatever
//! the value owns, also when it fails.

mod alternatives;
mod buffer;
mod collections;
#[cfg(feature = "encoded")]
mod encoded;
#[cfg(not(feature = "encoded"))]
#[path = "encoded/absent.rs"]
mod encoded;
mod open;
mod os;
mod references;
mod scalars;
mod sequences;
mod text;
mod tuples;

use std::fmt;

use plugwright_manifest::schema::Shape;

use crate::encoding::{Decoder, Encoder};

pub use buffer::Buffer;
pub use encoded::Encoded;
pub use open::Fields;
pub(crate) use references::keep;
pub use references::{Kept, Lend};
pub use sequences::Plain;

/// A type that can be a parameter, a result, or a part of one.
///
/// | what crosses | how |
/// |---|---|
/// | `u8` to `u128`, `i8` to `i128`, `usize`, `isize`, `f32`, `f64`, `()`, [`CallError`](crate::CallError) | as itself or as plain parts |
/// | `bool`, `char`, `NonZero`, [`Duration`](std::time::Duration) | as numbers, checked on arrival |
/// | `&str`, `&[T]` and `&mut [T]` of numbers; on Unix also `&OsStr` and `&Path` | lent without a copy: arguments for the call, results for as long as the object is borrowed (`&mut` as arguments only) |
/// | `&T` and `&[T]` of what is `Clone` and crosses, on Windows also `&OsStr` and `&Path` | lent as clones, which the receiver has until the call ends; as arguments only |
/// | `&dyn Trait` of an interface whose methods all take `&self` | lent for the call; the receiver calls it |
/// | `String`, `Vec<T>`, `OsString`, `PathBuf` | given away; the receiver copies once and has the giver free |
/// | [`Buffer`] | owned bytes, given away without a copy |
/// | what serde knows, with `#[encoded]` on the parameter, the method or the field | as CBOR, with the feature `encoded` |
/// | maps and sets of the standard library | as vectors; equal keys are refused on arrival |
/// | `Option`, `Result`, tuples of two to eight, `[T; N]`, `Box<T>` | part by part |
/// | structs and enums with `#[derive(Portable)]`, also with type parameters and with lifetimes | field by field |
/// | [`PluginFuture`](crate::PluginFuture) of what crosses, [`LocalPluginFuture`](crate::LocalPluginFuture) | the future stays where it is; the receiver polls it |
/// | enums of which one variant is `#[unknown]` | variant by variant: those that are added later are told as that one to who does not have them |
/// | `Box<dyn Trait>`, `Arc<dyn Trait>` of an interface | the object stays where it is; the receiver calls it, in either direction |
///
/// An object in an `Arc` that comes home is itself again. The trait of an `Arc` requires both of `Send` and `Sync`, or
/// neither.
///
/// Implement it with `#[derive(Portable)]`.
///
/// # Safety
/// `Abi` is `repr(C)` or a primitive, holds no reference, and is what `SHAPE` describes:
/// two types with equal shapes have the same `Abi` layout and meaning. `PLAIN` is true only
/// where its documentation allows it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the plugin boundary",
    label = "this type does not cross",
    note = "these cross: numbers, bool, char, text, paths, Duration, NonZero, and Option, Result, \
            Vec, Box, tuples, arrays, maps and sets of what crosses",
    note = "references to what crosses and is Clone cross too; &mut [T] is for numbers only, and what \
            else is changed is returned",
    note = "objects cross as Box<dyn Trait> when the trait has #[interface], and also as Arc<dyn Trait> \
            and &dyn Trait when all its methods take `&self`; a function or closure is an object of \
            an interface with one method",
    note = "your own structs and enums cross with #[derive(plugwright_plugin::Portable)], and what \
            serde knows with #[encoded] on the parameter, the method or the field"
)]
pub unsafe trait Portable: Sized {
    /// What crosses.
    type Abi: Copy;

    /// What crosses, for fingerprints and schemas.
    const SHAPE: &'static Shape;

    /// Whether `Abi` is `Self` and every pattern of its bits is a value, so that many can be
    /// copied at once. Only true for the types of [`Plain`].
    const PLAIN: bool = false;

    /// Gives the value away.
    fn into_abi(self) -> Self::Abi;

    /// Takes a value over.
    ///
    /// # Errors
    /// When a part has a value that its type does not have. What the value owned is
    /// released all the same.
    ///
    /// # Safety
    /// `abi` came from `into_abi` of a type with the same shape, on either side, and is
    /// used once; what it borrows outlives the result.
    unsafe fn from_abi(abi: Self::Abi) -> Result<Self, Invalid>;

    /// Writes the value as bytes, for a side that shares no memory with this one.
    fn encode(self, out: &mut Encoder<'_>);

    /// Reads a value from bytes, which may say anything.
    ///
    /// # Errors
    /// When they are none of this type.
    ///
    /// # Safety
    /// What the result borrows is not used after the call for which the bytes are decoded.
    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid>;
}

/// A value that crossed is none of its type. One word, so that a call tells it without a place on
/// the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    expected: &'static &'static str,
}

impl Invalid {
    /// Says what was expected instead: `Invalid::new(&"a char that is a digit")`.
    #[must_use]
    pub const fn new(expected: &'static &'static str) -> Self {
        Self { expected }
    }

    pub(crate) const fn expected(self) -> &'static &'static str {
        self.expected
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for Invalid {}
