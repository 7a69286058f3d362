//! The system's own ways: opening and asking the dynamic linker, holding sealed bytes, and finding out what is mapped.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod other;
mod unix;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{
    DEEP_BIND, descriptor_path, keep_for_debuggers, mapped, names_another, seal,
};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use other::{
    DEEP_BIND, descriptor_path, keep_for_debuggers, mapped, names_another, seal,
};
pub(crate) use unix::{Handle, fresh_spelling, open, symbol};

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
pub(crate) enum SealFailure {
    /// The system does not have or does not permit such a thing.
    Unavailable(io::Error),
    /// Copying failed.
    Copy(io::Error),
}
