//! The digest of bytes that can be read at any offset.

use plugwright_trust::Digest;
use std::io;

/// How many bytes are read at once. They stay in the processor's second-level cache between reading and hashing.
const CHUNK: usize = 64 * 1024;

/// Computes the BLAKE3 digest of all bytes from offset 0 to the end.
///
/// `read_at` reads at an offset and returns how many bytes came, 0 at the end. Nothing is mapped: a mapped file that
/// somebody cuts short raises SIGBUS.
///
/// # Errors
/// What `read_at` returns, but for interruptions, which are tried again.
pub fn digest(read_at: &mut dyn FnMut(&mut [u8], u64) -> io::Result<usize>) -> io::Result<Digest> {
    digest_with(read_at, &mut |_| ())
}

/// The same, and hands all bytes on, each once and in order.
pub(crate) fn digest_with(
    read_at: &mut dyn FnMut(&mut [u8], u64) -> io::Result<usize>,
    also: &mut dyn FnMut(&[u8]),
) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        match read_at(&mut buffer, offset) {
            Ok(0) => return Ok(Digest::from_bytes(*hasher.finalize().as_bytes())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                also(&buffer[..count]);
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
