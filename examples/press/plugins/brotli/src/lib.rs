//! A codec for `press`: Brotli, by the `brotli` crate. Files are those of the `brotli` program.
#![forbid(unsafe_code)]

use brotli::{CompressorReader, Decompressor};
use plugwright_plugin::plugin;
use press_codec::{Codec, CodecError, read_at_most};

/// Bytes that the encoder and decoder take at a time.
const BUFFER: usize = 64 * 1024;
/// The logarithm of the window: what the `brotli` program takes.
const WINDOW: u32 = 22;
/// Fast enough for a default; its own 11 is for files that are compressed once and served for years.
const DEFAULT_LEVEL: u32 = 5;

/// Brotli.
#[plugin(id = "org.plugwright.press.brotli", provides(Codec, keys = ["brotli", "br"]))]
#[derive(Debug, Default)]
pub struct Brotli;

impl Codec for Brotli {
    fn name(&self) -> String {
        "Brotli".to_owned()
    }

    fn extension(&self) -> String {
        "br".to_owned()
    }

    fn compress(&self, input: &[u8], level: Option<u32>) -> Result<Vec<u8>, CodecError> {
        // 9 here is 11 there.
        let level = level.map_or(
            DEFAULT_LEVEL,
            |level| if level >= 9 { 11 } else { level.max(1) },
        );
        read_at_most(
            u64::MAX,
            CompressorReader::new(input, BUFFER, level, WINDOW),
        )
    }

    fn decompress(&self, input: &[u8], limit: u64) -> Result<Vec<u8>, CodecError> {
        read_at_most(limit, Decompressor::new(input, BUFFER))
    }
}
