//! Everything below a folder, in a stable order. Nothing is passed over: what is neither a file nor a folder is listed as
//! what it is, and a folder that cannot be read is a failure with its reason.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::os::{self, Stat};

/// Entries of one walk that are kept; a folder with more is told as a failure.
const MOST: usize = 2_000_000;

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) kind: EntryKind,
    pub(crate) stat: Stat,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    /// A link, with the true path that it leads to; none where it leads nowhere.
    Link(Option<PathBuf>),
    /// A FIFO, a socket or a device.
    Other,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// In the order of their paths.
    pub(crate) entries: Vec<Entry>,
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
}

/// Lists `root` itself and all below it; links below it are not followed.
pub(crate) fn walk(root: &Path) -> Walk {
    let mut walk = Walk::default();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        // The folder itself may be named by a link; one below it may have become a link since it was listed.
        let metadata = if folder == root {
            fs::metadata(&folder)
        } else {
            fs::symlink_metadata(&folder)
        };
        match metadata {
            Ok(metadata) if metadata.is_symlink() => {
                let changed = io::Error::other("it became a link meanwhile");
                walk.failures.push((folder, changed));
                continue;
            }
            Ok(metadata) => walk.entries.push(Entry {
                stat: os::stat(&metadata),
                path: folder.clone(),
                kind: EntryKind::Folder,
            }),
            Err(error) => {
                walk.failures.push((folder, error));
                continue;
            }
        }
        if let Err(error) = entries(&folder, &mut walk, &mut open) {
            walk.failures.push((folder, error));
        }
    }
    walk.entries.sort_by(|a, b| a.path.cmp(&b.path));
    walk.failures.sort_by(|a, b| a.0.cmp(&b.0));
    walk
}

fn entries(folder: &Path, walk: &mut Walk, open: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if walk.entries.len() >= MOST {
            return Err(io::Error::other(format!("more than {MOST} entries")));
        }
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            // It went away meanwhile: there is nothing left to review.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                walk.failures.push((path, error));
                continue;
            }
        };
        let kind = metadata.file_type();
        if kind.is_dir() {
            open.push(path);
            continue;
        }
        let kind = if kind.is_file() {
            EntryKind::File
        } else if kind.is_symlink() {
            EntryKind::Link(fs::canonicalize(&path).ok())
        } else {
            EntryKind::Other
        };
        walk.entries.push(Entry {
            stat: os::stat(&metadata),
            path,
            kind,
        });
    }
    Ok(())
}
