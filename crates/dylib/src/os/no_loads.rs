//! What is loaded when is not told by other dynamic linkers than glibc's.

use super::{Handle, Spelling};

/// A moment.
pub(crate) struct Loads;

impl Loads {
    pub(crate) const fn before(_text: &Spelling) -> Self {
        Self
    }

    /// Not known, so that the file has to be compared.
    pub(crate) const fn came_after(&self, _handle: Handle) -> bool {
        false
    }
}
