//! Mach-O files, thin and universal, at every depth.

use super::reading;

const MARKS: [[u8; 4]; 4] = [
    0xfeed_facf_u32.to_le_bytes(),
    0xfeed_face_u32.to_be_bytes(),
    0xcafe_babe_u32.to_be_bytes(),
    0xcafe_babf_u32.to_be_bytes(),
];

/// Reads the bytes as a Mach-O file: where they begin with none of its marks, one is put
/// there.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    if let Some(mark) = bytes.first_chunk_mut()
        && !MARKS.contains(mark)
    {
        *mark = MARKS[usize::from(mark[0]) % MARKS.len()];
    }
    reading::every_depth(&bytes);
}
