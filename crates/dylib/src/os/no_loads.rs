//! What is loaded when is not told by other dynamic linkers than glibc's.

use super::{Came, Handle, Spelling};

/// A moment.
pub(crate) struct Loads;

impl Loads {
    pub(crate) const fn before(_text: &Spelling) -> Self {
        Self
    }

    /// Not known. It counts as before, so that a path that brings another file than the wanted one is spelled in another way,
    /// and compared again.
    pub(crate) const fn came(&self, _handle: Handle) -> Came {
        Came::Before
    }
}
