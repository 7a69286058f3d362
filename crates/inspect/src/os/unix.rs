//! Unix: `openat` with the flags that make it harmless, and `pread`.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fd::AsFd;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::FileIdentity;
use crate::open::{Links, OpenError, OpenErrorKind, Opened};

fn open_in(folder: impl AsFd, path: &Path, links: Links) -> Result<File, OpenError> {
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    rustix::fs::openat(folder, path, flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| {
            let error = io::Error::from(errno);
            // With O_NOFOLLOW ELOOP means the last component, without it a circle.
            if errno == Errno::LOOP && links == Links::Refuse {
                OpenError::new(path, OpenErrorKind::Link, Some(error))
            } else {
                OpenError::from_io(path, error)
            }
        })
}

pub(crate) fn open(path: &Path, links: Links) -> Result<File, OpenError> {
    open_in(CWD, path, links)
}

/// Opens the regular file `name` in the open folder `folder`; otherwise as [`crate::open()`].
///
/// Unix only. A scan that opens relative to the folder it lists saves the system the walk
/// through the whole path for each file, and cannot be led elsewhere by a folder renamed
/// meanwhile.
///
/// # Errors
/// As [`crate::open()`]; the error's path is `name`.
pub fn open_at(folder: impl AsFd, name: &OsStr, links: Links) -> Result<Opened, OpenError> {
    let name = Path::new(name);
    Opened::check(open_in(folder, name, links)?, name)
}

pub(crate) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buf, offset)
}

pub(crate) fn kind_of(metadata: &Metadata) -> OpenErrorKind {
    let kind = metadata.file_type();
    if kind.is_dir() {
        OpenErrorKind::Directory
    } else if kind.is_fifo() {
        OpenErrorKind::Fifo
    } else if kind.is_socket() {
        OpenErrorKind::Socket
    } else if kind.is_block_device() || kind.is_char_device() {
        OpenErrorKind::Device
    } else {
        OpenErrorKind::Other
    }
}

pub(crate) fn kind_of_error(error: &io::Error) -> OpenErrorKind {
    match Errno::from_io_error(error) {
        Some(Errno::LOOP) => OpenErrorKind::LinkLoop,
        // Opening a socket file answers ENXIO, as does a device without a driver.
        Some(Errno::NXIO) => OpenErrorKind::Socket,
        Some(Errno::NODEV) => OpenErrorKind::Device,
        _ => OpenErrorKind::Other,
    }
}

pub(crate) fn identity(_: &Path, metadata: &Metadata) -> FileIdentity {
    FileIdentity::new(metadata.dev(), metadata.ino())
}

/// A path from a file's bytes.
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Whether a part of the path that ought to be a folder is none.
pub(crate) fn is_not_a_folder(error: &OpenError) -> bool {
    std::error::Error::source(error)
        .and_then(|error| error.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::NotADirectory)
}
