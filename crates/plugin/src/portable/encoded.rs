//! Types that serde knows: as CBOR, where they are marked with `#[encoded]`.
//!
//! The two sides need not have the same type: what serde reads of the bytes counts, so fields
//! can be added that have a default. The price is that nothing is compared before the call: what
//! cannot be read is a failure of it.
//!
//! ```
//! use plugwright_plugin::interface;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! pub struct Options {
//!     level: u32,
//!     #[serde(flatten)]
//!     others: std::collections::BTreeMap<String, String>,
//! }
//!
//! #[interface(id = "org.example.tuner", version = "1.0")]
//! pub trait Tuner {
//!     #[encoded]
//!     fn tune(&self, #[encoded] options: Options) -> Options;
//! }
//! ```

use cbor4ii::core::dec::Read;
use cbor4ii::core::utils::SliceReader;
use cbor4ii::serde::Deserializer;
use plugwright_manifest::schema::{Scalar, Shape};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Invalid, Portable};
use crate::abi::RawVec;
use crate::encoding::{Decoder, Encoder};

/// What the macros put around a value that is marked.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a mark on a value, made by macros"
)]
pub struct Encoded<T>(pub T);

/// What serde writes and reads without borrowing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be encoded",
    label = "serde does not write and read this type",
    note = "what is #[encoded] has #[derive(serde::Serialize, serde::Deserialize)], and borrows nothing"
)]
#[expect(unnameable_types, reason = "implemented for all that have serde's")]
pub trait Encodable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Encodable for T {}

impl<T: Encodable> Encoded<T> {
    /// The CBOR. A value that has none is a mistake of whoever gives it: in a plugin's method
    /// the panic becomes a failure of the call, with its text.
    fn cbor(&self) -> Vec<u8> {
        cbor4ii::serde::to_vec(Vec::new(), &self.0)
            .unwrap_or_else(|error| panic!("a value that is #[encoded] has no CBOR: {error}"))
    }
}

fn value<T: Encodable>(cbor: &[u8]) -> Result<Encoded<T>, Invalid> {
    const INVALID: Invalid = Invalid::new(&"CBOR that serde reads as the declared type");
    let mut input = Deserializer::new(SliceReader::new(cbor));
    let value = T::deserialize(&mut input).or(Err(INVALID))?;
    // A slice has what it has: filling it does not fail.
    let more = input
        .into_inner()
        .fill(1)
        .map(|rest| !rest.as_ref().is_empty());
    if more.is_ok_and(|more| !more) {
        Ok(Encoded(value))
    } else {
        Err(INVALID)
    }
}

// SAFETY: crosses as a vector of bytes; what they say is checked on arrival.
unsafe impl<T: Encodable> Portable for Encoded<T> {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Encoded);

    fn into_abi(self) -> RawVec {
        self.cbor().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        value(&unsafe { Vec::<u8>::from_abi(abi) }?)
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.cbor().encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        let length = input.length()?;
        value(input.raw(length)?)
    }
}
