//! Mach-O: thin and universal files, every slice of them.
//!
//! Layouts and numbers are those of Darwin's `mach-o/loader.h`, `mach-o/fat.h` and
//! `mach-o/nlist.h`, by their names. Every offset of a slice is compared with the slice's
//! own end, so that no slice can be made to show bytes of another.

mod commands;
mod image;
mod symbols;

use std::ffi::OsStr;

use serde::Serialize;

use crate::arch::{ByteOrder, Class, Machine};
use crate::depth::Depth;
use crate::fields::Fields;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::{Fault, Source};
use crate::symbols::ImageSymbols;
use crate::untrusted::Untrusted;

/// What only Mach-O images have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MachOFacts {
    /// `cpusubtype`, which tells for example arm64e from arm64.
    pub cpu_subtype: u32,
    /// `flags` of the header (`MH_…`).
    pub flags: u32,
    /// The UUID in lower-case hexadecimal digits: what a build id is elsewhere.
    pub uuid: Option<String>,
    /// The platform that it was built for (`PLATFORM_…`: 1 is macOS, 2 is iOS).
    pub platform: Option<u32>,
    /// The folders of `LC_RPATH`.
    pub run_paths: Vec<Untrusted>,
    /// Where the command of each of them stands in the file, in bytes.
    #[serde(skip)]
    pub run_paths_at: Vec<u64>,
    /// Needed libraries whose absence is no error (`LC_LOAD_WEAK_DYLIB`).
    pub weak_libraries: Vec<Untrusted>,
    /// Needed libraries whose symbols count as its own (`LC_REEXPORT_DYLIB`).
    pub reexported_libraries: Vec<Untrusted>,
    /// Whether a part is encrypted, as in files from Apple's stores.
    pub encrypted: bool,
    /// Whether there is a code signature; it is not verified.
    pub signed: bool,
    /// Offset in the image and size of the code signature, as its command states them:
    /// whether they lie in the file was not checked.
    #[serde(skip)]
    pub signature_at: Option<(u64, u64)>,
    /// Offset in the file and size of each segment that is executable, as its command states
    /// them: what lies outside of the image is a problem of its own.
    #[serde(skip)]
    pub code: Vec<(u64, u64)>,
    /// Functions that run when it is loaded.
    pub constructors: u64,
    /// Segments that are writable and executable at once.
    pub writable_code: u64,
    /// Whether it asks for an executable stack (`MH_ALLOW_STACK_EXECUTION`).
    pub executable_stack: bool,
}

const FAT_MAGIC: u32 = 0xcafe_babe;
const FAT_MAGIC_64: u32 = 0xcafe_babf;
const MH_MAGIC: u32 = 0xfeed_face;
const MH_MAGIC_64: u32 = 0xfeed_facf;

/// Where an image lies in its file.
#[derive(Clone, Copy, Debug)]
struct Slice {
    base: u64,
    size: u64,
}

impl Slice {
    /// The place in the file of `len` bytes at `offset` of the slice.
    fn at(&self, offset: u64, len: u64) -> Result<u64, Fault> {
        match offset.checked_add(len) {
            Some(end) if end <= self.size => Ok(self.base.saturating_add(offset)),
            _ => Err(Fault::Outside {
                offset,
                len,
                size: self.size,
            }),
        }
    }
}

fn magic(bytes: &[u8]) -> Option<(Class, ByteOrder)> {
    let magic = |order| Fields::new(bytes, order).u32(0);
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find_map(|order| match magic(order)? {
            MH_MAGIC => Some((Class::Bits32, order)),
            MH_MAGIC_64 => Some((Class::Bits64, order)),
            _ => None,
        })
}

/// The number of slices and whether their table is the wide one.
fn fat(head: &[u8]) -> Option<(u32, bool)> {
    let fields = Fields::new(head, ByteOrder::Big);
    let wide = match fields.u32(0)? {
        FAT_MAGIC => false,
        FAT_MAGIC_64 => true,
        _ => return None,
    };
    let count = fields.u32(4).unwrap_or_default();
    (count <= limits::SLICES).then_some((count, wide))
}

/// Whether the file begins as a thin or universal Mach-O file does.
pub(crate) fn is_macho(head: &[u8]) -> bool {
    magic(head).is_some() || fat(head).is_some()
}

/// Reads every image of the file.
pub(crate) fn read<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    depth: Depth,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Vec<ImageSymbols> {
    let Some((count, wide)) = fat(source.head()) else {
        let slice = Slice {
            base: 0,
            size: source.size(),
        };
        let image = image::read(source, slice, depth, file_name, problems);
        return image.into_iter().collect();
    };
    let mut images = Vec::new();
    if count == 0 {
        problems.add(
            Code::HeaderTruncated,
            Loader::Refuses,
            4,
            "at least one slice",
            "none",
        );
    }
    for index in 0..count {
        let Some((cpu_type, slice)) = slice(source, index, wide, problems) else {
            continue;
        };
        let Some(image) = image::read(source, slice, depth, file_name, problems) else {
            continue;
        };
        let stated = Machine::from_macho(cpu_type);
        let found = image.headers.image.target.machine;
        if stated != found {
            problems.add(
                Code::SliceMismatch,
                Loader::Refuses,
                slice.base,
                format!("an image for {stated}, as the file's table says"),
                found.to_string(),
            );
        }
        images.push(image);
    }
    images
}

/// The entry `index` of a universal file's table.
fn slice<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    index: u32,
    wide: bool,
    problems: &mut Problems,
) -> Option<(u32, Slice)> {
    let entry = if wide { 32_u16 } else { 20 };
    let at = u64::from(index)
        .saturating_mul(entry.into())
        .saturating_add(8);
    let size = source.size();
    let fields = match source.bytes(at, entry.into()) {
        Ok(bytes) => Fields::new(bytes, ByteOrder::Big),
        Err(fault) => {
            problems.push(fault.into_problem(
                Code::HeaderTruncated,
                Loader::Refuses,
                "the table of slices",
            ));
            return None;
        }
    };
    let cpu_type = fields.u32(0)?;
    let slice = if wide {
        Slice {
            base: fields.u64(8)?,
            size: fields.u64(16)?,
        }
    } else {
        Slice {
            base: fields.u32(8)?.into(),
            size: fields.u32(12)?.into(),
        }
    };
    // A slice cannot lie over the table that names it.
    let inside = slice
        .base
        .checked_add(slice.size)
        .is_some_and(|end| end <= size);
    if !inside || slice.base < 8 {
        problems.add(
            Code::SliceOutsideFile,
            Loader::Refuses,
            at,
            format!("a slice inside the file's {size} bytes"),
            format!("{:#x} bytes at {:#x}", slice.size, slice.base),
        );
        return None;
    }
    Some((cpu_type, slice))
}
