//! Why a library was not loaded.

use std::error::Error;
use std::ffi::CStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why an image could not be made or a library not be loaded: what was to be loaded, every attempt, and what the system
/// said to each.
#[derive(Debug)]
pub struct LoadError(Box<Facts>);

/// Behind a pointer, since errors are passed up through every result.
#[derive(Debug)]
struct Facts {
    kind: LoadErrorKind,
    path: PathBuf,
    attempts: Vec<Attempt>,
    explanation: Vec<String>,
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
    /// The folder for private copies can be changed by others. Never on Windows, where this is not looked at.
    NotPrivate,
    /// The system failed while a folder for private copies was made.
    CopyFolder,
    /// The file changed while it was copied, or since it was opened; on Windows also if another library is loaded from its path,
    /// which the file took since.
    Changed,
    /// The system failed while the bytes were copied or looked at.
    Io,
    /// The system cannot hold a sealed copy: it is not Linux, or it is forbidden (`vm.memfd_noexec=2`, a filter of system calls).
    SealingUnavailable,
    /// The names in it cannot be changed: it is not a library of this system's format, or a new name is none.
    NotRenamable,
    /// The file is damaged, or for another system: reading it showed this before anything was loaded.
    Unsound,
    /// A name leaves the choice of the file to the system, so that it cannot be checked before.
    NotCheckable,
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

    #[cfg(windows)]
    pub(crate) const fn from(text: String) -> Self {
        Self(text)
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
        let (attempts, explanation) = (Vec::new(), Vec::new());
        Self(Box::new(Facts {
            kind,
            path: path.to_owned(),
            attempts,
            explanation,
            source: None,
        }))
    }

    pub(crate) fn io(kind: LoadErrorKind, path: &Path, error: impl Into<io::Error>) -> Self {
        let mut new = Self::new(kind, path);
        new.0.source = Some(Cause::Io(error.into()));
        new
    }

    pub(crate) fn refused(path: &Path, attempt: Attempt) -> Self {
        let mut new = Self::new(LoadErrorKind::Refused, path);
        new.0.source = Some(Cause::Os(attempt.answer.clone()));
        new.0.attempts.push(attempt);
        new
    }

    /// The same error after attempts that were made before.
    pub(crate) fn after(mut self, mut earlier: Vec<Attempt>) -> Self {
        earlier.append(&mut self.0.attempts);
        self.0.attempts = earlier;
        self
    }

    /// The same error with what was found out about its cause; escaped already.
    pub(crate) fn because(mut self, explanation: Vec<String>) -> Self {
        self.0.explanation = explanation;
        self
    }

    /// What went wrong, to decide on.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        self.0.kind
    }

    /// What was to be loaded: the path or name that the caller gave.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Everything that was handed to the system, in that order, with its answers.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// What reading the file found out about the cause, a sentence each; empty if nothing, or without the feature
    /// `explain`.
    #[must_use]
    pub fn explanation(&self) -> &[String] {
        &self.0.explanation
    }
}

impl LoadError {
    // Paths are printed with `{:?}`, which escapes control characters.
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.0.path;
        match self.0.kind {
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
                write!(
                    f,
                    "cannot load {path:?}: the name contains a byte 0, which no name of a file has; take it out"
                )
            }
            LoadErrorKind::NotAFile => write!(
                f,
                "cannot load {path:?}: it is not a regular file; name the library itself, and no folder, pipe or device"
            ),
            LoadErrorKind::NotPrivate => write!(
                f,
                "cannot keep copies below {path:?}: others can replace what is in it; choose a folder that only you can write"
            ),
            LoadErrorKind::CopyFolder => {
                write!(
                    f,
                    "cannot keep copies below {path:?}: the system failed; choose a folder that exists and that you can write"
                )
            }
            LoadErrorKind::Changed => {
                write!(
                    f,
                    "cannot load {path:?}: the file changed meanwhile; try again when it is at rest"
                )
            }
            LoadErrorKind::Io => write!(
                f,
                "cannot load {path:?}: reading or copying it failed; see that it can be read, and that there is room for a copy"
            ),
            LoadErrorKind::SealingUnavailable => {
                write!(
                    f,
                    "cannot seal a copy of {path:?}: this system does not permit it; use a private copy"
                )
            }
            LoadErrorKind::NotRenamable => write!(
                f,
                "cannot change the names of libraries in {path:?}; load it where nothing of those names is loaded"
            ),
            LoadErrorKind::Unsound => {
                write!(
                    f,
                    "cannot load {path:?}: the file is damaged or not for this system; nothing of it has run"
                )
            }
            LoadErrorKind::NotCheckable => write!(
                f,
                "cannot check {path:?} before it is loaded: a name leaves the choice of the file to the system; request it by path or \
                 from the system's own folders"
            ),
            LoadErrorKind::NotFound => {
                write!(
                    f,
                    "cannot find {path:?}: none of its names is there; check the path, or install what brings it"
                )
            }
            LoadErrorKind::Refused => write!(f, "cannot load {path:?}: the system refused it"),
            LoadErrorKind::IdentityMismatch => write!(
                f,
                "loading {path:?} brought another file into the process; nothing of it is handed out, but its constructors have \
                 run: end this process"
            ),
            LoadErrorKind::IdentityUnknown => write!(
                f,
                "cannot tell which file loading {path:?} brought into the process: the system did not say; on Linux, mount /proc"
            ),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        for attempt in &self.0.attempts {
            write!(f, "\n  tried {:?}: {}", attempt.candidate, attempt.answer)?;
        }
        self.0
            .explanation
            .iter()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|cause| match cause {
            Cause::Io(error) => error as &(dyn Error + 'static),
            Cause::Os(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind. That none is missing here is what the match makes sure of: a new kind does not compile without a place.
    const KINDS: [LoadErrorKind; 17] = {
        use LoadErrorKind as Kind;
        const fn place(kind: Kind) -> usize {
            match kind {
                Kind::NotAbsolute => 0,
                Kind::NotAName => 1,
                Kind::InvalidVersion => 2,
                Kind::ContainsNul => 3,
                Kind::NotAFile => 4,
                Kind::NotPrivate => 5,
                Kind::CopyFolder => 6,
                Kind::Changed => 7,
                Kind::Io => 8,
                Kind::SealingUnavailable => 9,
                Kind::NotRenamable => 10,
                Kind::Unsound => 11,
                Kind::NotCheckable => 12,
                Kind::NotFound => 13,
                Kind::Refused => 14,
                Kind::IdentityMismatch => 15,
                Kind::IdentityUnknown => 16,
            }
        }
        let kinds = [
            Kind::NotAbsolute,
            Kind::NotAName,
            Kind::InvalidVersion,
            Kind::ContainsNul,
            Kind::NotAFile,
            Kind::NotPrivate,
            Kind::CopyFolder,
            Kind::Changed,
            Kind::Io,
            Kind::SealingUnavailable,
            Kind::NotRenamable,
            Kind::Unsound,
            Kind::NotCheckable,
            Kind::NotFound,
            Kind::Refused,
            Kind::IdentityMismatch,
            Kind::IdentityUnknown,
        ];
        let mut index = 0;
        while index < kinds.len() {
            assert!(place(kinds[index]) == index, "each kind has its place");
            index += 1;
        }
        kinds
    };

    /// The first line of each kind; the whole texts are brought about from outside.
    #[test]
    fn every_kind_has_a_text() {
        let text = |kind| {
            format!(
                "{kind:?}: {}",
                LoadError::new(kind, Path::new("/lib/a\n.so"))
            )
        };
        let texts = KINDS.map(text).join("\n");
        // The snapshot tool does not find its files when the test runs on Windows and was built elsewhere.
        if cfg!(unix) {
            insta::assert_snapshot!(texts);
        } else {
            assert!(texts.lines().all(|line| line.contains(": ")));
        }
    }

    #[test]
    fn the_systems_words_are_kept_and_escaped_when_they_are_printed() {
        let text = OsText::new(c"lib\x1b[2J.so: no");
        assert_eq!(
            (text.as_str(), text.to_string().as_str()),
            ("lib\x1b[2J.so: no", "lib\\u{1b}[2J.so: no")
        );
    }
}
