//! Types that serde knows: as JSON, when they are marked.

use std::ops::{Deref, DerefMut};

use plugwright_manifest::schema::{Scalar, Shape};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Invalid, Portable};
use crate::abi::RawVec;
use crate::encoding::{Decoder, Encoder};

/// A value that crosses as JSON, because serde knows its type and [`Portable`] does not.
///
/// The two sides need not have the same type: what serde reads of the JSON counts, so fields
/// can be added that have a default. The price is that nothing is compared before the call: what
/// cannot be read is a failure of it. It is also slower than a derived [`Portable`] by far.
///
/// ```
/// use plugwright_plugin::{Encoded, interface};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// pub struct Options {
///     level: u32,
///     #[serde(flatten)]
///     others: std::collections::BTreeMap<String, String>,
/// }
///
/// #[interface(id = "org.example.tuner", version = "1.0")]
/// pub trait Tuner {
///     fn tune(&self, options: Encoded<Options>) -> Encoded<Options>;
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a mark on a value, and nothing more"
)]
pub struct Encoded<T>(pub T);

impl<T> Deref for Encoded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Encoded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Encoded<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Serialize> Encoded<T> {
    /// The JSON. A value that has none is a mistake of whoever gives it: in a plugin's method
    /// the panic becomes a failure of the call, with its text.
    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0)
            .unwrap_or_else(|error| panic!("a value of an Encoded type has no JSON: {error}"))
    }
}

fn value<T: DeserializeOwned>(json: &[u8]) -> Result<Encoded<T>, Invalid> {
    let value = serde_json::from_slice(json);
    value.map(Encoded).or(Err(Invalid::new(
        "JSON that serde reads as the declared type",
    )))
}

// SAFETY: crosses as a vector of bytes; what they say is checked on arrival.
unsafe impl<T: Serialize + DeserializeOwned> Portable for Encoded<T> {
    type Abi = RawVec;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Encoded);

    fn into_abi(self) -> RawVec {
        self.json().into_abi()
    }

    unsafe fn from_abi(abi: RawVec) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        value(&unsafe { Vec::<u8>::from_abi(abi) }?)
    }

    fn encode(self, out: &mut Encoder<'_>) {
        self.json().encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        let length = input.length()?;
        value(input.raw(length)?)
    }
}
