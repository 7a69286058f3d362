//! Why a file or a root was not opened.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file or a root was not opened: what was asked for, at which step it failed, and what the system said.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    path: PathBuf,
    step: PathBuf,
    source: Option<io::Error>,
}

/// The kinds of an [`OpenError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The path of a root is relative. No path is ever derived from the current folder.
    NotAbsolute,
    /// The path below a root is absolute, empty, or contains `..` or `.`.
    NotBelow,
    /// A step of the path is a symbolic link.
    SymbolicLink,
    /// A step that has to be a folder is something else.
    NotAFolder,
    /// The file is a folder, a FIFO, a socket or a device.
    NotAFile,
    /// A step of the path is not there.
    NotFound,
    /// The system does not permit a step.
    NotPermitted,
    /// Anything else that the system reported.
    Io,
}

impl OpenError {
    pub(crate) fn new(kind: OpenErrorKind, path: &Path, step: &Path) -> Self {
        Self {
            kind,
            path: path.to_owned(),
            step: step.to_owned(),
            source: None,
        }
    }

    pub(crate) fn io(path: &Path, step: &Path, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => OpenErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => OpenErrorKind::NotPermitted,
            _ => OpenErrorKind::Io,
        };
        Self {
            kind,
            path: path.to_owned(),
            step: step.to_owned(),
            source: Some(source),
        }
    }

    /// What went wrong, to decide on.
    #[must_use]
    pub const fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// What was to be opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder or file on the way to it at which it failed.
    #[must_use]
    pub fn step(&self) -> &Path {
        &self.step
    }
}

impl fmt::Display for OpenError {
    // Paths are printed with `{:?}`, which escapes control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot open {:?}: ", self.path)?;
        let step = &self.step;
        match self.kind {
            OpenErrorKind::NotAbsolute => write!(
                f,
                "a root needs an absolute path; put the folder it is relative to in front"
            ),
            OpenErrorKind::NotBelow => {
                write!(
                    f,
                    "expected a path below the root {step:?}, without \"..\" and \".\" and not absolute"
                )
            }
            OpenErrorKind::SymbolicLink => {
                write!(
                    f,
                    "{step:?} is a symbolic link, and links are not followed below a root; name the file it points to"
                )
            }
            OpenErrorKind::NotAFolder => write!(f, "{step:?} is not a folder"),
            OpenErrorKind::NotAFile => write!(f, "{step:?} is not a regular file"),
            OpenErrorKind::NotFound => write!(f, "there is no {step:?}"),
            OpenErrorKind::NotPermitted => write!(f, "this user may not open {step:?}"),
            OpenErrorKind::Io => write!(f, "the system failed at {step:?}"),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|error| error as &(dyn Error + 'static))
    }
}
