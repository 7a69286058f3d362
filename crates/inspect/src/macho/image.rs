//! One Mach-O image: a thin file, or a slice of a universal one.

use std::ffi::OsStr;

use plugwright_manifest::note::MACHO_SECTION;

use crate::arch::{Format, Kind, Machine, Target};
use crate::auditable;
use crate::budget::Budget;
use crate::depth::Depth;
use crate::elf::{Owner, Region, walk_notes};
use crate::fields::Fields;
use crate::headers::{FormatFacts, ImageHeaders};
use crate::identity::Image;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::qt;
use crate::read_at::ReadAt;
use crate::records;
use crate::source::Source;
use crate::symbols::ImageSymbols;
use crate::untrusted::Untrusted;

use super::commands::{self, Command, Section, Segment};
use super::{MachOFacts, Slice, magic, symbols};

/// The header's facts.
pub(super) struct Header {
    pub(super) target: Target,
    pub(super) flags: u32,
    kind: Kind,
    cpu_subtype: u32,
    commands: u32,
    commands_at: u64,
    commands_len: u64,
}

/// `MH_ALLOW_STACK_EXECUTION`.
const STACK_EXECUTION: u32 = 0x2_0000;

pub(super) fn read<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    slice: Slice,
    depth: Depth,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Option<ImageSymbols> {
    let header = header(source, slice, problems)?;
    let table = slice
        .at(header.commands_at, header.commands_len)
        .and_then(|at| source.table(at, header.commands_len, limits::LOAD_COMMANDS));
    let table = match table {
        Ok(table) => table,
        Err(fault) => {
            problems.push(fault.into_problem(
                Code::LoadCommandsOutsideFile,
                Loader::Refuses,
                "the load commands",
            ));
            Vec::new()
        }
    };
    let at = slice.base.saturating_add(header.commands_at);
    let order = header.target.byte_order;
    let list = commands::walk(&table, header.commands, at, order, problems);
    let mut facts = MachOFacts {
        cpu_subtype: header.cpu_subtype,
        flags: header.flags,
        executable_stack: header.flags & STACK_EXECUTION != 0,
        ..MachOFacts::default()
    };
    let mut segments = Vec::new();
    let text = Budget::new(limits::HEADER_TEXT);
    let mut headers = ImageHeaders {
        image: Image {
            target: header.target,
            kind: header.kind,
            offset: slice.base,
            size: slice.size,
            records: Vec::new(),
            qt: None,
        },
        name: None,
        needed: Vec::new(),
        needed_at: Vec::new(),
        run_path: None,
        crates: Vec::new(),
        facts: FormatFacts::MachO(Box::default()),
    };
    let mut encrypted = None;
    for command in &list {
        match command.kind {
            commands::LC_SEGMENT | commands::LC_SEGMENT_64 => {
                segments.extend(commands::segment(command, problems));
            }
            commands::LC_ENCRYPTION_INFO | commands::LC_ENCRYPTION_INFO_64 => {
                encrypted = encryption(command).or(encrypted);
            }
            _ => {
                library(command, &text, &mut headers, &mut facts, problems);
            }
        }
    }
    facts.encrypted = encrypted.is_some();
    check_segments(&header, slice, &segments, problems);
    segment_facts(&header, slice, &segments, &mut facts);
    metadata(
        source,
        slice,
        &header,
        &segments,
        encrypted,
        depth,
        file_name,
        &mut headers,
        problems,
    );
    if !facts.run_paths.is_empty() {
        let joined: Vec<&[u8]> = facts.run_paths.iter().map(Untrusted::as_bytes).collect();
        headers.run_path = Some(joined.join(&b':').as_slice().into());
    }
    let mut image = ImageSymbols {
        headers,
        exports: Vec::new(),
        imports: Vec::new(),
        relocations: None,
        kinds: Vec::new(),
    };
    let table = list
        .iter()
        .find(|command| command.kind == commands::LC_SYMTAB);
    if let (Depth::Symbols, Some(command)) = (depth, table) {
        let libraries = image.headers.needed.clone();
        let sections: Vec<Section> = segments
            .iter()
            .flat_map(|segment| segment.sections.iter().copied())
            .collect();
        (image.exports, image.imports) = symbols::read(
            source, slice, &header, command, &libraries, &sections, problems,
        );
    }
    image.headers.facts = FormatFacts::MachO(Box::new(facts));
    Some(image)
}

fn header<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    slice: Slice,
    problems: &mut Problems,
) -> Option<Header> {
    let truncated = |problems: &mut Problems| {
        problems.add(
            Code::HeaderTruncated,
            Loader::Refuses,
            slice.base,
            "a Mach-O header",
            format!("{} bytes", slice.size),
        );
    };
    // The wide header has one more word, which is reserved.
    let bytes = slice.at(0, 28).and_then(|at| source.bytes(at, 28));
    let Ok(bytes) = bytes else {
        truncated(problems);
        return None;
    };
    let Some((class, byte_order)) = magic(bytes) else {
        problems.add(
            Code::NotALibrary,
            Loader::Refuses,
            slice.base,
            "the mark of a Mach-O image",
            crate::problem::quote(bytes.get(..4).unwrap_or_default()),
        );
        return None;
    };
    let fields = Fields::new(bytes, byte_order);
    let kind = match fields.u32(12)? {
        1 => Kind::Relocatable,
        2 => Kind::Executable,
        4 => Kind::Core,
        6 => Kind::SharedLibrary,
        8 => Kind::Bundle,
        other => Kind::Other(other),
    };
    if !matches!(kind, Kind::SharedLibrary | Kind::Bundle) {
        problems.add(
            Code::NotASharedObject,
            Loader::Refuses,
            slice.base.saturating_add(12),
            "a library (type 6) or a bundle (type 8)",
            format!("{kind:?}").to_lowercase(),
        );
    }
    let commands_at = match class {
        crate::arch::Class::Bits32 => 28,
        crate::arch::Class::Bits64 => 32,
    };
    Some(Header {
        target: Target {
            format: Format::MachO,
            machine: Machine::from_macho(fields.u32(4)?),
            class,
            byte_order,
        },
        cpu_subtype: fields.u32(8)?,
        kind,
        commands: fields.u32(16)?,
        commands_len: fields.u32(20)?.into(),
        commands_at,
        flags: fields.u32(24)?,
    })
}

/// Start and end of the encrypted part, if it is encrypted.
fn encryption(command: &Command<'_>) -> Option<(u64, u64)> {
    let fields = command.fields();
    let (start, size) = (u64::from(fields.u32(8)?), u64::from(fields.u32(12)?));
    (fields.u32(16)? != 0).then_some((start, start.saturating_add(size)))
}

/// The commands that name something, and those that are facts in themselves.
fn library(
    command: &Command<'_>,
    text: &Budget,
    headers: &mut ImageHeaders,
    facts: &mut MachOFacts,
    problems: &mut Problems,
) {
    match command.kind {
        commands::LC_UUID => {
            let uuid = command.bytes.get(8..24);
            facts.uuid = uuid.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
            return;
        }
        commands::LC_BUILD_VERSION => {
            facts.platform = command.fields().u32(8);
            return;
        }
        commands::LC_CODE_SIGNATURE => {
            facts.signed = true;
            let place = command.fields().u32(8).zip(command.fields().u32(12));
            facts.signature_at = place.map(|(offset, size)| (offset.into(), size.into()));
            return;
        }
        commands::LC_ID_DYLIB
        | commands::LC_LOAD_DYLIB
        | commands::LC_LOAD_WEAK_DYLIB
        | commands::LC_REEXPORT_DYLIB
        | commands::LC_LAZY_LOAD_DYLIB
        | commands::LC_LOAD_UPWARD_DYLIB
        | commands::LC_RPATH => {}
        _ => return,
    }
    let Some(name) = command.text(8) else {
        let expected = "a name inside the command".into();
        let found = format!("{:#x}", command.fields().u32(8).unwrap_or_default());
        commands::invalid(problems, command.at, expected, found);
        return;
    };
    if text.spend(name.as_bytes().len()).is_none() {
        let limit = limits::HEADER_TEXT as u64;
        problems.limit(command.at, "bytes of names", limit.saturating_add(1), limit);
        return;
    }
    match command.kind {
        commands::LC_ID_DYLIB => headers.name = Some(name),
        commands::LC_RPATH => {
            facts.run_paths.push(name);
            facts.run_paths_at.push(command.at);
        }
        kind => {
            match kind {
                commands::LC_LOAD_WEAK_DYLIB => facts.weak_libraries.push(name.clone()),
                commands::LC_REEXPORT_DYLIB => facts.reexported_libraries.push(name.clone()),
                _ => {}
            }
            headers.needed.push(name);
            headers.needed_at.push(command.at);
        }
    }
}

fn check_segments(header: &Header, slice: Slice, segments: &[Segment], problems: &mut Problems) {
    for segment in segments {
        if let Err(fault) = slice.at(segment.offset, segment.filesz) {
            let mut problem =
                fault.into_problem(Code::SegmentOutsideFile, Loader::Refuses, "a segment");
            problem.offset = Some(segment.at);
            problems.push(problem);
        }
        // An object file keeps all sections in one segment without name.
        for section in segment
            .sections
            .iter()
            .filter(|section| section.is_in_file())
        {
            if section.size > 0
                && let Err(fault) = slice.at(section.offset, section.size)
            {
                let mut problem =
                    fault.into_problem(Code::SectionOutsideFile, Loader::Accepts, "a section");
                problem.offset = Some(segment.at);
                problems.push(problem);
            }
        }
    }
    if segments.is_empty() && matches!(header.kind, Kind::SharedLibrary | Kind::Bundle) {
        problems.add(
            Code::NoLoadableSegment,
            Loader::Refuses,
            slice.base,
            "a segment to load",
            "none",
        );
    }
}

fn segment_facts(header: &Header, slice: Slice, segments: &[Segment], facts: &mut MachOFacts) {
    const EXECUTABLE: u32 = 4;
    const WRITABLE_CODE: u32 = 2 | EXECUTABLE;
    for segment in segments {
        if segment.protection & WRITABLE_CODE == WRITABLE_CODE {
            facts.writable_code = facts.writable_code.saturating_add(1);
        }
        if segment.protection & EXECUTABLE != 0 {
            let offset = slice.base.saturating_add(segment.offset);
            facts.code.push((offset, segment.filesz));
        }
        for section in &segment.sections {
            // Pointers to functions, or their 32-bit offsets.
            let entry = match section.flags & 0xff {
                0x9 => header.target.class.word(),
                0x16 => 4,
                _ => continue,
            };
            let count = section.size.checked_div(entry).unwrap_or_default();
            facts.constructors = facts.constructors.saturating_add(count);
        }
    }
}

fn metadata<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    slice: Slice,
    header: &Header,
    segments: &[Segment],
    encrypted: Option<(u64, u64)>,
    depth: Depth,
    file_name: Option<&OsStr>,
    headers: &mut ImageHeaders,
    problems: &mut Problems,
) {
    let find = |segment: &str, name: &str| {
        let mut sections = segments.iter().flat_map(|segment| &segment.sections);
        let found = sections.find(|section| section.is(segment.as_bytes(), name.as_bytes()))?;
        (found.is_in_file() && found.size > 0).then_some(*found)
    };
    let readable = |section: &Section, problems: &mut Problems| {
        // Told by the check of all sections when it is outside.
        let at = slice.at(section.offset, section.size).ok()?;
        let hidden = encrypted.is_some_and(|(start, end)| {
            section.offset < end && section.offset.saturating_add(section.size) > start
        });
        if hidden {
            problems.add(
                Code::Encrypted,
                Loader::Accepts,
                at,
                "metadata that can be read",
                "an encrypted part of the file",
            );
            return None;
        }
        Some(at)
    };
    if let Some(section) = find(MACHO_SECTION.0, MACHO_SECTION.1)
        && let Some(offset) = readable(&section, problems)
    {
        let region = Region {
            offset,
            len: section.size,
            align: 4,
            order: header.target.byte_order,
        };
        let mut notes = Vec::new();
        walk_notes(source, region, problems, |note| {
            if note.owner == Owner::Plugwright {
                notes.push(note);
            }
        });
        headers.image.records = records::decode(&notes, depth, file_name, source, problems);
    }
    if depth >= Depth::Headers
        && let Some(section) = find("__DATA", ".dep-v0")
        && let Some(at) = readable(&section, problems)
    {
        headers.crates = auditable::read(source, at, section.size, problems);
    }
    if let Some(section) = find("__TEXT", "qtmetadata")
        && let Some(at) = readable(&section, problems)
    {
        match source.table(at, section.size, limits::QT_METADATA) {
            Ok(bytes) => {
                headers.image.qt = qt::decode_section(&bytes, at, header.target.machine, problems);
            }
            Err(fault) => {
                problems.push(fault.into_problem(Code::QtTooSmall, Loader::Accepts, "Qt metadata"));
            }
        }
    }
}
