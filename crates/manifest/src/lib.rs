//! What a plugin says of itself, and how that is encoded inside its binary.

#![forbid(unsafe_code)]

pub mod cbor;
pub mod note;
