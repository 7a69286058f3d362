//! Everything below a folder, in a stable order. Nothing is passed over: what is neither a file nor a folder is listed as
//! what it is, and a folder that cannot be read is a failure with its reason.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

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

/// Folders that are still to be listed, and how many are being listed.
#[derive(Debug, Default)]
struct Queue {
    open: Vec<PathBuf>,
    busy: usize,
}

/// Lists `root` itself and all below it; links below it are not followed. As many folders at once as there are threads.
pub(crate) fn walk(root: &Path, threads: usize) -> Walk {
    let queue = Mutex::new(Queue {
        open: vec![root.to_owned()],
        busy: 0,
    });
    let more = Condvar::new();
    let count = AtomicUsize::new(0);
    let result = Mutex::new(Walk::default());
    let run = || {
        let mut own = Walk::default();
        while let Some(folder) = next(&queue, &more) {
            let mut below = Vec::new();
            list(root, folder, &count, &mut own, &mut below);
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.busy = queue.busy.saturating_sub(1);
            queue.open.append(&mut below);
            more.notify_all();
        }
        let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
        result.entries.append(&mut own.entries);
        result.failures.append(&mut own.failures);
    };
    thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(run);
        }
        run();
    });
    let mut walk = result.into_inner().unwrap_or_else(PoisonError::into_inner);
    walk.entries.sort_by_cached_key(|entry| steps(&entry.path));
    walk.failures.sort_by_cached_key(|(path, _)| steps(path));
    walk
}

/// What sorts paths step by step, as `Path` does, as bytes: a step that ends comes before one that goes on. `Path` takes both
/// apart on each comparison, which for ten thousand of them is a twentieth of a review.
fn steps(path: &Path) -> Vec<u8> {
    let step = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(step)
        .collect()
}

/// The next folder to list; none once all are listed.
fn next(queue: &Mutex<Queue>, more: &Condvar) -> Option<PathBuf> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(folder) = queue.open.pop() {
            queue.busy = queue.busy.saturating_add(1);
            return Some(folder);
        }
        if queue.busy == 0 {
            return None;
        }
        queue = more.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Lists one folder: itself and what lies in it.
fn list(
    root: &Path,
    folder: PathBuf,
    count: &AtomicUsize,
    walk: &mut Walk,
    below: &mut Vec<PathBuf>,
) {
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
            return;
        }
        Ok(metadata) => walk.entries.push(Entry {
            stat: os::stat(&metadata),
            path: folder.clone(),
            kind: EntryKind::Folder,
        }),
        Err(error) => {
            walk.failures.push((folder, error));
            return;
        }
    }
    if let Err(error) = entries(&folder, count, walk, below) {
        walk.failures.push((folder, error));
    }
}

fn entries(
    folder: &Path,
    count: &AtomicUsize,
    walk: &mut Walk,
    below: &mut Vec<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if count.fetch_add(1, Ordering::Relaxed) >= MOST {
            return Err(io::Error::other(format!("more than {MOST} entries")));
        }
        // Of the entry itself, looked up in its folder: a link is not followed.
        let metadata = match entry.metadata() {
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
            below.push(path);
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
