//! Relocations, counted by kind: what a loader will write and run before any constructor.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::arch::{ByteOrder, Class, Machine};
use crate::fields::Fields;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;

use super::dynamic::Dynamic;
use super::raw;

/// How many relocations of which kind a library has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Relocations {
    /// Addresses inside the library itself, those of the compact form (`DT_RELR`) included.
    pub relative: u64,
    /// Addresses that a function of the library computes: code that runs during
    /// relocation, before any constructor and even with lazy binding.
    pub indirect: u64,
    /// Copies of other libraries' data, which only programs may have.
    pub copies: u64,
    /// Places in thread-local storage.
    pub thread_local: u64,
    /// Addresses of symbols.
    pub symbols: u64,
    /// All relocations by the processor's own number of their type, `DT_RELR` left out.
    pub by_type: BTreeMap<u32, u64>,
}

impl Relocations {
    /// Counts a run of relocations of one type.
    fn add(&mut self, (kind, count): (u32, u64)) {
        if count > 0 {
            let entry = self.by_type.entry(kind).or_default();
            *entry = entry.saturating_add(count);
        }
    }
}

/// The numbers of a processor's relative, indirect and copy types, and its thread-local
/// ones (each processor's psABI, as in glibc's `elf.h`).
fn kinds(machine: Machine) -> Option<(u32, u32, u32, &'static [u32])> {
    Some(match machine {
        Machine::X86_64 => (8, 37, 5, &[16, 17, 18, 36]),
        Machine::X86 => (8, 42, 5, &[14, 35, 36, 37, 41]),
        Machine::Aarch64 => (1027, 1032, 1024, &[1028, 1029, 1030, 1031]),
        Machine::Arm => (23, 160, 20, &[13, 17, 18, 19]),
        Machine::Riscv => (3, 58, 4, &[6, 7, 8, 9, 10, 11, 12]),
        Machine::PowerPc64 => (22, 248, 19, &[68, 73, 78]),
        Machine::S390x => (12, 61, 9, &[54, 55, 56]),
        _ => return None,
    })
}

/// One relocation.
struct Relocation {
    place: u64,
    symbol: u64,
    kind: u32,
}

/// Counts the relocations of every table that the dynamic section names, and checks that
/// each writes into memory that is the library's own and writable. `symbols` is the number
/// of dynamic symbols, where it is known.
pub(crate) fn count<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    symbols: Option<u64>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Relocations {
    let mut counted = Relocations::default();
    let writable = dynamic.relocatable();
    // The first is there in any case: it stands for no symbol.
    let known = symbols.map_or(u64::MAX, |count| count.max(1));
    for (table, size, addend) in tables(dynamic) {
        let Some(len) = dynamic.value(size).filter(|len| *len > 0) else {
            continue;
        };
        if dynamic.find(table).is_none() {
            continue;
        }
        let mut told = false;
        // Entries of one type stand together, so that the map is asked once for each run.
        let mut run = (0, 0_u64);
        // The range that held the place before mostly holds the next one.
        let mut kept = 0..0;
        let at = dynamic.find(table).map(|entry| entry.at);
        let entry = entry_size(dynamic, addend);
        let mut look = |bytes: &[u8], problems: &mut Problems| {
            // Large libraries have hundreds of thousands: what is asked of each is held here, and not behind the closure.
            let (mut kind, mut count, mut range) = (run.0, run.1, kept.clone());
            for relocation in entries(dynamic, bytes, addend) {
                if kind != relocation.kind {
                    counted.add((kind, count));
                    (kind, count) = (relocation.kind, 0);
                }
                count = count.saturating_add(1);
                if range.contains(&relocation.place) & (relocation.symbol < known) {
                    continue;
                }
                // One is enough to know, and a damaged table has thousands.
                if !told && !is_sound(&relocation, &writable, &mut range, known) {
                    told = true;
                    problems.add(
                        Code::RelocationInvalid,
                        Loader::Crashes,
                        at,
                        "relocations of known symbols in writable memory of the library",
                        format!(
                            "type {} at address {:#x} for symbol {}",
                            relocation.kind, relocation.place, relocation.symbol
                        ),
                    );
                }
            }
            (run, kept) = ((kind, count), range);
        };
        let most = limits::RELOCATIONS;
        dynamic.pieces((table, len), entry, most, source, problems, &mut look);
        counted.add(run);
    }
    if let Some((relative, indirect, copy, thread_local)) = kinds(dynamic.header.target.machine) {
        for (kind, number) in &counted.by_type {
            let field = match *kind {
                kind if kind == relative => &mut counted.relative,
                kind if kind == indirect => &mut counted.indirect,
                kind if kind == copy => &mut counted.copies,
                kind if thread_local.contains(&kind) => &mut counted.thread_local,
                _ => &mut counted.symbols,
            };
            *field = field.saturating_add(*number);
        }
    }
    let compact = compact(dynamic, source, problems);
    counted.relative = counted.relative.saturating_add(compact);
    counted
}

/// One more than the highest symbol that a relocation names: the symbols that a loader has
/// to find, where no hash table counts them.
pub(crate) fn symbols_named<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
) -> u64 {
    let mut highest = 0;
    for (table, size, addend) in tables(dynamic) {
        let len = dynamic.value(size).unwrap_or_default();
        // What is wrong with the tables is told where they are counted.
        let mut problems = Problems::default();
        let bytes = dynamic.bytes(table, len, limits::RELOCATIONS, source, &mut problems);
        let bytes = bytes.unwrap_or_default();
        let symbols = entries(dynamic, &bytes, addend).map(|relocation| relocation.symbol);
        highest = symbols.fold(highest, u64::max);
    }
    highest.saturating_add(1)
}

/// The tables: the entries with their place and size, and whether they carry addends.
fn tables(dynamic: &Dynamic<'_>) -> [(u64, u64, bool); 3] {
    let with_addend = dynamic.value(raw::DT_PLTREL) == Some(raw::DT_RELA);
    [
        (raw::DT_RELA, raw::DT_RELASZ, true),
        (raw::DT_REL, raw::DT_RELSZ, false),
        (raw::DT_JMPREL, raw::DT_PLTRELSZ, with_addend),
    ]
}

/// Whether a loader can apply it, of symbols below `known`: type 0 does nothing on every processor. `kept` becomes the range that
/// holds its place.
fn is_sound(
    relocation: &Relocation,
    writable: &[Range<u64>],
    kept: &mut Range<u64>,
    known: u64,
) -> bool {
    if relocation.kind == 0 {
        return true;
    }
    let mut ranges = writable.iter();
    let found = ranges.find(|range| range.contains(&relocation.place));
    if let Some(range) = found {
        kept.clone_from(range);
    }
    found.is_some() && relocation.symbol < known
}

fn entries(dynamic: &Dynamic<'_>, table: &[u8], addend: bool) -> impl Iterator<Item = Relocation> {
    let class = dynamic.header.target.class;
    let order = dynamic.header.target.byte_order;
    let chunks = table.chunks_exact(entry_size(dynamic, addend));
    chunks.filter_map(move |entry| {
        // What nearly all libraries have, without a question for each field.
        if class == Class::Bits64 && order == ByteOrder::Little {
            let (place, rest) = entry.split_first_chunk::<8>()?;
            let (kind, rest) = rest.split_first_chunk::<4>()?;
            return Some(Relocation {
                place: u64::from_le_bytes(*place),
                symbol: u32::from_le_bytes(*rest.first_chunk::<4>()?).into(),
                kind: u32::from_le_bytes(*kind),
            });
        }
        let fields = Fields::new(entry, order);
        let info = fields.word(usize::try_from(class.word()).ok()?, class)?;
        // r_info: the symbol's index above, the type below.
        let (symbol, kind) = match class {
            Class::Bits32 => (info >> 8, info & 0xff),
            Class::Bits64 => (info >> 32, info & 0xffff_ffff),
        };
        Some(Relocation {
            place: fields.word(0, class)?,
            symbol,
            kind: u32::try_from(kind).ok()?,
        })
    })
}

/// The size of an entry in bytes: place and information, and the addend where it carries one.
fn entry_size(dynamic: &Dynamic<'_>, addend: bool) -> usize {
    let word = usize::try_from(dynamic.header.target.class.word()).unwrap_or(8);
    word.saturating_mul(if addend { 3 } else { 2 })
}

/// `DT_RELR`: an even word is an address, an odd one a bitmap of the words that follow it.
fn compact<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> u64 {
    let Some(len) = dynamic.value(raw::DT_RELRSZ).filter(|len| *len > 0) else {
        return 0;
    };
    let bytes = dynamic.bytes(raw::DT_RELR, len, limits::RELOCATIONS, source, problems);
    let class = dynamic.header.target.class;
    let order = dynamic.header.target.byte_order;
    let word = usize::try_from(class.word()).unwrap_or(8);
    let bytes = bytes.unwrap_or_default();
    let words = bytes
        .chunks_exact(word)
        .filter_map(|word| Fields::new(word, order).word(0, class));
    words.fold(0_u64, |sum, word| {
        let here = if word & 1 == 0 {
            1
        } else {
            word.count_ones().saturating_sub(1)
        };
        sum.saturating_add(here.into())
    })
}
