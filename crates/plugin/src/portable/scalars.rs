//! Numbers, `bool`, `char`, `()`, `NonZero` and `Duration`.

use std::num::NonZero;
use std::time::Duration;

use plugwright_manifest::schema::{Scalar, Shape};

use super::{Invalid, Portable};
use crate::abi::{RawDuration, RawWide};
use crate::encoding::{Decoder, Encoder};

macro_rules! as_they_are {
    ($($type:ty = $scalar:ident $(as $wide:ty)?,)*) => {$(
        // SAFETY: a primitive that any bits are valid for crosses as itself.
        unsafe impl Portable for $type {
            type Abi = Self;

            const SHAPE: &'static Shape = &Shape::Scalar(Scalar::$scalar);

            const PLAIN: bool = true;

            #[inline]
            fn into_abi(self) -> Self {
                self
            }

            #[inline]
            unsafe fn from_abi(abi: Self) -> Result<Self, Invalid> {
                Ok(abi)
            }

            bytes! { $($wide)? }
        }
    )*};
}

/// How a number stands in bytes: the lowest first, `usize` and `isize` as 64 bits.
macro_rules! bytes {
    () => {
        #[inline]
        fn encode(self, out: &mut Encoder<'_>) {
            out.raw(&self.to_le_bytes());
        }

        #[inline]
        unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
            input.array().map(Self::from_le_bytes)
        }
    };
    ($wide:ty) => {
        fn encode(self, out: &mut Encoder<'_>) {
            out.raw(&(self as $wide).to_le_bytes());
        }

        unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
            let number = input.array().map(<$wide>::from_le_bytes)?;
            number.try_into().or(Err(Invalid::new(
                &"a number that this side's words can hold",
            )))
        }
    };
}

as_they_are! {
    u8 = U8, u16 = U16, u32 = U32, u64 = U64, usize = Usize as u64,
    i8 = I8, i16 = I16, i32 = I32, i64 = I64, isize = Isize as i64,
    f32 = F32, f64 = F64,
}

/// In bytes, too, the value is the number that it crosses as.
macro_rules! bytes_of_abi {
    () => {
        fn encode(self, out: &mut Encoder<'_>) {
            self.into_abi().encode(out);
        }

        unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
            // SAFETY: a number borrows nothing.
            let number = unsafe { Portable::decode(input) }?;
            // SAFETY: a number owns nothing, and is checked as when it crosses directly.
            unsafe { Self::from_abi(number) }
        }
    };
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

    bytes_of_abi! {}
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
            _ => Err(Invalid::new(&"a bool that is 0 or 1")),
        }
    }

    bytes_of_abi! {}
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
        Self::from_u32(abi).ok_or(Invalid::new(&"a char that is a Unicode scalar value"))
    }

    bytes_of_abi! {}
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

    bytes! {}
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

    bytes! {}
}

const ZERO: Invalid = Invalid::new(&"a NonZero that is not 0");

macro_rules! non_zero {
    ($($type:ty = $scalar:ident,)*) => {$(
        // SAFETY: crosses as the number, checked on arrival.
        unsafe impl Portable for NonZero<$type> {
            type Abi = <$type as Portable>::Abi;

            const SHAPE: &'static Shape = &Shape::Scalar(Scalar::$scalar);

            #[inline]
            fn into_abi(self) -> Self::Abi {
                self.get().into_abi()
            }

            #[inline]
            unsafe fn from_abi(abi: Self::Abi) -> Result<Self, Invalid> {
                // SAFETY: by this function's contract.
                let number = unsafe { <$type>::from_abi(abi) }?;
                Self::new(number).ok_or(ZERO)
            }

            fn encode(self, out: &mut Encoder<'_>) {
                self.get().encode(out);
            }

            unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
                // SAFETY: a number borrows nothing.
                let number = unsafe { <$type>::decode(input) }?;
                Self::new(number).ok_or(ZERO)
            }
        }
    )*};
}

non_zero! {
    u8 = NonZeroU8, u16 = NonZeroU16, u32 = NonZeroU32, u64 = NonZeroU64, u128 = NonZeroU128,
    i8 = NonZeroI8, i16 = NonZeroI16, i32 = NonZeroI32, i64 = NonZeroI64, i128 = NonZeroI128,
    usize = NonZeroUsize, isize = NonZeroIsize,
}

// SAFETY: crosses as its two parts, checked on arrival.
unsafe impl Portable for Duration {
    type Abi = RawDuration;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Duration);

    #[inline]
    fn into_abi(self) -> RawDuration {
        RawDuration {
            seconds: self.as_secs(),
            nanoseconds: self.subsec_nanos(),
        }
    }

    #[inline]
    unsafe fn from_abi(abi: RawDuration) -> Result<Self, Invalid> {
        if abi.nanoseconds >= 1_000_000_000 {
            return Err(Invalid::new(
                &"a Duration of less than 1,000,000,000 nanoseconds",
            ));
        }
        Ok(Self::new(abi.seconds, abi.nanoseconds))
    }

    fn encode(self, out: &mut Encoder<'_>) {
        (self.as_secs(), self.subsec_nanos()).encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: numbers borrow nothing.
        let (seconds, nanoseconds) = unsafe { Portable::decode(input) }?;
        let abi = RawDuration {
            seconds,
            nanoseconds,
        };
        // SAFETY: numbers own nothing, and are checked as when they cross directly.
        unsafe { Self::from_abi(abi) }
    }
}
