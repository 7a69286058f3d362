//! Where the files of a closure are read from: this system, or any other tree.

use std::path::Path;

use crate::open::{self, Links, OpenErrorKind, Opened};
use crate::os;
use crate::read_at::ReadAt;

pub use crate::os::FileIdentity;

/// A tree of files in which a loader would look: this system's ([`Disk`]), an unpacked image,
/// an archive, or one in memory.
pub trait Files {
    /// An open file.
    type File: ReadAt;

    /// Opens the regular file at `path`, following links.
    ///
    /// # Errors
    /// When it is not there, or may not be read.
    fn open(&self, path: &Path) -> Result<Located<Self::File>, Missing>;

    /// Whether there is a folder at `path`, links followed.
    fn is_folder(&self, path: &Path) -> bool;
}

/// A file that was opened.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by whoever implements Files"
)]
pub struct Located<F> {
    /// Its bytes.
    pub file: F,
    /// What tells it from other files, whatever it is called.
    pub identity: FileIdentity,
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a loader tells no third case apart"
)]
pub enum Missing {
    /// There is nothing at the path.
    Absent,
    /// There is something that is no regular file or may not be read.
    Unreadable,
}

/// This system's files, opened as [`crate::open()`] does.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct Disk;

impl Files for Disk {
    type File = Opened;

    fn open(&self, path: &Path) -> Result<Located<Opened>, Missing> {
        match open::open(path, Links::Follow) {
            Ok(file) => Ok(Located {
                identity: os::identity(path, file.metadata()),
                file,
            }),
            Err(error) => Err(match error.kind() {
                OpenErrorKind::NotFound | OpenErrorKind::LinkLoop => Missing::Absent,
                OpenErrorKind::Other if os::is_not_a_folder(&error) => Missing::Absent,
                _ => Missing::Unreadable,
            }),
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }
}
