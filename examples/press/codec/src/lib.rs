//! What a codec of `press` is: the one crate that the program and its plugins share.
//!
//! The trait is all there is to agree on. A plugin implements it for a type and says with one attribute that it does;
//! the program asks for a handle by key and calls it like any other value.
//!
//! ```
//! use press_codec::{Codec, CodecError};
//!
//! /// Any type can be a codec; a plugin adds `#[plugwright_plugin::plugin(…)]` to it.
//! struct Stored;
//!
//! impl Codec for Stored {
//!     fn name(&self) -> String {
//!         "no compression at all".to_owned()
//!     }
//!     fn extension(&self) -> String {
//!         "stored".to_owned()
//!     }
//!     fn compress(&self, input: &[u8], _level: Option<u32>) -> Result<Vec<u8>, CodecError> {
//!         Ok(input.to_vec())
//!     }
//!     fn decompress(&self, input: &[u8], limit: u64) -> Result<Vec<u8>, CodecError> {
//!         press_codec::read_at_most(limit, input)
//!     }
//! }
//!
//! assert_eq!(Stored.decompress(b"abc", 3).unwrap(), b"abc");
//! assert!(matches!(Stored.decompress(b"abcd", 3), Err(CodecError::TooLarge { limit: 3 })));
//! ```
#![forbid(unsafe_code)]

use std::fmt;
use std::io::Read;

use plugwright_plugin::{CallError, Portable, interface};

/// Compresses and decompresses whole files.
///
/// The minor version grows when a method is added; a plugin that was built before keeps working.
#[interface(id = "org.plugwright.press.codec", version = "1.0")]
pub trait Codec: Send + Sync {
    /// The codec's name, for people.
    fn name(&self) -> String;

    /// The ending that its files have, without the dot.
    fn extension(&self) -> String;

    /// Compresses `input`. `level` runs from 1 (fast) to 9 (small); `None` is the codec's own default.
    ///
    /// # Errors
    /// [`CodecError::Failed`], and [`CodecError::Plugin`] where the call itself failed.
    fn compress(&self, input: &[u8], level: Option<u32>) -> Result<Vec<u8>, CodecError>;

    /// Decompresses `input` to at most `limit` bytes: a small file can claim to be a huge one.
    ///
    /// # Errors
    /// [`CodecError::Damaged`], [`CodecError::TooLarge`], and [`CodecError::Plugin`] where the call itself failed.
    fn decompress(&self, input: &[u8], limit: u64) -> Result<Vec<u8>, CodecError>;
}

/// Why a codec did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Portable)]
pub enum CodecError {
    /// The input is not what this codec writes, or was damaged.
    Damaged(String),
    /// The result would have more than `limit` bytes.
    TooLarge {
        /// The limit that was asked for.
        limit: u64,
    },
    /// The codec could not do it, for a reason of its own.
    Failed(String),
    /// The call itself failed: the plugin panicked, for example.
    Plugin(CallError),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) => write!(f, "the input is damaged, or of another codec: {what}"),
            Self::TooLarge { limit } => write!(f, "the result would have more than {limit} bytes"),
            Self::Failed(what) => write!(f, "the codec failed: {what}"),
            Self::Plugin(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CodecError {}

/// With this, a plugin that panics is an error like any other for the caller, and not a panic.
impl From<CallError> for CodecError {
    fn from(error: CallError) -> Self {
        Self::Plugin(error)
    }
}

/// Reads everything that `decoder` gives, unless that is more than `limit` bytes: what most codecs need.
///
/// # Errors
/// [`CodecError::Damaged`] with the decoder's own words, [`CodecError::TooLarge`].
pub fn read_at_most(limit: u64, decoder: impl Read) -> Result<Vec<u8>, CodecError> {
    let mut output = Vec::new();
    // One byte more than allowed tells "exactly at the limit" from "beyond it".
    decoder
        .take(limit.saturating_add(1))
        .read_to_end(&mut output)
        .map_err(|error| CodecError::Damaged(error.to_string()))?;
    if output.len() as u64 > limit {
        Err(CodecError::TooLarge { limit })
    } else {
        Ok(output)
    }
}
