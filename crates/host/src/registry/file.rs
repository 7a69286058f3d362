//! The file of a registry: read whole, replaced whole.
//!
//! A writer writes another file beside it and renames that. There is one name for it, and a lock on it: a process that
//! was killed leaves at most that one file behind, which the next writer takes over, and a second writer at the same
//! time does without. Nothing is synced to the disk: after a crash of the machine the checksum may not hold, and the
//! folders are read again.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use plugwright_inspect::{Links, OpenErrorKind, open};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::os;

/// The most bytes that a registry may have: what the layout can address.
const MAX_BYTES: u64 = u32::MAX as u64;

/// Why there is no registry to read.
#[derive(Debug)]
pub(super) enum Absence {
    Missing,
    Unreadable(io::Error),
    /// Somebody else could have written it.
    Foreign,
    TooLarge,
}

/// Reads a file that only this user or root can have written.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Absence> {
    let opened = open(path, Links::Refuse).map_err(|error| match error.kind() {
        OpenErrorKind::NotFound => Absence::Missing,
        _ => Absence::Unreadable(io::Error::other(error)),
    })?;
    let metadata = opened.metadata();
    let owner = metadata.uid();
    if owner != 0 && owner != geteuid().as_raw() || os::is_writable_by_others(metadata) {
        return Err(Absence::Foreign);
    }
    let size = metadata.len();
    if size > MAX_BYTES {
        return Err(Absence::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default().saturating_add(1));
    opened
        .file()
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(Absence::Unreadable)?;
    Ok(bytes)
}

/// Replaces the file at `path` by one with these bytes, or does not when another process is doing so.
///
/// # Errors
/// When the folder cannot be made or the bytes cannot be written. What was there is still there then.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    // Renaming would replace a device or a FIFO like any file.
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() && !there.is_symlink() => {
            return Err(io::Error::other(
                "something that is no file is in its place",
            ));
        }
        _ => {}
    }
    if let Some(folder) = path.parent() {
        let mut builder = DirBuilder::new();
        os::for_this_user(&mut builder);
        builder.recursive(true).create(folder)?;
    }
    let beside = beside(path);
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = File::from(openat(CWD, &beside, flags, Mode::RUSR | Mode::WUSR)?);
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    // Between opening and locking another process may have finished: this very file is the registry then, and
    // must not be touched. While the lock is held nobody else renames it.
    let (named, held) = (fs::symlink_metadata(&beside), file.metadata()?);
    if !named.is_ok_and(|named| (named.dev(), named.ino()) == (held.dev(), held.ino())) {
        return Ok(false);
    }
    let written = (|| {
        if !held.is_file() {
            return Err(io::Error::other(
                "something that is no file is in its place",
            ));
        }
        file.set_len(0)?;
        file.write_all(bytes)?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // A full disk needs the room. What stays in spite of this is taken over by the next writer.
        let _stays = fs::remove_file(&beside);
    }
    written.map(|()| true)
}

/// Whether a file that somebody named may be removed or written over: nothing is there, or what begins as `magic`, or what a
/// crash left empty or full of zeros. A mistyped path costs no other file.
///
/// # Errors
/// When it is no regular file, or may not be read.
pub(super) fn is_expendable(path: &Path, magic: &[u8]) -> io::Result<bool> {
    let opened = match open(path, Links::Refuse) {
        Ok(opened) => opened,
        Err(error) if error.kind() == OpenErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(io::Error::other(error)),
    };
    let mut head = Vec::new();
    opened
        .file()
        .take(magic.len() as u64)
        .read_to_end(&mut head)?;
    Ok(magic.starts_with(&head) || head.iter().all(|byte| *byte == 0))
}

/// Removes the registry and what a killed writer left beside it. Says whether there was one.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    let gone = |result: io::Result<()>| match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    gone(fs::remove_file(beside(path)))?;
    gone(fs::remove_file(path))
}

/// Removes files beside `path` whose names begin with `prefix` and end as its own does, but for the `most` that were
/// written last. What cannot be removed stays, and costs room only.
pub(super) fn keep_latest(path: &Path, prefix: &str, most: usize) {
    let Some(entries) = path.parent().and_then(|folder| fs::read_dir(folder).ok()) else {
        return;
    };
    let mut found: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let beside = entry.path();
            let name = entry.file_name();
            let is_one = name.to_string_lossy().starts_with(prefix)
                && beside.extension() == path.extension();
            let written = entry.metadata().ok().filter(|found| found.is_file())?;
            Some((written.modified().ok().filter(|_| is_one)?, beside))
        })
        .collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    for (_, old) in found.into_iter().skip(most) {
        let _stays = fs::remove_file(old);
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
