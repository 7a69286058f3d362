//! An image's bytes, as inspection reads them: what is parsed is what will be loaded.

use std::io;

use plugwright_inspect::ReadAt;

use crate::Image;

impl ReadAt for Image {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Self::read_at(self, buf, offset)
    }

    fn size(&self) -> u64 {
        Self::size(self)
    }
}
