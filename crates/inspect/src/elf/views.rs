//! The two views of a file: what the section table shows to tools, and what the segments
//! make a loader follow.

use crate::problem::{Code, Loader, Problems};

use super::dynamic::Dynamic;
use super::header::{Header, Segment};
use super::sections::Sections;
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
    // What the address in a dynamic entry leads to; told where that is nowhere.
    let loaded = |tag| Some(dynamic.table(tag, &mut Problems::default())?.0);
    let symbol_section = in_file(raw::SHT_DYNSYM);
    let string_section = symbol_section.and_then(|section| {
        let index = usize::try_from(section.link).ok()?;
        sections.list.get(index)
    });
    for (section, place, what) in [
        (
            in_file(raw::SHT_DYNAMIC),
            Some(dynamic.at),
            "dynamic section",
        ),
        (symbol_section, loaded(raw::DT_SYMTAB), "symbol table"),
        (
            string_section,
            loaded(raw::DT_STRTAB),
            "table of dynamic strings",
        ),
    ] {
        if let (Some(section), Some(place)) = (section, place)
            && section.offset != place
        {
            problems.add(
                Code::ViewsDiffer,
                Loader::Accepts,
                section.at,
                format!("offset {place:#x}, the {what} that is loaded"),
                format!("offset {:#x}", section.offset),
            );
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
