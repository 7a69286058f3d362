//! Putting an image together: which plugins are offered, and the tables to find them by.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use plugwright_manifest::{Id, Summary, Version};

use super::image::{
    BUCKET_ROW, CHECKED_FROM, DOUBTFUL, FILE_ROW, FOLDER_ROW, FORMAT, FileState, HEADER,
    INTERFACE_ROW, Image, KEY_ROW, MAGIC, NONE, OFFER_ROW, PLUGIN_ROW, PluginState, TABLES, bucket,
    key_hash,
};
use super::stamp::{STAMP_SIZE, Stamp};

/// A folder that was looked through.
#[derive(Debug, Default)]
pub(crate) struct FolderDraft {
    pub(crate) path: Vec<u8>,
    /// Sorted by name.
    pub(crate) files: Vec<FileDraft>,
}

/// A file that was read, now or earlier.
#[derive(Debug)]
pub(crate) struct FileDraft {
    pub(crate) name: Vec<u8>,
    pub(crate) stamp: [u8; STAMP_SIZE],
    pub(crate) state: FileState,
    pub(crate) is_doubtful: bool,
    pub(crate) reason: String,
    pub(crate) digest: Option<[u8; 32]>,
    pub(crate) records: Vec<Summary>,
}

/// A registry would be beyond four gigabytes.
#[derive(Debug)]
pub(crate) struct TooLarge;

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is beyond four gigabytes")
    }
}

/// A plugin of a draft.
struct Plugin<'a> {
    folder: usize,
    file: usize,
    file_row: u32,
    summary: &'a Summary,
    state: PluginState,
}

/// Puts the image together. `digest` is asked for the digest of a file, by folder and file, when two plugins
/// say that they are the same.
pub(crate) fn image(
    folders: &mut [FolderDraft],
    identity: &[u8; 32],
    digest: &dyn Fn(&FolderDraft, &FileDraft) -> Option<[u8; 32]>,
) -> Result<Image, TooLarge> {
    fill_digests(folders, digest);
    let mut plugins = plugins(folders)?;
    judge_duplicates(&mut plugins, folders);
    let mut writer = Writer::default();
    write_folders(&mut writer, folders)?;
    for plugin in &plugins {
        let (state, other) = match plugin.state {
            PluginState::Offered => (0, NONE),
            PluginState::SameAs(other) => (1, other),
            PluginState::Duplicate(other) => (2, other),
        };
        let (offset, length) = writer.text(plugin.summary.encoded())?;
        writer.row::<PLUGIN_ROW>(PLUGINS, &[plugin.file_row, offset, length, state, other]);
    }
    write_offers(&mut writer, &plugins)?;
    writer.finish(identity)
}

const FOLDERS: usize = 0;
const FILES: usize = 1;
const PLUGINS: usize = 2;
const INTERFACES: usize = 3;
const OFFERS: usize = 4;
const KEYS: usize = 5;
const BUCKETS: usize = 6;

fn count(length: usize) -> Result<u32, TooLarge> {
    u32::try_from(length)
        .ok()
        .filter(|count| *count < NONE)
        .ok_or(TooLarge)
}

/// The plugins, in the order of their files.
fn plugins(folders: &[FolderDraft]) -> Result<Vec<Plugin<'_>>, TooLarge> {
    let mut plugins = Vec::new();
    let mut file_row = 0;
    for (folder, draft) in folders.iter().enumerate() {
        for (file, found) in draft.files.iter().enumerate() {
            plugins.extend(found.records.iter().map(|summary| Plugin {
                folder,
                file,
                file_row,
                summary,
                state: PluginState::Offered,
            }));
            file_row = count(file_row as usize + 1)?;
        }
    }
    count(plugins.len())?;
    Ok(plugins)
}

/// Those that claim to be the same version of the same plugin.
fn groups<'a>(summaries: impl Iterator<Item = &'a Summary>) -> impl Iterator<Item = Vec<usize>> {
    let mut groups: HashMap<(&Id, &Version), Vec<usize>> = HashMap::new();
    for (index, summary) in summaries.enumerate() {
        groups
            .entry((&summary.id, &summary.version))
            .or_default()
            .push(index);
    }
    groups.into_values().filter(|group| group.len() > 1)
}

/// Digests of files are needed only where two say that they are the same, and kept with the file.
fn fill_digests(
    folders: &mut [FolderDraft],
    digest: &dyn Fn(&FolderDraft, &FileDraft) -> Option<[u8; 32]>,
) {
    let mut places = Vec::new();
    for (folder, draft) in folders.iter().enumerate() {
        for (file, found) in draft.files.iter().enumerate() {
            places.extend(found.records.iter().map(|summary| (folder, file, summary)));
        }
    }
    let all: Vec<Vec<(usize, usize)>> = groups(places.iter().map(|(.., summary)| *summary))
        .map(|group| {
            group
                .iter()
                .map(|index| (places[*index].0, places[*index].1))
                .collect()
        })
        .collect();
    for group in all {
        let size = |(folder, file): (usize, usize)| {
            let found: &FileDraft = &folders[folder].files[file];
            Stamp::portable(&found.stamp).map(|(size, _)| size)
        };
        // Other sizes are other bytes: all are refused, whatever their digests.
        if group.iter().any(|place| size(*place) != size(group[0])) {
            continue;
        }
        let mut first = None;
        for (folder, file) in group {
            let found = &folders[folder].files[file];
            let made = found.digest.or_else(|| digest(&folders[folder], found));
            folders[folder].files[file].digest = made;
            // One other digest refuses them all, too.
            if made.is_none() || *first.get_or_insert(made) != made {
                break;
            }
        }
    }
}

/// The rule for files that say they are the same version of the same plugin: equal bytes are one offer, other
/// bytes refuse them all.
fn judge_duplicates(plugins: &mut [Plugin<'_>], folders: &[FolderDraft]) {
    let all: Vec<Vec<usize>> = groups(plugins.iter().map(|plugin| plugin.summary)).collect();
    for group in all {
        let digest = |index: usize| {
            let plugin = &plugins[index];
            folders[plugin.folder].files[plugin.file].digest
        };
        let first = group[0];
        let equal = group
            .iter()
            .all(|index| digest(*index).is_some() && digest(*index) == digest(first));
        for (place, index) in group.iter().enumerate() {
            // Indices of plugins were counted before.
            let row = |index: usize| u32::try_from(index).unwrap_or(NONE);
            plugins[*index].state = match (equal, place) {
                (true, 0) => PluginState::Offered,
                (true, _) => PluginState::SameAs(row(first)),
                (false, 0) => PluginState::Duplicate(row(group[1])),
                (false, _) => PluginState::Duplicate(row(first)),
            };
        }
    }
}

fn write_folders(writer: &mut Writer, folders: &[FolderDraft]) -> Result<(), TooLarge> {
    let (mut file_row, mut plugin_row) = (0_usize, 0_usize);
    for folder in folders {
        let (offset, length) = writer.text(&folder.path)?;
        let row = [offset, length, count(file_row)?, count(folder.files.len())?];
        writer.row::<FOLDER_ROW>(FOLDERS, &row);
        file_row += folder.files.len();
        for file in &folder.files {
            let (name, name_length) = writer.text(&file.name)?;
            let (reason, reason_length) = writer.text(file.reason.as_bytes())?;
            let digest = match &file.digest {
                Some(digest) => writer.text(digest)?.0,
                None => NONE,
            };
            let row = [
                name,
                name_length,
                file.state.code() | if file.is_doubtful { DOUBTFUL } else { 0 },
                count(plugin_row)?,
                count(file.records.len())?,
                reason,
                reason_length,
                digest,
            ];
            writer.row::<{ FILE_ROW - STAMP_SIZE }>(FILES, &row);
            writer.tables[FILES].extend_from_slice(&file.stamp);
            plugin_row += file.records.len();
        }
    }
    Ok(())
}

/// A row of the offers, with what it is sorted by.
struct Offer<'a> {
    plugin: u32,
    provided: u32,
    rank: i32,
    version: &'a Version,
    keys: &'a [String],
}

fn write_offers(writer: &mut Writer, plugins: &[Plugin<'_>]) -> Result<(), TooLarge> {
    let mut interfaces: BTreeMap<&str, Vec<Offer<'_>>> = BTreeMap::new();
    for (plugin, found) in plugins.iter().enumerate() {
        if found.state != PluginState::Offered {
            continue;
        }
        for (index, provided) in found.summary.provides.iter().enumerate() {
            interfaces
                .entry(provided.interface.as_str())
                .or_default()
                .push(Offer {
                    plugin: count(plugin)?,
                    provided: count(index)?,
                    rank: provided.rank,
                    version: &found.summary.version,
                    keys: &provided.keys,
                });
        }
    }
    let mut first = 0_usize;
    // Each: interface, key without case, offer, key.
    let mut keys: Vec<(u32, String, u32, &str)> = Vec::new();
    let ids: Vec<&str> = interfaces.keys().copied().collect();
    for (interface, (id, offers)) in interfaces.iter_mut().enumerate() {
        // Stable: of equals the one that was found first.
        offers.sort_by_key(|offer| Reverse((offer.rank, offer.version)));
        let (offset, length) = writer.text(id.as_bytes())?;
        let row = [offset, length, count(first)?, count(offers.len())?];
        writer.row::<INTERFACE_ROW>(INTERFACES, &row);
        for (index, offer) in offers.iter().enumerate() {
            let row = [offer.plugin, offer.provided, offer.rank.cast_unsigned()];
            writer.row::<OFFER_ROW>(OFFERS, &row);
            let (interface, row) = (count(interface)?, count(first + index)?);
            let own = offer.keys.iter();
            keys.extend(own.map(|key| (interface, key.to_lowercase(), row, key.as_str())));
        }
        first += offers.len();
    }
    keys.sort_unstable();
    write_keys(writer, &ids, &keys)
}

fn write_keys(
    writer: &mut Writer,
    ids: &[&str],
    keys: &[(u32, String, u32, &str)],
) -> Result<(), TooLarge> {
    let mut groups = Vec::new();
    let mut before: Option<(u32, &str)> = None;
    let mut last_text = ("", (0, 0));
    for (index, (interface, lower, offer, key)) in keys.iter().enumerate() {
        if before != Some((*interface, lower)) {
            before = Some((*interface, lower));
            groups.push((key_hash(ids[*interface as usize], key), count(index)?));
        }
        if last_text.0 != *key {
            last_text = (key, writer.text(key.as_bytes())?);
        }
        let (offset, length) = last_text.1;
        writer.row::<KEY_ROW>(KEYS, &[*interface, offset, length, *offer]);
    }
    if groups.is_empty() {
        return Ok(());
    }
    // At most half of the places are taken, so that the search for one ends soon.
    let places = count((groups.len() * 2).next_power_of_two())?;
    let mut buckets = vec![0_u32; places as usize];
    for (hash, row) in groups {
        let mut at = bucket(hash, places).unwrap_or_default();
        while buckets[at as usize] != 0 {
            at = (at + 1) & (places - 1);
        }
        buckets[at as usize] = row + 1;
    }
    for place in buckets {
        writer.row::<BUCKET_ROW>(BUCKETS, &[place]);
    }
    Ok(())
}

/// Gathers tables and texts.
#[derive(Default)]
struct Writer {
    tables: [Vec<u8>; TABLES],
    counts: [u32; TABLES],
    texts: Vec<u8>,
}

impl Writer {
    /// Adds a text, and says where it is and how long.
    fn text(&mut self, bytes: &[u8]) -> Result<(u32, u32), TooLarge> {
        let place = (count(self.texts.len())?, count(bytes.len())?);
        self.texts.extend_from_slice(bytes);
        Ok(place)
    }

    /// Adds a row of `SIZE` bytes.
    fn row<const SIZE: usize>(&mut self, table: usize, fields: &[u32]) {
        debug_assert_eq!(fields.len() * 4, SIZE, "every field of the row");
        for field in fields {
            self.tables[table].extend_from_slice(&field.to_le_bytes());
        }
        self.counts[table] += 1;
    }

    fn finish(self, identity: &[u8; 32]) -> Result<Image, TooLarge> {
        let tables: usize = self.tables.iter().map(Vec::len).sum();
        let mut bytes = Vec::with_capacity(HEADER + tables + self.texts.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.resize(CHECKED_FROM, 0);
        bytes.extend_from_slice(identity);
        for rows in self.counts {
            bytes.extend_from_slice(&rows.to_le_bytes());
        }
        bytes.extend_from_slice(&count(self.texts.len())?.to_le_bytes());
        for table in &self.tables {
            bytes.extend_from_slice(table);
        }
        bytes.extend_from_slice(&self.texts);
        let checksum = blake3::hash(&bytes[CHECKED_FROM..]);
        bytes[16..CHECKED_FROM].copy_from_slice(checksum.as_bytes());
        Image::laid_out(bytes).ok_or(TooLarge)
    }
}
