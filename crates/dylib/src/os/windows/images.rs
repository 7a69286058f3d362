//! What is loaded, read from the images' own headers in memory.
//!
//! A library is opened once more while it is read, so that it stays. Addresses are compared with the image's sections before
//! anything is read there. That is a guard against surprises and not against hostile files: these images have been loaded already.

use super::{Handle, api, file_name, files};
use crate::image::Identity;
use crate::loaded::{LoadedImage, LoadedSegment};
use crate::os::Mapped;
use crate::symbols::Exported;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr;

// Numbers from Microsoft's "PE Format".
const MAGIC_64: u16 = 0x20b;
const EXPORTS: usize = 0;
const IMPORTS: usize = 1;
const DEBUG: usize = 6;
const THREAD_LOCAL: usize = 9;
const DEBUG_CODE_VIEW: u32 = 2;
const MEMORY_EXECUTE: u32 = 0x2000_0000;
const MEMORY_READ: u32 = 0x4000_0000;
const MEMORY_WRITE: u32 = 0x8000_0000;

/// No string in an image is longer than this, and no table has more entries.
const LIMIT: usize = 1 << 20;
/// The first page of an image is always there.
const PAGE: usize = 4096;

/// Compares the library that is mapped under a handle with a file.
///
/// A library that is loaded keeps its file from being written, but not from being renamed. The path that the library was loaded
/// from is what the system tells, so that a file which took that path since is taken for it: the loader
/// does the same, and gives the old library for the path of the new one.
pub(crate) fn mapped(
    handle: Handle,
    identity: Identity,
    _file: &dyn Fn() -> io::Result<File>,
) -> io::Result<Mapped> {
    let found = files::look_at(&file_name(handle.module()))?;
    Ok(if found.identity == identity {
        Mapped::This
    } else {
        Mapped::Another
    })
}

/// Everything that is loaded, the program first.
pub(crate) fn loaded_images() -> Vec<LoadedImage> {
    let image = |module| Some(Kept::at(module)?.image());
    modules().into_iter().filter_map(image).collect()
}

/// Whether a library of this path is mapped at this address.
pub(crate) fn is_loaded(name: &Path, anchor: usize) -> bool {
    Kept::at(ptr::without_provenance_mut(anchor)).is_some_and(|kept| {
        kept.base == anchor
            && file_name(kept.module)
                .as_os_str()
                .eq_ignore_ascii_case(name)
    })
}

/// The names that the library at this address exports.
pub(crate) fn exported(anchor: usize) -> Vec<Exported> {
    let kept = Kept::at(ptr::without_provenance_mut(anchor));
    kept.and_then(|kept| kept.exported()).unwrap_or_default()
}

fn modules() -> Vec<api::HMODULE> {
    let mut found: Vec<api::HMODULE> = vec![ptr::null_mut(); 256];
    loop {
        let size = api::DWORD::try_from(size_of_val(found.as_slice())).unwrap_or_default();
        let mut needed = 0;
        // SAFETY: there are no preconditions.
        let process = unsafe { api::GetCurrentProcess() };
        // SAFETY: the buffer has this size, and the needed one is written to a number.
        let done = unsafe {
            api::K32EnumProcessModules(process, found.as_mut_ptr(), size, &raw mut needed)
        };
        if done == 0 {
            return Vec::new();
        }
        let count = usize::try_from(needed).unwrap_or_default() / size_of::<api::HMODULE>();
        let enough = count <= found.len();
        found.resize(count, ptr::null_mut());
        if enough {
            return found;
        }
    }
}

/// An image in memory, kept loaded while this lives.
struct Kept {
    module: api::HMODULE,
    base: usize,
    /// What may be read: ranges of addresses relative to the base.
    readable: Vec<(usize, usize)>,
    /// Where the headers are, relative to the base.
    headers: usize,
}

impl Kept {
    /// The image that contains an address.
    fn at(address: api::HMODULE) -> Option<Self> {
        let mut module = ptr::null_mut();
        let flags = api::GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
        // SAFETY: with this flag the name is an address, which may be any; the handle is written to a pointer.
        let found =
            unsafe { api::GetModuleHandleExW(flags, address.cast_const().cast(), &raw mut module) };
        (found != 0).then_some(())?;
        let mut kept = Self {
            module,
            base: module.expose_provenance(),
            readable: vec![(0, PAGE)],
            headers: 0,
        };
        kept.headers = kept.number(0x3c)?;
        let size = kept.number(kept.optional() + 60)?;
        kept.readable = vec![(0, size.max(PAGE))];
        let sections = kept
            .sections()
            .into_iter()
            .filter(|section| section.flags & MEMORY_READ != 0)
            .map(|section| (section.start, section.start.saturating_add(section.size)));
        let sections: Vec<(usize, usize)> = sections.collect();
        kept.readable.extend(sections);
        Some(kept)
    }

    /// The optional header, which follows the signature (4) and the file header (20).
    const fn optional(&self) -> usize {
        self.headers.saturating_add(24)
    }

    /// Copies a value out, if all of it may be read.
    fn read<T: Plain>(&self, place: usize) -> Option<T> {
        let end = place.checked_add(size_of::<T>())?;
        self.readable
            .iter()
            .find(|(first, last)| *first <= place && end <= *last)?;
        let address = self.base.checked_add(place)?;
        // SAFETY: these bytes are part of the headers or of a readable section of an image that stays mapped as long as this
        // value, and of a type for which any bytes are a value.
        Some(unsafe { ptr::with_exposed_provenance::<T>(address).read_unaligned() })
    }

    fn number(&self, place: usize) -> Option<usize> {
        usize::try_from(self.read::<u32>(place)?).ok()
    }

    fn string(&self, place: usize) -> Option<String> {
        let mut bytes = Vec::new();
        while bytes.len() < LIMIT {
            match self.read::<u8>(place.checked_add(bytes.len())?)? {
                0 => return Some(String::from_utf8_lossy(&bytes).into_owned()),
                byte => bytes.push(byte),
            }
        }
        None
    }

    /// Where a data directory is, and its size.
    fn directory(&self, index: usize) -> Option<(usize, usize)> {
        let optional = self.optional();
        let wide = self.read::<u16>(optional)? == MAGIC_64;
        let table = optional + if wide { 112 } else { 96 };
        let count = self.number(table - 4)?;
        (index < count).then_some(())?;
        let entry = table + index * 8;
        let found = (self.number(entry)?, self.number(entry + 4)?);
        (found.0 != 0).then_some(found)
    }

    fn sections(&self) -> Vec<Section> {
        let count = self.read::<u16>(self.headers + 6).unwrap_or_default();
        let size = self.read::<u16>(self.headers + 20).unwrap_or_default();
        let first = self.optional() + usize::from(size);
        let section = |index: u16| {
            let at = first + usize::from(index) * 40;
            Some(Section {
                size: self.number(at + 8)?,
                start: self.number(at + 12)?,
                flags: self.read::<u32>(at + 36)?,
            })
        };
        (0..count).map_while(section).collect()
    }

    fn image(&self) -> LoadedImage {
        let name = file_name(self.module);
        let file_name = |name: PathBuf| Some(name.file_name()?.to_ascii_lowercase());
        LoadedImage {
            file: Some(name.clone()),
            identity: files::look_at(&name).ok().map(|seen| seen.identity),
            bias: self.base,
            segments: self
                .sections()
                .iter()
                .map(|section| self.segment(section))
                .collect(),
            soname: file_name(name.clone()),
            name,
            needed: self.needed().unwrap_or_default(),
            build_id: self.build_id(),
            no_delete: false,
            thread_local: self.directory(THREAD_LOCAL).is_some(),
        }
    }

    fn segment(&self, section: &Section) -> LoadedSegment {
        let start = self.base.saturating_add(section.start);
        LoadedSegment::new(
            start..start.saturating_add(section.size),
            section.flags & MEMORY_WRITE != 0,
            section.flags & MEMORY_EXECUTE != 0,
        )
    }

    /// The names in the import directory: entries of 20 bytes, with the place of the name at 12; the last one is empty.
    fn needed(&self) -> Option<Vec<OsString>> {
        let (table, _) = self.directory(IMPORTS)?;
        let name = |index: usize| {
            let place = self.number(table.checked_add(index * 20 + 12)?)?;
            (place != 0).then_some(())?;
            Some(self.string(place)?.to_ascii_lowercase().into())
        };
        Some((0..LIMIT).map_while(name).collect())
    }

    /// The number that the linker gave the image and its file for debuggers: 16 bytes, and how often it was linked.
    fn build_id(&self) -> Option<Vec<u8>> {
        let (table, size) = self.directory(DEBUG)?;
        // Entries of 28 bytes: the kind at 12, the place in memory at 20.
        (0..size.min(LIMIT) / 28).find_map(|index| {
            let entry = table.checked_add(index * 28)?;
            (self.read::<u32>(entry + 12)? == DEBUG_CODE_VIEW).then_some(())?;
            let data = self.number(entry + 20)?;
            (self.read::<[u8; 4]>(data)? == *b"RSDS").then_some(())?;
            (4..24)
                .map(|at| self.read::<u8>(data.checked_add(at)?))
                .collect()
        })
    }

    /// The names in the export directory, which has their number at 24 and the place of their table at 32.
    fn exported(&self) -> Option<Vec<Exported>> {
        let (table, _) = self.directory(EXPORTS)?;
        let count = self.number(table.checked_add(24)?)?.min(LIMIT);
        let names = self.number(table.checked_add(32)?)?;
        let name = |index: usize| {
            let place = self.number(names.checked_add(index * 4)?)?;
            Some(Exported {
                name: self.string(place)?,
                version: None,
                unique: false,
            })
        };
        Some((0..count).map_while(name).collect())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: it takes back the open of `at`. Should everybody else have closed the library meanwhile, this is the close that
        // unmaps it, which they were ready for.
        unsafe { api::FreeLibrary(self.module) };
    }
}

struct Section {
    /// Relative to the base.
    start: usize,
    size: usize,
    flags: u32,
}

/// Types for which any bytes are a value.
///
/// # Safety
/// Any bytes must be a value of the type.
unsafe trait Plain: Copy {}
// SAFETY: an integer.
unsafe impl Plain for u8 {}
// SAFETY: integers.
unsafe impl Plain for [u8; 4] {}
// SAFETY: an integer.
unsafe impl Plain for u16 {}
// SAFETY: an integer.
unsafe impl Plain for u32 {}
