//! The dynamic section, found as a loader finds it: through the segments.

use std::ops::Range;

use serde::Serialize;

use crate::budget::Budget;
use crate::fields::{Fields, until_nul};
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::{Fault, Source};
use crate::untrusted::Untrusted;

use super::header::{Header, Segment};
use super::raw;

/// Entries of a table that are read at once: what fits beside the rest into a processor's cache.
const ENTRIES_AT_ONCE: usize = 4096;

/// What the flags of a dynamic section ask of a loader (gABI `DF_*`, glibc `DF_1_*`, and
/// the older entries that say the same).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DynamicFlags {
    /// All symbols are bound when the library is loaded.
    pub bind_now: bool,
    /// The library is never unloaded.
    pub no_delete: bool,
    /// It is a program that can be placed anywhere, not a library.
    pub pie: bool,
    /// Relocations write into code.
    pub text_relocations: bool,
    /// It uses static thread-local storage, of which a process has little to spare.
    pub static_tls: bool,
    /// Its own definitions come first when its symbols are bound.
    pub symbolic: bool,
    /// Its constructors run before those of all others.
    pub init_first: bool,
    /// It asks for `RTLD_GLOBAL`.
    pub global: bool,
    /// Its symbols come before those of all libraries but the program's.
    pub interpose: bool,
    /// It may not be loaded by `dlopen`.
    pub no_open: bool,
    /// The default folders are not searched for what it needs.
    pub no_default_library: bool,
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) tag: u64,
    pub(crate) value: u64,
    /// Where the entry stands in the file.
    pub(crate) at: u64,
}

/// The dynamic section with what is needed to follow it.
#[derive(Debug)]
pub(crate) struct Dynamic<'e> {
    pub(crate) header: &'e Header,
    segments: &'e [Segment],
    pub(crate) entries: Vec<Entry>,
    /// Where the section stands in the file, by its address.
    pub(crate) at: u64,
    strings: Option<(u64, u64)>,
    text: Budget,
}

/// The place in the file of `len` bytes at the address `vaddr`, with the bytes that follow
/// in the same segment, if the file holds them.
pub(crate) fn locate(segments: &[Segment], vaddr: u64, len: u64) -> Option<(u64, u64)> {
    // A segment that may only be run is no place for tables: reading it ends the process.
    let readable = raw::PF_R | raw::PF_W;
    let loads = segments
        .iter()
        .filter(|segment| segment.kind == raw::PT_LOAD && segment.flags & readable != 0);
    loads
        .filter_map(|load| {
            let inside = vaddr.checked_sub(load.vaddr)?;
            let rest = load.filesz.checked_sub(inside)?;
            (rest >= len && rest > 0).then_some((load.offset.checked_add(inside)?, rest))
        })
        .next()
}

impl<'e> Dynamic<'e> {
    /// Reads the section that the segment `PT_DYNAMIC` names by address.
    pub(crate) fn read<R: ReadAt + ?Sized>(
        header: &'e Header,
        segments: &'e [Segment],
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Self> {
        // glibc takes the last one.
        let segment = segments
            .iter()
            .rev()
            .find(|segment| segment.kind == raw::PT_DYNAMIC)?;
        let Some((at, rest)) = locate(segments, segment.vaddr, 1) else {
            problems.add(
                Code::AddressNotLoaded,
                Loader::Crashes,
                segment.at,
                "the dynamic section inside a loaded segment",
                format!("address {:#x}", segment.vaddr),
            );
            return None;
        };
        // glibc turns the section's addresses into places in memory, in the section itself,
        // unless the segment says that it is read-only.
        let holder = segments.iter().find(|load| load.holds(segment.vaddr));
        if segment.flags & raw::PF_W != 0 && holder.is_some_and(|load| load.flags & raw::PF_W == 0)
        {
            problems.add(
                Code::DynamicReadOnly,
                Loader::Crashes,
                segment.at,
                "a writable dynamic section in a segment that is loaded writable",
                "one that is loaded read-only",
            );
        }
        if at != segment.offset {
            problems.add(
                Code::ViewsDiffer,
                Loader::Accepts,
                segment.at,
                format!("offset {at:#x}, to which the segment's address leads"),
                format!("offset {:#x}", segment.offset),
            );
        }
        let mut dynamic = Self {
            header,
            segments,
            entries: Vec::new(),
            at,
            strings: None,
            text: Budget::new(limits::HEADER_TEXT),
        };
        dynamic.read_entries(rest, source, problems);
        dynamic.check(problems);
        dynamic.strings = dynamic.find_strings(problems);
        Some(dynamic)
    }

    fn read_entries<R: ReadAt + ?Sized>(
        &mut self,
        rest: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) {
        let class = self.header.target.class;
        let size = class.word().saturating_mul(2);
        let word = usize::try_from(class.word()).unwrap_or(8);
        let most = rest.checked_div(size).unwrap_or_default();
        let mut at = self.at;
        for _ in 0..most.min(limits::DYNAMIC_ENTRIES) {
            let bytes = match source.bytes(at, word.saturating_mul(2)) {
                Ok(bytes) => Fields::new(bytes, self.header.target.byte_order),
                Err(fault) => {
                    problems.push(fault.into_problem(
                        Code::SegmentOutsideFile,
                        Loader::Crashes,
                        "the dynamic section",
                    ));
                    return;
                }
            };
            let (Some(tag), Some(value)) = (bytes.word(0, class), bytes.word(word, class)) else {
                return;
            };
            if tag == raw::DT_NULL {
                return;
            }
            self.entries.push(Entry { tag, value, at });
            at = at.saturating_add(size);
        }
        if most > limits::DYNAMIC_ENTRIES {
            let limit = limits::DYNAMIC_ENTRIES;
            problems.limit(self.at, "dynamic entries", most, limit);
        } else {
            problems.add(
                Code::DynamicUnterminated,
                Loader::Crashes,
                at,
                "an end mark (DT_NULL)",
                "the end of the segment",
            );
        }
    }

    /// The entry with `tag` that a loader acts on: glibc lets the last one win.
    pub(crate) fn find(&self, tag: u64) -> Option<Entry> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.tag == tag)
            .copied()
    }

    /// The value of [`Dynamic::find`].
    pub(crate) fn value(&self, tag: u64) -> Option<u64> {
        self.find(tag).map(|entry| entry.value)
    }

    /// The place in the file of the table whose address stands in the entry `tag`, and the
    /// bytes of the segment from there on.
    pub(crate) fn table(&self, tag: u64, problems: &mut Problems) -> Option<(u64, u64)> {
        let entry = self.find(tag)?;
        let place = locate(self.segments, entry.value, 1);
        if place.is_none() {
            problems.add(
                Code::AddressNotLoaded,
                Loader::Crashes,
                entry.at,
                "an address in the file's part of a loaded segment",
                format!("{:#x}", entry.value),
            );
        }
        place
    }

    /// Up to `len` bytes of the table whose address stands in the entry `tag`.
    pub(crate) fn bytes<R: ReadAt + ?Sized>(
        &self,
        tag: u64,
        len: u64,
        limit: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Vec<u8>> {
        let (at, rest) = self.table(tag, problems)?;
        match source.table(at, len.min(rest), limit) {
            Ok(bytes) => Some(bytes),
            Err(fault) => {
                problems.push(fault.into_problem(
                    Code::AddressNotLoaded,
                    Loader::Crashes,
                    "a table of the dynamic section",
                ));
                None
            }
        }
    }

    /// As [`Dynamic::bytes`], piece by piece: for tables of millions of entries that are looked at once. `entry` is the size of
    /// one, and pieces hold whole entries.
    pub(crate) fn pieces<R: ReadAt + ?Sized>(
        &self,
        (tag, len): (u64, u64),
        entry: usize,
        limit: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
        mut look: impl FnMut(&[u8], &mut Problems),
    ) {
        let Some((start, rest)) = self.table(tag, problems) else {
            return;
        };
        let len = len.min(rest);
        let told = |fault: Fault| {
            let what = "a table of the dynamic section";
            fault.into_problem(Code::AddressNotLoaded, Loader::Crashes, what)
        };
        if let Err(fault) = source.check_table(start, len, limit) {
            problems.push(told(fault));
            return;
        }
        let piece = entry.saturating_mul(ENTRIES_AT_ONCE);
        let mut done = 0_u64;
        while done < len {
            let rest = usize::try_from(len.saturating_sub(done)).unwrap_or(usize::MAX);
            let here = rest.min(piece);
            match source.bytes(start.saturating_add(done), here) {
                Ok(bytes) => look(bytes, problems),
                Err(fault) => {
                    problems.push(told(fault));
                    return;
                }
            }
            done = done.saturating_add(here as u64);
        }
    }

    /// Where relocations may write: the writable segments, or all where the library says
    /// that its code is relocated.
    pub(crate) fn relocatable(&self) -> Vec<Range<u64>> {
        let any = self.find(raw::DT_TEXTREL).is_some()
            || self.value(raw::DT_FLAGS).unwrap_or_default() & 4 != 0;
        let loads = self
            .segments
            .iter()
            .filter(|load| load.kind == raw::PT_LOAD && (any || load.flags & raw::PF_W != 0));
        loads
            .map(|load| load.vaddr..load.vaddr.saturating_add(load.memsz))
            .collect()
    }

    fn check(&self, problems: &mut Problems) {
        let word = self.header.target.class.word();
        for (tag, name) in [(raw::DT_STRTAB, "DT_STRTAB"), (raw::DT_SYMTAB, "DT_SYMTAB")] {
            if self.find(tag).is_none() {
                problems.add(
                    Code::DynamicEntryMissing,
                    Loader::Crashes,
                    self.at,
                    format!("an entry {name}"),
                    "none",
                );
            }
        }
        self.check_companions(problems);
        for (tag, name, expected) in [
            (
                raw::DT_SYMENT,
                "DT_SYMENT",
                super::hash::symbol_size(self.header.target.class),
            ),
            (raw::DT_RELAENT, "DT_RELAENT", word.saturating_mul(3)),
            (raw::DT_RELENT, "DT_RELENT", word.saturating_mul(2)),
        ] {
            // glibc asserts these.
            if let Some(entry) = self.find(tag)
                && entry.value != expected
            {
                problems.add(
                    Code::DynamicEntryInvalid,
                    Loader::Crashes,
                    entry.at,
                    format!("{name} {expected}"),
                    entry.value.to_string(),
                );
            }
        }
        if let Some(entry) = self.find(raw::DT_PLTREL)
            && !matches!(entry.value, raw::DT_RELA | raw::DT_REL)
        {
            problems.add(
                Code::DynamicEntryInvalid,
                Loader::Crashes,
                entry.at,
                format!("DT_PLTREL {} or {}", raw::DT_RELA, raw::DT_REL),
                entry.value.to_string(),
            );
        }
        self.check_functions(problems);
        self.check_ranges(problems);
        self.check_twice(problems);
    }

    /// Entries that glibc reads without a look once another one is there.
    fn check_companions(&self, problems: &mut Problems) {
        for (tag, name, companion, missing) in [
            (raw::DT_RELA, "DT_RELA", raw::DT_RELASZ, "DT_RELASZ"),
            (raw::DT_RELA, "DT_RELA", raw::DT_RELAENT, "DT_RELAENT"),
            (raw::DT_REL, "DT_REL", raw::DT_RELSZ, "DT_RELSZ"),
            (raw::DT_REL, "DT_REL", raw::DT_RELENT, "DT_RELENT"),
            (raw::DT_RELR, "DT_RELR", raw::DT_RELRSZ, "DT_RELRSZ"),
            (raw::DT_RELR, "DT_RELR", raw::DT_RELRENT, "DT_RELRENT"),
            (raw::DT_JMPREL, "DT_JMPREL", raw::DT_PLTRELSZ, "DT_PLTRELSZ"),
            (raw::DT_JMPREL, "DT_JMPREL", raw::DT_PLTREL, "DT_PLTREL"),
            (
                raw::DT_INIT_ARRAY,
                "DT_INIT_ARRAY",
                raw::DT_INIT_ARRAYSZ,
                "DT_INIT_ARRAYSZ",
            ),
            (
                raw::DT_FINI_ARRAY,
                "DT_FINI_ARRAY",
                raw::DT_FINI_ARRAYSZ,
                "DT_FINI_ARRAYSZ",
            ),
            (raw::DT_VERDEF, "DT_VERDEF", raw::DT_VERSYM, "DT_VERSYM"),
            (raw::DT_VERNEED, "DT_VERNEED", raw::DT_VERSYM, "DT_VERSYM"),
        ] {
            if let (Some(entry), None) = (self.find(tag), self.find(companion)) {
                problems.add(
                    Code::DynamicEntryMissing,
                    Loader::Crashes,
                    entry.at,
                    format!("an entry {missing} beside {name}"),
                    "none",
                );
            }
        }
    }

    /// The tables whose size stands in another entry lie in the file as a whole.
    fn check_ranges(&self, problems: &mut Problems) {
        for (start, size) in [
            (raw::DT_STRTAB, raw::DT_STRSZ),
            (raw::DT_RELA, raw::DT_RELASZ),
            (raw::DT_REL, raw::DT_RELSZ),
            (raw::DT_JMPREL, raw::DT_PLTRELSZ),
            (raw::DT_INIT_ARRAY, raw::DT_INIT_ARRAYSZ),
            (raw::DT_FINI_ARRAY, raw::DT_FINI_ARRAYSZ),
        ] {
            let (Some(start), Some(size)) = (self.find(start), self.value(size)) else {
                continue;
            };
            if size > 0 && locate(self.segments, start.value, size).is_none() {
                problems.add(
                    Code::AddressNotLoaded,
                    Loader::Crashes,
                    start.at,
                    "a table in the file's part of a loaded segment",
                    format!("{size:#x} bytes at address {:#x}", start.value),
                );
            }
        }
    }

    /// What is called when the library is loaded and unloaded is code of it.
    fn check_functions(&self, problems: &mut Problems) {
        for tag in [raw::DT_INIT, raw::DT_FINI] {
            let Some(entry) = self.find(tag) else {
                continue;
            };
            let mut loads = self.segments.iter().filter(|load| load.holds(entry.value));
            if !loads.any(|load| load.flags & raw::PF_X != 0) {
                problems.add(
                    Code::AddressNotLoaded,
                    Loader::Crashes,
                    entry.at,
                    "a function in an executable segment",
                    format!("address {:#x}", entry.value),
                );
            }
        }
    }

    fn check_twice(&self, problems: &mut Problems) {
        let mut tags: Vec<(u64, u64)> = self
            .entries
            .iter()
            .filter(|entry| {
                // These may be repeated: libraries to load or to filter.
                !matches!(
                    entry.tag,
                    raw::DT_NEEDED
                        | raw::DT_FILTER
                        | raw::DT_AUXILIARY
                        | raw::DT_AUDIT
                        | raw::DT_DEPAUDIT
                )
            })
            .map(|entry| (entry.tag, entry.at))
            .collect();
        tags.sort_unstable();
        for (first, second) in tags.iter().zip(tags.iter().skip(1)) {
            if first.0 == second.0 {
                problems.add(
                    Code::DynamicEntryTwice,
                    Loader::Accepts,
                    second.1,
                    format!("one entry with the tag {:#x}", first.0),
                    "a second one, which a loader follows instead",
                );
            }
        }
    }

    fn find_strings(&self, problems: &mut Problems) -> Option<(u64, u64)> {
        let (at, rest) = self.table(raw::DT_STRTAB, problems)?;
        let size = self.value(raw::DT_STRSZ).unwrap_or(rest);
        Some((at, size.min(rest)))
    }

    /// The string at `index` of the dynamic string table.
    pub(crate) fn string<R: ReadAt + ?Sized>(
        &self,
        index: u64,
        at: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Untrusted> {
        let (table, size) = self.strings?;
        let outside = |problems: &mut Problems, found: &'static str| {
            problems.add(
                Code::StringOutsideTable,
                Loader::Crashes,
                at,
                format!("a string inside the table of {size} bytes"),
                format!("index {index:#x}: {found}"),
            );
        };
        let Some(rest) = size.checked_sub(index).filter(|rest| *rest > 0) else {
            outside(problems, "beyond its end");
            return None;
        };
        let start = table.checked_add(index)?;
        // Most names are short: try within a small piece, then the most that is allowed.
        for most in [256, limits::STRING] {
            let len = usize::try_from(rest).unwrap_or(usize::MAX).min(most);
            match source.bytes(start, len) {
                Ok(bytes) => {
                    if let Some(text) = until_nul(bytes) {
                        let copy = self.text.copy(text);
                        if copy.is_none() {
                            let limit = limits::HEADER_TEXT as u64;
                            problems.limit(start, "bytes of names", limit.saturating_add(1), limit);
                        }
                        return copy;
                    }
                    if len as u64 == rest {
                        outside(problems, "it has no end");
                        return None;
                    }
                }
                Err(fault) => {
                    problems.push(fault.into_problem(
                        Code::StringOutsideTable,
                        Loader::Crashes,
                        "a string",
                    ));
                    return None;
                }
            }
        }
        problems.limit(start, "bytes of a string", rest, limits::STRING as u64);
        None
    }

    /// The strings of every entry with `tag`, each with the entry's place in the file, in the file's order.
    pub(crate) fn strings_of<R: ReadAt + ?Sized>(
        &self,
        tag: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Vec<(Untrusted, u64)> {
        let entries = self.entries.iter().filter(|entry| entry.tag == tag);
        let mut list = Vec::new();
        for entry in entries {
            if list.len() >= limits::DEPENDENCIES {
                let limit = limits::DEPENDENCIES as u64;
                problems.limit(entry.at, "names", limit.saturating_add(1), limit);
                break;
            }
            let string = self.string(entry.value, entry.at, source, problems);
            list.extend(string.map(|string| (string, entry.at)));
        }
        list
    }

    /// The string of the entry with `tag` that a loader follows.
    pub(crate) fn string_of<R: ReadAt + ?Sized>(
        &self,
        tag: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Untrusted> {
        let entry = self.find(tag)?;
        self.string(entry.value, entry.at, source, problems)
    }

    /// What the flags ask for.
    pub(crate) fn flags(&self) -> DynamicFlags {
        let flags = self.value(raw::DT_FLAGS).unwrap_or_default();
        let flags_1 = self.value(raw::DT_FLAGS_1).unwrap_or_default();
        let has = |tag| self.find(tag).is_some();
        DynamicFlags {
            bind_now: flags & 0x8 != 0 || flags_1 & 0x1 != 0 || has(raw::DT_BIND_NOW),
            no_delete: flags_1 & 0x8 != 0,
            pie: flags_1 & 0x0800_0000 != 0,
            text_relocations: flags & 0x4 != 0 || has(raw::DT_TEXTREL),
            static_tls: flags & 0x10 != 0,
            symbolic: flags & 0x2 != 0 || has(raw::DT_SYMBOLIC),
            init_first: flags_1 & 0x20 != 0,
            global: flags_1 & 0x2 != 0,
            interpose: flags_1 & 0x400 != 0,
            no_open: flags_1 & 0x40 != 0,
            no_default_library: flags_1 & 0x800 != 0,
        }
    }
}
