//! Why a library was not loaded.

use std::error::Error;
use std::ffi::CStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why an image could not be made or a library not be loaded: what was to be loaded, every attempt, and what the system
/// said to each.
#[derive(Debug)]
pub struct LoadError {
    kind: LoadErrorKind,
    path: PathBuf,
    attempts: Vec<Attempt>,
    source: Option<Cause>,
}

/// The kinds of a [`LoadError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The path is relative. No path is ever derived from the current folder.
    NotAbsolute,
    /// A name is empty or has a `/`, or a path has no file name.
    NotAName,
    /// A version is empty or could lead to another folder.
    InvalidVersion,
    /// The path or name contains a byte 0.
    ContainsNul,
    /// It is not a regular file.
    NotAFile,
    /// The folder for private copies can be changed by others.
    NotPrivate,
    /// The file changed while it was copied, or since it was opened.
    Changed,
    /// The system failed while the bytes were copied or looked at.
    Io,
    /// The system cannot hold a sealed copy: not Linux, or forbidden (`vm.memfd_noexec=2`, a filter of system calls).
    SealingUnavailable,
    /// None of the names of a request is there.
    NotFound,
    /// The dynamic linker refused the library.
    Refused,
    /// The dynamic linker mapped another file than the one that was to be loaded. Its constructors have run: the process
    /// is to be taken for tainted.
    IdentityMismatch,
    /// It cannot be found out what the dynamic linker mapped (no `/proc`). Its constructors have run.
    IdentityUnknown,
}

/// One attempt to load something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// What was handed to the system.
    pub candidate: PathBuf,
    /// What the system said.
    pub answer: OsText,
}

/// What the dynamic linker said, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsText(String);

impl OsText {
    pub(crate) fn new(text: &CStr) -> Self {
        Self(text.to_string_lossy().into_owned())
    }

    pub(crate) fn of(error: &io::Error) -> Self {
        Self(error.to_string())
    }

    /// The text as the system gave it. It can repeat names that a file controls.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OsText {
    /// The text with control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() {
                write!(f, "{}", c.escape_unicode())
            } else {
                write!(f, "{c}")
            }
        })
    }
}

impl Error for OsText {}

#[derive(Debug)]
enum Cause {
    Io(io::Error),
    Os(OsText),
}

impl LoadError {
    pub(crate) fn new(kind: LoadErrorKind, path: &Path) -> Self {
        Self {
            kind,
            path: path.to_owned(),
            attempts: Vec::new(),
            source: None,
        }
    }

    pub(crate) fn io(kind: LoadErrorKind, path: &Path, error: impl Into<io::Error>) -> Self {
        Self {
            source: Some(Cause::Io(error.into())),
            ..Self::new(kind, path)
        }
    }

    pub(crate) fn refused(path: &Path, attempts: Vec<Attempt>) -> Self {
        let source = attempts
            .last()
            .map(|attempt| Cause::Os(attempt.answer.clone()));
        Self {
            attempts,
            source,
            ..Self::new(LoadErrorKind::Refused, path)
        }
    }

    /// The same error after attempts that were made before.
    pub(crate) fn after(mut self, mut earlier: Vec<Attempt>) -> Self {
        earlier.append(&mut self.attempts);
        self.attempts = earlier;
        self
    }

    /// What went wrong, to decide on.
    #[must_use]
    pub const fn kind(&self) -> LoadErrorKind {
        self.kind
    }

    /// What was to be loaded: the path or name that the caller gave.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that was handed to the system, in that order, with its answers.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}

impl LoadError {
    // Paths are printed with `{:?}`, which escapes control characters.
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.kind {
            LoadErrorKind::NotAbsolute => write!(
                f,
                "cannot load {path:?}: expected an absolute path; say what it is relative to"
            ),
            LoadErrorKind::NotAName => {
                write!(
                    f,
                    "cannot load {path:?}: expected the name of a library; to name a file, request it by path"
                )
            }
            LoadErrorKind::InvalidVersion => {
                write!(
                    f,
                    "cannot load {path:?}: expected a version like \"3.1\", not empty and without \"/\""
                )
            }
            LoadErrorKind::ContainsNul => {
                write!(f, "cannot load {path:?}: the name contains a byte 0")
            }
            LoadErrorKind::NotAFile => write!(f, "cannot load {path:?}: it is not a regular file"),
            LoadErrorKind::NotPrivate => write!(
                f,
                "cannot keep copies below {path:?}: others can replace what is in it; choose a folder that only you can write"
            ),
            LoadErrorKind::Changed => {
                write!(
                    f,
                    "cannot load {path:?}: the file changed meanwhile; try again when it is at rest"
                )
            }
            LoadErrorKind::Io => write!(f, "cannot load {path:?}: reading or copying it failed"),
            LoadErrorKind::SealingUnavailable => {
                write!(
                    f,
                    "cannot seal a copy of {path:?}: this system does not permit it; use a private copy"
                )
            }
            LoadErrorKind::NotFound => {
                write!(f, "cannot find {path:?}: none of its names is there")
            }
            LoadErrorKind::Refused => write!(f, "cannot load {path:?}: the system refused it"),
            LoadErrorKind::IdentityMismatch => write!(
                f,
                "loading {path:?} brought another file into the process; nothing of it is handed out, but its constructors have \
                 run: end this process"
            ),
            LoadErrorKind::IdentityUnknown => write!(
                f,
                "cannot tell which file loading {path:?} brought into the process, because /proc/self/maps cannot be read; mount \
                 /proc"
            ),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        self.attempts.iter().try_for_each(|attempt| {
            write!(f, "\n  tried {:?}: {}", attempt.candidate, attempt.answer)
        })
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|cause| match cause {
            Cause::Io(error) => error as &(dyn Error + 'static),
            Cause::Os(text) => text,
        })
    }
}
