//! Checks on the program headers: what a loader maps, and what it does when they lie.
//!
//! The verdicts are glibc's, from `_dl_map_object_from_fd` and from files built for the
//! purpose: an absurd `p_filesz` ends the process with SIGSEGV, overlapping segments with
//! an assertion.

use crate::arch::Class;
use crate::problem::{Code, Loader, Problems};

use super::header::{Header, Segment};
use super::raw;

/// The smallest page of any supported processor. Loaders map whole pages.
const PAGE: u64 = 4096;

pub(crate) fn check(header: &Header, segments: &[Segment], size: u64, problems: &mut Problems) {
    for segment in segments {
        check_segment(header, segment, size, problems);
    }
    if header.phnum == 0 || segments.is_empty() {
        // An object file has none by nature, and a broken table was told already.
        if header.phnum == 0 && header.kind == crate::arch::Kind::SharedLibrary {
            no_loadable(header, problems);
        }
        return;
    }
    let loads = || {
        segments
            .iter()
            .filter(|segment| segment.kind == raw::PT_LOAD)
    };
    if loads().next().is_none() {
        no_loadable(header, problems);
        return;
    }
    let has_code = loads().any(|load| load.filesz > 0 && load.flags & raw::PF_X != 0);
    if !has_code {
        problems.add(
            Code::NoCode,
            Loader::Accepts,
            header.phoff,
            "a loaded segment with executable bytes",
            "none: data or debug information only",
        );
    }
    check_read(header, segments, problems);
    for (before, after) in loads().zip(loads().skip(1)) {
        check_pair(before, after, problems);
    }
}

/// The other segments that a loader reads from memory, by their addresses.
fn check_read(header: &Header, segments: &[Segment], problems: &mut Problems) {
    let table = header
        .phnum
        .saturating_mul(super::header::segment_size(header.target.class).into());
    for segment in segments {
        let (len, loader, what) = match segment.kind {
            // The program headers themselves, which glibc goes through once more.
            raw::PT_PHDR => (table, Loader::Crashes, "the program headers"),
            // Copied for each thread.
            raw::PT_TLS if segment.filesz > 0 => {
                (segment.filesz, Loader::Crashes, "thread-local data")
            }
            _ => continue,
        };
        if super::dynamic::locate(segments, segment.vaddr, len).is_none() {
            problems.add(
                Code::AddressNotLoaded,
                loader,
                segment.at,
                format!("{what} in the file's part of a loaded segment"),
                format!("{len:#x} bytes at address {:#x}", segment.vaddr),
            );
        }
    }
    for segment in segments
        .iter()
        .filter(|segment| segment.kind == raw::PT_GNU_RELRO)
    {
        // Linkers round its end up to the page, beyond the end of what is loaded.
        let held = segments.iter().any(|load| load.holds(segment.vaddr));
        if segment.memsz > 0 && !held {
            problems.add(
                Code::AddressNotLoaded,
                Loader::Refuses,
                segment.at,
                "memory of a loaded segment to be made read-only",
                format!("{:#x} bytes at address {:#x}", segment.memsz, segment.vaddr),
            );
        }
    }
}

fn no_loadable(header: &Header, problems: &mut Problems) {
    problems.add(
        Code::NoLoadableSegment,
        Loader::Refuses,
        // The number of program headers.
        match header.target.class {
            Class::Bits32 => 44,
            Class::Bits64 => 56,
        },
        "a segment to load",
        "none",
    );
}

fn check_segment(header: &Header, segment: &Segment, size: u64, problems: &mut Problems) {
    let loaded = segment.kind == raw::PT_LOAD;
    // glibc reads a note segment to look for its ABI note, and maps a loaded one.
    let beyond = match segment.kind {
        raw::PT_LOAD => Loader::Crashes,
        raw::PT_NOTE => Loader::Refuses,
        _ => Loader::Accepts,
    };
    match segment.offset.checked_add(segment.filesz) {
        None => problems.add(
            Code::SegmentOverflow,
            beyond,
            segment.at,
            "offset and size that fit into 64 bits",
            format!("{:#x} + {:#x}", segment.offset, segment.filesz),
        ),
        // A segment without bytes in the file may state any offset.
        Some(end) if end > size && segment.filesz > 0 => problems.add(
            Code::SegmentOutsideFile,
            beyond,
            segment.at,
            format!("a segment inside the file's {size} bytes"),
            format!("{:#x} bytes at {:#x}", segment.filesz, segment.offset),
        ),
        Some(_) => {}
    }
    if segment.kind == raw::PT_NOTE {
        let align = segment.align;
        if align.is_power_of_two() && segment.offset & align.wrapping_sub(1) != 0 {
            problems.add(
                Code::NotesMisaligned,
                Loader::Accepts,
                segment.at,
                format!("an offset that is a multiple of {align}"),
                format!("{:#x}", segment.offset),
            );
        }
    }
    if !loaded {
        return;
    }
    if segment.filesz > segment.memsz {
        problems.add(
            Code::SegmentLargerThanMemory,
            Loader::Accepts,
            segment.at,
            format!(
                "at most {:#x} bytes, the segment's size in memory",
                segment.memsz
            ),
            format!("{:#x} bytes in the file", segment.filesz),
        );
    }
    let limit = match header.target.class {
        Class::Bits32 => u64::from(u32::MAX),
        Class::Bits64 => u64::MAX,
    };
    let end = segment.vaddr.checked_add(segment.memsz.max(segment.filesz));
    if end.is_none_or(|end| end > limit) {
        problems.add(
            Code::SegmentAddressOverflow,
            Loader::Crashes,
            segment.at,
            format!("an end in memory of at most {limit:#x}"),
            format!("{:#x} bytes at {:#x}", segment.memsz, segment.vaddr),
        );
    }
    check_alignment(segment, problems);
}

fn check_alignment(segment: &Segment, problems: &mut Problems) {
    let slide = segment.vaddr.wrapping_sub(segment.offset);
    let align = segment.align.max(1);
    // glibc asks for agreement within a page only, and takes any stated alignment.
    let loader = if slide.is_multiple_of(PAGE) {
        Loader::Accepts
    } else {
        Loader::Refuses
    };
    let agrees = align.is_power_of_two() && slide & align.wrapping_sub(1) == 0;
    if loader == Loader::Refuses || !agrees {
        problems.add(
            Code::SegmentMisaligned,
            loader,
            segment.at,
            "an alignment that is a power of two, and an address and an offset that agree \
             in it and in the page",
            format!(
                "alignment {:#x}, address {:#x}, offset {:#x}",
                segment.align, segment.vaddr, segment.offset
            ),
        );
    }
}

fn check_pair(before: &Segment, after: &Segment, problems: &mut Problems) {
    if after.vaddr < before.vaddr {
        problems.add(
            Code::SegmentsUnordered,
            Loader::Crashes,
            after.at,
            format!(
                "an address of at least {:#x}, that of the segment before",
                before.vaddr
            ),
            format!("{:#x}", after.vaddr),
        );
        return;
    }
    let end = before.vaddr.saturating_add(before.memsz.max(before.filesz));
    if after.vaddr < end {
        problems.add(
            Code::SegmentsOverlap,
            Loader::Crashes,
            after.at,
            format!("an address of at least {end:#x}, the end of the segment before"),
            format!("{:#x}", after.vaddr),
        );
        return;
    }
    // Two segments in one page: the later one's file bytes replace the tail of the first.
    // That is harmless only while both map the same part of the file there.
    let same_page = after.vaddr / PAGE == end.saturating_sub(1) / PAGE;
    let slide = |segment: &Segment| segment.vaddr.wrapping_sub(segment.offset);
    if same_page && before.memsz > 0 && slide(before) != slide(after) {
        problems.add(
            Code::SegmentsOverlap,
            Loader::Accepts,
            after.at,
            format!("an address in a page after {end:#x}"),
            format!(
                "{:#x}, whose page replaces the end of the segment before",
                after.vaddr
            ),
        );
    }
}
