//! The loader's cache: the file that `ldconfig` writes.
//!
//! Layout: glibc's `dl-cache.h` in words. A header of 48 bytes with the mark, the number of
//! entries and the place of extensions; entries of 24 bytes; strings, whose places count
//! from the header. An older format may stand in front, which glibc's loader passes over.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::arch::{ByteOrder, Class, Machine, Target};
use crate::fields::{Fields, align_up, until_nul};
use crate::limits;
use crate::os;
use crate::read_at::ReadAt;
use crate::source::Source;

const MARK: &[u8] = b"glibc-ld.so.cache1.1";
const OLD_MARK: &[u8] = b"ld.so-1.7.0\0";
const HEADER: u64 = 48;
const ENTRY: u64 = 24;
/// The bit of an entry's `hwcap` that makes the rest of it an index into the extension
/// with the names of glibc-hwcaps folders.
const HWCAP_EXTENSION: u64 = 1 << 62;
const EXTENSION_MARK: u32 = 0xeaa4_2174;

/// The libraries that the loader knows by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoaderCache {
    entries: HashMap<Vec<u8>, Vec<CacheEntry>>,
}

/// One library of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheEntry {
    /// Where it lies.
    pub path: PathBuf,
    /// Its kind: a loader takes those of its own kind only (glibc's `FLAG_…`).
    pub flags: u32,
    /// The glibc-hwcaps folder that it is from, without which the processor cannot run it.
    pub hwcaps: Option<String>,
}

impl LoaderCache {
    /// Reads a cache. `None` when the file is damaged or of an unknown format, which the
    /// loader treats as having none.
    #[must_use]
    pub fn read<R: ReadAt + ?Sized>(reader: &R) -> Option<Self> {
        let mut source = Source::new(reader).ok()?;
        let bytes = source.table(0, source.size(), limits::LOADER_CACHE).ok()?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let host = if cfg!(target_endian = "little") {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        };
        let bytes = if bytes.starts_with(OLD_MARK) {
            let count = Fields::new(bytes, host).u32(12)?;
            let end = u64::from(count).checked_mul(12)?.checked_add(16)?;
            bytes.get(usize::try_from(align_up(end, 8)?).ok()?..)?
        } else {
            bytes
        };
        if !bytes.starts_with(MARK) {
            return None;
        }
        // Since glibc 2.33 a flag tells the byte order; before, it is the machine's own.
        let order = match bytes.get(28)? & 3 {
            2 => ByteOrder::Little,
            3 => ByteOrder::Big,
            _ => host,
        };
        let fields = Fields::new(bytes, order);
        let count = fields.u32(20)?;
        let hwcaps = hwcaps(bytes, fields.u32(32)?, order);
        let text = |at: u32| until_nul(bytes.get(usize::try_from(at).ok()?..)?);
        let mut cache = Self::default();
        let table = bytes.get(usize::try_from(HEADER).ok()?..)?;
        let size = usize::try_from(ENTRY).ok()?;
        for entry in table
            .chunks_exact(size)
            .zip(0..count)
            .map(|(entry, _)| entry)
        {
            let entry = Fields::new(entry, order);
            let (name, path) = (text(entry.u32(4)?)?, text(entry.u32(8)?)?);
            let hwcap = entry.u64(16)?;
            let extension = hwcap & HWCAP_EXTENSION != 0;
            // Entries from folders of older capabilities are passed over, as by glibc since 2.37.
            if !extension && hwcap != 0 {
                continue;
            }
            let index = usize::try_from(hwcap & 0xffff_ffff).ok()?;
            cache
                .entries
                .entry(name.to_vec())
                .or_default()
                .push(CacheEntry {
                    path: os::path(path),
                    flags: entry.u32(0)?,
                    hwcaps: extension.then(|| hwcaps.get(index).cloned().unwrap_or_default()),
                });
        }
        Some(cache)
    }

    /// The entries for a name, in the file's order: the loader's choice is the one of the
    /// best folder that the processor can run, then the first.
    #[must_use]
    pub fn entries(&self, name: &[u8]) -> &[CacheEntry] {
        self.entries
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Every name with its entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[CacheEntry])> {
        let all = self.entries.iter();
        all.map(|(name, entries)| (name.as_slice(), entries.as_slice()))
    }

    /// The number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The names in the extension with the glibc-hwcaps folders.
fn hwcaps(bytes: &[u8], at: u32, order: ByteOrder) -> Vec<String> {
    let read = || {
        let at = usize::try_from(at).ok().filter(|at| *at != 0)?;
        let extension = Fields::new(bytes.get(at..)?, order);
        if extension.u32(0)? != EXTENSION_MARK {
            return None;
        }
        let mut names = Vec::new();
        for section in 0..extension.u32(4)?.min(limits::CACHE_EXTENSIONS) {
            let field = |index: u32| {
                let at = section
                    .checked_mul(16)?
                    .checked_add(8)?
                    .checked_add(index)?;
                extension.u32(usize::try_from(at).ok()?)
            };
            // Tag 1: an array of places of strings.
            if field(0)? != 1 {
                continue;
            }
            let (start, len) = (
                usize::try_from(field(8)?).ok()?,
                usize::try_from(field(12)?).ok()?,
            );
            for place in bytes
                .get(start..)?
                .get(..len)?
                .chunks_exact(4)
                .take(limits::CACHE_HWCAPS)
            {
                let place = usize::try_from(Fields::new(place, order).u32(0)?).ok()?;
                let name = until_nul(bytes.get(place..)?)?;
                names.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        Some(names)
    };
    read().unwrap_or_default()
}

/// The kind that a loader for `target` takes (glibc's `_DL_CACHE_DEFAULT_ID`).
pub(super) fn kind_for(target: &Target) -> Option<u32> {
    Some(match (target.machine, target.class) {
        (Machine::X86_64, Class::Bits64) => 0x0303,
        (Machine::X86_64, Class::Bits32) => 0x0803,
        (Machine::X86, _) => 0x0003,
        (Machine::Aarch64, _) => 0x0a03,
        (Machine::Arm, _) => 0x0903,
        (Machine::S390x, _) => 0x0403,
        (Machine::PowerPc64, _) => 0x0503,
        (Machine::Riscv, Class::Bits64) => 0x1003,
        _ => return None,
    })
}

/// Reads the cache of this system, `/etc/ld.so.cache`; empty where there is none.
pub(super) fn of_host() -> LoaderCache {
    let path = std::path::Path::new("/etc/ld.so.cache");
    let file = crate::open(path, crate::Links::Follow);
    let cache = file.ok().and_then(|file| LoaderCache::read(&file));
    cache.unwrap_or_default()
}
