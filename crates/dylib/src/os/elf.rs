//! What the dynamic linker says is loaded, read from the images' own headers in memory.
//!
//! Everything is read while `dl_iterate_phdr` holds the dynamic linker's lock, so that nothing is unmapped meanwhile, and
//! copied out. Addresses are compared with the image's segments before anything is read there. That is a guard against
//! surprises and not against hostile files: these images have been loaded already.

use super::mapping::files;
use crate::loaded::{LoadedImage, LoadedSegment};
use crate::symbols::Exported;
use std::ffi::{CStr, OsStr, OsString, c_int, c_void};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{fs, ptr, slice};

#[cfg(target_pointer_width = "32")]
use libc::{Elf32_Phdr as ProgramHeader, Elf32_Sym as Symbol};
#[cfg(target_pointer_width = "64")]
use libc::{Elf64_Phdr as ProgramHeader, Elf64_Sym as Symbol};

// Numbers from the System V ABI (gABI) and the GNU extensions in glibc's <elf.h>.
const DT_NEEDED: usize = 1;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_STRSZ: usize = 10;
const DT_SONAME: usize = 14;
const DT_GNU_HASH: usize = 0x6fff_fef5;
const DT_VERSYM: usize = 0x6fff_fff0;
const DT_FLAGS_1: usize = 0x6fff_fffb;
const DT_VERDEF: usize = 0x6fff_fffc;
const DF_1_NODELETE: usize = 8;
const NT_GNU_BUILD_ID: u32 = 3;
const STB_GNU_UNIQUE: u8 = 10;

/// No string in an image is longer than this, and no table has more entries.
const LIMIT: usize = 1 << 20;

/// Everything that is loaded.
pub(crate) fn loaded_images() -> Vec<LoadedImage> {
    with_files(collect(|memory, name| Some(memory.image(name))))
}

/// Of all that is loaded, what has one of these as its SONAME or as the file name of its path.
pub(crate) fn images_named(names: &[&OsStr]) -> Vec<LoadedImage> {
    with_files(collect(|memory, name| {
        let file = Path::new(OsStr::from_bytes(name.to_bytes())).file_name();
        let named = file.is_some_and(|file| names.contains(&file)) || {
            let soname = memory.soname(&memory.dynamic());
            soname.is_some_and(|soname| names.contains(&soname.as_os_str()))
        };
        named.then(|| memory.image(name))
    }))
}

/// Adds which files they were loaded from.
fn with_files(mut images: Vec<LoadedImage>) -> Vec<LoadedImage> {
    let start = |image: &LoadedImage| {
        let first = image.segments.first();
        first.map_or(0, |segment| segment.addresses.start)
    };
    let starts: Vec<usize> = images.iter().map(start).collect();
    for (image, mapped) in images.iter_mut().zip(files(&starts)) {
        let Some(mapped) = mapped.filter(|mapped| mapped.path.starts_with(b"/")) else {
            continue;
        };
        let path = PathBuf::from(OsString::from_vec(mapped.path));
        // The device's number in the kernel's table is not always `fstat`'s, the file's is on nearly all file systems.
        let same =
            |metadata: &fs::Metadata| std::os::unix::fs::MetadataExt::ino(metadata) == mapped.inode;
        let metadata = fs::metadata(&path).ok().filter(same);
        image.identity = metadata.map(|metadata| super::identity(&metadata));
        image.file = Some(path);
    }
    images
}

/// Whether an image of this name has its dynamic section at this address.
pub(crate) fn is_loaded(name: &Path, dynamic: usize) -> bool {
    let same = |memory: &Memory<'_>, found: &CStr| {
        let same = memory.dynamic_address() == Some(dynamic)
            && found.to_bytes() == name.as_os_str().as_bytes();
        same.then_some(())
    };
    !collect(same).is_empty()
}

/// The symbols that the image with this dynamic section exports, and their versions.
pub(crate) fn exported(dynamic: usize) -> Vec<Exported> {
    let found =
        collect(|memory, _| (memory.dynamic_address() == Some(dynamic)).then(|| memory.exported()));
    found.into_iter().flatten().collect()
}

/// Asks `visit` of every image while the dynamic linker keeps them all, and collects its answers.
fn collect<T, F: FnMut(&Memory<'_>, &CStr) -> Option<T>>(visit: F) -> Vec<T> {
    struct State<T, F> {
        visit: F,
        answers: Vec<T>,
    }

    /// A panic in `visit` would end the process here, since this is `extern "C"`; it has no cause to.
    unsafe extern "C" fn each<T, F: FnMut(&Memory<'_>, &CStr) -> Option<T>>(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        state: *mut c_void,
    ) -> c_int {
        // SAFETY: `state` is the pointer that was given to `dl_iterate_phdr` below, which nobody else uses meanwhile.
        let state = unsafe { &mut *state.cast::<State<T, F>>() };
        // SAFETY: the dynamic linker hands out a valid description for the time of this call.
        let info = unsafe { &*info };
        let name = if info.dlpi_name.is_null() {
            c""
        } else {
            // SAFETY: it is not null, and a string of the dynamic linker's for the time of this call.
            unsafe { CStr::from_ptr(info.dlpi_name) }
        };
        // SAFETY: the table of program headers has this many entries and is part of the loaded image.
        let headers =
            unsafe { slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let memory = Memory {
            bias: native(info.dlpi_addr),
            headers,
        };
        let answer = (state.visit)(&memory, name);
        state.answers.extend(answer);
        0
    }

    let mut state = State {
        visit,
        answers: Vec::new(),
    };
    // SAFETY: `each` is given the type of state that it expects, and `state` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(each::<T, F>), ptr::from_mut(&mut state).cast()) };
    state.answers
}

/// A number of the native word size, which is what ELF's addresses and sizes are in a process of that size.
fn native(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or_default()
}

/// An image in memory, for the time of a visit.
struct Memory<'a> {
    bias: usize,
    headers: &'a [ProgramHeader],
}

impl Memory<'_> {
    fn of_type(&self, kind: u32) -> impl Iterator<Item = &ProgramHeader> {
        self.headers
            .iter()
            .filter(move |header| header.p_type == kind)
    }

    fn segments(&self) -> impl Iterator<Item = LoadedSegment> {
        self.of_type(libc::PT_LOAD).map(|header| {
            let start = self.bias.wrapping_add(native(header.p_vaddr));
            let end = start.saturating_add(native(header.p_memsz));
            LoadedSegment::new(
                start..end,
                header.p_flags & libc::PF_W != 0,
                header.p_flags & libc::PF_X != 0,
            )
        })
    }

    /// Copies a value out, if all of it lies in one readable segment.
    fn read<T: Plain>(&self, address: usize) -> Option<T> {
        let end = address.checked_add(size_of::<T>())?;
        let inside = |header: &&ProgramHeader| {
            let start = self.bias.wrapping_add(native(header.p_vaddr));
            header.p_flags & libc::PF_R != 0
                && start <= address
                && end <= start.saturating_add(native(header.p_memsz))
        };
        self.of_type(libc::PT_LOAD).find(inside)?;
        // SAFETY: these bytes are part of a readable segment of an image that stays mapped for the time of the visit, and
        // of a type for which any bytes are a value. The tables that are read are not written after relocation.
        Some(unsafe { ptr::with_exposed_provenance::<T>(address).read_unaligned() })
    }

    fn string(&self, address: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < LIMIT {
            match self.read::<u8>(address.checked_add(bytes.len())?)? {
                0 => return Some(bytes),
                byte => bytes.push(byte),
            }
        }
        None
    }

    fn dynamic_address(&self) -> Option<usize> {
        self.of_type(libc::PT_DYNAMIC)
            .next()
            .map(|header| self.bias.wrapping_add(native(header.p_vaddr)))
    }

    /// The entries of the dynamic section: tag and value.
    fn dynamic(&self) -> Vec<(usize, usize)> {
        let Some(start) = self.dynamic_address() else {
            return Vec::new();
        };
        let entry = |index: usize| {
            let at = start.checked_add(index * 2 * size_of::<usize>())?;
            let tag = self.read::<usize>(at).filter(|tag| *tag != 0)?;
            Some((tag, self.read::<usize>(at + size_of::<usize>())?))
        };
        (0..LIMIT).map_while(entry).collect()
    }

    /// The address that an entry of the dynamic section holds. glibc adds the bias there when it loads an image, musl does
    /// not, and nobody does for the vDSO.
    fn address(&self, value: usize) -> usize {
        if self.read::<u8>(value).is_some() {
            value
        } else {
            self.bias.wrapping_add(value)
        }
    }

    fn image(&self, name: &CStr) -> LoadedImage {
        let dynamic = self.dynamic();
        let string = |offset: &usize| self.dynamic_string(&dynamic, *offset);
        LoadedImage {
            name: PathBuf::from(OsString::from_vec(name.to_bytes().to_vec())),
            file: None,
            identity: None,
            bias: self.bias,
            segments: self.segments().collect(),
            soname: self.soname(&dynamic),
            needed: dynamic
                .iter()
                .filter(|(tag, _)| *tag == DT_NEEDED)
                .filter_map(|(_, value)| string(value))
                .collect(),
            build_id: self.build_id(),
            no_delete: value(&dynamic, DT_FLAGS_1).unwrap_or(0) & DF_1_NODELETE != 0,
            thread_local: self.of_type(libc::PT_TLS).next().is_some(),
        }
    }

    fn soname(&self, dynamic: &[(usize, usize)]) -> Option<OsString> {
        self.dynamic_string(dynamic, value(dynamic, DT_SONAME)?)
    }

    /// A string of the table that the dynamic section names.
    fn dynamic_string(&self, dynamic: &[(usize, usize)], offset: usize) -> Option<OsString> {
        let strings = self.address(value(dynamic, DT_STRTAB)?);
        let inside = offset < value(dynamic, DT_STRSZ)?;
        let bytes = self.string(strings.checked_add(offset).filter(|_| inside)?)?;
        Some(OsString::from_vec(bytes))
    }

    fn build_id(&self) -> Option<Vec<u8>> {
        self.of_type(libc::PT_NOTE).find_map(|header| {
            let align = if header.p_align == 8 { 8 } else { 4 };
            let mut at = self.bias.wrapping_add(native(header.p_vaddr));
            let end = at.checked_add(native(header.p_memsz))?;
            while at < end {
                let (name, desc, kind) = (
                    self.read::<u32>(at)?,
                    self.read::<u32>(at + 4)?,
                    self.read::<u32>(at + 8)?,
                );
                let data = at
                    .checked_add(12)?
                    .checked_add(native(name).next_multiple_of(align))?;
                if kind == NT_GNU_BUILD_ID
                    && name == 4
                    && self.read::<[u8; 4]>(at + 12)? == *b"GNU\0"
                {
                    return (0..native(desc).min(64))
                        .map(|index| self.read::<u8>(data + index))
                        .collect();
                }
                at = data.checked_add(native(desc).next_multiple_of(align))?;
            }
            None
        })
    }

    /// The exported symbols, through the GNU hash table, which has them all and says how many there are.
    fn exported(&self) -> Vec<Exported> {
        let dynamic = self.dynamic();
        let address = |wanted| value(&dynamic, wanted).map(|value| self.address(value));
        let (Some(strings), Some(symbols), Some(hash)) =
            (address(DT_STRTAB), address(DT_SYMTAB), address(DT_GNU_HASH))
        else {
            return Vec::new();
        };
        let versions = address(DT_VERDEF)
            .map(|table| self.version_names(table, strings))
            .unwrap_or_default();
        let version_indices = address(DT_VERSYM);
        let symbol = |index: usize| {
            let at = symbols.checked_add(index.checked_mul(size_of::<Symbol>())?)?;
            Some((index, self.read::<Symbol>(at)?))
        };
        let exported = |(index, symbol): (usize, Symbol)| {
            let name = self.string(strings.checked_add(native(symbol.st_name))?)?;
            let number =
                version_indices.and_then(|table| self.read::<u16>(table.checked_add(index * 2)?));
            // The highest bit hides a version that is not the default one; 0 and 1 are no versions.
            let number = number
                .map(|number| number & 0x7fff)
                .filter(|number| *number > 1);
            let version = versions
                .iter()
                .find(|(known, _)| Some(*known) == number)
                .map(|(_, name)| name.clone());
            let name = String::from_utf8(name)
                .ok()
                .filter(|name| !name.is_empty() && symbol.st_shndx != 0)?;
            Some(Exported {
                name,
                version,
                unique: symbol.st_info >> 4 == STB_GNU_UNIQUE,
            })
        };
        self.hashed(hash)
            .unwrap_or_default()
            .map_while(symbol)
            .filter_map(exported)
            .collect()
    }

    /// The indices of the symbols in a GNU hash table.
    fn hashed(&self, table: usize) -> Option<std::ops::Range<usize>> {
        let word = |index: usize| {
            self.read::<u32>(table.checked_add(index.checked_mul(4)?)?)
                .map(native)
        };
        let (buckets, first, bloom) = (word(0)?, word(1)?, word(2)?);
        let buckets_at = 4 + bloom.checked_mul(size_of::<usize>() / 4)?;
        let chains_at = buckets_at.checked_add(buckets)?;
        let last_chain = (0..buckets.min(LIMIT))
            .filter_map(|bucket| word(buckets_at + bucket))
            .max()
            .filter(|last| *last >= first)?;
        // The last symbol of a chain has the lowest bit set.
        let end = (last_chain..last_chain.checked_add(LIMIT)?)
            .find(|index| word(chains_at + index - first).is_none_or(|hash| hash & 1 == 1))?;
        Some(first..end + 1).filter(|indices| indices.len() <= LIMIT)
    }

    /// The versions that an image defines: number and name.
    fn version_names(&self, table: usize, strings: usize) -> Vec<(u16, String)> {
        let mut names = Vec::new();
        let mut at = table;
        while names.len() < LIMIT {
            // Elf_Verdef: u16 version, flags, ndx, cnt; u32 hash, aux, next. Elf_Verdaux: u32 name, next.
            let (Some(number), Some(aux), Some(next)) = (
                self.read::<u16>(at + 4),
                self.read::<u32>(at + 12),
                self.read::<u32>(at + 16),
            ) else {
                break;
            };
            let name = self
                .read::<u32>(at + native(aux))
                .and_then(|offset| self.string(strings.checked_add(native(offset))?));
            names.extend(
                name.and_then(|name| String::from_utf8(name).ok())
                    .map(|name| (number, name)),
            );
            if next == 0 {
                break;
            }
            at += native(next);
        }
        names
    }
}

/// The value of the first entry of a dynamic section that has this tag.
fn value(dynamic: &[(usize, usize)], wanted: usize) -> Option<usize> {
    let mut entries = dynamic.iter();
    let entry = entries.find(|(tag, _)| *tag == wanted);
    entry.map(|(_, value)| *value)
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
// SAFETY: an integer.
unsafe impl Plain for usize {}
// SAFETY: a C structure of integers.
unsafe impl Plain for Symbol {}
