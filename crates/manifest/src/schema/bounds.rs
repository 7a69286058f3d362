//! What a trait requires of its implementors: whether objects may go to other threads.

use std::fmt;

use serde::Serialize;

/// Whether the trait of an interface requires `Send` and `Sync`, itself or through a trait that it
/// requires.
///
/// Both sides have to agree on it: a host that sends objects to other threads and a plugin whose
/// objects stay on one do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct Bounds {
    /// It requires `Send`.
    pub send: bool,
    /// It requires `Sync`.
    pub sync: bool,
}

impl Bounds {
    /// Neither is required.
    pub const NONE: Self = Self {
        send: false,
        sync: false,
    };

    /// What a number stands for in a record and in a table: see [`Bounds::code`].
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        if code > 3 {
            return None;
        }
        Some(Self {
            send: code & 1 != 0,
            sync: code & 2 != 0,
        })
    }

    /// The number in a record and in a table: 1 for `Send`, and 2 for `Sync`.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.send as u16 | (self.sync as u16) << 1
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
