//! PE files, at every depth.

use super::reading;

/// Reads the bytes as a PE file; the mark of its first header is put in front, and that of
/// the second where the first one points to it.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    if let Some(mark) = bytes.first_chunk_mut() {
        *mark = *b"MZ";
    }
    let at = bytes.get(60..).and_then(|bytes| bytes.first_chunk());
    let at = at.map_or(0, |at| u32::from_le_bytes(*at) as usize);
    let second = bytes.get_mut(at..).filter(|_| at >= 64);
    if let Some(mark) = second.and_then(|bytes| bytes.first_chunk_mut()) {
        *mark = *b"PE\0\0";
    }
    reading::every_depth(&bytes);
}
