//! The bytes of a registry, which are also the form in which a host holds what it found.
//!
//! Nothing is parsed when they are read: a table is an offset and a count, a row is looked up when it is asked
//! for, and a plugin's record is decoded when somebody wants to know about the plugin. All numbers are
//! little-endian.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 8 | `plugwreg` |
//! | 8 | 4 | format, 1 |
//! | 12 | 4 | zero |
//! | 16 | 32 | BLAKE3 of everything behind it |
//! | 48 | 32 | identity of the host or reader: BLAKE3 of what its reading depends on |
//! | 80 | 8 × 4 | rows of each table, in the order below; then the bytes of texts and records |
//! | 112 | | the tables: folders, files, plugins, interfaces, offers, keys, buckets |
//!
//! | table | a row | |
//! |---|---|---|
//! | folders | 16 | path (offset and length in the texts), first file, number of files |
//! | files | 80 | name, state (256 more: read it again), first plugin, number of plugins, reason (or another reader's answer), digest or none, stamp |
//! | plugins | 20 | file, record (offset and length), status, other plugin |
//! | interfaces | 16 | id, first offer, number of offers; by id |
//! | offers | 12 | plugin, which of the interfaces that it provides, rank; best first |
//! | keys | 16 | interface, key, offer; those that differ in case only stand together, best first |
//! | buckets | 4 | first row of such a group plus one, at the place that its hash says or the next that was free |
//!
//! The checksum finds what disks and crashes do, not what somebody does: whoever can write the file can make a
//! checksum. So every number is checked when it is used, and what does not fit is as if it were not there.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::stamp::STAMP_SIZE;

pub(super) const MAGIC: &[u8; 8] = b"plugwreg";
/// Grows with every change of the layout; another one is not read.
pub(super) const FORMAT: u32 = 1;
pub(super) const CHECKED_FROM: usize = 48;
pub(super) const TABLES: usize = 7;
pub(super) const HEADER: usize = 112;
pub(super) const FOLDER_ROW: usize = 16;
pub(super) const FILE_ROW: usize = 80;
pub(super) const PLUGIN_ROW: usize = 20;
pub(super) const INTERFACE_ROW: usize = 16;
pub(super) const OFFER_ROW: usize = 12;
pub(super) const KEY_ROW: usize = 16;
pub(super) const BUCKET_ROW: usize = 4;
/// What stands for none where a row or an offset is expected.
pub(super) const NONE: u32 = u32::MAX;

/// Added to the state of a file that may change once more and keep its stamp.
pub(super) const DOUBTFUL: u32 = 0x100;

const ROWS: [usize; TABLES] = [
    FOLDER_ROW,
    FILE_ROW,
    PLUGIN_ROW,
    INTERFACE_ROW,
    OFFER_ROW,
    KEY_ROW,
    BUCKET_ROW,
];

/// Why bytes are no registry of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    NotARegistry,
    Format(u32),
    Checksum,
    Length,
    Identity,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotARegistry => f.write_str("it does not begin as a registry does"),
            Self::Format(found) => {
                write!(
                    f,
                    "its format is {found}, and this version has format {FORMAT}"
                )
            }
            Self::Checksum => f.write_str("its bytes do not have the checksum that they say"),
            Self::Length => f.write_str("its tables do not have the length that they say"),
            Self::Identity => f.write_str("it is of a host that reads plugins in another way"),
        }
    }
}

/// What became of a file when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileState {
    /// It offers plugins, or has some that it does not offer.
    Plugins,
    /// It is no library.
    Foreign,
    /// It is a library without a record.
    NotAPlugin,
    /// It is not used for another reason, which depends on nothing but the file.
    Refused,
    /// It could not be read, which another attempt may change.
    Unreadable,
    /// Another reader than a host read it; the reason is what that one told.
    Answered,
}

impl FileState {
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Plugins => 0,
            Self::Foreign => 1,
            Self::NotAPlugin => 2,
            Self::Refused => 3,
            Self::Unreadable => 4,
            Self::Answered => 5,
        }
    }

    fn new(code: u32) -> Self {
        match code & !DOUBTFUL {
            0 => Self::Plugins,
            1 => Self::Foreign,
            2 => Self::NotAPlugin,
            3 => Self::Refused,
            5 => Self::Answered,
            _ => Self::Unreadable,
        }
    }
}

/// What became of a plugin among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PluginState {
    Offered,
    /// Its file has the same bytes as that of this plugin.
    SameAs(u32),
    /// It claims to be the same version of the same plugin as this one, with other bytes.
    Duplicate(u32),
}

/// A file's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileRow<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) state: FileState,
    /// The stamp does not tell whether the file is still the one that was read.
    pub(crate) is_doubtful: bool,
    pub(crate) first_plugin: u32,
    pub(crate) plugins: u32,
    pub(crate) reason: &'a str,
    pub(crate) digest: Option<[u8; 32]>,
    pub(crate) stamp: &'a [u8],
}

/// A folder's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FolderRow<'a> {
    pub(crate) path: &'a [u8],
    pub(crate) first_file: u32,
    pub(crate) files: u32,
}

/// A plugin's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PluginRow<'a> {
    pub(crate) file: u32,
    pub(crate) record: &'a [u8],
    pub(crate) state: PluginState,
}

/// An offer's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfferRow {
    pub(crate) plugin: u32,
    pub(crate) provided: u32,
    pub(crate) rank: i32,
}

/// The bytes.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    bytes: Vec<u8>,
    /// Where each table begins, and the texts behind the last.
    starts: [usize; TABLES],
    counts: [u32; TABLES],
    texts: usize,
}

fn number(bytes: &[u8], offset: usize) -> Option<u32> {
    let field = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

/// Where a table is in the header's list.
#[derive(Clone, Copy)]
enum Table {
    Folders,
    Files,
    Plugins,
    Interfaces,
    Offers,
    Keys,
    Buckets,
}

impl Image {
    /// Takes bytes that were read, if they are whole and of a host of this `identity`.
    pub(crate) fn new(bytes: Vec<u8>, identity: Option<&[u8; 32]>) -> Result<Self, Damage> {
        if !bytes.starts_with(MAGIC) {
            return Err(Damage::NotARegistry);
        }
        match number(&bytes, 8) {
            Some(FORMAT) => {}
            Some(other) => return Err(Damage::Format(other)),
            None => return Err(Damage::Length),
        }
        let checked = bytes.get(CHECKED_FROM..).ok_or(Damage::Length)?;
        let (first, said) = (bytes.get(12..16), bytes.get(16..CHECKED_FROM));
        if first != Some(&[0; 4]) || said != Some(blake3::hash(checked).as_bytes().as_slice()) {
            return Err(Damage::Checksum);
        }
        if let Some(identity) = identity
            && bytes.get(CHECKED_FROM..80) != Some(identity.as_slice())
        {
            return Err(Damage::Identity);
        }
        Self::laid_out(bytes).ok_or(Damage::Length)
    }

    /// No folders.
    pub(crate) fn empty(identity: &[u8; 32]) -> Self {
        let mut bytes = vec![0; HEADER];
        if let Some(place) = bytes.get_mut(CHECKED_FROM..80) {
            place.copy_from_slice(identity);
        }
        Self {
            bytes,
            starts: [HEADER; TABLES],
            counts: [0; TABLES],
            texts: HEADER,
        }
    }

    /// Finds the tables.
    pub(super) fn laid_out(bytes: Vec<u8>) -> Option<Self> {
        let (mut starts, mut counts) = ([0; TABLES], [0; TABLES]);
        let mut at = HEADER;
        let tables = starts.iter_mut().zip(&mut counts).zip(ROWS);
        for (index, ((start, count), row)) in tables.enumerate() {
            *count = number(&bytes, 80_usize.checked_add(index.checked_mul(4)?)?)?;
            *start = at;
            at = at.checked_add(usize::try_from(*count).ok()?.checked_mul(row)?)?;
        }
        let texts = usize::try_from(number(&bytes, 108)?).ok()?;
        (at.checked_add(texts)? == bytes.len()).then_some(Self {
            bytes,
            starts,
            counts,
            texts: at,
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn identity(&self) -> &[u8] {
        self.bytes.get(CHECKED_FROM..80).unwrap_or_default()
    }

    fn row(&self, table: Table, index: u32) -> Option<&[u8]> {
        let kind = table as usize;
        if index >= *self.counts.get(kind)? {
            return None;
        }
        let size = *ROWS.get(kind)?;
        let start = usize::try_from(index).ok()?.checked_mul(size)?;
        let start = start.checked_add(*self.starts.get(kind)?)?;
        self.bytes.get(start..start.checked_add(size)?)
    }

    fn count(&self, table: Table) -> u32 {
        self.counts.get(table as usize).copied().unwrap_or_default()
    }

    /// The text whose offset and length stand in `row` at `at`.
    fn text<'a>(&'a self, row: &[u8], at: usize) -> Option<&'a [u8]> {
        let offset = usize::try_from(number(row, at)?).ok()?;
        let length = usize::try_from(number(row, at.checked_add(4)?)?).ok()?;
        let start = self.texts.checked_add(offset)?;
        self.bytes.get(start..start.checked_add(length)?)
    }

    pub(crate) fn folders(&self) -> u32 {
        self.count(Table::Folders)
    }

    pub(crate) fn files(&self) -> u32 {
        self.count(Table::Files)
    }

    pub(crate) fn plugins(&self) -> u32 {
        self.count(Table::Plugins)
    }

    pub(crate) fn interfaces(&self) -> u32 {
        self.count(Table::Interfaces)
    }

    pub(crate) fn folder(&self, index: u32) -> Option<FolderRow<'_>> {
        let row = self.row(Table::Folders, index)?;
        Some(FolderRow {
            path: self.text(row, 0)?,
            first_file: number(row, 8)?,
            files: number(row, 12)?,
        })
    }

    pub(crate) fn file(&self, index: u32) -> Option<FileRow<'_>> {
        let row = self.row(Table::Files, index)?;
        let digest = match number(row, 28)? {
            NONE => None,
            offset => {
                let start = self.texts.checked_add(usize::try_from(offset).ok()?)?;
                let bytes = self.bytes.get(start..start.checked_add(32)?)?;
                Some(bytes.try_into().ok()?)
            }
        };
        Some(FileRow {
            name: self.text(row, 0)?,
            state: FileState::new(number(row, 8)?),
            is_doubtful: number(row, 8)? & DOUBTFUL != 0,
            first_plugin: number(row, 12)?,
            plugins: number(row, 16)?,
            reason: std::str::from_utf8(self.text(row, 20)?).ok()?,
            digest,
            stamp: row.get(32..32_usize.checked_add(STAMP_SIZE)?)?,
        })
    }

    pub(crate) fn plugin(&self, index: u32) -> Option<PluginRow<'_>> {
        let row = self.row(Table::Plugins, index)?;
        let other = number(row, 16)?;
        Some(PluginRow {
            file: number(row, 0)?,
            record: self.text(row, 4)?,
            state: match number(row, 12)? {
                0 => PluginState::Offered,
                1 => PluginState::SameAs(other),
                _ => PluginState::Duplicate(other),
            },
        })
    }

    pub(crate) fn interface(&self, index: u32) -> Option<(&str, std::ops::Range<u32>)> {
        let row = self.row(Table::Interfaces, index)?;
        let first = number(row, 8)?;
        let id = std::str::from_utf8(self.text(row, 0)?).ok()?;
        Some((id, first..first.checked_add(number(row, 12)?)?))
    }

    pub(crate) fn offer(&self, index: u32) -> Option<OfferRow> {
        let row = self.row(Table::Offers, index)?;
        Some(OfferRow {
            plugin: number(row, 0)?,
            provided: number(row, 4)?,
            rank: number(row, 8)?.cast_signed(),
        })
    }

    /// The offers of an interface, best first.
    pub(crate) fn offers_of(&self, interface: &str) -> impl Iterator<Item = OfferRow> + '_ {
        let range = self.find_interface(interface).unwrap_or_default();
        // A row count that is not true ends where the table does.
        range.map_while(|index| self.offer(index))
    }

    fn find_interface(&self, wanted: &str) -> Option<std::ops::Range<u32>> {
        let (mut low, mut high) = (0, self.count(Table::Interfaces));
        while low < high {
            let middle = low.midpoint(high);
            let (id, range) = self.interface(middle)?;
            match id.cmp(wanted) {
                std::cmp::Ordering::Equal => return Some(range),
                std::cmp::Ordering::Less => low = middle.checked_add(1)?,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The offers of an interface under keys that are `key` but for case, best first, each with its key.
    pub(crate) fn offers_under<'a>(
        &'a self,
        interface: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = (&'a str, OfferRow)> + 'a {
        let first = self.find_key(interface, key);
        let rows = first
            .into_iter()
            .flat_map(|first| first..self.count(Table::Keys));
        rows.map_while(move |index| {
            let (of, found, offer) = self.key(index)?;
            (of == interface && same_but_for_case(found, key))
                .then_some((found, self.offer(offer)?))
        })
    }

    fn key(&self, index: u32) -> Option<(&str, &str, u32)> {
        let row = self.row(Table::Keys, index)?;
        let (interface, _) = self.interface(number(row, 0)?)?;
        let key = std::str::from_utf8(self.text(row, 4)?).ok()?;
        Some((interface, key, number(row, 12)?))
    }

    fn find_key(&self, interface: &str, key: &str) -> Option<u32> {
        let buckets = self.count(Table::Buckets);
        let mut at = bucket(key_hash(interface, key), buckets)?;
        for _ in 0..buckets {
            let row = number(self.row(Table::Buckets, at)?, 0)?;
            let row = row.checked_sub(1)?;
            let (of, found, _) = self.key(row)?;
            if of == interface && same_but_for_case(found, key) {
                return Some(row);
            }
            at = bucket(u64::from(at).wrapping_add(1), buckets)?;
        }
        None
    }
}

/// The place of a hash among `buckets`, which is a power of two.
pub(super) fn bucket(hash: u64, buckets: u32) -> Option<u32> {
    u32::try_from(hash & u64::from(buckets.checked_sub(1)?)).ok()
}

/// FNV-1a over the interface and the key without case. Whoever puts plugins with colliding keys into a folder
/// makes lookups of these keys slower; they could as well put in more plugins.
pub(super) fn key_hash(interface: &str, key: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    interface.bytes().for_each(&mut add);
    add(0);
    if key.is_ascii() {
        key.bytes().for_each(|byte| add(byte.to_ascii_lowercase()));
    } else {
        // Some letters outside ASCII have their small form in it.
        key.to_lowercase().bytes().for_each(&mut add);
    }
    // The lowest bits choose the bucket: mix the others in.
    hash ^ (hash >> 32)
}

/// Whether two keys differ in case at most.
pub(crate) fn same_but_for_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let lower = |text: &'_ str| text.to_lowercase();
    lower(one) == lower(other)
}
