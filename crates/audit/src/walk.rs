//! Everything below a folder, in a stable order. Links are not followed; a folder that cannot be read is told.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The result of a walk.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Regular files, in the order of their paths.
    pub(crate) files: Vec<PathBuf>,
    /// Pipes, sockets and devices: nothing that is loaded.
    pub(crate) others: Vec<PathBuf>,
    /// What could not be read.
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
}

/// Lists the files below `root`. What goes away meanwhile is not there any more.
pub(crate) fn walk(root: &Path) -> Walk {
    let mut walk = Walk::default();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        if let Err(error) = entries(&folder, &mut walk, &mut open) {
            walk.failures.push((folder, error));
        }
    }
    walk.files.sort();
    walk.others.sort();
    walk.failures.sort_by(|a, b| a.0.cmp(&b.0));
    walk
}

fn entries(folder: &Path, walk: &mut Walk, open: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open.push(entry.path());
        } else if kind.is_file() {
            walk.files.push(entry.path());
        } else if !kind.is_symlink() {
            walk.others.push(entry.path());
        }
    }
    Ok(())
}
