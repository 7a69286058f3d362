//! An open folder, and the files in it.
//!
//! Invariant: what is opened through it lies in the very folder that was listed. A scan that
//! goes by paths walks each path through the system anew for every file, and can be led
//! elsewhere by a folder that is renamed meanwhile.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use crate::open::{Links, OpenError, Opened};
use crate::os;

/// A folder, open for listing.
///
/// On Unix it holds a descriptor until it is dropped; on Windows its path, so that a folder
/// renamed meanwhile is no longer found there.
#[derive(Debug)]
pub struct Folder(os::Folder);

/// What a folder's entry is, by what the folder says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A symbolic link, whatever it leads to.
    Link,
    /// Everything else. Opening it tells whether it is a regular file.
    Other,
}

impl Folder {
    /// Opens the folder `path`, following links, and lists it: the names with what they are,
    /// sorted by their bytes.
    ///
    /// On Linux this takes three system calls for a folder of up to some hundred entries, and
    /// nothing for each of them where the file system says in a listing what an entry is.
    ///
    /// # Errors
    /// What the system says, also where `path` is no folder. An entry that goes away meanwhile
    /// is left out.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<(OsString, EntryKind)>)> {
        os::Folder::open(path).and_then(listed)
    }

    /// Opens and lists the folder `name` in this one; no link is followed.
    ///
    /// # Errors
    /// As [`Folder::open`], and where `name` is a link.
    pub fn open_folder(&self, name: &OsStr) -> io::Result<(Self, Vec<(OsString, EntryKind)>)> {
        self.0.open_folder(name).and_then(listed)
    }

    /// Opens the regular file `name` in this folder; otherwise as [`crate::open()`].
    ///
    /// # Errors
    /// As [`crate::open()`]. On Unix the error's path is `name`.
    pub fn open_file(&self, name: &OsStr, links: Links) -> Result<Opened, OpenError> {
        self.0.open_file(name, links)
    }
}

fn listed(folder: os::Folder) -> io::Result<(Folder, Vec<(OsString, EntryKind)>)> {
    let mut entries = folder.entries()?;
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok((Folder(folder), entries))
}
