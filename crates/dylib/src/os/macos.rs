//! Apple's systems: what dyld tells of the images that it loaded, and which file the kernel mapped.
//!
//! Checked against the types of these systems only; nothing of it has run.

use super::{Handle, Mapped, SealFailure, Spelling, unix_files};
use crate::error::OsText;
use crate::image::Identity;
use crate::loaded::{LoadedImage, LoadedSegment};
use crate::symbols::Exported;
use std::ffi::{CStr, OsStr, OsString, c_char, c_int, c_void};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{ptr, slice};

/// Apple's libraries name the library that each symbol is from: there is nothing to prefer.
pub(crate) const DEEP_BIND: c_int = 0;

/// The kernel tells which file is mapped.
pub(crate) const MAPPED_IS_TOLD_BY_PATH: bool = false;

// Numbers from `<mach-o/loader.h>` and `<mach-o/nlist.h>`.
const LC_SEGMENT_64: u32 = 0x19;
const LC_SYMTAB: u32 = 0x2;
const LC_LOAD_DYLIB: u32 = 0xc;
const LC_LOAD_WEAK_DYLIB: u32 = 0x8000_0018;
const LC_REEXPORT_DYLIB: u32 = 0x8000_001f;
const LC_ID_DYLIB: u32 = 0xd;
const LC_UUID: u32 = 0x1b;
const MH_HAS_TLV_DESCRIPTORS: u32 = 0x0080_0000;
const N_STAB: u8 = 0xe0;
const N_EXT: u8 = 0x01;
const N_PRIVATE_EXTERNAL: u8 = 0x10;
const N_TYPE: u8 = 0x0e;
const N_UNDEFINED: u8 = 0;
/// The size of `struct mach_header_64`.
const HEADER: usize = 32;
/// No table has more entries than this, and no string is longer.
const LIMIT: usize = 1 << 20;

unsafe extern "C" {
    // <mach-o/dyld.h>. Images can come and go between two of these calls: each answers with null for a number too high.
    fn _dyld_image_count() -> u32;
    fn _dyld_get_image_name(index: u32) -> *const c_char;
    fn _dyld_get_image_header(index: u32) -> *const c_void;
    fn _dyld_get_image_vmaddr_slide(index: u32) -> isize;
}

/// There are no sealed files on these systems.
pub(crate) fn seal<E>(
    _name: &str,
    _fill: impl FnOnce(&File) -> Result<(), E>,
) -> Result<File, SealFailure<E>> {
    Err(SealFailure::Unavailable(io::ErrorKind::Unsupported.into()))
}

/// dyld loads no library through an open file.
pub(crate) fn descriptor_spelling(_file: &File) -> io::Result<Spelling> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There are no sealed files to keep.
pub(crate) fn keep_for_debuggers(file: File) {
    drop(file);
}

/// dyld does not look up versions of symbols.
pub(crate) fn versioned_symbol(
    _handle: Handle,
    _name: &CStr,
    _version: &CStr,
) -> Result<*mut c_void, OsText> {
    Err(OsText::new(c"symbols have no versions on this system"))
}

/// Symbols that a library keeps to itself are not looked for.
pub(crate) fn defined(_path: &Path, _identity: Identity) -> Vec<String> {
    Vec::new()
}

/// The address of the library's header: the image for which `dlopen` gives this handle and loads nothing.
pub(crate) fn anchor(handle: Handle) -> Option<usize> {
    images()
        .find(|image| image.is(handle))
        .map(|image| image.header.addr())
}

/// dyld's name for a library: its path.
pub(crate) fn linker_name(handle: Handle) -> PathBuf {
    let name = images()
        .find(|image| image.is(handle))
        .map(|image| image.path());
    name.unwrap_or_default()
}

/// Whether an image of this name is loaded at this address.
pub(crate) fn is_loaded(name: &Path, anchor: usize) -> bool {
    images().any(|image| image.header.addr() == anchor && image.path() == name)
}

/// Compares the file that is mapped for a library with a file.
pub(crate) fn mapped(
    handle: Handle,
    identity: Identity,
    _file: &dyn Fn() -> io::Result<File>,
) -> io::Result<Mapped> {
    let image = images().find(|image| image.is(handle));
    let image = image.ok_or_else(|| io::Error::other("dyld does not list the library"))?;
    // Libraries of the system have no file of their own: they are parts of one cache, which is told by their path.
    let found = match mapped_file(image.header.addr()) {
        Some(found) => found,
        None => unix_files::look_at(&image.path())?.identity,
    };
    Ok(if found == identity {
        Mapped::This
    } else {
        Mapped::Another
    })
}

/// The beginning of `struct proc_regionwithpathinfo` in `<sys/proc_info.h>`: a `struct proc_regioninfo`, then what `fstat` would
/// say of the file.
#[repr(C)]
struct Region {
    _region: [u64; 12],
    file: libc::vnode_info_path,
}

/// `PROC_PIDREGIONPATHINFO` in `<sys/proc_info.h>`.
const REGION_AND_PATH: c_int = 8;

/// Which file is mapped at an address; `None` if the kernel names none.
fn mapped_file(address: usize) -> Option<Identity> {
    let size = c_int::try_from(size_of::<Region>()).ok()?;
    let mut region = std::mem::MaybeUninit::<Region>::zeroed();
    let process = c_int::try_from(std::process::id()).ok()?;
    // SAFETY: the buffer has this size, and the kernel writes at most that.
    let written = unsafe {
        libc::proc_pidinfo(
            process,
            REGION_AND_PATH,
            u64::try_from(address).ok()?,
            region.as_mut_ptr().cast(),
            size,
        )
    };
    (written == size).then_some(())?;
    // SAFETY: it is made of integers, which the zeros are values of, and the kernel wrote over them.
    let region = unsafe { region.assume_init() };
    let found = region.file.vip_vi.vi_stat;
    (found.vst_ino != 0).then(|| Identity {
        device: u64::from(found.vst_dev),
        inode: found.vst_ino,
    })
}

/// Everything that is loaded, the program first.
pub(crate) fn loaded_images() -> Vec<LoadedImage> {
    images()
        .filter_map(|image| Some(image.kept()?.image(&image)))
        .collect()
}

/// The symbols that the image at this address exports.
pub(crate) fn exported(anchor: usize) -> Vec<Exported> {
    let image = images().find(|image| image.header.addr() == anchor);
    image
        .and_then(|image| image.kept()?.exported())
        .unwrap_or_default()
}

/// An entry of dyld's list.
struct Listed {
    name: &'static CStr,
    header: *const c_void,
    slide: isize,
}

/// dyld's list, as it is while it is read.
fn images() -> impl Iterator<Item = Listed> {
    // SAFETY: there are no preconditions.
    let count = unsafe { _dyld_image_count() };
    (0..count).filter_map(|index| {
        // SAFETY: any number may be asked for.
        let (name, header) = (unsafe { _dyld_get_image_name(index) }, unsafe {
            _dyld_get_image_header(index)
        });
        if name.is_null() || header.is_null() {
            return None;
        }
        Some(Listed {
            // SAFETY: it is not null and ends in a byte 0. dyld keeps it as long as the image is loaded, and it is copied while a
            // handle keeps the image, or compared at once.
            name: unsafe { CStr::from_ptr(name) },
            header,
            // SAFETY: any number may be asked for.
            slide: unsafe { _dyld_get_image_vmaddr_slide(index) },
        })
    })
}

impl Listed {
    fn path(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(self.name.to_bytes()))
    }

    /// Opens the image once more, if it is still there.
    fn kept(&self) -> Option<Kept> {
        // SAFETY: the name ends in a byte 0, and with this flag nothing is loaded.
        let handle =
            unsafe { libc::dlopen(self.name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        (!handle.is_null()).then_some(())?;
        Kept::new(handle, self)
    }

    /// Whether a handle is this image's. The lowest bits of a handle say how it was opened.
    fn is(&self, handle: Handle) -> bool {
        let kept = self.kept();
        kept.is_some_and(|kept| kept.handle.addr() & !3 == handle.as_ptr().addr() & !3)
    }
}

/// An image in memory, kept loaded while this lives.
struct Kept {
    handle: *mut c_void,
    header: *const u8,
    slide: isize,
    /// The load commands: kind, and all bytes of each.
    commands: Vec<(u32, &'static [u8])>,
}

impl Kept {
    fn new(handle: *mut c_void, listed: &Listed) -> Option<Self> {
        let header = listed.header.cast::<u8>();
        let mut kept = Self {
            handle,
            header,
            slide: listed.slide,
            commands: Vec::new(),
        };
        // SAFETY: an image begins with its header, which is mapped as long as the image is open.
        let bytes = unsafe { slice::from_raw_parts(header, HEADER) };
        // struct mach_header_64: magic, processor, kind of processor, kind of file, number and size of commands, flags.
        let (count, size) = (number(bytes, 16)?, number(bytes, 20)?);
        let size = usize::try_from(size).ok().filter(|size| *size <= LIMIT)?;
        // SAFETY: the commands follow the header, in the same segment.
        let all = unsafe { slice::from_raw_parts(header.add(HEADER), size) };
        let mut rest = all;
        for _ in 0..count {
            let size = usize::try_from(number(rest, 4)?).ok()?;
            let (command, after) = rest.split_at_checked(size).filter(|_| size >= 8)?;
            kept.commands.push((number(command, 0)?, command));
            rest = after;
        }
        Some(kept)
    }

    fn of_kind(&self, kind: u32) -> impl Iterator<Item = &'static [u8]> {
        self.commands
            .iter()
            .filter(move |(found, _)| *found == kind)
            .map(|(_, command)| *command)
    }

    /// The name in a command about a library: its place in the command is at 8.
    fn library(command: &[u8]) -> Option<OsString> {
        let place = usize::try_from(number(command, 8)?).ok()?;
        let name = command.get(place..)?.split(|byte| *byte == 0).next()?;
        Some(OsString::from_vec(name.to_vec()))
    }

    fn image(&self, listed: &Listed) -> LoadedImage {
        let path = listed.path();
        let needed = [LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB];
        // SAFETY: as in `new`.
        let header = unsafe { slice::from_raw_parts(self.header, HEADER) };
        LoadedImage {
            identity: unix_files::look_at(&path).ok().map(|seen| seen.identity),
            file: Some(path.clone()),
            name: path,
            bias: self.slide.cast_unsigned(),
            segments: self
                .of_kind(LC_SEGMENT_64)
                .filter_map(|command| self.segment(command))
                .collect(),
            soname: self.of_kind(LC_ID_DYLIB).next().and_then(Self::library),
            needed: needed
                .iter()
                .flat_map(|kind| self.of_kind(*kind))
                .filter_map(Self::library)
                .collect(),
            build_id: self
                .of_kind(LC_UUID)
                .find_map(|command| Some(command.get(8..24)?.to_vec())),
            no_delete: false,
            thread_local: number(header, 24)
                .is_some_and(|flags| flags & MH_HAS_TLV_DESCRIPTORS != 0),
        }
    }

    /// `struct segment_command_64`: the name at 8, then the address and the size in memory, the offset and the size in the file
    /// (8 bytes each), and the protections.
    fn segment(&self, command: &[u8]) -> Option<LoadedSegment> {
        let start = self.address(long(command, 24)?)?;
        let size = usize::try_from(long(command, 32)?).ok()?;
        let protection = number(command, 60)?;
        (protection != 0).then(|| {
            LoadedSegment::new(
                start..start.saturating_add(size),
                protection & 2 != 0,
                protection & 4 != 0,
            )
        })
    }

    fn address(&self, unslid: u64) -> Option<usize> {
        Some(
            usize::try_from(unslid)
                .ok()?
                .wrapping_add_signed(self.slide),
        )
    }

    /// The external symbols, from the table that linkers use, which lies in the segment `__LINKEDIT`.
    fn exported(&self) -> Option<Vec<Exported>> {
        let linkedit = self.of_kind(LC_SEGMENT_64).find(|command| {
            command
                .get(8..24)
                .is_some_and(|name| name == b"__LINKEDIT\0\0\0\0\0\0")
        })?;
        let start = self.address(long(linkedit, 24)?)?;
        let (offset, size) = (long(linkedit, 40)?, long(linkedit, 48)?);
        let size = usize::try_from(size).ok()?;
        // SAFETY: dyld maps this segment of the file whole, for reading, and the image is open.
        let bytes =
            unsafe { slice::from_raw_parts(ptr::with_exposed_provenance::<u8>(start), size) };
        let at = |place: u32| usize::try_from(u64::from(place).checked_sub(offset)?).ok();
        // struct symtab_command: places and sizes of the symbols and of the strings, from the start of the file.
        let table = self.of_kind(LC_SYMTAB).next()?;
        let symbols = bytes.get(at(number(table, 8)?)?..)?;
        let count = usize::try_from(number(table, 12)?).ok()?.min(LIMIT);
        let strings = bytes.get(at(number(table, 16)?)?..)?;
        let name = |symbol: &[u8]| {
            // struct nlist_64: place of the name (4), kind (1), section (1), description (2), value (8).
            let kind = *symbol.get(4)?;
            let external = kind & (N_STAB | N_PRIVATE_EXTERNAL) == 0 && kind & N_EXT != 0;
            (external && kind & N_TYPE != N_UNDEFINED).then_some(())?;
            let text = strings.get(usize::try_from(number(symbol, 0)?).ok()?..)?;
            let text = text.split(|byte| *byte == 0).next()?;
            // C's names have an underscore in front, which `dlsym` adds.
            let text = text.strip_prefix(b"_").unwrap_or(text);
            Some(Exported {
                name: str::from_utf8(text).ok()?.to_owned(),
                version: None,
                unique: false,
            })
        };
        Some(
            symbols
                .chunks_exact(16)
                .take(count)
                .filter_map(name)
                .collect(),
        )
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: it takes back the open of `Listed::kept`. Should everybody else have closed the library meanwhile, this is the
        // close that unmaps it, which they were ready for.
        unsafe { libc::dlclose(self.handle) };
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
