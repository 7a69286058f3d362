//! Positioned reading: the only way in which this crate touches a file's bytes.
//!
//! Nothing is ever mapped. A mapped file that another process truncates raises SIGBUS in
//! the reader; a positioned read then merely comes back short. It is also faster: one
//! `mmap` and `munmap` for each of many files does not scale over threads.

use std::io;

/// Bytes that can be read at any offset: an open file, or memory.
///
/// Reading takes `&self` and keeps no position, so that one file can be read by several
/// threads. Implement it to count, to cache or to read from elsewhere.
pub trait ReadAt {
    /// Reads up to `buf.len()` bytes that lie at `offset`, and returns how many came.
    /// Fewer come at the end of the data only.
    ///
    /// # Errors
    /// What the system says; never for an offset past the end, which reads 0 bytes.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The number of bytes there are. It is asked once for each image and every offset is
    /// compared with that answer.
    fn size(&self) -> u64;
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..))
            .unwrap_or_default();
        let count = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        (**self).size()
    }
}
