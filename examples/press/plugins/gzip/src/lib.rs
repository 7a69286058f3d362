//! A codec for `press`: gzip, by the `flate2` crate. Files are those of the `gzip` program.
#![forbid(unsafe_code)]

use flate2::Compression;
use flate2::bufread::{GzEncoder, MultiGzDecoder};
use plugwright_plugin::plugin;
use press_codec::{Codec, CodecError, read_at_most};

/// Gzip.
#[plugin(id = "org.plugwright.press.gzip", provides(Codec, keys = ["gzip", "gz"]))]
#[derive(Debug, Default)]
pub struct Gzip;

impl Codec for Gzip {
    fn name(&self) -> String {
        "gzip".to_owned()
    }

    fn extension(&self) -> String {
        "gz".to_owned()
    }

    fn compress(&self, input: &[u8], level: Option<u32>) -> Result<Vec<u8>, CodecError> {
        let level = level.map_or_else(Compression::default, |level| {
            Compression::new(level.clamp(1, 9))
        });
        read_at_most(u64::MAX, GzEncoder::new(input, level))
    }

    fn decompress(&self, input: &[u8], limit: u64) -> Result<Vec<u8>, CodecError> {
        // A gzip file may consist of several, one after the other.
        read_at_most(limit, MultiGzDecoder::new(input))
    }
}
