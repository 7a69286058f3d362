//! Windows: `LoadLibraryExW` with a search that leaves out the current folder and `PATH`, and modules that are pinned.

mod api;
mod files;
mod images;

pub(crate) use files::{
    FileAt, create_copy, create_folder, create_lock, is_named, is_own_folder, is_private, look,
    look_at, open_lock, readable, reopen_copy,
};
pub(crate) use images::{exported, is_loaded, loaded_images, mapped};

use super::{Came, SealFailure};
use crate::error::OsText;
use crate::exact::Stay;
use crate::hints::Hints;
use crate::image::Identity;
use std::ffi::{CStr, OsStr, OsString, c_void};
use std::fs::File;
use std::io;
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

/// The system tells the path from which a library was loaded, and not which file had it then.
pub(crate) const MAPPED_IS_TOLD_BY_PATH: bool = true;

/// What `LoadLibraryExW` returned: the address at which the library is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(NonNull<c_void>);

// SAFETY: a handle is a name for a library; the system takes its own lock whenever it is used.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    const fn module(self) -> api::HMODULE {
        self.0.as_ptr()
    }

    /// What the system calls the library: equal handles are one library, as long as it is open.
    pub(crate) fn key(self) -> usize {
        self.0.as_ptr().addr()
    }
}

/// A path or name as the system's loader is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spelling {
    text: PathBuf,
    /// Ends in a unit 0.
    wide: Vec<u16>,
}

impl Spelling {
    /// As the loader takes it for that very file: with backslashes only, since others make it search, and with a dot behind
    /// a name that has none, since otherwise `.dll` is added. An error if there is a unit 0 in it.
    pub(crate) fn of(text: &OsStr) -> io::Result<Self> {
        let slash = u16::from(b'/');
        let mut wide: Vec<u16> = text
            .encode_wide()
            .map(|unit| {
                if unit == slash {
                    u16::from(b'\\')
                } else {
                    unit
                }
            })
            .collect();
        if wide.contains(&0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "there is a byte 0 in it",
            ));
        }
        let name = Path::new(text).file_name().unwrap_or(text);
        if !name.as_encoded_bytes().contains(&b'.') {
            wide.push(u16::from(b'.'));
        }
        wide.push(0);
        Ok(Self {
            text: text.into(),
            wide,
        })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.text.clone()
    }
}

/// A name from the bytes of a file.
#[cfg(feature = "explain")]
pub(crate) fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// While this lives, this thread shows no boxes when a library cannot be loaded: an error is returned.
struct Quiet {
    before: api::DWORD,
}

impl Quiet {
    fn new() -> Self {
        let mut before = 0;
        let mode = api::SEM_FAILCRITICALERRORS | api::SEM_NOOPENFILEERRORBOX;
        // SAFETY: the mode is one of the documented ones, and the earlier one is written to a number.
        unsafe { api::SetThreadErrorMode(mode, &raw mut before) };
        Self { before }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: it is the mode that was this thread's before.
        unsafe { api::SetThreadErrorMode(self.before, ptr::null_mut()) };
    }
}

/// What the system last complained of on this thread, in the words of `FormatMessageW`; they have a place for the path.
fn last_error(path: &Path) -> OsText {
    let text = io::Error::last_os_error().to_string();
    OsText::from(text.replace("%1", &path.to_string_lossy()))
}

/// Asks the system for a library.
///
/// Of a file, what it needs is looked for in its own folder, too. The hints are not ones that Windows knows.
///
/// # Safety
/// The entry functions of the library and of all that it needs must be fit to run now, and the file must be one that the
/// system's loader can digest.
pub(crate) unsafe fn open(path: &Spelling, _hints: Hints, stay: Stay) -> Result<Handle, OsText> {
    let beside = if path.text.is_absolute() {
        api::LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR
    } else {
        0
    };
    let flags = api::LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | beside;
    let quiet = Quiet::new();
    // SAFETY: the path ends in a unit 0, and no file handle is given; for what runs, the caller vouches.
    let module = unsafe { api::LoadLibraryExW(path.wide.as_ptr(), ptr::null_mut(), flags) };
    let Some(handle) = NonNull::new(module).map(Handle) else {
        return Err(last_error(&path.text));
    };
    drop(quiet);
    if stay == Stay::Ever {
        pin(handle).map_err(|()| last_error(&path.text))?;
    }
    Ok(handle)
}

/// Makes an open library stay for the life of the process.
fn pin(handle: Handle) -> Result<(), ()> {
    let mut module = ptr::null_mut();
    let flags = api::GET_MODULE_HANDLE_EX_FLAG_PIN | api::GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
    // SAFETY: with this flag the name is an address, of a library that is open; the handle is written to a pointer.
    let done = unsafe {
        api::GetModuleHandleExW(flags, handle.module().cast_const().cast(), &raw mut module)
    };
    if done == 0 { Err(()) } else { Ok(()) }
}

/// Takes back one open.
///
/// # Safety
/// It must be one of the caller's own opens, nothing of the library may be used any more if it was the last, and its entry
/// function must be fit to run now.
pub(crate) unsafe fn close(handle: Handle) -> Result<(), OsText> {
    // SAFETY: the handle is open, since the caller takes back an open of its own; for what runs, the caller vouches.
    if unsafe { api::FreeLibrary(handle.module()) } == 0 {
        Err(last_error(Path::new("")))
    } else {
        Ok(())
    }
}

/// The value of a symbol. Windows has no symbols of value 0, and no versions of them.
pub(crate) fn symbol(
    handle: Handle,
    name: &CStr,
    version: Option<&CStr>,
) -> Result<*mut c_void, OsText> {
    if version.is_some() {
        return Err(OsText::new(c"symbols have no versions on Windows"));
    }
    // SAFETY: the handle is open, and the name ends in a byte 0.
    let address = unsafe { api::GetProcAddress(handle.module(), name.as_ptr()) };
    if address.is_null() {
        Err(last_error(Path::new("")))
    } else {
        Ok(address)
    }
}

/// Paths that mean the same are one path to the system's loader, however they are spelled.
pub(crate) const fn fresh_spelling(_path: &Path) -> Option<Spelling> {
    None
}

/// A moment before a library is loaded.
pub(crate) struct Loads {
    absent: bool,
}

impl Loads {
    pub(crate) fn before(text: &Spelling) -> Self {
        let mut module = ptr::null_mut();
        let flags = api::GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
        // SAFETY: the name ends in a unit 0; the handle is written to a pointer, and not used.
        let found = unsafe { api::GetModuleHandleExW(flags, text.wide.as_ptr(), &raw mut module) };
        Self { absent: found == 0 }
    }

    /// Whether nothing was loaded from the path before.
    pub(crate) const fn came(&self, _handle: Handle) -> Came {
        if self.absent {
            Came::After
        } else {
            Came::Before
        }
    }
}

/// Windows has no files whose bytes are sealed.
pub(crate) fn seal<E>(
    _name: &str,
    _fill: impl FnOnce(&File) -> Result<(), E>,
) -> Result<File, SealFailure<E>> {
    Err(SealFailure::Unavailable(io::ErrorKind::Unsupported.into()))
}

/// Windows loads no library through an open file.
pub(crate) fn descriptor_spelling(_file: &File) -> io::Result<Spelling> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There are no sealed files to keep.
pub(crate) fn keep_for_debuggers(file: File) {
    drop(file);
}

/// There are no programs that run with other rights than those of who starts them.
pub(crate) const fn is_privileged() -> bool {
    false
}

/// The address at which the library is mapped.
pub(crate) fn anchor(handle: Handle) -> Option<usize> {
    Some(handle.key())
}

/// The system's name for a library: its path.
pub(crate) fn linker_name(handle: Handle) -> PathBuf {
    file_name(handle.module())
}

/// Symbols that a library keeps to itself stand in other files here, if anywhere.
pub(crate) fn defined(_path: &Path, _identity: Identity) -> Vec<String> {
    Vec::new()
}

/// The path from which a library was loaded.
fn file_name(module: api::HMODULE) -> PathBuf {
    wide_text(|buffer, size| {
        // SAFETY: the buffer has this size. A module that is not loaded is an error and nothing else.
        unsafe { api::GetModuleFileNameW(module, buffer, size) }
    })
}

/// The folder of the system's own libraries.
pub(crate) fn system_folder() -> Option<PathBuf> {
    let path = wide_text(|buffer, size| {
        // SAFETY: the buffer has this size.
        unsafe { api::GetSystemDirectoryW(buffer, size) }
    });
    (!path.as_os_str().is_empty()).then_some(path)
}

/// A text that a function of the system writes into a buffer, whose length it returns; empty if it fails.
fn wide_text(write: impl Fn(*mut u16, api::DWORD) -> api::DWORD) -> PathBuf {
    // The longest path there is.
    let mut buffer = vec![0u16; 1 << 15];
    let size = api::DWORD::try_from(buffer.len()).unwrap_or_default();
    let length = usize::try_from(write(buffer.as_mut_ptr(), size)).unwrap_or_default();
    PathBuf::from(OsString::from_wide(
        buffer.get(..length).unwrap_or_default(),
    ))
}
