//! What a trait requires of its implementors: whether objects may go to other threads.

use std::fmt;

/// Whether the trait of an interface requires `Send` and `Sync`, itself or through a trait that it
/// requires.
///
/// It is part of every method's fingerprint: a host that sends objects to other threads and a
/// plugin whose objects stay on one do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct Bounds {
    /// It requires `Send`.
    pub send: bool,
    /// It requires `Sync`.
    pub sync: bool,
}

impl Bounds {
    /// Neither is required.
    pub const NONE: Self = Self::from_bits(0);

    /// All that there are.
    pub(crate) const ALL: [Self; 4] = [
        Self::NONE,
        Self::from_bits(1),
        Self::from_bits(2),
        Self::from_bits(3),
    ];

    const fn from_bits(bits: u64) -> Self {
        Self {
            send: bits & 1 != 0,
            sync: bits & 2 != 0,
        }
    }

    pub(crate) fn from_code(code: u64) -> Option<Self> {
        (code <= 3).then(|| Self::from_bits(code))
    }

    /// The number in the manifest: 1 for `Send`, and 2 for `Sync`.
    pub(crate) const fn code(self) -> u64 {
        self.send as u64 | (self.sync as u64) << 1
    }

    /// Whether both are required, so that objects may be used by any thread.
    #[must_use]
    pub const fn any_thread(self) -> bool {
        self.send && self.sync
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.send, self.sync) {
            (true, true) => "Send + Sync",
            (true, false) => "Send",
            (false, true) => "Sync",
            (false, false) => "neither Send nor Sync",
        })
    }
}
