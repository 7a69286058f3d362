//! One ELF file, put together at the two depths.

use std::borrow::Cow;
use std::ffi::OsStr;

use serde::Serialize;

use crate::auditable;
use crate::depth::Depth;
use crate::fields::until_nul;
use crate::headers::{FormatFacts, ImageHeaders};
use crate::identity::Image;
use crate::kinds::{self, ImageKinds, Recogniser};
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::qt::{self, QtMetadata};
use crate::read_at::ReadAt;
use crate::records;
use crate::scan::{ImageScan, SymbolView};
use crate::source::Source;
use crate::symbols::ImageSymbols;
use crate::untrusted::Untrusted;

use super::dynamic::{Dynamic, DynamicFlags, Entry};
use super::header::{self, Header, Segment};
use super::notes::{Note, Owner, Region, walk};
use super::properties::{self, GnuProperties};
use super::sections::Sections;
use super::symbols::SymbolTable;
use super::versions::{self, VersionDefinition, VersionNeed};
use super::{hash, raw, relocations, structure, views};

/// What only ELF files have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ElfFacts {
    /// `EI_OSABI`: 0 is System V, 3 is GNU.
    pub os_abi: u8,
    /// `e_flags`, whose meaning is the processor's.
    pub processor_flags: u32,
    /// The program interpreter; libraries rarely have one.
    pub interpreter: Option<Untrusted>,
    /// Old run path: searched before everything else, also for what its needs need.
    pub rpath: Option<Untrusted>,
    /// The build id in lower-case hexadecimal digits.
    pub build_id: Option<String>,
    /// What the dynamic section's flags ask for.
    pub flags: DynamicFlags,
    /// Libraries whose symbols replace this one's (`DT_FILTER`, `DT_AUXILIARY`).
    pub filters: Vec<Untrusted>,
    /// Where the entry of each of them stands in the file, in bytes.
    #[serde(skip)]
    pub filters_at: Vec<u64>,
    /// Libraries that audit the process (`DT_AUDIT`, `DT_DEPAUDIT`).
    pub auditors: Vec<Untrusted>,
    /// Where the entry of each of them stands in the file, in bytes.
    #[serde(skip)]
    pub auditors_at: Vec<u64>,
    /// Code that runs when the library is loaded: constructors in `DT_INIT_ARRAY`, and
    /// one more for `DT_INIT`.
    pub constructors: u64,
    /// Code that runs when it is unloaded, counted in the same way.
    pub destructors: u64,
    /// Whether it has thread-local storage.
    pub thread_local: bool,
    /// Whether the stack is executable, `None` when the file does not say, which glibc
    /// takes for yes.
    pub executable_stack: Option<bool>,
    /// Whether parts are made read-only after relocation.
    pub relro: bool,
    /// Loaded segments that are writable and executable at once.
    pub writable_code: u64,
    /// What its code keeps to and needs.
    pub properties: GnuProperties,
    /// The file with its debug information (`.gnu_debuglink`).
    pub debug_link: Option<Untrusted>,
    /// What a kernel module says of itself, as `key=value` (`.modinfo`).
    pub module_info: Vec<Untrusted>,
    /// Bytes behind everything that the headers name. The file may be another kind of file
    /// as well.
    pub trailing_bytes: u64,
    /// Symbol versions that it defines, the base definition left out.
    pub versions_defined: Vec<VersionDefinition>,
    /// Symbol versions that it needs, by library.
    pub versions_needed: Vec<VersionNeed>,
    /// The number of its dynamic symbols, as far as a hash table tells.
    pub dynamic_symbols: Option<u64>,
    /// The dynamic section, entry by entry and with its places in the file, for who has to
    /// show where something stands.
    #[serde(skip)]
    pub dynamic_entries: Vec<DynamicEntry>,
    /// The program headers, likewise.
    #[serde(skip)]
    pub program_headers: Vec<ProgramHeader>,
}

/// One entry of the dynamic section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamicEntry {
    /// `d_tag`.
    pub tag: u64,
    /// `d_un`: a number, an address, or an index into the table of strings.
    pub value: u64,
    /// Where the entry stands in the file, in bytes.
    pub offset: u64,
}

/// One program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramHeader {
    /// `p_type`.
    pub kind: u32,
    /// `p_flags`: 1 is executable, 2 writable, 4 readable.
    pub flags: u32,
    /// `p_offset`, in bytes.
    pub offset: u64,
    /// `p_vaddr`.
    pub address: u64,
    /// `p_filesz`, in bytes.
    pub size: u64,
    /// Where the header itself stands in the file, in bytes.
    pub at: u64,
}

struct Parts {
    header: Header,
    segments: Vec<Segment>,
    notes: Vec<Note>,
    sections: Option<Sections>,
}

fn parts<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    problems: &mut Problems,
    depth: Depth,
) -> Option<Parts> {
    let header = Header::read(source, problems)?;
    let segments = header::segments(&header, source, problems);
    structure::check(&header, &segments, source.size(), problems);
    let mut notes = Vec::new();
    for segment in segments
        .iter()
        .filter(|segment| segment.kind == raw::PT_NOTE)
    {
        let region = Region {
            offset: segment.offset,
            len: segment.filesz,
            align: segment.align,
            order: header.target.byte_order,
        };
        walk(source, region, problems, |note| notes.push(note));
    }
    let found = notes.iter().any(is_metadata);
    let sections =
        (!found || depth >= Depth::Headers).then(|| Sections::read(&header, source, problems));
    if sections.is_none() {
        Sections::check_place(&header, source, problems);
    }
    if !found && let Some(sections) = &sections {
        let named = plugwright_manifest::note::ELF_SECTION.as_bytes();
        if let Some(section) = sections
            .find(named)
            .filter(|section| section.kind != raw::SHT_NOBITS)
        {
            let region = Region {
                offset: section.offset,
                len: section.size,
                align: section.align,
                order: header.target.byte_order,
            };
            walk(source, region, problems, |note| notes.push(note));
        }
    }
    Some(Parts {
        header,
        segments,
        notes,
        sections,
    })
}

fn is_metadata(note: &Note) -> bool {
    match note.owner {
        Owner::Plugwright => true,
        Owner::Qt => note.kind == qt::NOTE_TYPE,
        Owner::Gnu | Owner::Other => false,
    }
}

impl Parts {
    fn image<R: ReadAt + ?Sized>(
        &self,
        depth: Depth,
        file_name: Option<&OsStr>,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Image {
        let own = |note: &&Note| note.owner == Owner::Plugwright;
        let notes: Vec<Note> = self.notes.iter().filter(own).copied().collect();
        Image {
            target: self.header.target,
            kind: self.header.kind,
            offset: 0,
            size: source.size(),
            records: records::decode(&notes, depth, file_name, source, problems),
            qt: self.qt(source, problems),
        }
    }

    fn qt<R: ReadAt + ?Sized>(
        &self,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<QtMetadata> {
        let machine = self.header.target.machine;
        let is_qt = |note: &&Note| note.owner == Owner::Qt && note.kind == qt::NOTE_TYPE;
        if let Some(note) = self.notes.iter().find(is_qt) {
            let word = self.header.target.class.word();
            if note.align != word {
                problems.add(
                    Code::QtNoteAlignment,
                    Loader::Accepts,
                    note.desc,
                    format!("a note segment aligned to {word}, the only one Qt looks into"),
                    note.align.to_string(),
                );
            }
            let bytes = qt_bytes(source, problems, note.desc, note.desc_len)?;
            return qt::decode_note(&bytes, note.desc, machine, problems);
        }
        let sections = self.sections.as_ref()?;
        let section = sections.find(qt::SECTION)?;
        for (flag, code, what) in [
            (raw::SHF_WRITE, Code::QtWritable, "writable"),
            (raw::SHF_EXECINSTR, Code::QtExecutable, "executable"),
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
        if section.kind == raw::SHT_NOBITS {
            return None;
        }
        let bytes = qt_bytes(source, problems, section.offset, section.size)?;
        qt::decode_section(&bytes, section.offset, machine, problems)
    }

    fn build_id<R: ReadAt + ?Sized>(&self, source: &mut Source<'_, R>) -> Option<String> {
        let note = self
            .notes
            .iter()
            .find(|note| note.owner == Owner::Gnu && note.kind == raw::NT_GNU_BUILD_ID)?;
        let len = note.desc_len.min(limits::BUILD_ID);
        let bytes = source.bytes(note.desc, usize::try_from(len).ok()?).ok()?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn interpreter<R: ReadAt + ?Sized>(&self, source: &mut Source<'_, R>) -> Option<Untrusted> {
        let segment = self
            .segments
            .iter()
            .find(|segment| segment.kind == raw::PT_INTERP)?;
        let len = usize::try_from(segment.filesz).ok()?.min(limits::PAGE);
        let bytes = source.bytes(segment.offset, len).ok()?;
        Some(until_nul(bytes).unwrap_or(bytes).into())
    }
}

fn qt_bytes<'s, R: ReadAt + ?Sized>(
    source: &'s mut Source<'_, R>,
    problems: &mut Problems,
    at: u64,
    len: u64,
) -> Option<Cow<'s, [u8]>> {
    match source.view(at, len, limits::QT_METADATA) {
        Ok(bytes) => Some(bytes),
        Err(fault) => {
            problems.push(fault.into_problem(Code::QtTooSmall, Loader::Accepts, "Qt metadata"));
            None
        }
    }
}

/// The quick path.
pub(crate) fn identity<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Option<Image> {
    let parts = parts(source, problems, Depth::Identity)?;
    Some(parts.image(Depth::Identity, file_name, source, problems))
}

/// The quick path's facts, and what the exported names say.
pub(crate) fn kinds<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Option<ImageKinds> {
    let parts = parts(source, problems, Depth::Identity)?;
    let image = parts.image(Depth::Identity, file_name, source, problems);
    let mut recogniser = Recogniser::new(image.target.format);
    let dynamic = Dynamic::read(&parts.header, &parts.segments, source, problems);
    let table = dynamic.and_then(|dynamic| {
        hash::prefetch(&dynamic, source);
        let count = hash::check(&dynamic, source, problems)?;
        SymbolTable::read_bare(&dynamic, count, source, problems)
    });
    for name in table.iter().flat_map(SymbolTable::defined_names) {
        recogniser.see(name);
    }
    // A file with metadata on its first page is a library, and no module of the kernel.
    let is_module = !parts.module_info(source, problems).is_empty();
    let mut kinds = recogniser.finish(&image, is_module);
    kinds::look_further(&mut kinds, &image, source, problems);
    Some(ImageKinds { image, kinds })
}

/// The quick path's facts and the dynamic section's.
pub(crate) fn headers<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Option<ImageHeaders> {
    let parts = parts(source, problems, Depth::Headers)?;
    let (headers, _) = parts.headers(file_name, source, problems);
    Some(headers)
}

/// The headers' facts, all symbols and the relocations.
pub(crate) fn symbols<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Option<ImageSymbols> {
    let parts = parts(source, problems, Depth::Headers)?;
    let (headers, dynamic) = parts.headers(file_name, source, problems);
    let mut image = ImageSymbols {
        headers,
        exports: Vec::new(),
        imports: Vec::new(),
        relocations: None,
        kinds: Vec::new(),
    };
    let Some(dynamic) = dynamic else {
        return Some(image);
    };
    let count = image.headers.elf().and_then(|facts| facts.dynamic_symbols);
    image.relocations = Some(relocations::count(&dynamic, count, source, problems));
    let table = count.and_then(|count| SymbolTable::read(&dynamic, count, source, problems));
    if let Some(table) = table {
        table.check(problems);
        (image.exports, image.imports) = table.describe(problems);
    }
    Some(image)
}

/// The headers' facts and the relocations; each symbol is shown to `see` instead of kept.
pub(crate) fn scan<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    see: &mut dyn FnMut(SymbolView<'_>),
    problems: &mut Problems,
) -> Option<ImageScan> {
    let parts = parts(source, problems, Depth::Headers)?;
    let (headers, dynamic) = parts.headers(file_name, source, problems);
    let mut image = ImageScan {
        headers,
        relocations: None,
    };
    let Some(dynamic) = dynamic else {
        return Some(image);
    };
    let count = image.headers.elf().and_then(|facts| facts.dynamic_symbols);
    image.relocations = Some(relocations::count(&dynamic, count, source, problems));
    let table = count.and_then(|count| SymbolTable::read_names(&dynamic, count, source, problems));
    if let Some(table) = table {
        table.check(problems);
        table.show(see);
    }
    Some(image)
}

impl Parts {
    fn headers<R: ReadAt + ?Sized>(
        &self,
        file_name: Option<&OsStr>,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> (ImageHeaders, Option<Dynamic<'_>>) {
        let mut facts = ElfFacts {
            os_abi: self.header.os_abi,
            processor_flags: self.header.flags,
            build_id: self.build_id(source),
            interpreter: self.interpreter(source),
            properties: self.properties(source),
            debug_link: self.debug_link(source),
            module_info: self.module_info(source, problems),
            program_headers: self.segments.iter().map(program_header).collect(),
            trailing_bytes: views::trailing_bytes(
                &self.header,
                &self.segments,
                self.sections.as_ref(),
                source.size(),
            ),
            ..ElfFacts::default()
        };
        segment_facts(&self.segments, &mut facts);
        let mut headers = ImageHeaders {
            image: self.image(Depth::Headers, file_name, source, problems),
            name: None,
            needed: Vec::new(),
            needed_at: Vec::new(),
            run_path: None,
            crates: Vec::new(),
            facts: FormatFacts::Elf(Box::default()),
        };
        if let Some((at, len)) = self.section_place(auditable::SECTION) {
            headers.crates = auditable::read(source, at, len, problems);
        }
        if let Some(sections) = &self.sections {
            views::compare_memory(sections, &self.segments, problems);
        }
        let dynamic = Dynamic::read(&self.header, &self.segments, source, problems);
        if let Some(dynamic) = &dynamic {
            headers.name = dynamic.string_of(raw::DT_SONAME, source, problems);
            let needed = dynamic.strings_of(raw::DT_NEEDED, source, problems);
            (headers.needed, headers.needed_at) = needed.into_iter().unzip();
            headers.run_path = dynamic.string_of(raw::DT_RUNPATH, source, problems);
            dynamic_facts(dynamic, &mut facts, source, problems);
            if let Some(sections) = &self.sections {
                views::compare(sections, dynamic, facts.dynamic_symbols, problems);
            }
        } else if self.header.kind == crate::arch::Kind::SharedLibrary && !self.segments.is_empty()
        {
            problems.add(
                Code::NoDynamicSection,
                Loader::Refuses,
                self.header.phoff,
                "a dynamic section",
                "none",
            );
        }
        headers.facts = FormatFacts::Elf(Box::new(facts));
        (headers, dynamic)
    }

    fn properties<R: ReadAt + ?Sized>(&self, source: &mut Source<'_, R>) -> GnuProperties {
        let note = self
            .notes
            .iter()
            .find(|note| note.owner == Owner::Gnu && note.kind == raw::NT_GNU_PROPERTY_TYPE_0);
        let desc = note.and_then(|note| {
            source
                .table(note.desc, note.desc_len, limits::PROPERTIES)
                .ok()
        });
        let target = self.header.target;
        let desc = desc.unwrap_or_default();
        properties::decode(&desc, target.class, target.byte_order, target.machine)
    }

    fn section_place(&self, name: &[u8]) -> Option<(u64, u64)> {
        let section = self.sections.as_ref()?.find(name)?;
        (section.kind != raw::SHT_NOBITS).then_some((section.offset, section.size))
    }

    /// The strings of `.modinfo`, which stand one behind the other.
    fn module_info<R: ReadAt + ?Sized>(
        &self,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Vec<Untrusted> {
        let section = self
            .sections
            .as_ref()
            .and_then(|sections| sections.find(b".modinfo"));
        let Some(section) = section else {
            return Vec::new();
        };
        match source.table(section.offset, section.size, limits::MODULE_INFO) {
            Ok(bytes) => bytes
                .split(|byte| *byte == 0)
                .filter(|text| !text.is_empty())
                .map(Untrusted::from)
                .collect(),
            Err(fault) => {
                problems.push(fault.into_problem(
                    Code::SectionOutsideFile,
                    Loader::Accepts,
                    "the section .modinfo",
                ));
                Vec::new()
            }
        }
    }

    fn debug_link<R: ReadAt + ?Sized>(&self, source: &mut Source<'_, R>) -> Option<Untrusted> {
        let section = self.sections.as_ref()?.find(b".gnu_debuglink")?;
        let len = usize::try_from(section.size).ok()?.min(limits::PAGE);
        let bytes = source.bytes(section.offset, len).ok()?;
        Some(until_nul(bytes)?.into())
    }
}

fn program_header(segment: &Segment) -> ProgramHeader {
    ProgramHeader {
        kind: segment.kind,
        flags: segment.flags,
        offset: segment.offset,
        address: segment.vaddr,
        size: segment.filesz,
        at: segment.at,
    }
}

fn segment_facts(segments: &[Segment], facts: &mut ElfFacts) {
    for segment in segments {
        match segment.kind {
            raw::PT_TLS => facts.thread_local = true,
            raw::PT_GNU_STACK => facts.executable_stack = Some(segment.flags & raw::PF_X != 0),
            raw::PT_GNU_RELRO => facts.relro = true,
            raw::PT_LOAD if segment.flags & (raw::PF_W | raw::PF_X) == raw::PF_W | raw::PF_X => {
                facts.writable_code = facts.writable_code.saturating_add(1);
            }
            _ => {}
        }
    }
}

fn dynamic_entry(entry: &Entry) -> DynamicEntry {
    DynamicEntry {
        tag: entry.tag,
        value: entry.value,
        offset: entry.at,
    }
}

fn dynamic_facts<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    facts: &mut ElfFacts,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) {
    facts.rpath = dynamic.string_of(raw::DT_RPATH, source, problems);
    facts.flags = dynamic.flags();
    facts.dynamic_entries = dynamic.entries.iter().map(dynamic_entry).collect();
    for tag in [raw::DT_FILTER, raw::DT_AUXILIARY] {
        for (name, at) in dynamic.strings_of(tag, source, problems) {
            facts.filters.push(name);
            facts.filters_at.push(at);
        }
    }
    for tag in [raw::DT_AUDIT, raw::DT_DEPAUDIT] {
        for (name, at) in dynamic.strings_of(tag, source, problems) {
            facts.auditors.push(name);
            facts.auditors_at.push(at);
        }
    }
    let word = dynamic.header.target.class.word();
    let in_array = |size: u64| {
        let size = dynamic.value(size).unwrap_or_default();
        size.checked_div(word).unwrap_or_default()
    };
    let functions = |array: u64, one: u64| {
        in_array(array).saturating_add(u64::from(dynamic.find(one).is_some()))
    };
    facts.constructors = functions(raw::DT_INIT_ARRAYSZ, raw::DT_INIT)
        .saturating_add(in_array(raw::DT_PREINIT_ARRAYSZ));
    facts.destructors = functions(raw::DT_FINI_ARRAYSZ, raw::DT_FINI);
    facts.dynamic_symbols = hash::check(dynamic, source, problems);
    facts.versions_defined = versions::defined(dynamic, source, problems);
    facts.versions_defined.retain(|version| !version.base);
    facts.versions_needed = versions::needed(dynamic, source, problems);
    if let (Some((at, rest)), Some(count)) = (
        dynamic.table(raw::DT_VERSYM, problems),
        facts.dynamic_symbols,
    ) && count.saturating_mul(2) > rest
    {
        problems.add(
            Code::VersionsInvalid,
            Loader::Crashes,
            at,
            format!("a version for each of {count} symbols"),
            format!("{rest} bytes to the end of the segment"),
        );
    }
}
