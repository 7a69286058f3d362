//! The section view: names for what segments do not name.
//!
//! Loaders never read it, so that nothing here decides whether a file loads.

use crate::arch::Class;
use crate::fields::{Fields, until_nul};
use crate::limits;
use crate::problem::{Code, Loader, Problem, Problems};
use crate::read_at::ReadAt;
use crate::source::{Fault, Source};

use super::header::{Header, section_size};
use super::raw;

/// One section header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// Where the section header itself stands in the file.
    pub(crate) at: u64,
    pub(crate) name: u32,
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    /// Where it is in memory, if it is.
    pub(crate) address: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) align: u64,
    /// The number of another section, whose meaning is the type's.
    pub(crate) link: u32,
}

/// The section table with its names.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    pub(crate) list: Vec<Section>,
    names: Vec<u8>,
}

impl Sections {
    /// The name of `section`, as far as the table of names holds it.
    pub(crate) fn name(&self, section: &Section) -> &[u8] {
        usize::try_from(section.name)
            .ok()
            .and_then(|start| self.names.get(start..))
            .and_then(until_nul)
            .unwrap_or_default()
    }

    /// The first section called `name`.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Section> {
        let is_it = |section: &&Section| {
            let start = usize::try_from(section.name).ok();
            let rest = start.and_then(|start| self.names.get(start..));
            let behind = rest.and_then(|rest| rest.strip_prefix(name));
            behind.and_then(<[u8]>::first) == Some(&0)
        };
        self.list.iter().find(is_it)
    }

    /// Tells when the table does not lie inside the file: what the quick path can see of a
    /// file whose end was cut off, without reading there.
    pub(crate) fn check_place<R: ReadAt + ?Sized>(
        header: &Header,
        source: &Source<'_, R>,
        problems: &mut Problems,
    ) {
        let (offset, size) = (header.shoff, source.size());
        let entry = u64::from(section_size(header.target.class));
        let len = header.shnum.saturating_mul(entry);
        if offset != 0 && offset.saturating_add(len) > size {
            problems.push(outside(Fault::Outside { offset, len, size }));
        }
    }

    /// Reads the table; empty when there is none or it is damaged, which is told.
    pub(crate) fn read<R: ReadAt + ?Sized>(
        header: &Header,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Self {
        let size = section_size(header.target.class);
        if header.shoff == 0 || header.shnum == 0 {
            return Self::default();
        }
        if header.shentsize != size {
            problems.add(
                Code::SectionHeaderSize,
                Loader::Accepts,
                match header.target.class {
                    Class::Bits32 => 46,
                    Class::Bits64 => 58,
                },
                format!("{size} bytes"),
                format!("{} bytes", header.shentsize),
            );
            return Self::default();
        }
        if header.shnum > limits::SECTIONS {
            problems.limit(
                header.shoff,
                "section headers",
                header.shnum,
                limits::SECTIONS,
            );
            return Self::default();
        }
        let mut sections = Self {
            list: table(header, source, problems),
            names: Vec::new(),
        };
        sections.names = names(header, &sections.list, source, problems);
        sections.check(source.size(), problems);
        sections
    }

    fn check(&self, size: u64, problems: &mut Problems) {
        for section in &self.list {
            if !self.names.is_empty() && u64::from(section.name) >= self.names.len() as u64 {
                problems.add(
                    Code::SectionNameOutsideTable,
                    Loader::Accepts,
                    section.at,
                    format!("a name inside the {} bytes of names", self.names.len()),
                    format!("{:#x}", section.name),
                );
            }
            if matches!(section.kind, raw::SHT_NOBITS | raw::SHT_NULL) {
                continue;
            }
            match section.offset.checked_add(section.size) {
                None => problems.add(
                    Code::SectionOverflow,
                    Loader::Accepts,
                    section.at,
                    "offset and size that fit into 64 bits",
                    format!("{:#x} + {:#x}", section.offset, section.size),
                ),
                Some(end) if end > size => problems.add(
                    Code::SectionOutsideFile,
                    Loader::Accepts,
                    section.at,
                    format!("a section inside the file's {size} bytes"),
                    format!("{:#x} bytes at {:#x}", section.size, section.offset),
                ),
                Some(_) => {}
            }
        }
    }
}

fn outside(fault: Fault) -> Problem {
    fault.into_problem(
        Code::SectionHeadersOutsideFile,
        Loader::Accepts,
        "the table of section headers",
    )
}

fn table<R: ReadAt + ?Sized>(
    header: &Header,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<Section> {
    let size = u64::from(section_size(header.target.class));
    let len = header.shnum.saturating_mul(size);
    // Linkers put the table of names directly before the section table, at the end of the
    // file: one read gets both.
    let early = header.shoff.saturating_sub(NAMES_BEFORE);
    if len < TAIL && early.saturating_add(len) > limits::PAGE as u64 {
        // What is wrong is told by the read below, which asks for exactly the table.
        drop(source.prefetch(early, len.saturating_add(NAMES_BEFORE), 0));
    }
    let table = match source.view(header.shoff, len, u64::MAX) {
        Ok(table) => table,
        Err(fault) => {
            problems.push(outside(fault));
            return Vec::new();
        }
    };
    let class = header.target.class;
    let step = usize::from(section_size(class));
    let entries = table.chunks_exact(step);
    let mut list = Vec::with_capacity(entries.len());
    list.extend(entries.zip(0_u64..).filter_map(|(bytes, index)| {
        let at = index.saturating_mul(size).saturating_add(header.shoff);
        section(Fields::new(bytes, header.target.byte_order), class, at)
    }));
    list
}

/// Bytes before the section table that are read with it.
const NAMES_BEFORE: u64 = 512;
/// Section tables up to this size are read together with the names before them.
const TAIL: u64 = 64 << 10;

fn section(fields: Fields<'_>, class: Class, at: u64) -> Option<Section> {
    let word = |at64, at32| match class {
        Class::Bits64 => fields.u64(at64),
        Class::Bits32 => fields.u32(at32).map(u64::from),
    };
    Some(Section {
        at,
        name: fields.u32(0)?,
        kind: fields.u32(4)?,
        flags: word(8, 8)?,
        address: word(16, 12)?,
        offset: word(24, 16)?,
        size: word(32, 20)?,
        align: word(48, 32)?,
        link: match class {
            Class::Bits64 => fields.u32(40)?,
            Class::Bits32 => fields.u32(24)?,
        },
    })
}

fn names<R: ReadAt + ?Sized>(
    header: &Header,
    list: &[Section],
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<u8> {
    // 0 says that there are no names.
    if list.is_empty() || header.shstrndx == 0 {
        return Vec::new();
    }
    let section = usize::try_from(header.shstrndx)
        .ok()
        .and_then(|index| list.get(index));
    let Some(section) = section else {
        problems.add(
            Code::SectionNamesIndex,
            Loader::Accepts,
            match header.target.class {
                Class::Bits32 => 50,
                Class::Bits64 => 62,
            },
            format!("a number below {}", header.shnum),
            header.shstrndx.to_string(),
        );
        return Vec::new();
    };
    match source.table(section.offset, section.size, limits::SECTION_NAMES) {
        Ok(names) => names,
        Err(fault) => {
            problems.push(fault.into_problem(
                Code::SectionNamesOutsideFile,
                Loader::Accepts,
                "the names of the sections",
            ));
            Vec::new()
        }
    }
}
