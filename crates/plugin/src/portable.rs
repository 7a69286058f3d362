//! Types that cross the boundary, and how.
//!
//! A value crosses as its [`Portable::Abi`], a `repr(C)` type of plain parts. The side that
//! receives it checks every part before it builds the Rust type, so a wrong boolean or text
//! is an error and not undefined behaviour. The invariant: `from_abi` takes over whatever
//! the value owns, also when it fails.

use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};

use plugwright_manifest::schema::{Scalar, Shape};

use crate::abi::{RawEither, RawOption, RawResult, RawSlice, RawVec, RawWide};

/// A type that can be a parameter, a result, or a part of one.
///
/// Implement it with `#[derive(Portable)]`.
///
/// # Safety
/// `Abi` is `repr(C)` or a primitive, holds no reference, and is what `SHAPE` describes:
/// two types with equal shapes have the same `Abi` layout and meaning.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the plugin boundary",
    label = "this type does not cross",
    note = "numbers, bool, char, &str, String, &[u8], Vec<u8>, Option and Result of these cross",
    note = "your own structs and enums cross with #[derive(plugwright_plugin::Portable)]"
)]
pub unsafe trait Portable: Sized {
    /// What crosses.
    type Abi: Copy;

    /// What crosses, for fingerprints and schemas.
    const SHAPE: &'static Shape;

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
}

/// A value that crossed is none of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    expected: &'static str,
}

impl Invalid {
    /// Says what was expected instead.
    #[must_use]
    pub const fn new(expected: &'static str) -> Self {
        Self { expected }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for Invalid {}

macro_rules! as_they_are {
    ($($type:ty = $scalar:ident,)*) => {$(
        // SAFETY: a primitive that any bits are valid for crosses as itself.
        unsafe impl Portable for $type {
            type Abi = Self;

            const SHAPE: &'static Shape = &Shape::Scalar(Scalar::$scalar);

            #[inline]
            fn into_abi(self) -> Self {
                self
            }

            #[inline]
            unsafe fn from_abi(abi: Self) -> Result<Self, Invalid> {
                Ok(abi)
            }
        }
    )*};
}

as_they_are! {
    u8 = U8, u16 = U16, u32 = U32, u64 = U64, usize = Usize,
    i8 = I8, i16 = I16, i32 = I32, i64 = I64, isize = Isize,
    f32 = F32, f64 = F64,
}

// SAFETY: `()` crosses as a byte that means nothing, since C has no empty value.
unsafe impl Portable for () {
    type Abi = u8;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Unit);

    #[inline]
    fn into_abi(self) -> u8 {
        0
    }

    #[inline]
    unsafe fn from_abi(_: u8) -> Result<Self, Invalid> {
        Ok(())
    }
}

// SAFETY: crosses as a byte, checked on arrival.
unsafe impl Portable for bool {
    type Abi = u8;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Bool);

    #[inline]
    fn into_abi(self) -> u8 {
        u8::from(self)
    }

    #[inline]
    unsafe fn from_abi(abi: u8) -> Result<Self, Invalid> {
        match abi {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Invalid::new("a bool that is 0 or 1")),
        }
    }
}

// SAFETY: crosses as its scalar value, checked on arrival.
unsafe impl Portable for char {
    type Abi = u32;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Char);

    #[inline]
    fn into_abi(self) -> u32 {
        u32::from(self)
    }

    #[inline]
    unsafe fn from_abi(abi: u32) -> Result<Self, Invalid> {
        Self::from_u32(abi).ok_or(Invalid::new("a char that is a Unicode scalar value"))
    }
}

// SAFETY: crosses as two 64-bit halves; any bits are valid.
unsafe impl Portable for u128 {
    type Abi = RawWide;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::U128);

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
    fn into_abi(self) -> RawWide {
        RawWide {
            low: self as u64,
            high: (self >> 64) as u64,
        }
    }

    #[inline]
    unsafe fn from_abi(abi: RawWide) -> Result<Self, Invalid> {
        Ok((Self::from(abi.high) << 64) | Self::from(abi.low))
    }
}

// SAFETY: crosses as the unsigned number with the same bits.
unsafe impl Portable for i128 {
    type Abi = RawWide;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::I128);

    #[inline]
    fn into_abi(self) -> RawWide {
        self.cast_unsigned().into_abi()
    }

    #[inline]
    unsafe fn from_abi(abi: RawWide) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract; both have the same Abi.
        unsafe { u128::from_abi(abi) }.map(u128::cast_signed)
    }
}

/// The bytes of a slice that crossed.
///
/// # Safety
/// The pointer and length are those of bytes that outlive `'a`, or null, or a length that
/// no slice has.
#[inline]
unsafe fn bytes<'a>(raw: RawSlice) -> Result<&'a [u8], Invalid> {
    if raw.pointer.is_null() || isize::try_from(raw.length).is_err() {
        return Err(Invalid::new("a slice with a pointer and a possible length"));
    }
    // SAFETY: by this function's contract; null and impossible lengths were told apart above.
    Ok(unsafe { std::slice::from_raw_parts(raw.pointer, raw.length) })
}

// SAFETY: crosses as pointer and length.
unsafe impl Portable for &[u8] {
    type Abi = RawSlice;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Bytes);

    #[inline]
    fn into_abi(self) -> RawSlice {
        RawSlice {
            pointer: self.as_ptr(),
            length: self.len(),
        }
    }

    #[inline]
    unsafe fn from_abi(abi: RawSlice) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { bytes(abi) }
    }
}

// SAFETY: crosses as pointer and length; UTF-8 is checked on arrival.
unsafe impl Portable for &str {
    type Abi = RawSlice;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Str);

    #[inline]
    fn into_abi(self) -> RawSlice {
        RawSlice::of(self)
    }

    #[inline]
    unsafe fn from_abi(abi: RawSlice) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        let bytes = unsafe { bytes(abi) }?;
        std::str::from_utf8(bytes).or(Err(Invalid::new("a str that is UTF-8")))
    }
}

/// Frees what [`Vec::<u8>::into_abi`](Portable::into_abi) of this very library gave away.
unsafe extern "C" fn release(pointer: *mut u8, length: usize, capacity: usize) {
    // SAFETY: the three parts are those of a `Vec<u8>` of this library's allocator, which
    // nobody else owns (the contract of `RawVec::release`).
    drop(unsafe { Vec::from_raw_parts(pointer, length, capacity) });
}

// SAFETY: crosses as the parts of the vector and a function that frees them.
unsafe impl Portable for Vec<u8> {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::ByteVec);

    #[inline]
    fn into_abi(self) -> RawVec {
        let mut vec = ManuallyDrop::new(self);
        RawVec {
            pointer: vec.as_mut_ptr(),
            length: vec.len(),
            capacity: vec.capacity(),
            release,
        }
    }

    #[inline]
    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        let borrowed = RawSlice {
            pointer: abi.pointer,
            length: abi.length,
        };
        // SAFETY: by this function's contract the bytes live until they are released below.
        let copy = unsafe { bytes(borrowed) }?.to_vec();
        // SAFETY: `abi` is used once, so its bytes are freed once.
        unsafe { (abi.release)(abi.pointer, abi.length, abi.capacity) };
        Ok(copy)
    }
}

// SAFETY: crosses as its bytes; UTF-8 is checked on arrival.
unsafe impl Portable for String {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::String);

    #[inline]
    fn into_abi(self) -> RawVec {
        self.into_bytes().into_abi()
    }

    #[inline]
    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        let bytes = unsafe { Vec::from_abi(abi) }?;
        Self::from_utf8(bytes).or(Err(Invalid::new("a String that is UTF-8")))
    }
}

// SAFETY: crosses as a tag and the Abi of `T`.
unsafe impl<T: Portable> Portable for Option<T> {
    type Abi = RawOption<T::Abi>;

    const SHAPE: &'static Shape = &Shape::Option(T::SHAPE);

    #[inline]
    fn into_abi(self) -> Self::Abi {
        match self {
            Some(value) => RawOption {
                some: 1,
                value: MaybeUninit::new(value.into_abi()),
            },
            None => RawOption {
                some: 0,
                value: MaybeUninit::uninit(),
            },
        }
    }

    #[inline]
    unsafe fn from_abi(abi: Self::Abi) -> Result<Self, Invalid> {
        match abi.some {
            0 => Ok(None),
            1 => {
                // SAFETY: initialised, since the tag says so.
                let value = unsafe { abi.value.assume_init() };
                // SAFETY: by this function's contract.
                unsafe { T::from_abi(value) }.map(Some)
            }
            _ => Err(Invalid::new("an Option whose tag is 0 or 1")),
        }
    }
}

// SAFETY: crosses as a tag and a union of both Abis.
unsafe impl<T: Portable, E: Portable> Portable for Result<T, E> {
    type Abi = RawResult<T::Abi, E::Abi>;

    const SHAPE: &'static Shape = &Shape::Result(T::SHAPE, E::SHAPE);

    #[inline]
    fn into_abi(self) -> Self::Abi {
        match self {
            Ok(value) => RawResult {
                ok: 1,
                value: RawEither {
                    ok: value.into_abi(),
                },
            },
            Err(error) => RawResult {
                ok: 0,
                value: RawEither {
                    err: error.into_abi(),
                },
            },
        }
    }

    #[inline]
    unsafe fn from_abi(abi: Self::Abi) -> Result<Self, Invalid> {
        match abi.ok {
            0 => {
                // SAFETY: the error's part is initialised, since the tag says so.
                let error = unsafe { abi.value.err };
                // SAFETY: by this function's contract.
                unsafe { E::from_abi(error) }.map(Err)
            }
            1 => {
                // SAFETY: the value's part is initialised, since the tag says so.
                let value = unsafe { abi.value.ok };
                // SAFETY: by this function's contract.
                unsafe { T::from_abi(value) }.map(Ok)
            }
            _ => Err(Invalid::new("a Result whose tag is 0 or 1")),
        }
    }
}
