//! The system's own ways: opening and asking the dynamic linker, holding sealed bytes, and finding out what is mapped.
//!
//! The rest of the crate knows no system: each of these modules answers the same questions, named in the lists below.

#[cfg(target_os = "linux")]
mod elf;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod loads;
#[cfg(all(unix, not(all(target_os = "linux", target_env = "gnu"))))]
#[path = "no_loads.rs"]
mod loads;
#[cfg(target_os = "linux")]
mod local;
#[cfg(target_vendor = "apple")]
mod macos;
#[cfg(target_os = "linux")]
mod mapping;
#[cfg(all(unix, not(target_os = "linux"), not(target_vendor = "apple")))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_files;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use elf::{exported, images_named, is_loaded, loaded_images};
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    DEEP_BIND, MAPPED_IS_TOLD_BY_PATH, anchor, descriptor_spelling, is_privileged,
    keep_for_debuggers, linker_name, mapped, seal, transfer, versioned_symbol,
};
#[cfg(unix)]
pub(crate) use loads::Loads;
#[cfg(target_os = "linux")]
pub(crate) use local::defined;
#[cfg(target_vendor = "apple")]
pub(crate) use macos::{
    DEEP_BIND, MAPPED_IS_TOLD_BY_PATH, anchor, defined, descriptor_spelling, exported, is_loaded,
    keep_for_debuggers, linker_name, loaded_images, mapped, seal, versioned_symbol,
};
#[cfg(all(unix, not(target_os = "linux"), not(target_vendor = "apple")))]
pub(crate) use other::{
    DEEP_BIND, MAPPED_IS_TOLD_BY_PATH, anchor, defined, descriptor_spelling, exported, is_loaded,
    keep_for_debuggers, linker_name, loaded_images, mapped, seal, versioned_symbol,
};
#[cfg(all(unix, feature = "explain"))]
pub(crate) use unix::os_string;
#[cfg(unix)]
pub(crate) use unix::{Handle, Spelling, close, fresh_spelling, open, symbol, system_folder};
#[cfg(target_os = "linux")]
use unix_files::identity;
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) use unix_files::is_privileged;
#[cfg(unix)]
pub(crate) use unix_files::{
    FileAt, create_copy, create_folder, create_lock, is_named, is_own_folder, is_private, look,
    look_at, open_lock, readable, reopen_copy,
};
#[cfg(all(windows, feature = "explain"))]
pub(crate) use windows::os_string;
#[cfg(windows)]
pub(crate) use windows::{
    FileAt, Handle, Loads, MAPPED_IS_TOLD_BY_PATH, Spelling, anchor, close, create_copy,
    create_folder, create_lock, defined, descriptor_spelling, exported, fresh_spelling, is_loaded,
    is_named, is_own_folder, is_private, is_privileged, keep_for_debuggers, linker_name,
    loaded_images, look, look_at, mapped, open, open_lock, readable, reopen_copy, seal, symbol,
    system_folder,
};

use crate::image::Identity;
#[cfg(not(target_os = "linux"))]
use crate::loaded::LoadedImage;
#[cfg(not(target_os = "linux"))]
use std::ffi::OsStr;
#[cfg(not(target_os = "linux"))]
use std::fs::File;
use std::io;

/// Of all that is loaded, what has one of these names.
#[cfg(not(target_os = "linux"))]
pub(crate) fn images_named(names: &[&OsStr]) -> Vec<LoadedImage> {
    let mut images = loaded_images();
    images.retain(|image| names.iter().any(|name| image.is_named(name)));
    images
}

/// Copies nothing: only Linux has a call for any two files.
#[cfg(not(target_os = "linux"))]
pub(crate) const fn transfer(_from: &File, _to: &File, _size: u64) -> u64 {
    0
}

/// What a file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) identity: Identity,
    /// Whether it is a regular file.
    pub(crate) is_file: bool,
    /// The number of its bytes.
    pub(crate) size: u64,
}

/// Whether a library was loaded after a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// It was there before.
    Before,
    /// It was not.
    After,
    /// That cannot be told: something was unloaded since.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    Perhaps,
}

/// What the dynamic linker mapped, compared with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mapped {
    /// That very file.
    This,
    /// Another one.
    Another,
}

/// Why there is no sealed copy.
#[derive(Debug)]
pub(crate) enum SealFailure<E> {
    /// The system does not have or does not permit such a thing.
    Unavailable(io::Error),
    /// There was nothing to seal.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(
            dead_code,
            reason = "other systems seal nothing and come to no other failure"
        )
    )]
    Fill(E),
}
