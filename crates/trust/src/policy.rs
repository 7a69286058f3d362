//! What a host is willing to run: plain values, named presets, no defaults.

use crate::{Digest, Source};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// What a host accepts. Made from a preset and changed with `with_*`; there is no default, since the choice is the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Who may own the file and every folder above it.
    pub owners: BTreeSet<Owner>,
    /// Whether files and folders may be writable by a group.
    pub group_write: GroupWrite,
    /// Whether a sticky folder that everybody may write to (such as `/tmp`) may lie above the file.
    pub sticky_folders: StickyFolders,
    /// Whether the file may have further names.
    pub hard_links: HardLinks,
    /// The only digests that are accepted for a plugin's id. An id without an entry falls under [`unpinned`](Self::unpinned).
    pub pins: BTreeMap<String, BTreeSet<Digest>>,
    /// Digests that are refused whatever else speaks for them.
    pub denied: BTreeSet<Digest>,
    /// What happens to a plugin whose id has no pin.
    pub unpinned: Unpinned,
    /// Whether a plugin may end the process when it panics.
    pub panic_abort: PanicAbort,
    /// Whether plugins may enter the host's own process.
    pub isolation: Isolation,
    /// How the bytes may be held between judging and loading, the preferred way first.
    pub sources: Vec<Source>,
    /// The capabilities that are granted to a plugin that asks for them.
    pub capabilities: BTreeSet<String>,
}

impl Policy {
    /// For developing plugins: files of root and of the user who runs the host, below `/tmp` too, from a private copy that
    /// a debugger can open. Not for anything that other people's files reach.
    #[must_use]
    pub fn developer() -> Self {
        Self {
            owners: BTreeSet::from([Owner::Root, Owner::ThisUser]),
            group_write: GroupWrite::OwnGroup,
            sticky_folders: StickyFolders::Accepted,
            // cargo hard-links what it builds: target/debug/libx.so is target/debug/deps/libx.so.
            hard_links: HardLinks::Accepted,
            panic_abort: PanicAbort::Accepted,
            sources: Vec::from([Source::PrivateCopy, Source::Sealed]),
            ..Self::server()
        }
    }

    /// For services: files that root installed, not writable by anybody else all the way up, loaded from a sealed copy.
    #[must_use]
    pub fn server() -> Self {
        Self {
            owners: BTreeSet::from([Owner::Root]),
            group_write: GroupWrite::Refused,
            sticky_folders: StickyFolders::Refused,
            hard_links: HardLinks::Refused,
            pins: BTreeMap::new(),
            denied: BTreeSet::new(),
            unpinned: Unpinned::Accepted,
            panic_abort: PanicAbort::Refused,
            isolation: Isolation::NotRequired,
            sources: Vec::from([Source::Sealed]),
            capabilities: BTreeSet::new(),
        }
    }

    /// Trusts files and folders of one more owner.
    #[must_use]
    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.owners.insert(owner);
        self
    }

    /// No longer trusts files and folders of this owner.
    #[must_use]
    pub fn without_owner(mut self, owner: Owner) -> Self {
        self.owners.remove(&owner);
        self
    }

    /// Sets whether files and folders may be writable by a group.
    #[must_use]
    pub const fn with_group_write(mut self, group_write: GroupWrite) -> Self {
        self.group_write = group_write;
        self
    }

    /// Sets whether a sticky folder may lie above the file.
    #[must_use]
    pub const fn with_sticky_folders(mut self, sticky_folders: StickyFolders) -> Self {
        self.sticky_folders = sticky_folders;
        self
    }

    /// Sets whether the file may have further names.
    #[must_use]
    pub const fn with_hard_links(mut self, hard_links: HardLinks) -> Self {
        self.hard_links = hard_links;
        self
    }

    /// Accepts these bytes for this id, and from now on no others that are not pinned too.
    #[must_use]
    pub fn with_pin(mut self, id: impl Into<String>, digest: Digest) -> Self {
        self.pins.entry(id.into()).or_default().insert(digest);
        self
    }

    /// Refuses these bytes whatever else speaks for them.
    #[must_use]
    pub fn with_denied(mut self, digest: Digest) -> Self {
        self.denied.insert(digest);
        self
    }

    /// Sets what happens to a plugin whose id has no pin.
    #[must_use]
    pub const fn with_unpinned(mut self, unpinned: Unpinned) -> Self {
        self.unpinned = unpinned;
        self
    }

    /// Sets whether a plugin may end the process when it panics.
    #[must_use]
    pub const fn with_panic_abort(mut self, panic_abort: PanicAbort) -> Self {
        self.panic_abort = panic_abort;
        self
    }

    /// Sets whether plugins may enter the host's own process.
    #[must_use]
    pub const fn with_isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Sets how the bytes may be held between judging and loading, the preferred way first.
    #[must_use]
    pub fn with_sources(mut self, sources: impl Into<Vec<Source>>) -> Self {
        self.sources = sources.into();
        self
    }

    /// Grants one more capability to plugins that ask for it.
    #[must_use]
    pub fn with_capability(mut self, name: impl Into<String>) -> Self {
        self.capabilities.insert(name.into());
        self
    }
}

/// Somebody who may own what is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Owner {
    /// User number 0.
    Root,
    /// The effective user of the process that asks.
    ThisUser,
    /// A user by number.
    Uid(u32),
}

/// Whether files and folders may be writable by a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupWrite {
    /// Never.
    Refused,
    /// By the effective group of the process that asks: what the umask 002 makes, which many systems set for people whose
    /// group holds nobody else.
    OwnGroup,
}

/// Whether a sticky folder that everybody may write to may lie above the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StickyFolders {
    /// Never: its other users can still place files beside the plugin and take names that are free.
    Refused,
    /// If the folder and the entry below it belong to trusted owners: nobody else can then rename or remove that entry.
    Accepted,
}

/// Whether the file may have further names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HardLinks {
    /// One name only: a second one lets an old, vulnerable version survive its removal.
    Refused,
    /// Any number of names.
    Accepted,
}

/// What happens to a plugin whose id has no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unpinned {
    /// It is judged by the other rules.
    Accepted,
    /// It is refused: the pins are the list of all that may run.
    Refused,
}

/// Whether a plugin may end the process when it panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PanicAbort {
    /// It may not.
    Refused,
    /// It may.
    Accepted,
}

/// Whether plugins may enter the host's own process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// They may.
    NotRequired,
    /// Each needs a process of its own.
    Required,
}
