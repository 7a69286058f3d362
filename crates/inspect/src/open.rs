//! Opening a file for inspection.
//!
//! Invariant: opening never blocks, touches no device and makes no terminal the process's
//! own; what comes back is a regular file. A FIFO in a plugin folder would otherwise hang
//! the host for ever, and opening a tape drive rewinds it.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::os;
use crate::read_at::ReadAt;

/// Whether the last component of a path may be a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Links are followed.
    Follow,
    /// A link as the last component is refused with [`OpenErrorKind::Link`].
    Refuse,
}

/// A regular file, open for reading, with what `fstat` said of it when it was opened.
#[derive(Debug)]
pub struct Opened {
    file: File,
    size: u64,
    metadata: std::fs::Metadata,
}

impl Opened {
    /// Takes a file that is open already, for example a sealed copy in memory.
    ///
    /// # Errors
    /// When it is no regular file, or the system cannot say.
    pub fn from_file(file: File) -> Result<Self, OpenError> {
        Self::check(file, Path::new(""))
    }

    pub(crate) fn check(file: File, path: &Path) -> Result<Self, OpenError> {
        let metadata = file
            .metadata()
            .map_err(|error| OpenError::from_io(path, error))?;
        if !metadata.is_file() {
            return Err(OpenError::new(path, os::kind_of(&metadata), None));
        }
        Ok(Self {
            size: metadata.len(),
            file,
            metadata,
        })
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// What the one `fstat` said: size, owner, mode, device, inode, times.
    #[must_use]
    pub fn metadata(&self) -> &std::fs::Metadata {
        &self.metadata
    }
}

impl ReadAt for Opened {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        os::read_at(&self.file, buf, offset)
    }

    /// The size when the file was opened.
    fn size(&self) -> u64 {
        self.size
    }
}

impl ReadAt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        os::read_at(self, buf, offset)
    }

    /// Asks the system at each call; 0 when it cannot say.
    fn size(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }
}

/// Opens the regular file `path`.
///
/// On Unix with `O_NONBLOCK`, `O_NOCTTY` and `O_CLOEXEC`, and `O_NOFOLLOW` with
/// [`Links::Refuse`]: two system calls. On Windows a path that names a device is refused
/// by what the opened handle says it is.
///
/// # Errors
/// When there is no such file, it may not be read, or it is anything but a regular file:
/// [`OpenError::kind`] tells which.
pub fn open(path: &Path, links: Links) -> Result<Opened, OpenError> {
    Opened::check(os::open(path, links)?, path)
}

#[cfg(unix)]
pub use crate::os::open_at;

/// Why a file was not opened.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    kind: OpenErrorKind,
    source: Option<io::Error>,
}

/// The kinds of [`OpenError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// There is nothing at the path, or a symbolic link leads nowhere.
    NotFound,
    /// The file or a folder above it may not be read.
    PermissionDenied,
    /// A folder.
    Directory,
    /// A pipe with a name.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// A symbolic link, where links are refused.
    Link,
    /// Symbolic links that lead in a circle.
    LinkLoop,
    /// Another answer of the system, which is the error's source.
    Other,
}

impl OpenErrorKind {
    fn describe(self) -> &'static str {
        match self {
            Self::NotFound => "there is no such file",
            Self::PermissionDenied => "it may not be read",
            Self::Directory => "it is a folder",
            Self::Fifo => "it is a FIFO",
            Self::Socket => "it is a socket",
            Self::Device => "it is a device",
            Self::Link => "it is a symbolic link",
            Self::LinkLoop => "its symbolic links lead in a circle",
            Self::Other => "the system refused",
        }
    }
}

impl OpenError {
    pub(crate) fn new(path: &Path, kind: OpenErrorKind, source: Option<io::Error>) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            source,
        }
    }

    pub(crate) fn from_io(path: &Path, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => OpenErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => OpenErrorKind::PermissionDenied,
            io::ErrorKind::IsADirectory => OpenErrorKind::Directory,
            _ => os::kind_of_error(&error),
        };
        Self::new(path, kind, Some(error))
    }

    /// What kind of failure, for decisions.
    #[must_use]
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// The same, told of `path`: for who opened the file by its name in a folder and knows the
    /// whole path.
    #[must_use]
    pub fn with_path(self, path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            ..self
        }
    }

    /// The path as it was given; empty for [`Opened::from_file`].
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_os_str().as_encoded_bytes();
        let path = crate::Untrusted::from(path);
        write!(f, "cannot inspect {path}: {}", self.kind.describe())?;
        match (&self.source, self.kind) {
            (Some(error), OpenErrorKind::Other) => write!(f, ": {error}"),
            _ => Ok(()),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let error: &(dyn Error + 'static) = self.source.as_ref()?;
        Some(error)
    }
}
