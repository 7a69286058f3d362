//! The system's own ways: opening and asking the dynamic linker, holding sealed bytes, and finding out what is mapped.

#[cfg(target_os = "linux")]
mod elf;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod loads;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[path = "no_loads.rs"]
mod loads;
#[cfg(target_os = "linux")]
mod local;
#[cfg(target_os = "linux")]
mod mapping;
#[cfg(not(target_os = "linux"))]
mod other;
mod unix;

#[cfg(target_os = "linux")]
pub(crate) use elf::{exported, is_loaded, loaded_images};
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    DEEP_BIND, descriptor_path, dynamic_section, keep_for_debuggers, linker_name, mapped, seal,
    versioned_symbol,
};
pub(crate) use loads::Loads;
#[cfg(target_os = "linux")]
pub(crate) use local::defined;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{
    DEEP_BIND, defined, descriptor_path, dynamic_section, exported, is_loaded, keep_for_debuggers,
    linker_name, loaded_images, mapped, seal, versioned_symbol,
};
pub(crate) use unix::{Handle, close, fresh_spelling, open, symbol};

pub(crate) use std::os::unix::fs::FileExt as FileAt;

use std::io;

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
    Fill(E),
}
