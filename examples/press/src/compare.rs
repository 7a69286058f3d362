//! Every codec on the same bytes: there and back, compared and measured.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use press_codec::Codec;

use crate::codecs::Codecs;

/// Prints a row per codec: how small it makes `input`, and how many megabytes of it per second.
///
/// # Errors
/// The first codec that cannot be loaded, fails, or does not give the same bytes back; or the table cannot be written.
pub(crate) fn print(
    codecs: &Codecs,
    input: &[u8],
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    writeln!(
        out,
        "{:10} {:>8} {:>14} {:>16}",
        "codec", "ratio", "compress MB/s", "decompress MB/s"
    )?;
    for key in codecs.keys() {
        let codec = codecs.get(&key)?;
        let start = Instant::now();
        let packed = codec.compress(input, None)?;
        let compressing = start.elapsed();
        let start = Instant::now();
        let unpacked = codec.decompress(&packed, input.len() as u64)?;
        let decompressing = start.elapsed();
        if unpacked != input {
            return Err(format!("{key} does not give the same bytes back").into());
        }
        let ratio = input.len() as f64 / packed.len() as f64;
        let speed = |time: std::time::Duration| input.len() as f64 / 1e6 / time.as_secs_f64();
        writeln!(
            out,
            "{:10} {ratio:>8.2} {:>14.0} {:>16.0}",
            codec.name(),
            speed(compressing),
            speed(decompressing)
        )?;
    }
    Ok(())
}
