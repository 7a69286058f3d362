//! Other Unix systems: the entries of a folder as the C library's stream gives them.

use std::ffi::CStr;
use std::io;

use rustix::fd::BorrowedFd;
use rustix::fs::{Dir, FileType};

/// Shows `see` every entry of the folder once, in the file system's order.
pub(crate) fn list(
    folder: BorrowedFd<'_>,
    see: &mut dyn FnMut(&CStr, FileType) -> io::Result<()>,
) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        see(entry.file_name(), entry.file_type())?;
    }
    Ok(())
}
