//! Loading one file and no other.
//!
//! glibc compares the *string* that it is given with the names of everything that is loaded (paths, other names for the
//! same file, SONAMEs) before it looks at any file. So a path can bring a library that is loaded already, although another
//! file lies there by now. What came is compared with what was wanted. If another library came and nothing was loaded, the
//! path was merely taken for a known name, and it is spelled in a way that glibc has not seen. If something was loaded,
//! the file was swapped at that very moment: its constructors have run, and that is an alarm.

use crate::error::{Attempt, LoadError, LoadErrorKind, OsText};
use crate::explain;
use crate::hints::Hints;
use crate::image::{Identity, Source};
use crate::os::{self, Handle, Mapped};
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whether a library may ever be unloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// It stays for the life of the process.
    Ever,
    /// It stays until it is closed.
    Open,
}

/// The file that is wanted.
pub(crate) struct Wanted<'a> {
    /// What the caller calls it, for errors.
    pub(crate) name: &'a Path,
    pub(crate) identity: Identity,
    /// A descriptor of it, for file systems whose numbers differ from the kernel's table.
    pub(crate) file: &'a dyn Fn() -> io::Result<File>,
    /// How its bytes are held, for explanations.
    pub(crate) source: Source,
}

impl Wanted<'_> {
    fn refused(&self, candidate: &CStr, answer: OsText) -> LoadError {
        let candidate = PathBuf::from(OsStr::from_bytes(candidate.to_bytes()));
        let explanation = explain::refusal(self.name, &candidate, self.source, &answer);
        LoadError::refused(self.name, Attempt { candidate, answer }).because(explanation)
    }

    fn compare(&self, handle: Handle) -> Result<Mapped, LoadError> {
        let mapped = os::mapped(handle, self.identity, self.file);
        mapped.map_err(|error| LoadError::io(LoadErrorKind::IdentityUnknown, self.name, error))
    }

    fn mismatch(&self) -> LoadError {
        LoadError::new(LoadErrorKind::IdentityMismatch, self.name)
    }
}

/// Loads the file at `path`; `known` says whether a handle is that of a library that was loaded before.
///
/// # Safety
/// The constructors of the wanted file, and of all that it needs, must be fit to run now, and the file one that the dynamic
/// linker can digest.
pub(crate) unsafe fn at_path(
    path: &Path,
    wanted: &Wanted<'_>,
    hints: Hints,
    stay: Stay,
    known: impl FnOnce(Handle) -> bool,
) -> Result<(Handle, CString), LoadError> {
    let text = CString::new(path.as_os_str().as_bytes());
    let text = text.map_err(|error| LoadError::io(LoadErrorKind::ContainsNul, path, error))?;
    let loads = os::loads();
    // SAFETY: the caller vouches for the file. Should another come, it is one that is loaded already, or the alarm below.
    let handle = unsafe { os::open(&text, hints.flags()) }
        .map_err(|answer| wanted.refused(&text, answer))?;
    if wanted.compare(handle)? == Mapped::This {
        return Ok((pin(handle, &text, hints, stay), text));
    }
    if os::loads() != loads && !known(handle) {
        return Err(wanted.mismatch());
    }
    // SAFETY: this takes back the open above; the library was loaded before, and whoever loaded it keeps it.
    drop(unsafe { os::close(handle) });
    // SAFETY: the caller vouches for the file.
    unsafe { spelled(os::fresh_spelling(path), wanted, hints, stay) }
}

/// Loads what a spelling leads to that was never used before.
///
/// # Safety
/// As for [`at_path`].
pub(crate) unsafe fn spelled(
    text: CString,
    wanted: &Wanted<'_>,
    hints: Hints,
    stay: Stay,
) -> Result<(Handle, CString), LoadError> {
    // SAFETY: the caller vouches for the file.
    let handle = unsafe { os::open(&text, hints.flags()) }
        .map_err(|answer| wanted.refused(&text, answer))?;
    match wanted.compare(handle)? {
        Mapped::This => Ok((pin(handle, &text, hints, stay), text)),
        Mapped::Another => Err(wanted.mismatch()),
    }
}

/// Makes a library stay, once it is known to be the wanted one: a flag of the first open would have pinned another.
fn pin(handle: Handle, text: &CStr, hints: Hints, stay: Stay) -> Handle {
    if stay == Stay::Ever {
        // SAFETY: the library is loaded under this very name, so that nothing is loaded and nothing runs.
        let again = unsafe { os::open(text, hints.flags() | libc::RTLD_NODELETE) };
        // The further open is not taken back: a library that stays needs no exact count.
        debug_assert!(
            again.is_ok_and(|again| again == handle),
            "a loaded library is found by its name"
        );
    }
    handle
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugwright_testkit::cc;

    /// A file is swapped between the look at it and the load, and swapped back before anybody looks again.
    #[test]
    fn a_file_that_was_swapped_at_that_moment_is_an_alarm() {
        let temp = tempfile::tempdir().unwrap();
        let (path, good) = (temp.path().join("libx.so"), temp.path().join("good"));
        std::fs::copy(
            cc::shared("libswapped.so", "int swapped(void) { return 1; }", &[]),
            &path,
        )
        .unwrap();
        std::fs::copy(
            cc::shared("libwanted.so", "int wanted(void) { return 1; }", &[]),
            &good,
        )
        .unwrap();
        let wanted = Wanted {
            name: &path,
            identity: Identity::of(&std::fs::metadata(&good).unwrap()),
            file: &|| {
                std::fs::rename(&good, &path)?;
                File::open(&path)
            },
            source: Source::InPlace,
        };
        // SAFETY: neither has a constructor.
        let loaded = unsafe { at_path(&path, &wanted, Hints::new(), Stay::Ever, |_| false) };
        assert_eq!(loaded.unwrap_err().kind(), LoadErrorKind::IdentityMismatch);
    }
}
