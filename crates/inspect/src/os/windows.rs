//! Windows: shared opening without write access, and reads that carry their offset.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::open::{Links, OpenError, OpenErrorKind};

/// `FILE_FLAG_OPEN_REPARSE_POINT`: opens a symbolic link itself (`CreateFileW`).
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

pub(crate) fn open(path: &Path, links: Links) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true);
    if links == Links::Refuse {
        options.custom_flags(OPEN_REPARSE_POINT);
    }
    let file = options
        .open(path)
        .map_err(|error| OpenError::from_io(path, error))?;
    match file.metadata() {
        Ok(metadata) if metadata.file_type().is_symlink() => {
            Err(OpenError::new(path, OpenErrorKind::Link, None))
        }
        _ => Ok(file),
    }
}

pub(crate) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buf, offset)
}

pub(crate) fn kind_of(metadata: &Metadata) -> OpenErrorKind {
    if metadata.is_dir() {
        OpenErrorKind::Directory
    } else {
        OpenErrorKind::Device
    }
}

pub(crate) fn kind_of_error(_: &io::Error) -> OpenErrorKind {
    OpenErrorKind::Other
}
