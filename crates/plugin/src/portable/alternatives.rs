//! `Option` and `Result`.

use std::mem::MaybeUninit;

use plugwright_manifest::schema::Shape;

use super::{Invalid, Portable};
use crate::abi::{RawEither, RawOption, RawResult};
use crate::encoding::{Decoder, Encoder};

const OPTION: Invalid = Invalid::new(&"an Option whose tag is 0 or 1");
const RESULT: Invalid = Invalid::new(&"a Result whose tag is 0 or 1");

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
            _ => Err(OPTION),
        }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        match self {
            Some(value) => {
                out.raw(&[1]);
                value.encode(out);
            }
            None => out.raw(&[0]),
        }
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        match input.array()? {
            [0] => Ok(None),
            // SAFETY: by this function's contract.
            [1] => unsafe { T::decode(input) }.map(Some),
            _ => Err(OPTION),
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
            _ => Err(RESULT),
        }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        match self {
            Ok(value) => {
                out.raw(&[1]);
                value.encode(out);
            }
            Err(error) => {
                out.raw(&[0]);
                error.encode(out);
            }
        }
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        match input.array()? {
            // SAFETY: by this function's contract.
            [0] => unsafe { E::decode(input) }.map(Err),
            // SAFETY: by this function's contract.
            [1] => unsafe { T::decode(input) }.map(Ok),
            _ => Err(RESULT),
        }
    }
}
