//! Unix: `openat` with the flags that make it harmless, and `pread`.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{FileIdentity, listing};
use crate::folder::EntryKind;
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

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::open_in(CWD, path, OFlags::empty())
    }

    pub(crate) fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        Self::open_in(&self.0, Path::new(name), OFlags::NOFOLLOW)
    }

    fn open_in(folder: impl AsFd, path: &Path, more: OFlags) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(folder, path, flags | more, Mode::empty())?;
        Ok(Self(folder))
    }

    pub(crate) fn open_file(&self, name: &OsStr, links: Links) -> Result<Opened, OpenError> {
        open_at(&self.0, name, links)
    }

    /// In the file system's order.
    pub(crate) fn entries(&self) -> io::Result<Vec<(OsString, EntryKind)>> {
        let mut entries = Vec::new();
        listing::list(self.0.as_fd(), &mut |name, kind| {
            if matches!(name.to_bytes(), b"." | b"..") {
                return Ok(());
            }
            if let Some(kind) = self.kind(name, kind)? {
                entries.push((OsStr::from_bytes(name.to_bytes()).to_owned(), kind));
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// What the entry is; `None` if it is gone. Some file systems do not say in a listing.
    fn kind(&self, name: &CStr, kind: FileType) -> io::Result<Option<EntryKind>> {
        let kind = match kind {
            FileType::Unknown => {
                match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(Errno::NOENT) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            }
            kind => kind,
        };
        Ok(Some(match kind {
            FileType::Directory => EntryKind::Folder,
            FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Other,
        }))
    }
}
