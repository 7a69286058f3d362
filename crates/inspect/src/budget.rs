//! How much text is copied out of one image.
//!
//! Tables of names can point to one long string over and over, so that neither the number
//! of names nor the size of the file bounds what they come to.

use std::cell::Cell;

use crate::untrusted::Untrusted;

/// Bytes that may still be copied.
#[derive(Debug)]
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Cell::new(bytes))
    }

    /// Copies the text, or answers `None` when that is more than is left.
    pub(crate) fn copy(&self, bytes: &[u8]) -> Option<Untrusted> {
        self.spend(bytes.len())?;
        Some(bytes.into())
    }

    /// Takes `bytes` from what is left.
    pub(crate) fn spend(&self, bytes: usize) -> Option<()> {
        // A name costs something even when it is empty.
        let cost = bytes.saturating_add(1);
        self.0.set(self.0.get().checked_sub(cost)?);
        Some(())
    }
}
