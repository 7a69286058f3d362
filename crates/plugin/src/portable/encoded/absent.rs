//! What stands where `#[encoded]` does while its feature is off: nothing of it crosses.

use plugwright_manifest::schema::{Scalar, Shape};

use super::{Invalid, Portable};
use crate::encoding::{Decoder, Encoder};

/// A marked type.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by macros")]
pub struct Encoded<T>(pub T);

/// Implemented for nothing.
#[diagnostic::on_unimplemented(
    message = "`#[encoded]` takes the feature `encoded` of plugwright-plugin",
    label = "this cannot be encoded without it",
    note = "in Cargo.toml, give plugwright-plugin features = [\"encoded\"]"
)]
#[expect(unnameable_types, reason = "nothing is to implement it")]
pub trait FeatureEncoded {}

// SAFETY: for no type at all.
unsafe impl<T: FeatureEncoded> Portable for Encoded<T> {
    type Abi = u8;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Encoded);

    fn into_abi(self) -> u8 {
        unreachable!("no type has the feature")
    }

    unsafe fn from_abi(_: u8) -> Result<Self, Invalid> {
        Err(Invalid::new(&"the feature `encoded`"))
    }

    fn encode(self, _: &mut Encoder<'_>) {}

    unsafe fn decode(_: &mut Decoder<'_>) -> Result<Self, Invalid> {
        Err(Invalid::new(&"the feature `encoded`"))
    }
}
