//! What was passed over when search paths were put together.

use std::fmt;
use std::path::PathBuf;

/// Something that names folders and was passed over, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRemark {
    subject: String,
    kind: PathRemarkKind,
}

/// The kinds of [`PathRemark`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathRemarkKind {
    /// The program runs with privileges that its caller does not have, so the caller's environment does not
    /// decide what is loaded.
    Privileged,
    /// A relative folder: it would be below the current directory, which anybody may have chosen.
    Relative(PathBuf),
    /// The file with folders cannot be used: why.
    Config(String),
}

impl PathRemark {
    pub(crate) fn new(subject: String, kind: PathRemarkKind) -> Self {
        Self { subject, kind }
    }

    /// Who named the folder.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Why it was passed over.
    #[must_use]
    pub fn kind(&self) -> &PathRemarkKind {
        &self.kind
    }
}

impl fmt::Display for PathRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = &self.subject;
        match &self.kind {
            PathRemarkKind::Privileged => write!(
                f,
                "{subject}: ignored, since this program runs with privileges that its caller does not have"
            ),
            PathRemarkKind::Relative(folder) => write!(
                f,
                "{subject}: the folder {folder:?} is relative and passed over; name it from the root"
            ),
            PathRemarkKind::Config(what) => write!(f, "{subject}: {what}"),
        }
    }
}
