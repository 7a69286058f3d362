//! The bytes that will be loaded, held so that they can be read first.

use crate::copy_folder::CopyFolder;
use crate::error::{LoadError, LoadErrorKind};
use crate::os::{self, FileAt};
use crate::rename::{self, Refusal};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How many bytes are copied at once: they stay in the processor's second-level cache between reading and writing. A
/// quarter of this was measured to take a fifth longer.
const CHUNK: usize = 256 * 1024;

/// How the bytes of an [`Image`] are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Copied into memory that nobody can change any more, not even this process (Linux).
    Sealed,
    /// Copied into a folder that only this user can enter.
    PrivateCopy,
    /// The file itself, where it lies. Nothing keeps its owner from changing it.
    InPlace,
}

/// Which file it is: the same for all its names and descriptors, and for no other file at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_structs,
    reason = "these two numbers are what identifies a file"
)]
pub struct Identity {
    /// The file system's number (`st_dev`; on Windows the volume's serial number).
    pub device: u64,
    /// The file's number in it (`st_ino`; on Windows the file's index).
    pub inode: u64,
}

/// The bytes that will be loaded.
#[derive(Debug)]
pub struct Image {
    /// What the caller calls it, for messages.
    name: PathBuf,
    /// The descriptor of the very bytes: of the copy, or of the file in place.
    file: File,
    identity: Identity,
    size: u64,
    place: Place,
}

/// Where the dynamic linker finds the bytes.
#[derive(Debug)]
pub(crate) enum Place {
    /// Through the descriptor.
    Memory,
    /// At a path of our own.
    Copy(Copied),
    /// At the path that the caller named.
    Path(PathBuf),
}

/// A file in a folder of ours, removed when this is dropped. A library that was loaded from it keeps it for ever.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) path: PathBuf,
    /// Is kept as long as this.
    folder: CopyFolder,
}

impl Copied {
    pub(crate) const fn folder(&self) -> &CopyFolder {
        &self.folder
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // If it stays, it goes with the folder.
        drop(fs::remove_file(&self.path));
    }
}

impl Image {
    /// Copies the file's bytes into memory and seals them: from then on nobody can write, shrink or grow them, and the
    /// seals cannot be taken off. `name` is for messages and for `/proc/PID/maps`.
    ///
    /// Each image is a file of its own: loading two images of equal bytes gives two libraries with their own variables.
    /// `$ORIGIN` in the library's run path is a folder of `/proc` then, where nothing is found: what it needs through
    /// `$ORIGIN` has to be loaded before.
    ///
    /// # Errors
    /// If it is not a regular file, if it changes while it is copied, or if the system cannot seal
    /// ([`LoadErrorKind::SealingUnavailable`]: use a private copy then).
    pub fn seal(file: &File, name: &OsStr) -> Result<Self, LoadError> {
        let size = regular(file, Path::new(name))?;
        Self::seal_filled(Path::new(name), |to| copy(file, to, size))
    }

    /// Makes a sealed image of what `fill` writes.
    pub(crate) fn seal_filled(
        name: &Path,
        fill: impl FnOnce(&File) -> Result<(), Unfilled>,
    ) -> Result<Self, LoadError> {
        let sealed =
            os::seal(&printable(name.as_os_str()), fill).map_err(|failure| match failure {
                os::SealFailure::Unavailable(error) => {
                    LoadError::io(LoadErrorKind::SealingUnavailable, name, error)
                }
                os::SealFailure::Fill(unfilled) => unfilled.into_error(name),
            })?;
        Self::new(name, sealed, Place::Memory)
    }

    /// Copies the file's bytes into a file of their own, readable by this user only, with a path that was never used
    /// before. A debugger can open it. Other programs of this user can change it; on Windows nobody can as long as the image is
    /// held, and nobody can write it as long as it is loaded.
    ///
    /// `$ORIGIN` in the library's run path is the folder of copies: what it needs through `$ORIGIN` has to be loaded
    /// before.
    ///
    /// # Errors
    /// If it is not a regular file, if it changes while it is copied, or if the system fails.
    pub fn private_copy(file: &File, folder: &CopyFolder, name: &OsStr) -> Result<Self, LoadError> {
        let size = regular(file, Path::new(name))?;
        Self::copy_into(folder, Path::new(name), |to| copy(file, to, size))
    }

    /// Makes a private copy of what `fill` writes.
    pub(crate) fn copy_into(
        folder: &CopyFolder,
        name: &Path,
        fill: impl FnOnce(&File) -> Result<(), Unfilled>,
    ) -> Result<Self, LoadError> {
        let failed = |error| LoadError::io(LoadErrorKind::Io, name, error);
        let (path, to) = folder.file(&printable(name.as_os_str())).map_err(failed)?;
        let copied = Copied {
            path,
            folder: folder.clone(),
        };
        fill(&to).map_err(|unfilled| unfilled.into_error(name))?;
        // Not the descriptor that can write: the kernel may refuse to map what is open for writing, and nobody needs it.
        let file = os::reopen_copy(&copied.path, to).map_err(failed)?;
        let file = file.ok_or_else(|| LoadError::new(LoadErrorKind::Changed, name))?;
        Self::new(name, file, Place::Copy(copied))
    }

    /// Takes the file itself. `path` is where the dynamic linker will open it again; `file` is that file, already open.
    ///
    /// Nothing is frozen: whoever may write the file, or a folder above it, can change what is loaded after it was judged.
    /// This is for files that only root can change.
    ///
    /// # Errors
    /// If the path is relative, if it is not a regular file, or if `path` leads to another file than `file`.
    pub fn in_place(path: &Path, file: File) -> Result<Self, LoadError> {
        if !path.is_absolute() {
            return Err(LoadError::new(LoadErrorKind::NotAbsolute, path));
        }
        regular(&file, path)?;
        let image = Self::new(path, file, Place::Path(path.to_owned()))?;
        image.check_path()?;
        Ok(image)
    }

    fn new(name: &Path, file: File, place: Place) -> Result<Self, LoadError> {
        let seen =
            os::look(&file).map_err(|error| LoadError::io(LoadErrorKind::Io, name, error))?;
        Ok(Self {
            name: name.to_owned(),
            identity: seen.identity,
            size: seen.size,
            file,
            place,
        })
    }

    /// That the path of a file in place still leads to the file that was opened.
    pub(crate) fn check_path(&self) -> Result<(), LoadError> {
        let Place::Path(path) = &self.place else {
            return Ok(());
        };
        let seen =
            os::look_at(path).map_err(|error| LoadError::io(LoadErrorKind::Io, path, error))?;
        if seen.identity == self.identity {
            Ok(())
        } else {
            Err(LoadError::new(LoadErrorKind::Changed, path))
        }
    }

    /// What the caller called it.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// How its bytes are held.
    #[must_use]
    pub const fn source(&self) -> Source {
        match self.place {
            Place::Memory => Source::Sealed,
            Place::Copy(_) => Source::PrivateCopy,
            Place::Path(_) => Source::InPlace,
        }
    }

    /// Which file holds the bytes: the copy, or the file in place.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// The number of bytes, as it was when the image was made.
    #[must_use]
    #[cfg_attr(
        feature = "explain",
        expect(
            clippy::same_name_method,
            reason = "inspection's trait has the same function, which is there without it too"
        )
    )]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Reads up to `buffer.len()` of the bytes that will be loaded, from `offset` on, and returns how many came: 0 at the
    /// end.
    ///
    /// # Errors
    /// What the system says.
    #[cfg_attr(
        feature = "explain",
        expect(
            clippy::same_name_method,
            reason = "inspection's trait has the same function, which is there without it too"
        )
    )]
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn into_parts(self) -> (PathBuf, File, Identity, Place) {
        (self.name, self.file, self.identity, self.place)
    }
}

/// The file's size, if it is a regular file.
fn regular(file: &File, name: &Path) -> Result<u64, LoadError> {
    let seen = os::look(file).map_err(|error| LoadError::io(LoadErrorKind::Io, name, error))?;
    if seen.is_file {
        Ok(seen.size)
    } else {
        Err(LoadError::new(LoadErrorKind::NotAFile, name))
    }
}

/// Why a copy was not filled.
#[derive(Debug)]
pub(crate) enum Unfilled {
    /// The system failed, or the file ended early.
    Copy(io::Error),
    /// Its names were not changed.
    Refused(Refusal),
}

impl From<io::Error> for Unfilled {
    fn from(error: io::Error) -> Self {
        Self::Copy(error)
    }
}

impl Unfilled {
    fn into_error(self, name: &Path) -> LoadError {
        match self {
            Self::Copy(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                LoadError::io(LoadErrorKind::Changed, name, error)
            }
            Self::Copy(error) | Self::Refused(Refusal::Io(error)) => {
                LoadError::io(LoadErrorKind::Io, name, error)
            }
            Self::Refused(Refusal::Unfit(told)) => rename::not_renamable(name, told),
        }
    }
}

/// Copies `size` bytes from the start of one file to another one that is new: the system does, and a plain loop what it leaves.
pub(crate) fn copy(from: &File, to: &File, size: u64) -> Result<(), Unfilled> {
    let mut offset = os::transfer(from, to, size);
    if offset >= size {
        return Ok(());
    }
    let mut buffer = vec![0; CHUNK.min(usize::try_from(size).unwrap_or(CHUNK))];
    while offset < size {
        let rest = usize::try_from(size - offset).unwrap_or(CHUNK).min(CHUNK);
        match from.read_at(&mut buffer[..rest], offset) {
            Ok(0) => {
                return Err(Unfilled::Copy(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file became shorter while it was copied",
                )));
            }
            Ok(count) => {
                to.write_all_at(&buffer[..count], offset)?;
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A name that is safe in a file name, in the kernel's tables and on a terminal; the last component, at most 100 bytes.
fn printable(name: &OsStr) -> String {
    let last = Path::new(name).file_name().unwrap_or(name);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
    last.as_encoded_bytes()
        .iter()
        .take(100)
        .map(|byte| if plain(byte) { char::from(*byte) } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_copies_are_tame() {
        assert_eq!(
            printable(OsStr::new("/usr/lib/libstdc++.so.6")),
            "libstdc++.so.6"
        );
        assert_eq!(printable(OsStr::new("a b\n\x1b[31mé")), "a_b___31m__");
        assert_eq!(printable(OsStr::new(&"x".repeat(500))).len(), 100);
    }
}
