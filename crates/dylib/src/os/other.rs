//! Unix systems other than Linux and Apple's: no sealed memory, and no comparison after loading.

use super::{Handle, Mapped, SealFailure, Spelling};
use crate::error::OsText;
use crate::image::Identity;
use crate::loaded::LoadedImage;
use crate::symbols::Exported;
use std::ffi::{CStr, c_int, c_void};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The flag that makes a library prefer its own symbols.
#[cfg(target_os = "freebsd")]
pub(crate) const DEEP_BIND: c_int = libc::RTLD_DEEPBIND;
#[cfg(not(target_os = "freebsd"))]
pub(crate) const DEEP_BIND: c_int = 0;

/// Nothing is compared.
pub(crate) const MAPPED_IS_TOLD_BY_PATH: bool = false;

pub(crate) fn seal<E>(
    _name: &str,
    _fill: impl FnOnce(&File) -> Result<(), E>,
) -> Result<File, SealFailure<E>> {
    Err(SealFailure::Unavailable(io::ErrorKind::Unsupported.into()))
}

pub(crate) fn descriptor_spelling(_file: &File) -> io::Result<Spelling> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn keep_for_debuggers(file: File) {
    drop(file);
}

/// Taken on trust here: the path of a private copy is this process's own.
pub(crate) fn mapped(
    _handle: Handle,
    _identity: Identity,
    _file: &dyn Fn() -> io::Result<File>,
) -> io::Result<Mapped> {
    Ok(Mapped::This)
}

/// Not looked up here.
pub(crate) fn versioned_symbol(
    _handle: Handle,
    _name: &CStr,
    _version: &CStr,
) -> Result<*mut c_void, OsText> {
    Err(OsText::new(c"symbol versions are looked up on Linux only"))
}

/// Not known here.
pub(crate) fn anchor(_handle: Handle) -> Option<usize> {
    None
}

/// Not known here.
pub(crate) fn linker_name(_handle: Handle) -> PathBuf {
    PathBuf::new()
}

/// Not known here.
pub(crate) fn is_loaded(_name: &Path, _anchor: usize) -> bool {
    false
}

/// Not known here.
pub(crate) fn exported(_anchor: usize) -> Vec<Exported> {
    Vec::new()
}

/// Not known here.
pub(crate) fn defined(_path: &Path, _identity: Identity) -> Vec<String> {
    Vec::new()
}

/// Not known here.
pub(crate) fn loaded_images() -> Vec<LoadedImage> {
    Vec::new()
}
