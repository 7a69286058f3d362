//! One PE file, put together.

use std::ffi::OsStr;

use plugwright_manifest::note;

use crate::arch::ByteOrder;
use crate::auditable;
use crate::budget::Budget;
use crate::depth::Depth;
use crate::elf::{Owner, Region, walk_notes};
use crate::headers::{FormatFacts, ImageHeaders};
use crate::identity::Image;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::qt::{self, QtMetadata};
use crate::read_at::ReadAt;
use crate::records;
use crate::scan::{ImageScan, NameView, SymbolView};
use crate::source::Source;
use crate::symbols::{Binding, ImageSymbols, Symbol};

use super::directories::{Directories, PeSymbol, See};
use super::header::{self, Header, Section};
use super::{PeFacts, PeFlags};

/// `IMAGE_SCN_MEM_SHARED`, `_EXECUTE` and `_WRITE`.
const SHARED: u32 = 0x1000_0000;
const EXECUTE: u32 = 0x2000_0000;
const WRITE: u32 = 0x8000_0000;

pub(crate) fn read<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    depth: Depth,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Option<ImageSymbols> {
    let (mut exports, mut imports) = (Vec::new(), Vec::new());
    let mut keep = |symbol: PeSymbol<'_>| {
        let list = if symbol.is_export {
            &mut exports
        } else {
            &mut imports
        };
        list.push(Symbol {
            name: symbol.name.into(),
            version: None,
            library: symbol.library.cloned(),
            ordinal: symbol.ordinal,
            kind: symbol.kind,
            binding: Binding::Global,
            address: symbol.address.into(),
            size: 0,
            offset: symbol.offset,
        });
    };
    let see: See<'_> = if depth >= Depth::Symbols {
        Some(&mut keep)
    } else {
        None
    };
    let headers = headers(source, depth, file_name, see, problems)?;
    Some(ImageSymbols {
        headers,
        exports,
        imports,
        relocations: None,
        kinds: Vec::new(),
    })
}

/// Shows each symbol instead of keeping it.
pub(crate) fn scan<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    see: &mut dyn FnMut(SymbolView<'_>),
    problems: &mut Problems,
) -> Option<ImageScan> {
    let mut show = |symbol: PeSymbol<'_>| {
        see(SymbolView {
            name: NameView::whole(symbol.name),
            is_export: symbol.is_export,
            kind: symbol.kind,
            binding: Binding::Global,
            address: symbol.address.into(),
            offset: symbol.offset,
        });
    };
    let headers = headers(source, Depth::Symbols, file_name, Some(&mut show), problems)?;
    Some(ImageScan {
        headers,
        relocations: None,
    })
}

fn headers<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    depth: Depth,
    file_name: Option<&OsStr>,
    mut see: See<'_>,
    problems: &mut Problems,
) -> Option<ImageHeaders> {
    let header = Header::read(source, problems)?;
    let sections = header.read_sections(source, problems);
    let image = Image {
        target: header.target,
        kind: header.kind,
        offset: 0,
        size: source.size(),
        records: own_records(&sections, depth, file_name, source, problems),
        qt: qt_metadata(&header, &sections, source, problems),
    };
    let mut headers = ImageHeaders {
        image,
        name: None,
        needed: Vec::new(),
        needed_at: Vec::new(),
        run_path: None,
        crates: Vec::new(),
        facts: FormatFacts::Pe(Box::default()),
    };
    if depth >= Depth::Headers {
        let listed = |section: &&Section| section.name == auditable::SECTION;
        if let Some(section) = sections.iter().find(listed) {
            let (at, len) = (section.offset.into(), section.len().into());
            headers.crates = auditable::read(source, at, len, problems);
        }
        let mut directories = Directories {
            header: &header,
            sections: &sections,
            source,
            problems,
            text: Budget::new(if see.is_some() {
                limits::SYMBOL_TEXT
            } else {
                limits::HEADER_TEXT
            }),
            at: 0,
        };
        headers.name = directories.exports(&mut see);
        for import in directories.imports(false, &mut see) {
            headers.needed.push(import.library);
            headers.needed_at.push(import.at);
        }
        let mut facts = facts(&header, &sections);
        for import in directories.imports(true, &mut see) {
            facts.delayed.push(import.library);
            facts.delayed_at.push(import.at);
        }
        if let Some((file, id)) = directories.debug() {
            (facts.debug_file, facts.debug_id) = (Some(file), Some(id));
        }
        facts.flags.shadow_stack = directories.has_shadow_stack();
        facts.manifest = directories.has_manifest();
        facts.thread_callbacks = directories.has_thread_callbacks();
        facts.stack_cookie = directories.has_stack_cookie();
        headers.facts = FormatFacts::Pe(Box::new(facts));
    }
    Some(headers)
}

fn facts(header: &Header, sections: &[Section]) -> PeFacts {
    let flag = |bit: u16| header.dll_characteristics & bit != 0;
    let count = |flags: u32| {
        let found = sections
            .iter()
            .filter(|section| section.flags & flags == flags);
        found.count() as u64
    };
    let code = sections
        .iter()
        .filter(|section| section.flags & EXECUTE != 0);
    PeFacts {
        code: code
            .map(|section| (section.offset.into(), section.raw_size.into()))
            .collect(),
        flags_at: header.dll_characteristics_at,
        subsystem: header.subsystem,
        flags: PeFlags {
            aslr: flag(0x40),
            high_entropy: flag(0x20),
            no_execute: flag(0x100),
            control_flow_guard: flag(0x4000),
            force_integrity: flag(0x80),
            shadow_stack: false,
        },
        signed: header.directory(header::CERTIFICATES).is_some(),
        resources: header.directory(header::RESOURCES).is_some(),
        writable_code: count(WRITE | EXECUTE),
        shared_writable: count(WRITE | SHARED),
        ..PeFacts::default()
    }
}

fn own_records<R: ReadAt + ?Sized>(
    sections: &[Section],
    depth: Depth,
    file_name: Option<&OsStr>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<plugwright_manifest::Record> {
    let named = |section: &&Section| section.name == note::PE_SECTION.as_bytes();
    let Some(section) = sections.iter().find(named) else {
        return Vec::new();
    };
    let region = Region {
        offset: section.offset.into(),
        len: section.len().into(),
        align: 4,
        order: ByteOrder::Little,
    };
    let mut notes = Vec::new();
    walk_notes(source, region, problems, |note| {
        if note.owner == Owner::Plugwright {
            notes.push(note);
        }
    });
    records::decode(&notes, depth, file_name, source, problems)
}

fn qt_metadata<R: ReadAt + ?Sized>(
    header: &Header,
    sections: &[Section],
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Option<QtMetadata> {
    // The name is cut to eight bytes where the linker makes no long names.
    let section = sections
        .iter()
        .find(|section| section.name == qt::SECTION || section.name == b".qtmetad")?;
    for (flag, code, what) in [
        (WRITE, Code::QtWritable, "writable"),
        (EXECUTE, Code::QtExecutable, "executable"),
    ] {
        if section.flags & flag != 0 {
            problems.add(
                code,
                Loader::Accepts,
                section.at,
                format!("a section that is not {what}"),
                format!("flags {:#x}", section.flags),
            );
            return None;
        }
    }
    let at = u64::from(section.offset);
    match source.table(at, section.len().into(), limits::QT_METADATA) {
        Ok(bytes) => qt::decode_section(&bytes, at, header.target.machine, problems),
        Err(fault) => {
            problems.push(fault.into_problem(Code::QtTooSmall, Loader::Accepts, "Qt metadata"));
            None
        }
    }
}
