//! Which libraries this crate has open, who uses them, and who may be the one to close them.
//!
//! Rules:
//! 1. An entry stands for one library of the system's, under the system's own key for it (its handle), and exists as long
//!    as at least one successful open of ours has not been taken back.
//! 2. `users` counts the objects that use the entry. Each object is counted once and has no say about the others.
//! 3. Attaching to an entry needs no call of the system; it is possible only if everything that is asked for (binding,
//!    visibility, staying for ever) was asked of the system before. Otherwise the system is asked again, and the entry
//!    remembers that it was opened once more.
//! 4. Letting go of an entry never closes anything: an entry without users stays until somebody asks for its closing.
//! 5. Closing takes the entry away if its asker was the last user and nothing is pinned. Whoever took it away closes the
//!    system's handle, as many times as it was opened, after the lock is given back.
//! 6. The lock is held for these few lines only: no call of the system, no constructor, no destructor runs under it.
//!
//! An open and a close at the same time need no waiting: if the open comes before the closing calls, the system's own count
//! keeps the library; if it comes after, the system loads it anew. Either way the open makes an entry of its own, since the
//! closer took the old one away first.

use crate::image::Identity;
use crate::sync::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// What the system calls a library: its handle's address.
pub(crate) type Key = usize;

/// What is asked of the system once for each library, and stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Properties {
    /// All symbols are bound.
    pub(crate) bound: bool,
    /// Its symbols are visible to all.
    pub(crate) global: bool,
    /// It stays for ever.
    pub(crate) pinned: bool,
}

impl Properties {
    const fn covers(self, other: Self) -> bool {
        (self.bound || !other.bound)
            && (self.global || !other.global)
            && (self.pinned || !other.pinned)
    }

    const fn and(self, other: Self) -> Self {
        Self {
            bound: self.bound || other.bound,
            global: self.global || other.global,
            pinned: self.pinned || other.pinned,
        }
    }
}

/// All entries. `L` is what is known of a library; a clone of it is cheap.
#[derive(Debug)]
pub(crate) struct Store<L> {
    tables: Mutex<Tables<L>>,
}

/// Trees, since asking them for numbers takes less than computing std's hash of one.
#[derive(Debug)]
struct Tables<L> {
    entries: BTreeMap<Key, Entry<L>>,
    by_identity: BTreeMap<Identity, Key>,
}

#[derive(Debug)]
struct Entry<L> {
    library: L,
    identity: Option<Identity>,
    users: usize,
    /// How many opens of the system have to be taken back.
    opens: usize,
    properties: Properties,
}

/// What follows from the wish to close.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "whoever is told to close has to do it"]
pub(crate) enum Closing {
    /// The asker was the last one: it closes the system's handle this many times.
    Close {
        /// How many opens have to be taken back.
        opens: usize,
    },
    /// The library stays, because it was opened to stay.
    Pinned,
    /// The library stays, because others use it.
    Used {
        /// How many of them.
        users: usize,
    },
}

impl<L: Clone> Store<L> {
    pub(crate) fn new() -> Self {
        Self {
            tables: Mutex::new(Tables {
                entries: BTreeMap::new(),
                by_identity: BTreeMap::new(),
            }),
        }
    }

    /// Attaches a new user to the entry of a file, if there is one that has all of `wanted` (rule 3).
    pub(crate) fn attach(&self, identity: Identity, wanted: Properties) -> Option<L> {
        let mut tables = self.lock();
        let key = *tables.by_identity.get(&identity)?;
        let entry = tables
            .entries
            .get_mut(&key)
            .filter(|entry| entry.properties.covers(wanted))?;
        entry.users += 1;
        Some(entry.library.clone())
    }

    /// Records that the system opened a library for a new user, who gets what is known of it: what was known before, or
    /// `library`.
    pub(crate) fn opened(
        &self,
        key: Key,
        identity: Option<Identity>,
        got: Properties,
        library: L,
    ) -> L {
        let mut tables = self.lock();
        let entry = tables.entries.entry(key).or_insert_with(|| Entry {
            library,
            identity,
            users: 0,
            opens: 0,
            properties: got,
        });
        entry.users += 1;
        entry.opens += 1;
        entry.properties = entry.properties.and(got);
        entry.identity = entry.identity.or(identity);
        let library = entry.library.clone();
        if let Some(identity) = identity {
            tables.by_identity.insert(identity, key);
        }
        library
    }

    /// The file that an open library was recorded for.
    pub(crate) fn identity(&self, key: Key) -> Option<Identity> {
        self.lock().entries.get(&key)?.identity
    }

    /// Whether a library that does not stay for ever answers to a test.
    pub(crate) fn any_unpinned(&self, test: impl Fn(&L) -> bool) -> bool {
        let tables = self.lock();
        let mut unpinned = tables
            .entries
            .values()
            .filter(|entry| !entry.properties.pinned);
        unpinned.any(|entry| test(&entry.library))
    }

    /// A user that attached for a file found that the entry is not that file's: it lets go, and nobody else is sent there.
    pub(crate) fn mistaken(&self, identity: Identity, key: Key) {
        let mut tables = self.lock();
        if tables.by_identity.get(&identity) == Some(&key) {
            tables.by_identity.remove(&identity);
        }
        if let Some(entry) = tables.entries.get_mut(&key) {
            entry.users = entry.users.saturating_sub(1);
        }
    }

    /// A user lets go (rule 4).
    pub(crate) fn release(&self, key: Key) {
        if let Some(entry) = self.lock().entries.get_mut(&key) {
            entry.users = entry.users.saturating_sub(1);
        }
    }

    /// A user lets go and wants the library closed (rule 5).
    pub(crate) fn close(&self, key: Key) -> Closing {
        let mut tables = self.lock();
        let Some(entry) = tables.entries.get_mut(&key) else {
            return Closing::Close { opens: 0 };
        };
        entry.users = entry.users.saturating_sub(1);
        if entry.properties.pinned {
            return Closing::Pinned;
        }
        if entry.users > 0 {
            return Closing::Used { users: entry.users };
        }
        let (opens, identity) = (entry.opens, entry.identity);
        let removed = tables.entries.remove(&key);
        if let Some(identity) =
            identity.filter(|identity| tables.by_identity.get(identity) == Some(&key))
        {
            tables.by_identity.remove(&identity);
        }
        drop(tables);
        // What is known of a library may hold files: nothing of that is given up under the lock.
        drop(removed);
        Closing::Close { opens }
    }

    fn lock(&self) -> MutexGuard<'_, Tables<L>> {
        // Nothing in here panics between two changes that belong together.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, not(loom)))]
mod tests;
