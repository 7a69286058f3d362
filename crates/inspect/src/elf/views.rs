//! The two views of a file: what the section table shows to tools, and what the segments
//! make a loader follow.

use crate::problem::{Code, Loader, Problems, quote};

use super::dynamic::Dynamic;
use super::header::{Header, Segment};
use super::sections::{Section, Sections};
use super::{hash, raw};

/// A section table that shows other tables than those a loader follows is how a file
/// shows one face to tools and another to the process.
pub(crate) fn compare(
    sections: &Sections,
    dynamic: &Dynamic<'_>,
    symbols: Option<u64>,
    problems: &mut Problems,
) {
    let in_file = |kind| {
        let mut list = sections.list.iter();
        list.find(|section| section.kind == kind && section.size > 0)
    };
    let symbol_section = in_file(raw::SHT_DYNSYM);
    let string_section = symbol_section.and_then(|section| {
        let index = usize::try_from(section.link).ok()?;
        sections.list.get(index)
    });
    if let Some(section) = in_file(raw::SHT_DYNAMIC) {
        same_place(section, dynamic.at, "dynamic section", problems);
    }
    for (section, tag, what) in [
        (symbol_section, raw::DT_SYMTAB, "symbol table"),
        (string_section, raw::DT_STRTAB, "table of dynamic strings"),
        (in_file(raw::SHT_HASH), raw::DT_HASH, "hash table"),
        (
            in_file(raw::SHT_GNU_HASH),
            raw::DT_GNU_HASH,
            "GNU hash table",
        ),
        (
            in_file(raw::SHT_GNU_VERSYM),
            raw::DT_VERSYM,
            "table of versions",
        ),
        (
            in_file(raw::SHT_GNU_VERDEF),
            raw::DT_VERDEF,
            "table of defined versions",
        ),
        (
            in_file(raw::SHT_GNU_VERNEED),
            raw::DT_VERNEED,
            "table of needed versions",
        ),
        (
            in_file(raw::SHT_INIT_ARRAY),
            raw::DT_INIT_ARRAY,
            "list of constructors",
        ),
        (
            in_file(raw::SHT_FINI_ARRAY),
            raw::DT_FINI_ARRAY,
            "list of destructors",
        ),
    ] {
        // What the address in the entry leads to; told elsewhere where that is nowhere.
        let loaded = dynamic.table(tag, &mut Problems::default());
        if let (Some(section), Some((place, _))) = (section, loaded) {
            same_place(section, place, what, problems);
        }
    }
    let entry = hash::symbol_size(dynamic.header.target.class);
    if let (Some(section), Some(count)) = (symbol_section, symbols)
        && section.size < count.saturating_mul(entry)
    {
        problems.add(
            Code::ViewsDiffer,
            Loader::Accepts,
            section.at,
            format!("{count} symbols, as the hash table says"),
            format!("{}", section.size.checked_div(entry).unwrap_or_default()),
        );
    }
}

fn same_place(section: &Section, place: u64, what: &str, problems: &mut Problems) {
    if section.offset != place {
        problems.add(
            Code::ViewsDiffer,
            Loader::Accepts,
            section.at,
            format!("offset {place:#x}, the {what} that is loaded"),
            format!("offset {:#x}", section.offset),
        );
    }
}

/// What sections say of memory, against what is loaded: their bytes, what may be done with
/// them, and which of them are notes.
pub(crate) fn compare_memory(sections: &Sections, segments: &[Segment], problems: &mut Problems) {
    let loads = || {
        segments
            .iter()
            .filter(|segment| segment.kind == raw::PT_LOAD)
    };
    // An object file has sections only.
    if loads().next().is_none() {
        return;
    }
    let loaded = sections.list.iter().filter(|section| {
        section.flags & raw::SHF_ALLOC != 0
            && section.size > 0
            && !matches!(section.kind, raw::SHT_NOBITS | raw::SHT_NULL)
    });
    for section in loaded {
        let name = || quote(sections.name(section));
        let Some(segment) = loads().find(|segment| holds(segment, section)) else {
            problems.add(
                Code::SectionNotLoaded,
                Loader::Accepts,
                section.at,
                "a section whose bytes a segment loads at its address",
                format!(
                    "{}, {:#x} bytes at {:#x} for address {:#x}",
                    name(),
                    section.size,
                    section.offset,
                    section.address
                ),
            );
            continue;
        };
        for (says, may, what) in [
            (raw::SHF_WRITE, raw::PF_W, "writable"),
            (raw::SHF_EXECINSTR, raw::PF_X, "executable"),
        ] {
            if section.flags & says != 0 && segment.flags & may == 0 {
                problems.add(
                    Code::SectionAccess,
                    Loader::Accepts,
                    section.at,
                    format!("{what} memory for a section that is {what}"),
                    format!("{} in a segment that is not", name()),
                );
            }
        }
        let is_note = section.kind == raw::SHT_NOTE;
        let mut notes = segments
            .iter()
            .filter(|segment| segment.kind == raw::PT_NOTE);
        if is_note && !notes.any(|segment| covers(segment, section.offset, section.size)) {
            problems.add(
                Code::NotesDiffer,
                Loader::Accepts,
                section.at,
                "a section of notes inside a segment of notes",
                name(),
            );
        }
    }
}

/// Whether the segment has these bytes of the file.
fn covers(segment: &Segment, offset: u64, size: u64) -> bool {
    let inside = offset.checked_sub(segment.offset);
    let end = inside.and_then(|inside| inside.checked_add(size));
    end.is_some_and(|end| end <= segment.filesz)
}

/// Whether the segment brings the section's bytes to the section's address.
fn holds(segment: &Segment, section: &Section) -> bool {
    covers(segment, section.offset, section.size)
        && section.offset.wrapping_sub(segment.offset)
            == section.address.wrapping_sub(segment.vaddr)
}

/// Bytes behind everything that the headers name: another file's, perhaps.
pub(crate) fn trailing_bytes(
    header: &Header,
    segments: &[Segment],
    sections: Option<&Sections>,
    size: u64,
) -> u64 {
    let section = u64::from(header.shentsize);
    let table = header
        .shoff
        .saturating_add(header.shnum.saturating_mul(section));
    let segments = segments
        .iter()
        .map(|segment| segment.offset.saturating_add(segment.filesz));
    let sections = sections.into_iter().flat_map(|sections| &sections.list);
    let sections = sections
        .filter(|section| section.kind != raw::SHT_NOBITS)
        .map(|section| section.offset.saturating_add(section.size));
    let end = segments.chain(sections).fold(table, u64::max);
    size.saturating_sub(end)
}
