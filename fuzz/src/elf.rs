//! ELF files, at every depth.

use super::reading;

/// Reads the bytes as an ELF file; its mark is put in front, so that nothing is wasted.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    if let Some(mark) = bytes.first_chunk_mut() {
        *mark = *b"\x7fELF";
    }
    reading::every_depth(&bytes);
}
