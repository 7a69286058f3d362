//! How deep an image is read; each depth reads all of the one before.

/// The three depths, as the format readers see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// What it is and says of itself: of Plugwright's records the summaries.
    Identity,
    /// Headers, and the records' details.
    Headers,
    /// Every symbol.
    Symbols,
}
