//! Headers and sections, and the way from an address to a place in the file.

use crate::arch::{ByteOrder, Class, Format, Kind, Machine, Target};
use crate::fields::{Fields, until_nul};
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;

/// `IMAGE_FILE_EXECUTABLE_IMAGE` and `IMAGE_FILE_DLL`.
const EXECUTABLE_IMAGE: u16 = 0x2;
const DLL: u16 = 0x2000;

/// The numbers of the data directories that are read.
pub(super) const EXPORTS: usize = 0;
pub(super) const IMPORTS: usize = 1;
pub(super) const RESOURCES: usize = 2;
pub(super) const CERTIFICATES: usize = 4;
pub(super) const DEBUG: usize = 6;
pub(super) const THREAD_STORAGE: usize = 9;
pub(super) const LOAD_CONFIGURATION: usize = 10;
pub(super) const DELAYED_IMPORTS: usize = 13;

/// The headers' facts.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) target: Target,
    pub(super) kind: Kind,
    pub(super) subsystem: u16,
    pub(super) dll_characteristics: u16,
    /// Where these stand in the file.
    pub(super) dll_characteristics_at: u64,
    pub(super) image_base: u64,
    directories: Vec<(u32, u32)>,
    /// Where the first of them stands in the file.
    directories_at: u64,
    sections_at: u64,
    sections: u16,
    strings_at: Option<u64>,
}

/// One section.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: Vec<u8>,
    pub(super) at: u64,
    pub(super) virtual_size: u32,
    pub(super) address: u32,
    pub(super) raw_size: u32,
    pub(super) offset: u32,
    pub(super) flags: u32,
}

impl Section {
    /// The bytes that are both in the file and in memory: the rest of the raw data is
    /// padding to the file's alignment.
    pub(super) fn len(&self) -> u32 {
        match self.virtual_size {
            0 => self.raw_size,
            size => size.min(self.raw_size),
        }
    }
}

/// Whether the file begins as a PE file does: a DOS program that leads to a PE header.
pub(crate) fn is_pe(head: &[u8]) -> bool {
    head.starts_with(b"MZ")
}

fn refuse(
    problems: &mut Problems,
    code: Code,
    at: u64,
    expected: impl Into<std::borrow::Cow<'static, str>>,
    found: String,
) {
    problems.add(code, Loader::Refuses, at, expected, found);
}

impl Header {
    pub(super) fn read<R: ReadAt + ?Sized>(
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let order = ByteOrder::Little;
        let size = source.size();
        let at = Fields::new(source.head(), order).u32(0x3c).map(u64::from);
        let Some(at) = at else {
            let found = format!("{size} bytes");
            refuse(
                problems,
                Code::HeaderTruncated,
                size,
                "a DOS header of 64 bytes",
                found,
            );
            return None;
        };
        // Mark, COFF header of 20 bytes, and the optional header's own mark.
        let bytes = match source.bytes(at, 26) {
            Ok(bytes) => bytes,
            Err(fault) => {
                problems.push(fault.into_problem(
                    Code::HeaderTruncated,
                    Loader::Refuses,
                    "the PE header",
                ));
                return None;
            }
        };
        if !bytes.starts_with(b"PE\0\0") {
            let found = crate::problem::quote(bytes.get(..4).unwrap_or_default());
            refuse(problems, Code::NotALibrary, at, "\"PE\\u{0}\\u{0}\"", found);
            return None;
        }
        let fields = Fields::new(bytes, order);
        let machine = Machine::from_pe(fields.u16(4)?);
        let sections = fields.u16(6)?;
        let (symbols_at, symbols) = (fields.u32(12)?, fields.u32(16)?);
        let optional_len = fields.u16(20)?;
        let characteristics = fields.u16(22)?;
        let class = match fields.u16(24)? {
            0x10b => Class::Bits32,
            0x20b => Class::Bits64,
            other => {
                let found = format!("{other:#x}");
                let at = at.saturating_add(24);
                refuse(
                    problems,
                    Code::UnknownClass,
                    at,
                    "0x10b (32 bits) or 0x20b (64 bits)",
                    found,
                );
                return None;
            }
        };
        let optional_at = at.saturating_add(24);
        let optional = match source.bytes(optional_at, optional_len.into()) {
            Ok(bytes) => Fields::new(bytes, order),
            Err(fault) => {
                problems.push(fault.into_problem(
                    Code::HeaderTruncated,
                    Loader::Refuses,
                    "the optional header",
                ));
                return None;
            }
        };
        let kind = if characteristics & EXECUTABLE_IMAGE == 0 {
            Kind::Relocatable
        } else if characteristics & DLL == 0 {
            Kind::Executable
        } else {
            Kind::SharedLibrary
        };
        let (image_base, count_at) = match class {
            Class::Bits32 => (optional.u32(28).map(u64::from), 92_usize),
            Class::Bits64 => (optional.u64(24), 108),
        };
        let fixed = (
            image_base,
            optional.u16(68),
            optional.u16(70),
            optional.u32(count_at),
        );
        let (Some(image_base), Some(subsystem), Some(dll_characteristics), Some(count)) = fixed
        else {
            let found = format!("{optional_len} bytes");
            let expected = format!(
                "an optional header of at least {} bytes",
                count_at.saturating_add(4)
            );
            refuse(
                problems,
                Code::HeaderTruncated,
                optional_at,
                expected,
                found,
            );
            return None;
        };
        // The header may state more directories than it has room for.
        let directories = (0..usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(limits::PE_DIRECTORIES))
            .map_while(|index| {
                let at = index
                    .checked_mul(8)?
                    .checked_add(count_at)?
                    .checked_add(4)?;
                Some((optional.u32(at)?, optional.u32(at.checked_add(4)?)?))
            })
            .collect();
        if kind != Kind::SharedLibrary {
            let found = format!("{kind:?}").to_lowercase();
            let at = at.saturating_add(22);
            refuse(problems, Code::NotASharedObject, at, "a DLL", found);
        }
        let strings = u64::from(symbols).checked_mul(18)?;
        Some(Self {
            target: Target {
                format: Format::Pe,
                machine,
                class,
                byte_order: ByteOrder::Little,
            },
            kind,
            subsystem,
            dll_characteristics,
            dll_characteristics_at: optional_at.saturating_add(70),
            image_base,
            directories,
            directories_at: optional_at
                .saturating_add(count_at as u64)
                .saturating_add(4),
            sections_at: optional_at.saturating_add(optional_len.into()),
            sections,
            // The names that do not fit into eight bytes stand behind the COFF symbols.
            strings_at: u64::from(symbols_at)
                .checked_add(strings)
                .filter(|_| symbols_at != 0),
        })
    }

    /// Where address and size of a directory stand in the file.
    pub(super) fn directory_at(&self, index: usize) -> u64 {
        let inside = (index as u64).saturating_mul(8);
        self.directories_at.saturating_add(inside)
    }

    /// Address and size of a directory, if the file has it.
    pub(super) fn directory(&self, index: usize) -> Option<(u32, u32)> {
        let (address, size) = self.directories.get(index).copied()?;
        (address != 0 && size != 0).then_some((address, size))
    }

    /// The table of sections, checked.
    pub(super) fn read_sections<R: ReadAt + ?Sized>(
        &self,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Vec<Section> {
        let size = source.size();
        let len = u64::from(self.sections).saturating_mul(40);
        if self.sections == 0 {
            let at = self.sections_at;
            refuse(
                problems,
                Code::NoLoadableSegment,
                at,
                "a section",
                "none".into(),
            );
        }
        let table = match source.table(self.sections_at, len, u64::MAX) {
            Ok(table) => table,
            Err(fault) => {
                problems.push(fault.into_problem(
                    Code::SectionHeadersOutsideFile,
                    Loader::Refuses,
                    "the table of sections",
                ));
                return Vec::new();
            }
        };
        let mut sections: Vec<Section> = table
            .chunks_exact(40)
            .zip(0_u64..)
            .filter_map(|(bytes, index)| {
                let fields = Fields::new(bytes, ByteOrder::Little);
                let name = bytes.get(..8)?;
                Some(Section {
                    name: until_nul(name).unwrap_or(name).to_vec(),
                    at: index.saturating_mul(40).saturating_add(self.sections_at),
                    virtual_size: fields.u32(8)?,
                    address: fields.u32(12)?,
                    raw_size: fields.u32(16)?,
                    offset: fields.u32(20)?,
                    flags: fields.u32(36)?,
                })
            })
            .collect();
        for section in &mut sections {
            self.long_name(section, source, problems);
            let end = u64::from(section.offset).saturating_add(section.raw_size.into());
            if section.raw_size > 0 && end > size {
                let found = format!("{:#x} bytes at {:#x}", section.raw_size, section.offset);
                let expected = format!("a section inside the file's {size} bytes");
                refuse(
                    problems,
                    Code::SectionOutsideFile,
                    section.at,
                    expected,
                    found,
                );
            }
            if section.address.checked_add(section.virtual_size).is_none() {
                let found = format!("{:#x} + {:#x}", section.address, section.virtual_size);
                let expected = "address and size that fit into 32 bits";
                refuse(problems, Code::SectionOverflow, section.at, expected, found);
            }
        }
        for (before, after) in sections.iter().zip(sections.iter().skip(1)) {
            let end = before.address.saturating_add(before.virtual_size);
            if after.address < end {
                let expected =
                    format!("an address of at least {end:#x}, the end of the section before");
                let found = format!("{:#x}", after.address);
                refuse(problems, Code::SegmentsOverlap, after.at, expected, found);
            }
        }
        sections
    }

    /// `/123` names the string at that place of the COFF string table.
    fn long_name<R: ReadAt + ?Sized>(
        &self,
        section: &mut Section,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) {
        let Some(digits) = section.name.strip_prefix(b"/") else {
            return;
        };
        let place = std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        let at = place.and_then(|place| self.strings_at?.checked_add(place));
        let rest = at.map_or(0, |at| source.size().saturating_sub(at));
        let len = usize::try_from(rest)
            .unwrap_or(usize::MAX)
            .min(limits::NOTE_OWNER);
        let name = at.and_then(|at| until_nul(source.bytes(at, len).ok()?).map(<[u8]>::to_vec));
        match name {
            Some(name) if len > 0 => section.name = name,
            _ => problems.add(
                Code::SectionNameOutsideTable,
                Loader::Accepts,
                section.at,
                "a name inside the table of strings",
                crate::problem::quote(&section.name),
            ),
        }
    }
}

/// The place in the file of an address, and the bytes of the section from there on.
pub(super) fn locate(sections: &[Section], address: u32) -> Option<(u64, u64)> {
    sections.iter().find_map(|section| {
        let inside = address.checked_sub(section.address)?;
        let rest = section
            .raw_size
            .checked_sub(inside)
            .filter(|rest| *rest > 0)?;
        let at = u64::from(section.offset).checked_add(inside.into())?;
        Some((at, rest.into()))
    })
}
