//! What a host is willing to run: plain values, named presets, no defaults.

mod file;

use crate::{Digest, Key, Lock, Severity, Source};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use plugwright_manifest::Capability;
use serde::Deserialize;

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
    /// Digests that are trusted as they are: such a file needs no signature, no pin and no entry in the lock file. Who owns
    /// it, what is wrong with it and what is [`denied`](Self::denied) count all the same, and so does a signature over it
    /// that is forged.
    pub trusted: BTreeSet<Digest>,
    /// What happens to a plugin whose id has no pin.
    pub unpinned: Unpinned,
    /// Whether a plugin may end the process when it panics.
    pub panic_abort: PanicAbort,
    /// Whether plugins may enter the host's own process.
    pub isolation: Isolation,
    /// How the bytes may be held between judging and loading, the preferred way first.
    pub sources: Vec<Source>,
    /// The keys whose signatures count.
    pub keys: Vec<Key>,
    /// Whether a plugin needs a signature of one of them.
    pub signatures: Signatures,
    /// The plugins that the application was released with.
    pub lock: Option<Lock>,
    /// What happens to a plugin that the lock file does not list.
    pub unlocked: Unlocked,
    /// What is granted to a plugin that asks for it.
    pub capabilities: BTreeSet<Capability>,
    /// What happens to a plugin that asks for more than is granted, or does what it did not ask for.
    pub excess: Excess,
    /// Whether the bytes are audited before they are loaded, and which findings refuse them.
    pub audit: Audit,
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

    /// For applications on a person's machine: files of root and of the user who runs the host, which nobody else can
    /// write, loaded from a sealed copy. Temporary folders and further names of a file are not accepted.
    #[must_use]
    pub fn desktop() -> Self {
        Self {
            owners: BTreeSet::from([Owner::Root, Owner::ThisUser]),
            panic_abort: PanicAbort::Accepted,
            sources: Vec::from([Source::Sealed, Source::PrivateCopy]),
            ..Self::server()
        }
    }

    /// For appliances: as [`server`](Self::server), and nothing runs but what the lock file lists, is signed and asks for
    /// no more than is granted. It accepts nothing until a lock file and keys are given.
    #[must_use]
    pub fn locked() -> Self {
        Self {
            signatures: Signatures::Required,
            unlocked: Unlocked::Refused,
            excess: Excess::Refused,
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
            trusted: BTreeSet::new(),
            unpinned: Unpinned::Accepted,
            panic_abort: PanicAbort::Refused,
            isolation: Isolation::NotRequired,
            sources: Vec::from([Source::Sealed]),
            keys: Vec::new(),
            signatures: Signatures::NotRequired,
            lock: None,
            unlocked: Unlocked::Accepted,
            capabilities: BTreeSet::new(),
            excess: Excess::Told,
            audit: Audit::NotAsked,
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

    /// Trusts these bytes as they are.
    #[must_use]
    pub fn with_trusted(mut self, digest: Digest) -> Self {
        self.trusted.insert(digest);
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

    /// Knows one more key. What a key signs counts within the key's scope and validity.
    #[must_use]
    pub fn with_key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Sets whether a plugin needs a signature.
    #[must_use]
    pub const fn with_signatures(mut self, signatures: Signatures) -> Self {
        self.signatures = signatures;
        self
    }

    /// Holds plugins to a lock file: of a plugin that it lists, only the listed versions and bytes are accepted.
    #[must_use]
    pub fn with_lock(mut self, lock: Lock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Sets what happens to a plugin that the lock file does not list.
    #[must_use]
    pub const fn with_unlocked(mut self, unlocked: Unlocked) -> Self {
        self.unlocked = unlocked;
        self
    }

    /// Grants one more capability to plugins that ask for it.
    #[must_use]
    pub fn with_capability(mut self, capability: Capability) -> Self {
        self.capabilities.insert(capability);
        self
    }

    /// Sets what happens to a plugin that asks for more than is granted, or does what it did not ask for.
    #[must_use]
    pub const fn with_excess(mut self, excess: Excess) -> Self {
        self.excess = excess;
        self
    }

    /// Sets whether the bytes are audited, and which findings refuse them.
    #[must_use]
    pub const fn with_audit(mut self, audit: Audit) -> Self {
        self.audit = audit;
        self
    }

    /// The same policy for a process that has rights which who started it has not: whatever that person can write is out.
    pub(crate) fn for_privileged(&self) -> Self {
        Self {
            owners: BTreeSet::from([Owner::Root]),
            group_write: GroupWrite::Refused,
            sticky_folders: StickyFolders::Refused,
            ..self.clone()
        }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GroupWrite {
    /// Never.
    Refused,
    /// By the effective group of the process that asks: what the umask 002 makes, which many systems set for people whose
    /// group holds nobody else.
    OwnGroup,
}

/// Whether a sticky folder that everybody may write to may lie above the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StickyFolders {
    /// Never: its other users can still place files beside the plugin and take names that are free.
    Refused,
    /// If the folder and the entry below it belong to trusted owners: nobody else can then rename or remove that entry.
    Accepted,
}

/// Whether the file may have further names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HardLinks {
    /// One name only: a second one lets an old, vulnerable version survive its removal.
    Refused,
    /// Any number of names.
    Accepted,
}

/// What happens to a plugin whose id has no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unpinned {
    /// It is judged by the other rules.
    Accepted,
    /// It is refused: the pins are the list of all that may run.
    Refused,
}

/// Whether a plugin may end the process when it panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PanicAbort {
    /// It may not.
    Refused,
    /// It may.
    Accepted,
}

/// Whether plugins may enter the host's own process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Isolation {
    /// They may.
    NotRequired,
    /// Each needs a process of its own.
    Required,
}

/// Whether a plugin needs a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Signatures {
    /// It does not. What is signed by a known key has to be signed well all the same.
    NotRequired,
    /// It needs a good one, by a known key that may speak for it, and so do the libraries that come with it.
    Required,
}

/// What happens to a plugin that the lock file does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unlocked {
    /// It is judged by the other rules.
    Accepted,
    /// It is refused; without a lock file, everything is.
    Refused,
}

/// What happens to a plugin that asks for more than is granted, or does what it did not ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Excess {
    /// The verdict tells it as a remark.
    Told,
    /// It is refused.
    Refused,
}

/// Whether the bytes of a plugin, and of the libraries that it brings in, are audited before they are loaded: by every rule of
/// the audit that asks about one file alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Audit {
    /// They are not. What the judge looks at itself counts all the same.
    NotAsked,
    /// They are, and a finding as bad as this refuses the file.
    Refuse(Severity),
}
