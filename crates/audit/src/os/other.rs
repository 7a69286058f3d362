//! Systems whose files have no Unix owner and mode.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use plugwright_trust::{Key, SignatureFacts};

use super::Stat;

pub(crate) fn stat(_: &Metadata) -> Stat {
    Stat {
        links: 1,
        ..Stat::default()
    }
}

/// There is no such number.
pub(crate) fn effective_user() -> u32 {
    0
}

/// Never.
pub(crate) fn has_capabilities(_: &File) -> bool {
    false
}

/// A path from its bytes, as far as they are UTF-8.
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// There are no seals.
pub(crate) fn is_sealed(_: &Path) -> bool {
    false
}

/// The witness opens below roots on Unix only.
pub(crate) const fn signatures(_: &Path, _: &Path, _: &[Key]) -> Vec<SignatureFacts> {
    Vec::new()
}
