//! What is different from what was locked, entry by entry.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::{Lock, LockedPlugin};

/// One difference between a lock file and the plugins that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drift {
    /// The plugin's id.
    pub id: String,
    /// What is different.
    pub kind: DriftKind,
    /// The difference in words; escaped.
    pub text: String,
}

/// The kinds of a [`Drift`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriftKind {
    /// It is there and not locked.
    NotLocked,
    /// It is locked for a platform that others were found for, and not there.
    Gone,
    /// Its version is another one, and not lower.
    Version,
    /// Its version is lower than every locked one.
    Downgrade,
    /// Its bytes are others.
    Bytes,
    /// Who signed it is somebody else, or nobody.
    Signer,
    /// What it provides has another form.
    Interface,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.text)
    }
}

impl Lock {
    /// What is different in `found`, which is made of plugins that are there, from what is locked here. Only platforms for
    /// which something was found are compared: the files of the others lie elsewhere.
    #[must_use]
    pub fn drift(&self, found: &Self) -> Vec<Drift> {
        let mut drift = Vec::new();
        for plugin in &found.plugins {
            self.compare(plugin, &mut drift);
        }
        let platforms: BTreeSet<&str> = found.plugins.iter().flat_map(targets).collect();
        for plugin in &self.plugins {
            let is_here = targets(plugin).any(|target| platforms.contains(target));
            if is_here && found.versions(&plugin.id).next().is_none() {
                let text = format!("{} is locked and not there", plugin.version);
                drift.push(new(plugin, DriftKind::Gone, &text));
            }
        }
        drift
    }

    fn compare(&self, plugin: &LockedPlugin, drift: &mut Vec<Drift>) {
        let mut add = |kind, text: &str| drift.push(new(plugin, kind, text));
        let version = &plugin.version;
        let entries: Vec<&LockedPlugin> = self.versions(&plugin.id).collect();
        let Some(lowest) = entries.first() else {
            return add(
                DriftKind::NotLocked,
                &format!("{version} is there and not locked"),
            );
        };
        let Some(entry) = entries.iter().find(|entry| entry.version == *version) else {
            let locked: Vec<String> = entries
                .iter()
                .map(|entry| entry.version.to_string())
                .collect();
            let lower = *version < lowest.version;
            let (kind, word) = if lower {
                (DriftKind::Downgrade, "older than")
            } else {
                (DriftKind::Version, "not")
            };
            let locked = locked.join(" or ");
            return add(
                kind,
                &format!("{version} is there, which is {word} the locked {locked}"),
            );
        };
        for file in &plugin.files {
            let mut locked = entry
                .files
                .iter()
                .filter(|locked| locked.target == file.target);
            let (name, target) = (&file.name, &file.target);
            match locked.clone().next() {
                None => add(
                    DriftKind::NotLocked,
                    &format!("{name} is not locked for {target}"),
                ),
                Some(_) if locked.any(|locked| locked.digest == file.digest) => {}
                Some(locked) => {
                    let (was, is) = (locked.digest, file.digest);
                    add(
                        DriftKind::Bytes,
                        &format!("{name} for {target} was {was} and is {is}"),
                    );
                }
            }
        }
        let key = |key: Option<crate::KeyId>| {
            key.map_or_else(
                || "nobody that is known".to_string(),
                |key| format!("the key {key}"),
            )
        };
        // What was locked without looking at signatures may be signed all the same.
        if entry.signer.is_some() && entry.signer != plugin.signer {
            let (was, is) = (key(entry.signer), key(plugin.signer));
            add(
                DriftKind::Signer,
                &format!("was signed by {was} and is by {is}"),
            );
        }
        for interface in &plugin.interfaces {
            if !entry.interfaces.contains(interface) {
                let (id, version) = (&interface.id, interface.version);
                add(
                    DriftKind::Interface,
                    &format!("provides another form of {id} {version}"),
                );
            }
        }
        for interface in &entry.interfaces {
            if !plugin
                .interfaces
                .iter()
                .any(|provided| provided.id == interface.id)
            {
                add(
                    DriftKind::Interface,
                    &format!("does not provide {} any more", interface.id),
                );
            }
        }
    }

    /// Adds a plugin. Files of a version that is there already join it; who signed it and what it provides is what the new
    /// entry says.
    pub fn add(&mut self, plugin: LockedPlugin) {
        let same =
            |known: &&mut LockedPlugin| known.id == plugin.id && known.version == plugin.version;
        let Some(known) = self.plugins.iter_mut().find(same) else {
            self.plugins.push(plugin);
            return self.sort();
        };
        for file in plugin.files {
            if !known.files.contains(&file) {
                known.files.push(file);
            }
        }
        known.signer = plugin.signer;
        known.interfaces = plugin.interfaces;
        self.sort();
    }

    /// This lock with the plugins of `found` instead of its own for the same platforms; its files for other platforms stay,
    /// with the versions that they belong to.
    #[must_use]
    pub fn updated(&self, found: Self) -> Self {
        let platforms: BTreeSet<String> = found
            .plugins
            .iter()
            .flat_map(targets)
            .map(String::from)
            .collect();
        let mut lock = Self::default();
        for plugin in &self.plugins {
            let mut plugin = plugin.clone();
            plugin
                .files
                .retain(|file| !platforms.contains(&file.target));
            if !plugin.files.is_empty() {
                lock.add(plugin);
            }
        }
        for plugin in found.plugins {
            lock.add(plugin);
        }
        lock
    }
}

fn targets(plugin: &LockedPlugin) -> impl Iterator<Item = &str> {
    plugin.files.iter().map(|file| file.target.as_str())
}

fn new(plugin: &LockedPlugin, kind: DriftKind, text: &str) -> Drift {
    Drift {
        id: plugin.id.clone(),
        kind,
        text: crate::escape::escaped(text),
    }
}
