//! A codec for `press`: LZ4 frames, by the `lz4_flex` crate. Files are those of the `lz4` program.
#![forbid(unsafe_code)]

use std::io::Write;

use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use plugwright_plugin::plugin;
use press_codec::{Codec, CodecError, read_at_most};

/// LZ4.
#[plugin(id = "org.plugwright.press.lz4", provides(Codec, keys = ["lz4"]))]
#[derive(Debug, Default)]
pub struct Lz4;

impl Codec for Lz4 {
    fn name(&self) -> String {
        "LZ4".to_owned()
    }

    fn extension(&self) -> String {
        "lz4".to_owned()
    }

    /// There is one level only.
    fn compress(&self, input: &[u8], _level: Option<u32>) -> Result<Vec<u8>, CodecError> {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder
            .write_all(input)
            .map_err(|error| CodecError::Failed(error.to_string()))?;
        encoder
            .finish()
            .map_err(|error| CodecError::Failed(error.to_string()))
    }

    fn decompress(&self, input: &[u8], limit: u64) -> Result<Vec<u8>, CodecError> {
        read_at_most(limit, FrameDecoder::new(input))
    }
}
