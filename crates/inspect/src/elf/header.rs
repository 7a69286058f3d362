//! The ELF header and the program headers, extended numbering included.

use crate::arch::{ByteOrder, Class, Format, Kind, Machine, Target};
use crate::fields::Fields;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;

use super::raw;

/// The header's facts, with the counts resolved through section 0 where they are extended.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    pub(crate) os_abi: u8,
    pub(crate) abi_version: u8,
    pub(crate) flags: u32,
    pub(crate) phoff: u64,
    pub(crate) phentsize: u16,
    pub(crate) phnum: u64,
    pub(crate) shoff: u64,
    pub(crate) shentsize: u16,
    pub(crate) shnum: u64,
    pub(crate) shstrndx: u64,
}

/// One program header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Where the program header itself stands in the file.
    pub(crate) at: u64,
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) filesz: u64,
    pub(crate) memsz: u64,
    pub(crate) align: u64,
}

impl Segment {
    /// Whether it is loaded, and has the address in memory.
    pub(crate) fn holds(&self, vaddr: u64) -> bool {
        let inside = vaddr.checked_sub(self.vaddr);
        self.kind == raw::PT_LOAD && inside.is_some_and(|inside| inside < self.memsz)
    }
}

/// `sizeof(Elf32_Ehdr)` and `sizeof(Elf64_Ehdr)`.
pub(crate) fn header_size(class: Class) -> usize {
    match class {
        Class::Bits32 => 52,
        Class::Bits64 => 64,
    }
}

/// `sizeof(Elf32_Phdr)` and `sizeof(Elf64_Phdr)`.
pub(crate) fn segment_size(class: Class) -> u16 {
    match class {
        Class::Bits32 => 32,
        Class::Bits64 => 56,
    }
}

/// `sizeof(Elf32_Shdr)` and `sizeof(Elf64_Shdr)`.
pub(crate) fn section_size(class: Class) -> u16 {
    match class {
        Class::Bits32 => 40,
        Class::Bits64 => 64,
    }
}

/// Whether the file begins with ELF's four bytes.
pub(crate) fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

impl Header {
    /// Reads the header out of the file's first page.
    pub(crate) fn read<R: ReadAt + ?Sized>(
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let size = source.size();
        let truncated = |problems: &mut Problems, need: usize| {
            problems.add(
                Code::HeaderTruncated,
                Loader::Refuses,
                size,
                format!("an ELF header of {need} bytes"),
                format!("a file of {size} bytes"),
            );
        };
        let head = source.head();
        let ident = Fields::new(head, ByteOrder::Little);
        let (Some(class), Some(order), Some(version), Some(os_abi), Some(abi_version)) = (
            ident.u8(4),
            ident.u8(5),
            ident.u8(6),
            ident.u8(7),
            ident.u8(8),
        ) else {
            truncated(problems, header_size(Class::Bits32));
            return None;
        };
        let class = match class {
            1 => Class::Bits32,
            2 => Class::Bits64,
            other => {
                problems.add(
                    Code::UnknownClass,
                    Loader::Refuses,
                    4,
                    "1 (32 bits) or 2 (64 bits)",
                    other.to_string(),
                );
                return None;
            }
        };
        let byte_order = match order {
            1 => ByteOrder::Little,
            2 => ByteOrder::Big,
            other => {
                problems.add(
                    Code::UnknownByteOrder,
                    Loader::Refuses,
                    5,
                    "1 (little endian) or 2 (big endian)",
                    other.to_string(),
                );
                return None;
            }
        };
        if version != 1 {
            problems.add(
                Code::UnknownVersion,
                Loader::Refuses,
                6,
                "1",
                version.to_string(),
            );
            return None;
        }
        let need = header_size(class);
        let Some(fields) = head.get(..need).map(|head| Fields::new(head, byte_order)) else {
            truncated(problems, need);
            return None;
        };
        let header = Self::fields(fields, class, byte_order, os_abi, abi_version);
        let Some((mut header, version)) = header else {
            truncated(problems, need);
            return None;
        };
        if version != 1 {
            problems.add(
                Code::UnknownVersion,
                Loader::Refuses,
                20,
                "1",
                version.to_string(),
            );
            return None;
        }
        header.resolve_extended(source, problems);
        header.check_identity(problems);
        Some(header)
    }

    fn fields(
        fields: Fields<'_>,
        class: Class,
        byte_order: ByteOrder,
        os_abi: u8,
        abi_version: u8,
    ) -> Option<(Self, u32)> {
        // The three addresses in the middle have the class's size; what follows moves.
        let (phoff, shoff, rest) = match class {
            Class::Bits32 => (28, 32, 36),
            Class::Bits64 => (32, 40, 48),
        };
        let half = |index: usize| fields.u16(index.saturating_mul(2).saturating_add(rest));
        let kind = match fields.u16(16)? {
            raw::ET_REL => Kind::Relocatable,
            raw::ET_EXEC => Kind::Executable,
            raw::ET_DYN => Kind::SharedLibrary,
            raw::ET_CORE => Kind::Core,
            other => Kind::Other(other.into()),
        };
        let header = Self {
            target: Target {
                format: Format::Elf,
                machine: Machine::from_elf(fields.u16(18)?),
                class,
                byte_order,
            },
            kind,
            os_abi,
            abi_version,
            flags: fields.u32(rest)?,
            phoff: fields.word(phoff, class)?,
            shoff: fields.word(shoff, class)?,
            phentsize: half(3)?,
            phnum: half(4)?.into(),
            shentsize: half(5)?,
            shnum: half(6)?.into(),
            shstrndx: half(7)?.into(),
        };
        Some((header, fields.u32(20)?))
    }

    /// gABI, "Section Headers": numbers that do not fit stand in section header 0.
    fn resolve_extended<R: ReadAt + ?Sized>(
        &mut self,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) {
        let extended_segments = self.phnum == u64::from(raw::PN_XNUM);
        let extended_names = self.shstrndx == u64::from(raw::SHN_XINDEX);
        let extended_sections = self.shnum == 0 && self.shoff != 0;
        if !(extended_segments || extended_names || extended_sections) {
            return;
        }
        let class = self.target.class;
        let order = self.target.byte_order;
        let entry = source.bytes(self.shoff, section_size(class).into());
        let first = match entry {
            Ok(bytes) => {
                let fields = Fields::new(bytes, order);
                // sh_size, sh_link, sh_info.
                match class {
                    Class::Bits32 => (
                        fields.u32(20).map(u64::from),
                        fields.u32(24),
                        fields.u32(28),
                    ),
                    Class::Bits64 => (fields.u64(32), fields.u32(40), fields.u32(44)),
                }
            }
            Err(fault) => {
                problems.push(fault.into_problem(
                    Code::SectionHeadersOutsideFile,
                    Loader::Accepts,
                    "section header 0, which holds the extended numbers,",
                ));
                if extended_segments {
                    self.phnum = 0;
                }
                self.shoff = 0;
                return;
            }
        };
        let (Some(size), Some(link), Some(info)) = first else {
            return;
        };
        if extended_sections {
            self.shnum = size;
        }
        if extended_names {
            self.shstrndx = link.into();
        }
        if extended_segments {
            self.phnum = info.into();
        }
    }

    /// What glibc's `open_verify` compares beyond class, order and machine.
    fn check_identity(&self, problems: &mut Problems) {
        if self.kind != Kind::SharedLibrary {
            problems.add(
                Code::NotASharedObject,
                Loader::Refuses,
                16,
                "a shared library (type 3)",
                format!("{:?}", self.kind).to_lowercase(),
            );
        }
        // glibc takes the ABIs of System V and of GNU; of the first ABI version 0 only, but
        // for MIPS, which numbers extensions there.
        if !matches!(self.os_abi, 0 | 3) {
            problems.add(
                Code::UnknownAbi,
                Loader::Refuses,
                7,
                "the ABI of System V (0) or of GNU (3)",
                self.os_abi.to_string(),
            );
        } else if self.os_abi == 0 && self.abi_version != 0 && self.target.machine != Machine::Mips
        {
            problems.add(
                Code::UnknownAbi,
                Loader::Refuses,
                8,
                "ABI version 0",
                self.abi_version.to_string(),
            );
        }
    }
}

/// Reads the table of program headers.
pub(crate) fn segments<R: ReadAt + ?Sized>(
    header: &Header,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<Segment> {
    let class = header.target.class;
    let size = segment_size(class);
    if header.phnum == 0 {
        return Vec::new();
    }
    if header.phentsize != size {
        problems.add(
            Code::ProgramHeaderSize,
            Loader::Refuses,
            match class {
                Class::Bits32 => 42,
                Class::Bits64 => 54,
            },
            format!("{size} bytes"),
            format!("{} bytes", header.phentsize),
        );
        return Vec::new();
    }
    let count = header.phnum.min(limits::PROGRAM_HEADERS);
    if count < header.phnum {
        problems.limit(
            header.phoff,
            "program headers",
            header.phnum,
            limits::PROGRAM_HEADERS,
        );
    }
    let len = count.saturating_mul(size.into());
    let table = match source.view(header.phoff, len, u64::MAX) {
        Ok(table) => table,
        Err(fault) => {
            problems.push(fault.into_problem(
                Code::ProgramHeadersOutsideFile,
                Loader::Refuses,
                "the table of program headers",
            ));
            return Vec::new();
        }
    };
    let entries = table.chunks_exact(size.into());
    let mut segments = Vec::with_capacity(entries.len());
    segments.extend(entries.zip(0_u64..).filter_map(|(bytes, index)| {
        let at = index
            .saturating_mul(size.into())
            .saturating_add(header.phoff);
        segment(Fields::new(bytes, header.target.byte_order), class, at)
    }));
    segments
}

fn segment(fields: Fields<'_>, class: Class, at: u64) -> Option<Segment> {
    Some(match class {
        Class::Bits32 => Segment {
            at,
            kind: fields.u32(0)?,
            offset: fields.u32(4)?.into(),
            vaddr: fields.u32(8)?.into(),
            filesz: fields.u32(16)?.into(),
            memsz: fields.u32(20)?.into(),
            flags: fields.u32(24)?,
            align: fields.u32(28)?.into(),
        },
        Class::Bits64 => Segment {
            at,
            kind: fields.u32(0)?,
            flags: fields.u32(4)?,
            offset: fields.u64(8)?,
            vaddr: fields.u64(16)?,
            filesz: fields.u64(32)?,
            memsz: fields.u64(40)?,
            align: fields.u64(48)?,
        },
    })
}
