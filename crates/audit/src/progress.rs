//! How far a review has come, for who waits for a long one.

/// Told now and then, from any of the review's threads, and never out of order within one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: usize,
    /// How much there is to do; 0 while that is not known.
    pub total: usize,
}

/// The stages of a review, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Folders are walked, processes listed.
    Listing,
    /// Files are read, and what they bring in.
    Files,
    /// The files of each target are compared, and what lies around them is looked at.
    Targets,
}

impl Stage {
    /// In a word, as a progress line has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Files => "files",
            Self::Targets => "targets",
        }
    }
}
