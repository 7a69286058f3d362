//! What a review is asked to look at.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A target of a review.
///
/// Source code is a kind to come; until then each report names the rules for source that were not asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A library, a plugin or a program, or a folder with all that lies below it: which of them is found out by looking.
    Path(PathBuf),
    /// A live process, by its number, with the files that it has mapped to execute them. Read from `proc`: elsewhere than on
    /// Linux it is a finding that it was not examined.
    Process(u32),
    /// Every live process of the system that may be looked at, as above.
    Processes,
}

impl Target {
    /// A file or folder.
    #[must_use]
    pub fn path(path: impl AsRef<Path>) -> Self {
        Self::Path(path.as_ref().to_owned())
    }
}

impl From<PathBuf> for Target {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Target {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

/// What a target turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TargetKind {
    /// A shared library, a plugin, or an object of one.
    Library,
    /// A program, reviewed with its whole closure.
    Program,
    /// A folder and all that lies below it.
    Folder,
    /// A live process.
    Process,
    /// All live processes.
    Processes,
    /// Something else, or nothing that could be read.
    Unknown,
}

impl TargetKind {
    /// The stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Program => "program",
            Self::Folder => "folder",
            Self::Process => "process",
            Self::Processes => "processes",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
