//! What is in a folder, by names and stamps, without opening a file.

use std::ffi::OsStr;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::stamp::{Stamp, is_regular};

/// A folder's listing: everything in it but folders, in byte order.
#[derive(Debug)]
pub(crate) struct Listing {
    dir: Dir,
    names: Vec<u8>,
    entries: Vec<ListEntry>,
}

/// A name and what stands there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListEntry {
    start: usize,
    end: usize,
    pub(crate) stamp: Stamp,
    pub(crate) is_regular: bool,
}

impl Listing {
    /// Lists a folder: one open, as many getdents as the names need, one stat for each name. Nothing follows a
    /// link below the folder.
    ///
    /// # Errors
    /// When the folder cannot be opened or stops giving entries.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut listing = Self::open(folder)?;
        let (mut names, mut ranges) = (Vec::new(), Vec::new());
        for entry in &mut listing.dir {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if entry.file_type() == FileType::Directory || name == b"." || name == b".." {
                continue;
            }
            let start = names.len();
            names.extend_from_slice(name);
            ranges.push((start, names.len()));
        }
        ranges.sort_unstable_by(|one, other| names[one.0..one.1].cmp(&names[other.0..other.1]));
        let descriptor = listing.dir.fd()?;
        let mut entries = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            let name = OsStr::from_bytes(&names[start..end]);
            let stat = match statat(descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // What is gone by now is not in the folder.
                Err(Errno::NOENT) => continue,
                // A folder may be listed and not be entered: opening the file will say so.
                Err(_) => {
                    entries.push(ListEntry {
                        start,
                        end,
                        stamp: Stamp::UNKNOWN,
                        is_regular: true,
                    });
                    continue;
                }
            };
            // Some file systems do not say in a listing what an entry is.
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                continue;
            }
            entries.push(ListEntry {
                start,
                end,
                stamp: Stamp::new(&stat),
                is_regular: is_regular(&stat),
            });
        }
        listing.names = names;
        listing.entries = entries;
        Ok(listing)
    }

    /// Opens a folder without listing it.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            dir: Dir::new(openat(CWD, folder, flags, Mode::empty())?)?,
            names: Vec::new(),
            entries: Vec::new(),
        })
    }

    pub(crate) fn descriptor(&self) -> io::Result<BorrowedFd<'_>> {
        Ok(self.dir.fd()?)
    }

    pub(crate) fn entries(&self) -> &[ListEntry] {
        &self.entries
    }

    pub(crate) fn name(&self, entry: &ListEntry) -> &OsStr {
        OsStr::from_bytes(&self.names[entry.start..entry.end])
    }
}
