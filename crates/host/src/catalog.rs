//! What a scan found, as plugins: each is made when somebody asks for it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use plugwright_manifest::Record;

use crate::discovery::{self, Folder, Scanned};
use crate::registration::{LibraryFile, Place, Registration};
use crate::registry::{FileState, Image, OfferRow, PluginState};
use crate::{Refusal, RefusalKind, Seen, Status};

/// The plugins in files.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) image: Arc<Image>,
    folders: Vec<Arc<Folder>>,
    unreadable: Vec<Refusal>,
    refused: HashMap<u32, Refusal>,
    files: Box<[OnceLock<Arc<LibraryFile>>]>,
    plugins: Box<[OnceLock<Arc<Registration>>]>,
}

/// What a plugin was, and what it is now.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    pub(crate) before: Option<Arc<Registration>>,
    pub(crate) after: Option<Arc<Registration>>,
}

impl Catalog {
    /// What was found. `before` is the catalog over the image that the scan was given: what is unchanged stays what
    /// it is, loaded or not.
    pub(crate) fn new(scanned: Scanned, before: Option<&Self>) -> Self {
        let image = scanned.image;
        let files: Box<[OnceLock<_>]> = (0..image.files()).map(|_| OnceLock::new()).collect();
        let plugins: Box<[OnceLock<_>]> = (0..image.plugins()).map(|_| OnceLock::new()).collect();
        let catalog = Self {
            image,
            folders: scanned.folders,
            unreadable: scanned.unreadable,
            refused: scanned.refused,
            files,
            plugins,
        };
        if let Some(before) = before {
            for (new, old) in &scanned.kept {
                catalog.take_over(before, *new, *old);
            }
        }
        catalog
    }

    fn take_over(&self, before: &Self, new: u32, old: u32) -> Option<()> {
        let file = before.files.get(old as usize)?.get()?;
        let _was_empty = self.files.get(new as usize)?.set(Arc::clone(file));
        let (new, old) = (self.image.file(new)?, before.image.file(old)?);
        for plugin in 0..new.plugins {
            let at = |first: u32| first.checked_add(plugin).map(|index| index as usize);
            if let Some(known) = before.plugins.get(at(old.first_plugin)?)?.get() {
                let _was_empty = self
                    .plugins
                    .get(at(new.first_plugin)?)?
                    .set(Arc::clone(known));
            }
        }
        Some(())
    }

    /// The plugin in a row of the image; `None` when the image does not tell.
    pub(crate) fn plugin(&self, row: u32) -> Option<&Arc<Registration>> {
        let slot = self.plugins.get(row as usize)?;
        if let Some(known) = slot.get() {
            return Some(known);
        }
        let plugin = self.image.plugin(row)?;
        let file = self.file(plugin.file)?;
        let first = self.image.file(plugin.file)?.first_plugin;
        let record = file.records.get(row.checked_sub(first)? as usize)?;
        let made = Registration::new(Place::File(Arc::clone(file)), Arc::clone(record));
        Some(slot.get_or_init(|| Arc::new(made)))
    }

    fn file(&self, row: u32) -> Option<&Arc<LibraryFile>> {
        let slot = self.files.get(row as usize)?;
        if let Some(known) = slot.get() {
            return Some(known);
        }
        let summaries = discovery::records(&self.image, row)?;
        let records = summaries
            .into_iter()
            .map(|summary| Arc::new(Record::new(summary, None)))
            .collect();
        let candidate = self.folder_of(row)?.candidate(self.image.file(row)?.name);
        Some(slot.get_or_init(|| Arc::new(LibraryFile::new(candidate, records))))
    }

    /// The folder that the file in a row is in.
    fn folder_of(&self, row: u32) -> Option<&Arc<Folder>> {
        let folders = (0..self.image.folders()).zip(&self.folders);
        folders.into_iter().find_map(|(index, folder)| {
            let found = self.image.folder(index)?;
            let offset = row.checked_sub(found.first_file)?;
            (offset < found.files).then_some(folder)
        })
    }

    /// The plugins on offer, in the order of their files.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &Arc<Registration>> {
        (0..self.image.plugins())
            .filter_map(|row| self.offers(row).then(|| self.plugin(row)).flatten())
    }

    /// The plugins of the file at `path`, which has no links, whatever became of them.
    pub(crate) fn in_file(&self, path: &Path) -> impl Iterator<Item = &Arc<Registration>> {
        let rows = self.row_of(path).and_then(|row| self.image.file(row));
        let rows =
            rows.map(|file| file.first_plugin..file.first_plugin.saturating_add(file.plugins));
        rows.into_iter()
            .flatten()
            .filter_map(|row| self.plugin(row))
    }

    fn row_of(&self, path: &Path) -> Option<u32> {
        let (folder, name) = (path.parent()?, path.file_name()?);
        let mut folders = (0..self.image.folders()).zip(&self.folders);
        let (index, _) = folders.find(|(_, found)| found.path() == folder)?;
        let found = self.image.folder(index)?;
        let mut rows = found.first_file..found.first_file.checked_add(found.files)?;
        rows.find(|row| {
            self.image
                .file(*row)
                .is_some_and(|file| file.name == name.as_bytes())
        })
    }

    /// How many plugins are not offered, since others claim to be the same.
    pub(crate) fn duplicates(&self) -> usize {
        let state = |row| self.image.plugin(row).map(|plugin| plugin.state);
        (0..self.image.plugins())
            .filter(|row| matches!(state(*row), Some(PluginState::Duplicate(_))))
            .count()
    }

    pub(crate) fn offer(&self, offer: OfferRow) -> Option<(&Arc<Registration>, usize)> {
        Some((self.plugin(offer.plugin)?, offer.provided as usize))
    }

    pub(crate) fn folders(&self) -> &[Arc<Folder>] {
        &self.folders
    }

    pub(crate) fn unreadable(&self) -> &[Refusal] {
        &self.unreadable
    }

    /// What became of every file, and of the folders that could not be read.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.unreadable.iter().cloned().map(refused).collect();
        for (index, folder) in (0..self.image.folders()).zip(&self.folders) {
            let Some(found) = self.image.folder(index) else {
                continue;
            };
            for row in found.first_file..found.first_file.saturating_add(found.files) {
                self.see(folder, row, &mut seen);
            }
        }
        seen
    }

    /// Why a file is not used: as it was when it was read now, and else as it is when it is read again.
    pub(crate) fn refusal(&self, row: u32) -> Option<Refusal> {
        self.refusal_in(self.folder_of(row)?, row)
    }

    fn refusal_in(&self, folder: &Folder, row: u32) -> Option<Refusal> {
        let known = self.refused.get(&row).cloned();
        known.or_else(|| Some(discovery::refusal(folder, self.image.file(row)?.name)))
    }

    fn see(&self, folder: &Folder, row: u32, seen: &mut Vec<Seen>) -> Option<()> {
        let file = self.image.file(row)?;
        if file.state != FileState::Plugins {
            let known = self.refused.get(&row).cloned();
            seen.push(refused(
                known.unwrap_or_else(|| discovery::refusal(folder, file.name)),
            ));
            return Some(());
        }
        for row in file.first_plugin..file.first_plugin.saturating_add(file.plugins) {
            let plugin = self.plugin(row)?;
            let summary = &plugin.record.summary;
            let (id, version) = (summary.id.clone(), summary.version.clone());
            let path_of = |row: u32| {
                let other = self.plugin(row)?.origin();
                other.path().map(ToOwned::to_owned)
            };
            let status = match self.image.plugin(row)?.state {
                PluginState::Offered => Status::Offered(id, version),
                PluginState::SameAs(other) => Status::SameAs(path_of(other)?),
                PluginState::Duplicate(other) => {
                    let other = path_of(other)?;
                    Status::Refused(plugin.refuse(RefusalKind::Duplicate { id, version, other }))
                }
            };
            let origin = plugin.origin();
            seen.push(Seen { origin, status });
        }
        Some(())
    }

    /// What is offered now and was not, the other way round, and what is another file now. `kept` are the rows of
    /// files that are the same, here and in `before`.
    pub(crate) fn differences(&self, before: &Self, kept: &HashMap<u32, u32>) -> Vec<Difference> {
        // Rows of plugins that are offered here and there, out of the same file.
        let mut same: HashMap<u32, u32> = HashMap::new();
        for (new, old) in kept {
            if let (Some(new), Some(old)) = (self.image.file(*new), before.image.file(*old)) {
                let (first, others) = (new.first_plugin, old.first_plugin);
                let rows = (first..first.saturating_add(new.plugins)).zip(others..);
                same.extend(rows.filter(|(new, old)| self.offers(*new) && before.offers(*old)));
            }
        }
        let same_before: HashSet<u32> = same.values().copied().collect();
        let mut all: BTreeMap<_, Difference> = BTreeMap::new();
        let key = |plugin: &Registration| (plugin.origin(), plugin.record.summary.id.clone());
        for row in (0..before.image.plugins()).filter(|row| !same_before.contains(row)) {
            if let Some(plugin) = before.plugin(row).filter(|_| before.offers(row)) {
                let entry = all.entry(key(plugin)).or_default();
                entry.before = Some(Arc::clone(plugin));
            }
        }
        for row in (0..self.image.plugins()).filter(|row| !same.contains_key(row)) {
            if let Some(plugin) = self.plugin(row).filter(|_| self.offers(row)) {
                all.entry(key(plugin)).or_default().after = Some(Arc::clone(plugin));
            }
        }
        all.into_values().collect()
    }

    fn offers(&self, plugin: u32) -> bool {
        let row = self.image.plugin(plugin);
        row.is_some_and(|row| row.state == PluginState::Offered)
    }
}

fn refused(refusal: Refusal) -> Seen {
    Seen {
        origin: refusal.origin().clone(),
        status: Status::Refused(refusal),
    }
}
