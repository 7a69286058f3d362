//! The change itself, in an ELF file of this process's own word size and byte order.
//!
//! Strings of the dynamic section share bytes with each other (linkers store "b.so" as the end of "lib.so"), so none is
//! overwritten. The whole table is copied behind the file's last byte, with the new names at its end, and with a copy of the
//! program headers that has one more segment: the one that holds these two. The dynamic section is pointed there. (The
//! offsets of all other strings stay as they are.)
//!
//! Every number in the file is checked before it is used, and what was not understood is not written.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![expect(
    clippy::host_endian_bytes,
    reason = "only files of this process's own byte order are changed"
)]

use crate::os::FileAt;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;

/// Why nothing was changed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is not such a file, or one that is damaged: what was expected, and found.
    Unfit(String),
    /// The system failed.
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return unfit("a table lies beyond the end of the file");
        }
        Self::Io(error)
    }
}

fn unfit(told: impl Into<String>) -> Refusal {
    Refusal::Unfit(told.into())
}

type Found<T> = Result<T, Refusal>;

const WORD: usize = size_of::<usize>();

// Numbers from the System V ABI (gABI) and the GNU extensions in glibc's <elf.h>.
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_PHDR: u32 = 6;
const PF_R: u32 = 4;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_STRSZ: u64 = 10;
const DT_SONAME: u64 = 14;
const DT_VERNEED: u64 = 0x6fff_fffe;
const DT_VERNEEDNUM: u64 = 0x6fff_ffff;
const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;

const SHT_STRTAB: u32 = 3;

/// Where `Elf_Shdr` has the address: after the name, the type (4 each) and the flags.
const SECTION_ADDRESS: u64 = 8 + WORD as u64;
/// The size of an entry of the program headers.
const SEGMENT: usize = if WORD == 8 { 56 } else { 32 };
/// The most program headers, including the new one. Usual are ten.
const MOST_SEGMENTS: usize = 512;
/// The largest dynamic section and table of version needs, in bytes.
const LARGEST_TABLE: u64 = 1 << 20;
/// The largest table of strings, in bytes. Chromium's is 5 MB.
const LARGEST_STRINGS: u64 = 256 << 20;

/// Replaces the names of libraries in a file of `size` bytes that is this process's own.
pub(crate) fn rename(file: &File, size: u64, names: &BTreeMap<OsString, OsString>) -> Found<()> {
    let headers = Headers::read(file)?;
    let dynamic = Dynamic::read(file, &headers)?;
    let mut strings = Strings::read(file, &headers, &dynamic)?;
    let mut edits: Vec<(u64, Vec<u8>)> = Vec::new();
    for entry in &dynamic.entries {
        if matches!(entry.tag, DT_NEEDED | DT_SONAME | DT_AUXILIARY | DT_FILTER)
            && let Some(new) = strings.renamed(entry.value, names)?
        {
            edits.push((entry.value_at, native(new)?));
        }
    }
    for (at, old) in version_needs(file, &headers, &dynamic)? {
        if let Some(new) = strings.renamed(old, names)? {
            let new = u32::try_from(new)
                .ok()
                .ok_or_else(|| unfit("the table of strings is too large"))?;
            edits.push((at, new.to_ne_bytes().to_vec()));
        }
    }
    if edits.is_empty() {
        return Ok(());
    }
    let end = headers.end(size, strings)?;
    for (tag, value) in [(DT_STRTAB, end.strings), (DT_STRSZ, end.strings_size)] {
        let entry = dynamic.only(tag)?;
        edits.push((entry.value_at, native(value)?));
    }
    if let Some(at) = section_of_strings(file, &headers, &dynamic)? {
        // The offset and the size follow the address.
        let first = at.saturating_add(SECTION_ADDRESS);
        let [address, offset, size] = [end.strings, end.strings_at, end.strings_size].map(native);
        edits.push((first, [address?, offset?, size?].concat()));
    }
    edits.push((PHOFF, native(end.headers_at)?));
    edits.push((PHNUM, end.count.to_ne_bytes().to_vec()));
    edits.push((end.headers_at, end.bytes));
    for (at, bytes) in edits {
        file.write_all_at(&bytes, at).map_err(Refusal::Io)?;
    }
    Ok(())
}

/// Where `Elf_Ehdr` has `e_phoff`: after `e_ident` (16), `e_type`, `e_machine` (2 each), `e_version` (4) and `e_entry`.
const PHOFF: u64 = 24 + WORD as u64;
/// Where it has `e_phnum`: after `e_phoff`, `e_shoff`, `e_flags` (4), `e_ehsize`, `e_phentsize` (2 each).
const PHNUM: u64 = 24 + 3 * WORD as u64 + 8;

/// A program header.
#[derive(Clone, Copy, Debug)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

impl Segment {
    fn parse(bytes: &[u8]) -> Option<Self> {
        // Elf64_Phdr has the flags second, Elf32_Phdr has them before the alignment.
        let (flags, first): (usize, usize) = if WORD == 8 { (4, 8) } else { (24, 4) };
        let field = |index: usize| {
            let skip = if WORD == 4 && index == 5 { 4 } else { 0 };
            let at = index.checked_mul(WORD)?.checked_add(skip)?;
            word(bytes, at.checked_add(first)?)
        };
        Some(Self {
            kind: number(bytes, 0)?,
            flags: number(bytes, flags)?,
            offset: field(0)?,
            address: field(1)?,
            file_size: field(3)?,
            memory_size: field(4)?,
            align: field(5)?,
        })
    }

    fn bytes(&self) -> Found<Vec<u8>> {
        let mut bytes = self.kind.to_ne_bytes().to_vec();
        let flags = self.flags.to_ne_bytes();
        if WORD == 8 {
            bytes.extend(flags);
        }
        // The physical address, the second of the two equal ones, means nothing in a library.
        for value in [
            self.offset,
            self.address,
            self.address,
            self.file_size,
            self.memory_size,
        ] {
            bytes.extend(native(value)?);
        }
        if WORD == 4 {
            bytes.extend(flags);
        }
        bytes.extend(native(self.align)?);
        Ok(bytes)
    }
}

struct Headers(Vec<Segment>);

impl Headers {
    fn read(file: &File) -> Found<Self> {
        let mut header = [0; 24 + 3 * WORD + 16];
        file.read_exact_at(&mut header, 0)?;
        let class = if WORD == 8 { 2 } else { 1 };
        let order = if cfg!(target_endian = "little") { 1 } else { 2 };
        if !header.starts_with(&[0x7f, b'E', b'L', b'F', class, order]) {
            return Err(unfit(format!(
                "expected an ELF file of {} bits and this system's byte order",
                WORD.saturating_mul(8)
            )));
        }
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let (Some(offset), Some(entry), Some(count)) = (
            word(&header, at(PHOFF)),
            half(&header, at(PHNUM).saturating_sub(2)),
            half(&header, at(PHNUM)),
        ) else {
            return Err(unfit("the file ends in its header"));
        };
        if usize::from(entry) != SEGMENT || usize::from(count) >= MOST_SEGMENTS {
            return Err(unfit(format!(
                "expected less than {MOST_SEGMENTS} program headers of {SEGMENT} bytes, found {count} of {entry}"
            )));
        }
        let size = usize::from(count).saturating_mul(SEGMENT) as u64;
        let bytes = read(file, offset, size, LARGEST_TABLE)?;
        Ok(Self(
            bytes
                .chunks_exact(SEGMENT)
                .filter_map(Segment::parse)
                .collect(),
        ))
    }

    fn of_kind(&self, kind: u32) -> impl Iterator<Item = &Segment> {
        self.0.iter().filter(move |segment| segment.kind == kind)
    }

    /// Where in the file the bytes at an address are, if all of them come from it.
    fn place(&self, address: u64, size: u64) -> Option<u64> {
        self.of_kind(PT_LOAD).find_map(|segment| {
            let inside = address.checked_sub(segment.address)?;
            let end = inside.checked_add(size)?;
            (end <= segment.file_size).then_some(())?;
            segment.offset.checked_add(inside)
        })
    }

    /// What is written at the end of the file: these headers with one more, and the strings.
    fn end(&self, size: u64, strings: Strings) -> Found<End> {
        let too_large = || unfit("its addresses leave no room for a segment");
        let mut memory_end = 0;
        let mut align = 4096_u64;
        for segment in self.of_kind(PT_LOAD) {
            let end = segment.address.checked_add(segment.memory_size);
            memory_end = memory_end.max(end.ok_or_else(too_large)?);
            align = align.max(segment.align);
        }
        if !align.is_power_of_two() {
            return Err(unfit(format!(
                "expected an alignment that is a power of two, found {align}"
            )));
        }
        // A segment lies in memory as it lies in the file, as far as whole pages go.
        let headers_at = size.checked_next_multiple_of(16).ok_or_else(too_large)?;
        let address = memory_end
            .checked_next_multiple_of(align)
            .and_then(|page| page.checked_add(headers_at & align.saturating_sub(1)))
            .ok_or_else(too_large)?;
        let mut segments = self.0.clone();
        let count = segments.len().saturating_add(1);
        let headers_size = count.saturating_mul(SEGMENT) as u64;
        let strings_size = strings.0.len() as u64;
        let all = headers_size.saturating_add(strings_size);
        for segment in &mut segments {
            if segment.kind == PT_PHDR {
                (segment.offset, segment.address) = (headers_at, address);
                (segment.file_size, segment.memory_size) = (headers_size, headers_size);
            }
        }
        // Loaded segments are in the order of their addresses, and this one is the last.
        segments.push(Segment {
            kind: PT_LOAD,
            flags: PF_R,
            offset: headers_at,
            address,
            file_size: all,
            memory_size: all,
            align,
        });
        let mut bytes = Vec::new();
        for segment in &segments {
            bytes.extend(segment.bytes()?);
        }
        bytes.extend(strings.0);
        Ok(End {
            headers_at,
            count: u16::try_from(count).ok().ok_or_else(too_large)?,
            strings: address.checked_add(headers_size).ok_or_else(too_large)?,
            strings_at: headers_at.checked_add(headers_size).ok_or_else(too_large)?,
            strings_size,
            bytes,
        })
    }
}

/// What is written at the end of the file.
struct End {
    headers_at: u64,
    count: u16,
    /// The address of the strings.
    strings: u64,
    /// Where in the file they are.
    strings_at: u64,
    strings_size: u64,
    bytes: Vec<u8>,
}

struct Entry {
    tag: u64,
    value: u64,
    /// Where in the file the value is.
    value_at: u64,
}

struct Dynamic {
    entries: Vec<Entry>,
}

impl Dynamic {
    fn read(file: &File, headers: &Headers) -> Found<Self> {
        let segment = headers
            .of_kind(PT_DYNAMIC)
            .next()
            .ok_or_else(|| unfit("it has no dynamic section"))?;
        let bytes = read(file, segment.offset, segment.file_size, LARGEST_TABLE)?;
        let mut entries = Vec::new();
        for (index, entry) in bytes.chunks_exact(2 * WORD).enumerate() {
            let (Some(tag), Some(value)) = (word(entry, 0), word(entry, WORD)) else {
                break;
            };
            if tag == DT_NULL {
                break;
            }
            // What was read there lies inside the file, so that this does not overflow.
            let inside = index.saturating_mul(2 * WORD).saturating_add(WORD) as u64;
            entries.push(Entry {
                tag,
                value,
                value_at: segment.offset.saturating_add(inside),
            });
        }
        Ok(Self { entries })
    }

    fn find(&self, tag: u64) -> Found<Option<&Entry>> {
        let mut found = self.entries.iter().filter(|entry| entry.tag == tag);
        let first = found.next();
        if found.next().is_some() {
            return Err(unfit(format!(
                "its dynamic section has more than one entry {tag:#x}"
            )));
        }
        Ok(first)
    }

    fn only(&self, tag: u64) -> Found<&Entry> {
        self.find(tag)?
            .ok_or_else(|| unfit(format!("its dynamic section has no entry {tag:#x}")))
    }
}

/// The strings of the dynamic section.
struct Strings(Vec<u8>);

impl Strings {
    fn read(file: &File, headers: &Headers, dynamic: &Dynamic) -> Found<Self> {
        let (address, size) = (
            dynamic.only(DT_STRTAB)?.value,
            dynamic.only(DT_STRSZ)?.value,
        );
        let place = headers
            .place(address, size)
            .ok_or_else(|| unfit("its table of strings is not in a loaded segment"))?;
        let mut bytes = read(file, place, size, LARGEST_STRINGS)?;
        // A last string without an end must not run into the new ones.
        bytes.push(0);
        Ok(Self(bytes))
    }

    /// The offset of the new name for the name at an offset; `None` if that one stays.
    fn renamed(&mut self, offset: u64, names: &BTreeMap<OsString, OsString>) -> Found<Option<u64>> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let old = self
            .0
            .get(start..)
            .and_then(|rest| rest.split(|byte| *byte == 0).next())
            .filter(|_| start < self.0.len())
            .ok_or_else(|| {
                unfit(format!(
                    "a name at {offset:#x} is outside the table of strings"
                ))
            })?;
        let Some((_, new)) = names
            .iter()
            .find(|(name, _)| name.as_encoded_bytes() == old)
        else {
            return Ok(None);
        };
        let at = self.0.len() as u64;
        self.0.extend(new.as_encoded_bytes());
        self.0.push(0);
        Ok(Some(at))
    }
}

/// Where the section header of the table of strings is. Nothing is loaded by it, but linkers, debuggers and this house's own
/// inspection compare the two. A file without (usable) section headers stays as it is.
fn section_of_strings(file: &File, headers: &Headers, dynamic: &Dynamic) -> Found<Option<u64>> {
    const ENTRY: usize = 16 + 6 * WORD;
    let strings = dynamic.only(DT_STRTAB)?.value;
    let mut header = [0; 24 + 3 * WORD + 16];
    file.read_exact_at(&mut header, 0)?;
    // e_shoff follows e_phoff; e_shentsize and e_shnum follow e_phnum.
    let (Some(table), Some(entry), Some(count)) = (
        word(&header, 24 + 2 * WORD),
        half(&header, 24 + 3 * WORD + 10),
        half(&header, 24 + 3 * WORD + 12),
    ) else {
        return Ok(None);
    };
    let size = u64::from(count).saturating_mul(ENTRY as u64);
    let (true, Ok(sections)) = (
        usize::from(entry) == ENTRY,
        read(
            file,
            table,
            size,
            u64::from(u16::MAX).saturating_mul(ENTRY as u64),
        ),
    ) else {
        return Ok(None);
    };
    let place = headers.place(strings, 0);
    let is = |section: &[u8]| {
        number(section, 4) == Some(SHT_STRTAB)
            && word(section, 8 + WORD) == Some(strings)
            && word(section, 8 + 2 * WORD) == place
    };
    let index = sections.chunks_exact(ENTRY).position(is);
    Ok(index.and_then(|index| table.checked_add(index.checked_mul(ENTRY)? as u64)))
}

/// Where the table of version needs says the names of files, and the offsets of those names.
fn version_needs(file: &File, headers: &Headers, dynamic: &Dynamic) -> Found<Vec<(u64, u64)>> {
    let (Some(table), Some(count)) = (dynamic.find(DT_VERNEED)?, dynamic.find(DT_VERNEEDNUM)?)
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut address = table.value;
    for _ in 0..count.value.min(LARGEST_TABLE / 16) {
        // Elf_Verneed: version, count (2 each), file, aux, next (4 each).
        let place = headers
            .place(address, 16)
            .ok_or_else(|| unfit("its table of version needs is not in a loaded segment"))?;
        let entry = read(file, place, 16, 16)?;
        let (Some(name), Some(next)) = (number(&entry, 4), number(&entry, 12)) else {
            break;
        };
        found.push((place.saturating_add(4), u64::from(name)));
        if next == 0 {
            break;
        }
        address = address.saturating_add(u64::from(next));
    }
    Ok(found)
}

fn read(file: &File, offset: u64, size: u64, most: u64) -> Found<Vec<u8>> {
    let refused = || {
        unfit(format!(
            "expected a table of at most {most} bytes, found {size}"
        ))
    };
    let length = usize::try_from(size)
        .ok()
        .filter(|_| size <= most)
        .ok_or_else(refused)?;
    // Not beyond the end of the file: a size that it only claims is not allocated.
    let end = offset.checked_add(size).ok_or_else(refused)?;
    if end > file.metadata().map_err(Refusal::Io)?.len() {
        return Err(unfit("a table lies beyond the end of the file"));
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

/// A number as this system's words hold it.
fn native(value: u64) -> Found<Vec<u8>> {
    let value = usize::try_from(value)
        .ok()
        .ok_or_else(|| unfit("an address is beyond this system's words"))?;
    Ok(value.to_ne_bytes().to_vec())
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let word = usize::from_ne_bytes(*bytes.get(at..)?.first_chunk()?);
    u64::try_from(word).ok()
}
