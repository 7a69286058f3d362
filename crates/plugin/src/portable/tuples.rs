//! Tuples of two to eight.

use plugwright_manifest::schema::Shape;

use super::{Invalid, Portable};
use crate::abi;
use crate::encoding::{Decoder, Encoder};

macro_rules! tuples {
    ($($raw:ident: $($type:ident = $field:tt),*;)*) => {$(
        // SAFETY: crosses as a struct of the parts' Abis in order.
        unsafe impl<$($type: Portable),*> Portable for ($($type,)*) {
            type Abi = abi::$raw<$($type::Abi),*>;

            const SHAPE: &'static Shape = &Shape::Tuple(&[$($type::SHAPE),*]);

            #[inline]
            fn into_abi(self) -> Self::Abi {
                abi::$raw($(self.$field.into_abi()),*)
            }

            #[inline]
            unsafe fn from_abi(abi: Self::Abi) -> Result<Self, Invalid> {
                // All are taken over before any failure is looked at, so that none is lost.
                // SAFETY: by this function's contract, each is the Abi of its part.
                let taken = ($(unsafe { $type::from_abi(abi.$field) },)*);
                Ok(($(taken.$field?,)*))
            }

            fn encode(self, out: &mut Encoder<'_>) {
                $(self.$field.encode(out);)*
            }

            unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
                // SAFETY: by this function's contract.
                Ok(($(unsafe { $type::decode(input) }?,)*))
            }
        }
    )*};
}

tuples! {
    RawTuple2: A = 0, B = 1;
    RawTuple3: A = 0, B = 1, C = 2;
    RawTuple4: A = 0, B = 1, C = 2, D = 3;
    RawTuple5: A = 0, B = 1, C = 2, D = 3, E = 4;
    RawTuple6: A = 0, B = 1, C = 2, D = 3, E = 4, F = 5;
    RawTuple7: A = 0, B = 1, C = 2, D = 3, E = 4, F = 5, G = 6;
    RawTuple8: A = 0, B = 1, C = 2, D = 3, E = 4, F = 5, G = 6, H = 7;
}
