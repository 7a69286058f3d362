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
use crate::open::store;
use crate::os::{self, Came, Handle, Mapped, Spelling};
use std::fs::File;
use std::io;
use std::path::Path;

/// Whether a library may ever be unloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// It stays for the life of the process.
    Ever,
    /// It stays until it is closed.
    Open,
}

/// The file that is wanted, and how.
pub(crate) struct Wanted<'a> {
    /// What the caller calls it, for errors.
    pub(crate) name: &'a Path,
    pub(crate) identity: Identity,
    /// A descriptor of it, for file systems whose numbers differ from the kernel's table.
    pub(crate) file: &'a dyn Fn() -> io::Result<File>,
    /// How its bytes are held, for explanations.
    pub(crate) source: Source,
    pub(crate) hints: Hints,
    pub(crate) stay: Stay,
    /// Whether a library that this crate may unload was loaded under the path: should that one come, because the file at the
    /// path was replaced, it must not be made to stay.
    pub(crate) shadowed: bool,
}

impl Wanted<'_> {
    fn refused(&self, candidate: &Spelling, answer: OsText) -> LoadError {
        let candidate = candidate.path();
        let explanation = explain::refusal(self.name, &candidate, self.source, &answer);
        LoadError::refused(self.name, Attempt { candidate, answer }).because(explanation)
    }

    fn compare(&self, handle: Handle) -> Result<Mapped, LoadError> {
        // A file that took the path of a loaded one is told from it by what is known of that one.
        if os::MAPPED_IS_TOLD_BY_PATH {
            let known = store().identity(handle.key());
            if known.is_some_and(|known| known != self.identity) {
                return Ok(Mapped::Another);
            }
        }
        let mapped = os::mapped(handle, self.identity, self.file);
        mapped.map_err(|error| LoadError::io(LoadErrorKind::IdentityUnknown, self.name, error))
    }

    /// Makes the library stay that is known to be the wanted one by now, if its open could not ask for that.
    fn pin(&self, handle: Handle, text: &Spelling) {
        if self.shadowed && self.stay == Stay::Ever {
            // SAFETY: the library is loaded under this very name, so that nothing is loaded and nothing runs.
            let again = unsafe { os::open(text, self.hints, self.stay) };
            // The further open is not taken back: a library that stays needs no exact count.
            debug_assert!(
                again.is_ok_and(|again| again == handle),
                "a loaded library is found by its name"
            );
        }
    }

    /// A spelling of the path that the dynamic linker has not seen.
    fn other_spelling(&self, path: &Path) -> Result<Spelling, LoadError> {
        os::fresh_spelling(path).ok_or_else(|| {
            let told = "a library is loaded from this path, whose file was replaced since; load a private copy of the new one";
            LoadError::new(LoadErrorKind::Changed, self.name).because(vec![told.into()])
        })
    }

    fn mismatch(&self) -> LoadError {
        LoadError::new(LoadErrorKind::IdentityMismatch, self.name)
    }
}

/// How it is known which file was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// What is mapped was compared with the wanted file.
    Compared,
    /// The dynamic linker had no such library before and opened the path anew, a moment after it led to the wanted file.
    Fresh,
}

/// Loads the file at `path`, and no other than the wanted one.
///
/// # Safety
/// The constructors of the wanted file, and of all that it needs, must be fit to run now, and the file one that the dynamic
/// linker can digest.
pub(crate) unsafe fn at_path(
    path: &Path,
    wanted: &Wanted<'_>,
) -> Result<(Handle, Spelling), LoadError> {
    // SAFETY: the caller vouches for the file. Should another come, it is one that is loaded already, or the alarm below.
    let (handle, text, came) = unsafe { open(path, wanted) }?;
    if wanted.compare(handle)? == Mapped::This {
        wanted.pin(handle, &text);
        return Ok((handle, text));
    }
    // Where it cannot be told, since others loaded and unloaded something meanwhile, a false alarm is better than none.
    if came != Came::Before {
        return Err(wanted.mismatch());
    }
    // SAFETY: the open above is this function's; the library was loaded before, and whoever loaded it keeps it.
    drop(unsafe { os::close(handle) });
    // SAFETY: the caller vouches for the file.
    unsafe { spelled(wanted.other_spelling(path)?, wanted) }
}

/// Loads the file that lies at `path` now, for somebody who judged none: should it be exchanged at that very moment, the new
/// one is as good.
///
/// # Safety
/// As for [`at_path`], for whatever lies there.
pub(crate) unsafe fn lying_at(
    path: &Path,
    wanted: &Wanted<'_>,
) -> Result<(Handle, Spelling, Certainty), LoadError> {
    // SAFETY: the caller vouches for what lies there.
    let (handle, text, came) = unsafe { open(path, wanted) }?;
    let certainty = if came == Came::After {
        Certainty::Fresh
    } else if wanted.compare(handle)? == Mapped::This {
        Certainty::Compared
    } else {
        // SAFETY: the open above is this function's; the library was loaded before, and whoever loaded it keeps it.
        drop(unsafe { os::close(handle) });
        // SAFETY: the caller vouches for the file.
        let (handle, text) = unsafe { spelled(wanted.other_spelling(path)?, wanted) }?;
        return Ok((handle, text, Certainty::Compared));
    };
    wanted.pin(handle, &text);
    Ok((handle, text, certainty))
}

/// Hands a path to the dynamic linker, and tells whether it loaded what came only then.
///
/// # Safety
/// As for [`at_path`], for whatever comes.
unsafe fn open(path: &Path, wanted: &Wanted<'_>) -> Result<(Handle, Spelling, Came), LoadError> {
    let text = Spelling::of(path.as_os_str());
    let text = text.map_err(|error| LoadError::io(LoadErrorKind::ContainsNul, path, error))?;
    let stay = if wanted.shadowed {
        Stay::Open
    } else {
        wanted.stay
    };
    let before = os::Loads::before(&text);
    // SAFETY: the caller vouches for what comes.
    let handle = unsafe { os::open(&text, wanted.hints, stay) }
        .map_err(|answer| wanted.refused(&text, answer))?;
    Ok((handle, text, before.came(handle)))
}

/// Loads what a spelling leads to that was never used before.
///
/// # Safety
/// As for [`at_path`].
pub(crate) unsafe fn spelled(
    text: Spelling,
    wanted: &Wanted<'_>,
) -> Result<(Handle, Spelling), LoadError> {
    // SAFETY: the caller vouches for the file.
    let handle = unsafe { os::open(&text, wanted.hints, wanted.stay) }
        .map_err(|answer| wanted.refused(&text, answer))?;
    match wanted.compare(handle)? {
        Mapped::This => Ok((handle, text)),
        Mapped::Another => Err(wanted.mismatch()),
    }
}

#[cfg(test)]
#[cfg(unix)]
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
            identity: os::look_at(&good).unwrap().identity,
            file: &|| {
                std::fs::rename(&good, &path)?;
                File::open(&path)
            },
            source: Source::InPlace,
            hints: Hints::new(),
            stay: Stay::Ever,
            shadowed: false,
        };
        // SAFETY: neither has a constructor.
        let loaded = unsafe { at_path(&path, &wanted) };
        assert_eq!(loaded.unwrap_err().kind(), LoadErrorKind::IdentityMismatch);
    }
}
