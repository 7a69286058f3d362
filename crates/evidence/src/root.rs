//! A folder that was opened once, with every folder above it, and files that are opened below it.
//!
//! The descriptors of all folders are kept. What is asked of them later is asked of the very folders through which the file
//! was reached, whatever their names point to by then.

use crate::error::{OpenError, OpenErrorKind};
use crate::hazards::{hazards, imports};
use crate::os::{self, Steps};
use crate::signatures::Found;
use crate::structure::structure;
use plugwright_inspect::{ReadAt, Symbols, Untrusted};
use plugwright_trust::{Digest, Facts, FileFacts, FolderFacts, ProcessFacts, Structure, Timestamp};
use rustix::fs::{AtFlags, FileType, OFlags, Stat, fstat, open, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// A folder below which files are opened.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    /// From `/` down to the root itself; never empty.
    folders: Vec<Folder>,
    steps: Steps,
}

/// An open folder and the path by which it was reached.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    descriptor: OwnedFd,
}

impl Root {
    /// Opens a folder as a root. Symbolic links in `path` are resolved once, here; the folders that they lead through are
    /// then opened one by one from `/`, and none of those steps follows a link.
    ///
    /// # Errors
    /// If the path is relative, or if it or a folder above it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, Steps::detect())
    }

    fn open_with(path: &Path, steps: Steps) -> Result<Self, OpenError> {
        if !path.is_absolute() {
            return Err(OpenError::new(OpenErrorKind::NotAbsolute, path, path));
        }
        let real = fs::canonicalize(path).map_err(|error| OpenError::io(path, path, error))?;
        let top = Path::new("/");
        let descriptor = open(top, FOLDER, rustix::fs::Mode::empty());
        let descriptor = descriptor.map_err(|error| OpenError::io(path, top, error.into()))?;
        let mut folders = vec![Folder {
            path: top.to_owned(),
            descriptor,
        }];
        for name in real.components().skip(1).map(Component::as_os_str) {
            let next = below(steps, path, &folders[folders.len() - 1], name)?;
            folders.push(next);
        }
        Ok(Self {
            path: real,
            folders,
            steps,
        })
    }

    /// The root's path, without symbolic links, as it was when it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file at `relative` for reading.
    ///
    /// No step follows a symbolic link, and the last one never waits (as for the writer of a FIFO) and takes no
    /// controlling terminal.
    ///
    /// # Errors
    /// If `relative` is not a plain path below the root, if a step is a symbolic link or not there, or if the file is not
    /// a regular file.
    pub fn open_file(&self, relative: &Path) -> Result<Opened, OpenError> {
        let path = self.path.join(relative);
        let names: Option<Vec<&OsStr>> = relative.components().map(normal).collect();
        // `components` drops a `.` inside a path and slashes at its end. A name that is not spelled as it is meant is
        // refused, so that one file has one name.
        let plain = |names: &Vec<&OsStr>| {
            names.iter().copied().collect::<PathBuf>().as_os_str() == relative.as_os_str()
        };
        let names = names.filter(plain).unwrap_or_default();
        let Some((name, above)) = names.split_last() else {
            return Err(OpenError::new(
                OpenErrorKind::NotBelow,
                relative,
                &self.path,
            ));
        };
        let mut between: Vec<Folder> = Vec::new();
        for name in above {
            let next = below(
                self.steps,
                &path,
                between.last().unwrap_or_else(|| self.last()),
                name,
            )?;
            between.push(next);
        }
        let folder = between
            .last()
            .unwrap_or_else(|| self.last())
            .descriptor
            .as_fd();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let descriptor = self
            .steps
            .step(folder, name, flags)
            .map_err(|error| explain(error, &path, &path, folder, name))?;
        let stat = fstat(&descriptor).map_err(|error| OpenError::io(&path, &path, error.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(OpenError::new(OpenErrorKind::NotAFile, &path, &path));
        }
        let mut ancestors = Vec::new();
        for folder in between.iter().rev().chain(self.folders.iter().rev()) {
            ancestors.push(
                folder
                    .facts()
                    .map_err(|error| OpenError::io(&path, &folder.path, error.into()))?,
            );
        }
        Ok(Opened {
            path,
            file: File::from(descriptor),
            stat: file_facts(&stat),
            ancestors,
        })
    }

    /// What is the same for all sound files in this folder, of which nothing is known yet: the folders above them as they are now, who
    /// asks, and when.
    ///
    /// # Errors
    /// What the system says.
    pub fn facts(&self) -> io::Result<Facts> {
        let folders = self.folders.iter().rev();
        let ancestors: Result<Vec<FolderFacts>, Errno> = folders.map(Folder::facts).collect();
        let nothing = Digest::from_bytes([0; 32]);
        let mut facts = Facts::new(shown(&self.path), nothing, Structure::sound())
            .with_ancestors(ancestors?)
            .with_process(process());
        facts.now = now();
        Ok(facts)
    }

    /// What the system says of the entry `name` of this folder, which is not opened and, if it is a link, not followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn look(&self, name: &OsStr) -> io::Result<(Stat, FileFacts)> {
        let stat = statat(self, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let facts = file_facts(&stat);
        Ok((stat, facts))
    }

    fn last(&self) -> &Folder {
        // There is `/` at least.
        &self.folders[self.folders.len() - 1]
    }
}

impl AsFd for Root {
    /// The root's descriptor, opened with `O_PATH` where there is such a thing: for `openat` and the like.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.last().descriptor.as_fd()
    }
}

/// How folders are opened: for stepping further only, where the system knows such a thing.
#[cfg(any(target_os = "linux", target_os = "android"))]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// A path as text for messages: what is no text in it is shown, and not lost.
pub(crate) fn shown(path: &Path) -> String {
    Untrusted::escape(path.as_os_str().as_encoded_bytes()).into_owned()
}

impl Folder {
    fn facts(&self) -> rustix::io::Result<FolderFacts> {
        let stat = fstat(&self.descriptor)?;
        Ok(FolderFacts::new(
            shown(&self.path),
            stat.st_uid,
            stat.st_gid,
            mode(&stat),
        ))
    }
}

/// Opens the folder `name` of the folder `above`.
fn below(steps: Steps, wanted: &Path, above: &Folder, name: &OsStr) -> Result<Folder, OpenError> {
    let path = above.path.join(name);
    let descriptor = steps.step(above.descriptor.as_fd(), name, FOLDER);
    let descriptor = descriptor
        .map_err(|error| explain(error, wanted, &path, above.descriptor.as_fd(), name))?;
    Ok(Folder { path, descriptor })
}

/// A step's error number does not always tell a link from a file that is in the way: one more look does.
fn explain(
    error: Errno,
    wanted: &Path,
    step: &Path,
    folder: BorrowedFd<'_>,
    name: &OsStr,
) -> OpenError {
    let kind = match error {
        Errno::LOOP | Errno::NOTDIR | Errno::MLINK => {
            let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
            if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink) {
                OpenErrorKind::SymbolicLink
            } else {
                OpenErrorKind::NotAFolder
            }
        }
        // `openat2` saw that the step would lead out of the folder, which one name can do through a link only: it was there
        // a moment ago, whatever stands there now.
        Errno::XDEV => OpenErrorKind::SymbolicLink,
        // A socket, or a device without a driver.
        Errno::NXIO | Errno::NODEV => OpenErrorKind::NotAFile,
        other => return OpenError::io(wanted, step, other.into()),
    };
    OpenError::new(kind, wanted, step)
}

fn normal(component: Component<'_>) -> Option<&OsStr> {
    match component {
        Component::Normal(name) => Some(name),
        _ => None,
    }
}

/// A regular file that was opened below a root, with what the system said of it and of every folder above it.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    file: File,
    stat: FileFacts,
    ancestors: Vec<FolderFacts>,
}

impl Opened {
    /// The root's path joined with the file's.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file. It freezes nothing: whoever may write the file can still change it, so copies are to be made from
    /// it, and the copy is to be judged.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// Owner, mode, links and size when it was opened.
    #[must_use]
    pub const fn file_facts(&self) -> &FileFacts {
        &self.stat
    }

    /// The folders above the file, from the one that holds it up to `/`.
    #[must_use]
    pub fn ancestors(&self) -> &[FolderFacts] {
        &self.ancestors
    }

    /// Gathers the facts for a verdict: digests `bytes`, which are the very bytes that are to be
    /// loaded and that `contents` was read from, checks what was `found` to speak for the file against those same bytes, and adds what is known of the file
    /// they were copied from and of this process.
    ///
    /// A manifest and how the bytes are held are for the caller to add.
    ///
    /// # Errors
    /// As for [`digest()`](crate::digest()).
    pub fn facts<B: ReadAt + Sync + ?Sized>(
        &self,
        bytes: &B,
        contents: &Symbols,
        found: &Found,
    ) -> io::Result<Facts> {
        let (digest, signatures) = found.settle(bytes)?;
        let path = shown(&self.path);
        // Of all images of a universal file, whichever the system's loader takes.
        let hazards = contents
            .images
            .iter()
            .flat_map(|image| hazards(&image.headers));
        let imports = contents.images.iter().flat_map(imports);
        let mut facts = Facts::new(path, digest, structure(&contents.problems))
            .with_signatures(signatures)
            .with_hazards(hazards.collect())
            .with_imports(imports.collect())
            .with_file(self.stat.clone())
            .with_ancestors(self.ancestors.clone())
            .with_process(process());
        facts.now = now();
        Ok(facts)
    }
}

/// Who asks: this process.
fn process() -> ProcessFacts {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    ProcessFacts::new(uid.as_raw(), gid.as_raw()).with_privileged(os::is_privileged())
}

/// What time the system's clock says it is; `None` if it says a time before 1970.
pub(crate) fn now() -> Option<Timestamp> {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_secs())
        .ok()
        .map(Timestamp::from_unix)
}

#[expect(
    clippy::useless_conversion,
    reason = "the types of st_mode, st_nlink and st_size differ between systems"
)]
fn file_facts(stat: &Stat) -> FileFacts {
    FileFacts::new(stat.st_uid, stat.st_gid, mode(stat))
        .with_links(u64::from(stat.st_nlink))
        .with_size(u64::try_from(stat.st_size).unwrap_or_default())
}

#[expect(
    clippy::useless_conversion,
    reason = "st_mode has 16 bits on some systems"
)]
fn mode(stat: &Stat) -> u32 {
    u32::from(stat.st_mode)
}

#[cfg(test)]
mod tests;
