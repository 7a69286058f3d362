//! A codec for `press`: Zstandard, by the `zstd` crate. Files are those of the `zstd` program.
#![forbid(unsafe_code)]

use plugwright_plugin::plugin;
use press_codec::{Codec, CodecError, read_at_most};

/// What 1 to 9 are in Zstandard's own count.
const LEVELS: [i32; 9] = [1, 2, 4, 6, 9, 11, 14, 16, 19];

/// Zstandard.
#[plugin(id = "org.plugwright.press.zstd", provides(Codec, keys = ["zstd", "zst"]))]
#[derive(Debug, Default)]
pub struct Zstd;

impl Codec for Zstd {
    fn name(&self) -> String {
        "Zstandard".to_owned()
    }

    fn extension(&self) -> String {
        "zst".to_owned()
    }

    fn compress(&self, input: &[u8], level: Option<u32>) -> Result<Vec<u8>, CodecError> {
        let own = level.and_then(|level| LEVELS.get(level.clamp(1, 9) as usize - 1));
        let level = own.copied().unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
        zstd::stream::encode_all(input, level)
            .map_err(|error| CodecError::Failed(error.to_string()))
    }

    fn decompress(&self, input: &[u8], limit: u64) -> Result<Vec<u8>, CodecError> {
        let decoder = zstd::stream::Decoder::with_buffer(input)
            .map_err(|error| CodecError::Failed(error.to_string()))?;
        read_at_most(limit, decoder)
    }
}
