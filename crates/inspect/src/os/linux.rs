//! Linux: the entries of a folder as the kernel hands them out, without a stream around them.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;

use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, RawDir};

/// Bytes of entries that are asked for at once: about four hundred.
const BUFFER: usize = 16 << 10;

/// Shows `see` every entry of the folder once, in the file system's order.
pub(crate) fn list(
    folder: BorrowedFd<'_>,
    see: &mut dyn FnMut(&CStr, FileType) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = [const { MaybeUninit::uninit() }; BUFFER];
    let mut entries = RawDir::new(folder, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        see(entry.file_name(), entry.file_type())?;
    }
    Ok(())
}
