//! Files on Unix: which one it is, opening without waiting, and folders that only one user can change.

use super::Seen;
use crate::image::Identity;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Reading and writing at an offset.
pub(crate) use std::os::unix::fs::FileExt as FileAt;

/// Which file it is whose metadata these are.
pub(super) fn identity(metadata: &Metadata) -> Identity {
    Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

fn seen(metadata: &Metadata) -> Seen {
    Seen {
        identity: identity(metadata),
        is_file: metadata.is_file(),
        size: metadata.len(),
    }
}

/// What an open file is.
pub(crate) fn look(file: &File) -> io::Result<Seen> {
    Ok(seen(&file.metadata()?))
}

/// What a path leads to.
pub(crate) fn look_at(path: &Path) -> io::Result<Seen> {
    Ok(seen(&fs::metadata(path)?))
}

/// Opens a file for reading, without waiting for the writer of a FIFO and without taking a terminal.
pub(crate) fn readable(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Makes a file that is written through what is returned and read by this user only.
pub(crate) fn create_copy(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(path)
}

/// Opens a copy for reading that was written through `writer`; `None` if another file lies there by now.
pub(crate) fn reopen_copy(path: &Path, writer: File) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    // While the writer is open, its file's number is not another's.
    let same = identity(&file.metadata()?) == identity(&writer.metadata()?);
    drop(writer);
    Ok(same.then_some(file))
}

/// Whether only this user, or the system's, can replace what is in a folder. The sticky bit suffices, as `/tmp` has it.
pub(crate) fn is_private(folder: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(folder)?;
    let mode = metadata.permissions().mode();
    let owned = is_own(&metadata) || metadata.uid() == 0;
    Ok(owned && (mode & 0o022 == 0 || mode & 0o1000 != 0))
}

fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Makes a folder that only this user can enter.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Makes a file to be locked.
pub(crate) fn create_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Whether an open file still has a name.
pub(crate) fn is_named(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() > 0)
}

/// Opens a file that may be such a lock, if it is a file of this user's and no link.
pub(crate) fn open_lock(path: &Path) -> Option<File> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let lock = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = lock.metadata().ok()?;
    let own = metadata.is_file() && is_own(&metadata) && metadata.nlink() > 0;
    own.then_some(lock)
}

/// Whether a path is that of a folder of this user's, and no link.
pub(crate) fn is_own_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir() && is_own(&metadata))
}

/// Whether the process has the rights of another user or group than who started it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_privileged() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid()
}
