//! The small text files beside plugins and applications: signatures, bundle manifests, policies, lock files, key stores.
//! Regular files only, never through a link below the folder that was named, and never more than their limit.

use crate::error::{OpenError, OpenErrorKind};
use crate::root::{Opened, Root};
use plugwright_trust::{Key, Lock, MAX_FILE, ParseFileError, Policy};
use std::error::Error;
use std::fmt;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The most bytes of a signature: minisign's comments have up to 1 KiB and 8 KiB.
pub(crate) const MAX_SIGNATURE: usize = 16 * 1024;

/// Why a text file was not read.
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Open(OpenError),
    Io(io::Error),
    TooLarge(usize),
    NotText,
    Parse(&'static str, ParseFileError),
}

impl ReadError {
    fn new(path: &Path, cause: Cause) -> Self {
        let path = path.to_owned();
        Self { path, cause }
    }

    /// Whether it could not be opened, for this reason.
    #[must_use]
    pub fn is(&self, kind: OpenErrorKind) -> bool {
        matches!(&self.cause, Cause::Open(error) if error.kind() == kind)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.cause {
            Cause::Open(error) => error.fmt(f),
            Cause::Io(_) => write!(f, "cannot read {path:?}"),
            Cause::TooLarge(limit) => {
                write!(
                    f,
                    "{path:?} has more than the {limit} bytes that such a file may have"
                )
            }
            Cause::NotText => write!(f, "{path:?} is not text in UTF-8"),
            Cause::Parse(what, error) => write!(f, "{path:?} is not a {what}: {error}"),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Open(error) => error.source(),
            Cause::Io(error) => Some(error),
            Cause::TooLarge(_) | Cause::NotText => None,
            Cause::Parse(_, error) => Some(error),
        }
    }
}

/// Reads a policy file.
///
/// # Errors
/// If it cannot be opened or read, or is not one.
pub fn read_policy(path: &Path) -> Result<Policy, ReadError> {
    parse(path, "policy", Policy::parse)
}

/// Reads a lock file.
///
/// # Errors
/// If it cannot be opened or read, or is not one.
pub fn read_lock(path: &Path) -> Result<Lock, ReadError> {
    parse(path, "lock file", Lock::parse)
}

/// Reads a key store.
///
/// # Errors
/// If it cannot be opened or read, or is not one.
pub fn read_keys(path: &Path) -> Result<Vec<Key>, ReadError> {
    parse(path, "key store", Key::parse_store)
}

fn parse<T>(
    path: &Path,
    what: &'static str,
    parse: fn(&str) -> Result<T, ParseFileError>,
) -> Result<T, ReadError> {
    let failed = |error| ReadError::new(path, Cause::Open(error));
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(OpenError::new(OpenErrorKind::NotBelow, path, path)));
    };
    let root = Root::open(folder).map_err(failed)?;
    let text = read_below(&root, Path::new(name), MAX_FILE)?;
    parse(&text).map_err(|error| ReadError::new(path, Cause::Parse(what, error)))
}

/// Reads the text file at `relative` below `root`, of at most `limit` bytes.
pub(crate) fn read_below(root: &Root, relative: &Path, limit: usize) -> Result<String, ReadError> {
    let path = root.path().join(relative);
    let opened = root.open_file(relative);
    let opened = opened.map_err(|error| ReadError::new(&path, Cause::Open(error)))?;
    read(&opened, limit).map_err(|cause| ReadError::new(&path, cause))
}

fn read(opened: &Opened, limit: usize) -> Result<String, Cause> {
    // One byte more than the limit, to tell a file that reaches it from one that passes it.
    let size = usize::try_from(opened.file_facts().size).unwrap_or(usize::MAX);
    let mut bytes = vec![0; size.min(limit).saturating_add(1)];
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match opened.file().read_at(rest, length as u64) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Cause::Io(error)),
        }
    }
    if length > limit {
        return Err(Cause::TooLarge(limit));
    }
    bytes.truncate(length);
    String::from_utf8(bytes).or(Err(Cause::NotText))
}
