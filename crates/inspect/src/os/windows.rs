//! Windows: shared opening without write access, and reads that carry their offset.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::FileIdentity;
use crate::folder::EntryKind;
use crate::open::{Links, OpenError, OpenErrorKind, Opened};

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

/// The path without links, since stable Rust tells no file number here.
pub(crate) fn identity(path: &Path, _: &Metadata) -> FileIdentity {
    FileIdentity::of_path(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
}

/// A path from a file's bytes.
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

pub(crate) fn is_not_a_folder(_: &OpenError) -> bool {
    false
}

/// A folder by its path: stable Rust opens nothing relative to a handle here.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::of(path.to_owned(), &fs::metadata(path)?)
    }

    pub(crate) fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        let path = self.0.join(name);
        let metadata = fs::symlink_metadata(&path)?;
        Self::of(path, &metadata)
    }

    fn of(path: PathBuf, metadata: &Metadata) -> io::Result<Self> {
        if metadata.is_dir() {
            Ok(Self(path))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    pub(crate) fn open_file(&self, name: &OsStr, links: Links) -> Result<Opened, OpenError> {
        crate::open(&self.0.join(name), links)
    }

    /// In the file system's order.
    pub(crate) fn entries(&self) -> io::Result<Vec<(OsString, EntryKind)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = if kind.is_symlink() {
                EntryKind::Link
            } else if kind.is_dir() {
                EntryKind::Folder
            } else {
                EntryKind::Other
            };
            entries.push((entry.file_name(), kind));
        }
        Ok(entries)
    }
}
