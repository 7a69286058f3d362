//! A folder of this process's own for private copies, and the removal of those that dead processes left behind.
//!
//! Beside each folder lies a lock file that its process holds locked for life. Whoever gets the lock of another folder
//! knows that its process is gone, however it ended, and removes both. The lock file is made *first*, and a lock counts
//! only while the file still has a name: between making and locking it, a sweeper may have taken it for a dead one.

use crate::error::{LoadError, LoadErrorKind};
use crate::os;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How all names of folders begin.
const PREFIX: &str = "plugwright-";
/// How the names of lock files end.
const LOCK: &str = ".lock";

/// A folder for private copies of libraries, which only this user can enter (on Windows: whoever can enter its parent).
///
/// It lives as long as a clone of it, an image in it, or a library that was loaded from it; pinned libraries keep it until
/// the process ends. The next process that makes a folder in the same place then removes it.
#[derive(Clone, Debug)]
pub struct CopyFolder(Arc<Owned>);

#[derive(Debug)]
struct Owned {
    path: PathBuf,
    lock_path: PathBuf,
    /// Locked until this is dropped or the process ends.
    lock: Option<File>,
    copies: AtomicU64,
}

impl CopyFolder {
    /// Makes a folder of its own below `parent`, and removes those below it whose processes have ended.
    ///
    /// # Errors
    /// If `parent` is relative, if others can replace what is in it (the sticky bit suffices, as `/tmp` has it), or if the
    /// system fails. On Windows it is not looked at who can change `parent`, and the folder inherits that: let it be one below
    /// the user's own profile.
    pub fn below(parent: &Path) -> Result<Self, LoadError> {
        if !parent.is_absolute() {
            return Err(LoadError::new(LoadErrorKind::NotAbsolute, parent));
        }
        let failed = |error| LoadError::io(LoadErrorKind::CopyFolder, parent, error);
        if !os::is_private(parent).map_err(failed)? {
            return Err(LoadError::new(LoadErrorKind::NotPrivate, parent));
        }
        sweep(parent).map_err(failed)?;
        Self::create(parent).map_err(failed)
    }

    fn create(parent: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}-{number}", std::process::id());
            let lock_path = parent.join(format!("{name}{LOCK}"));
            let path = parent.join(name);
            let lock = match os::create_lock(&lock_path) {
                // A process with this number lived before and its folder is not swept (another user's, say).
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                other => other?,
            };
            if lock.try_lock().is_err() || !os::is_named(&lock)? {
                continue;
            }
            os::create_folder(&path)?;
            return Ok(Self(Arc::new(Owned {
                path,
                lock_path,
                lock: Some(lock),
                copies: AtomicU64::new(0),
            })));
        }
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Makes a file for one copy. Its path was never used before in this folder.
    pub(crate) fn file(&self, name: &str) -> io::Result<(PathBuf, File)> {
        loop {
            let number = self.0.copies.fetch_add(1, Ordering::Relaxed);
            let path = self.0.path.join(format!("{number}-{name}"));
            match os::create_copy(&path) {
                // A forked child numbers its copies as its parent does.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other.map(|file| (path, file)),
            }
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next process's sweep. The lock file goes last: while it is there
        // and locked, nobody else touches the folder.
        drop(fs::remove_dir_all(&self.path));
        // Windows does not remove what is open.
        drop(self.lock.take());
        drop(fs::remove_file(&self.lock_path));
    }
}

/// Removes the folders below `parent` that belong to this user and to no living process.
fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(folder) = name
            .to_str()
            .filter(|name| name.starts_with(PREFIX))
            .and_then(|name| name.strip_suffix(LOCK))
        else {
            continue;
        };
        // In a shared folder somebody else may have placed such a name, as a link too. Nothing of theirs is touched, and
        // whatever fails for one folder is no reason not to make one's own.
        let Some(lock) = os::open_lock(&entry.path()) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            let folder = parent.join(folder);
            if os::is_own_folder(&folder) {
                drop(fs::remove_dir_all(&folder));
            }
            drop(fs::remove_file(entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(parent: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(parent)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_private_and_goes_with_its_last_clone() {
        let temp = tempfile::tempdir().unwrap();
        let folder = CopyFolder::below(temp.path()).unwrap();
        assert_eq!(
            fs::metadata(folder.path()).unwrap().permissions().mode() & 0o7777,
            0o700
        );
        let (path, _) = folder.file("x.so").unwrap();
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o7777,
            0o400
        );
        let clone = folder.clone();
        drop(folder);
        assert_eq!(names(temp.path()).len(), 2);
        drop(clone);
        assert_eq!(names(temp.path()), Vec::<String>::new());
    }

    #[test]
    fn only_the_folders_of_the_dead_are_swept() {
        let temp = tempfile::tempdir().unwrap();
        let living = CopyFolder::below(temp.path()).unwrap();
        // What a process leaves behind that was killed: nobody holds the lock.
        fs::create_dir(temp.path().join("plugwright-1-0")).unwrap();
        fs::write(temp.path().join("plugwright-1-0/0-x.so"), "x").unwrap();
        fs::write(temp.path().join("plugwright-1-0.lock"), "").unwrap();
        // Killed between making the lock file and the folder.
        fs::write(temp.path().join("plugwright-2-0.lock"), "").unwrap();
        // A folder without a lock file is not ours.
        fs::create_dir(temp.path().join("plugwright-notes")).unwrap();
        let mut expected = names(temp.path());
        expected.retain(|name| {
            !name.starts_with("plugwright-1-") && !name.starts_with("plugwright-2-")
        });
        let second = CopyFolder::below(temp.path()).unwrap();
        let own = second
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        expected.extend([format!("{own}.lock"), own]);
        expected.sort();
        assert_eq!(names(temp.path()), expected);
        assert!(living.path().is_dir());
    }

    #[test]
    fn a_sweep_follows_no_link() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        let parent = temp.path().join("parent");
        fs::create_dir_all(outside.join("plugwright-1-0")).unwrap();
        fs::create_dir(&parent).unwrap();
        fs::write(outside.join("plugwright-1-0.lock"), "").unwrap();
        symlink(
            outside.join("plugwright-1-0"),
            parent.join("plugwright-1-0"),
        )
        .unwrap();
        fs::write(parent.join("plugwright-1-0.lock"), "").unwrap();
        symlink(
            outside.join("plugwright-1-0.lock"),
            parent.join("plugwright-3-0.lock"),
        )
        .unwrap();
        let before = names(&outside);
        drop(CopyFolder::below(&parent).unwrap());
        assert_eq!(names(&outside), before);
        assert_eq!(names(&parent), ["plugwright-1-0", "plugwright-3-0.lock"]);
    }

    #[test]
    fn a_parent_that_others_can_write_is_refused_unless_it_is_sticky() {
        let temp = tempfile::tempdir().unwrap();
        for (mode, refused) in [
            (0o777, true),
            (0o770, true),
            (0o1777, false),
            (0o755, false),
        ] {
            fs::set_permissions(temp.path(), fs::Permissions::from_mode(mode)).unwrap();
            let kind = CopyFolder::below(temp.path())
                .map_err(|error| error.kind())
                .err();
            assert_eq!(
                kind,
                refused.then_some(LoadErrorKind::NotPrivate),
                "{mode:o}"
            );
        }
        let kind = CopyFolder::below(Path::new("relative"))
            .map_err(|error| error.kind())
            .err();
        assert_eq!(kind, Some(LoadErrorKind::NotAbsolute));
    }
}
