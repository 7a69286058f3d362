//! What the system says of files: owner, mode, links, capabilities. Elsewhere than on Unix nothing is known of them, and the
//! rules that ask find nothing.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{effective_user, has_capabilities, is_sealed, path, signatures, stat};
#[cfg(unix)]
pub(crate) use unix::{effective_user, has_capabilities, is_sealed, path, signatures, stat};

/// What a `stat` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    pub(crate) links: u64,
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Stat {
    /// Whether a program of this mode runs as its owner or group (setuid, setgid).
    pub(crate) const fn runs_as_owner(&self) -> bool {
        self.mode & 0o6000 != 0
    }
}
