//! `dlopen`, `dlsym` and `dlerror`, and spellings of paths.

use crate::error::OsText;
use crate::exact::Stay;
use crate::hints::{Binding, DeepBind, Hints, Visibility};
use std::ffi::{CStr, CString, OsStr, c_int, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// What `dlopen` returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(NonNull<c_void>);

// SAFETY: a handle is a name for a library; the dynamic linker takes its own lock whenever it is used.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub(crate) const fn as_ptr(self) -> *mut c_void {
        self.0.as_ptr()
    }

    /// What the system calls the library: equal handles are one library, as long as it is open.
    pub(crate) fn key(self) -> usize {
        self.0.as_ptr().addr()
    }
}

/// A path or name as the dynamic linker is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spelling(CString);

impl Spelling {
    /// As it is; an error if there is a byte 0 in it.
    pub(crate) fn of(text: &OsStr) -> io::Result<Self> {
        Ok(Self(CString::new(text.as_bytes())?))
    }

    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(self.0.to_bytes()))
    }
}

/// A name from the bytes of a file.
#[cfg(feature = "explain")]
pub(crate) fn os_string(bytes: &[u8]) -> std::ffi::OsString {
    OsStr::from_bytes(bytes).to_owned()
}

/// Not told by these systems, but as it is known.
pub(crate) const fn system_folder() -> Option<PathBuf> {
    None
}

/// The flags of `dlopen`.
const fn flags(hints: Hints, stay: Stay) -> c_int {
    let binding = match hints.binding {
        Binding::Now => libc::RTLD_NOW,
        Binding::Lazy => libc::RTLD_LAZY,
    };
    let visibility = match hints.visibility {
        Visibility::Local => libc::RTLD_LOCAL,
        Visibility::Global => libc::RTLD_GLOBAL,
    };
    let deep_bind = match hints.deep_bind {
        DeepBind::Off => 0,
        DeepBind::On => super::DEEP_BIND,
    };
    let stay = match stay {
        Stay::Ever => libc::RTLD_NODELETE,
        Stay::Open => 0,
    };
    binding | visibility | deep_bind | stay
}

/// Asks the dynamic linker for a library.
///
/// # Safety
/// The constructors of the library and of all that it needs must be fit to run now, and the file must be one that the
/// dynamic linker can digest.
pub(crate) unsafe fn open(path: &Spelling, hints: Hints, stay: Stay) -> Result<Handle, OsText> {
    // SAFETY: the caller vouches for what runs.
    unsafe { open_with(&path.0, flags(hints, stay)) }
}

/// As [`open`], with flags of one's own.
///
/// # Safety
/// As for [`open`].
pub(super) unsafe fn open_with(path: &CStr, flags: c_int) -> Result<Handle, OsText> {
    // SAFETY: `path` ends in a byte 0; for what runs, the caller vouches.
    let handle = unsafe { libc::dlopen(path.as_ptr(), flags) };
    NonNull::new(handle)
        .map(Handle)
        .ok_or_else(|| last_error().unwrap_or_else(|| OsText::new(c"no reason was given")))
}

/// Takes back one open.
///
/// # Safety
/// It must be one of the caller's own opens, nothing of the library may be used any more if it was the last, and its
/// destructors must be fit to run now.
pub(crate) unsafe fn close(handle: Handle) -> Result<(), OsText> {
    // SAFETY: the handle is open, since the caller takes back an open of its own; for what runs, the caller vouches.
    let failed = unsafe { libc::dlclose(handle.as_ptr()) };
    if failed == 0 {
        Ok(())
    } else {
        Err(last_error().unwrap_or_else(|| OsText::new(c"no reason was given")))
    }
}

/// The value of a symbol, which may be 0.
pub(crate) fn symbol(
    handle: Handle,
    name: &CStr,
    version: Option<&CStr>,
) -> Result<*mut c_void, OsText> {
    // An old error must not be taken for one of this call: a null pointer alone does not mean that there is no symbol.
    last_error();
    let address = match version {
        // SAFETY: the handle is one that `dlopen` returned and nobody closed, and `name` ends in a byte 0.
        None => unsafe { libc::dlsym(handle.as_ptr(), name.as_ptr()) },
        Some(version) => super::versioned_symbol(handle, name, version)?,
    };
    if address.is_null() {
        last_error().map_or(Ok(address), Err)
    } else {
        Ok(address)
    }
}

/// What the dynamic linker last complained of on this thread, which it then forgets.
fn last_error() -> Option<OsText> {
    // SAFETY: there are no preconditions. The text is the thread's own on glibc, musl, macOS and the BSDs of today.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return None;
    }
    // SAFETY: it is not null, it ends in a byte 0, and it is valid until this thread asks the dynamic linker again.
    Some(OsText::new(unsafe { CStr::from_ptr(text) }))
}

/// Spells an absolute path in a way in which this process never spelled a path before: glibc takes a library that was
/// loaded under the same *string*, whatever file that string leads to by now.
///
/// The last component is preceded by the binary digits of a counter: a `.` for 1 and nothing for 0. The system skips both.
pub(crate) fn fresh_spelling(path: &Path) -> Option<Spelling> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let name = path.file_name().unwrap_or_default();
    Some(Spelling(spell(
        folder.as_os_str().as_bytes(),
        name.as_bytes(),
        NEXT.fetch_add(1, Ordering::Relaxed),
    )))
}

fn spell(folder: &[u8], name: &[u8], number: u64) -> CString {
    let mut text = folder.to_vec();
    let digits = u64::BITS - number.leading_zeros();
    for digit in (0..digits).rev() {
        text.extend_from_slice(if number >> digit & 1 == 1 {
            b"/."
        } else {
            b"/"
        });
    }
    text.push(b'/');
    text.extend_from_slice(name);
    // Paths that come here were C strings before. Should one not be, it is cut where the system would cut it.
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(text.len());
    text.truncate(end);
    CString::new(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn hints_become_flags() {
        let flags = |hints| flags(hints, Stay::Open);
        let new = Hints::new();
        assert_eq!(flags(new), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert_eq!(
            flags(new.with_binding(Binding::Lazy)),
            libc::RTLD_LAZY | libc::RTLD_LOCAL
        );
        assert_eq!(
            flags(new.with_visibility(Visibility::Global)),
            libc::RTLD_NOW | libc::RTLD_GLOBAL
        );
        assert_eq!(
            flags(new.with_deep_bind(DeepBind::On)),
            flags(new) | crate::os::DEEP_BIND
        );
        assert_eq!(
            super::flags(new, Stay::Ever),
            flags(new) | libc::RTLD_NODELETE
        );
    }

    #[test]
    fn spellings_differ_and_mean_the_same() {
        assert_eq!(
            spell(b"/proc/self/fd", b"7", 1).to_bytes(),
            b"/proc/self/fd/./7"
        );
        assert_eq!(
            spell(b"/proc/self/fd", b"7", 6).to_bytes(),
            b"/proc/self/fd/././/7"
        );
        let all: HashSet<CString> = (1..5000)
            .map(|number| spell(b"/a/b", b"c", number))
            .collect();
        assert_eq!(all.len(), 4999);
        let same = |text: &CString| {
            Path::new(text.to_str().unwrap())
                .components()
                .eq(Path::new("/a/b/c").components())
        };
        assert!(all.iter().all(same));
        assert!(spell(b"/a", b"b", u64::MAX).to_bytes().len() < 150);
    }
}
