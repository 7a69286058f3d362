//! Relocations, counted by kind: what a loader will write and run before any constructor.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::arch::{Class, Machine};
use crate::fields::Fields;
use crate::limits;
use crate::problem::Problems;
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

/// Counts the relocations of every table that the dynamic section names.
pub(crate) fn count<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Relocations {
    let mut counted = Relocations::default();
    let with_addend = dynamic.value(raw::DT_PLTREL) == Some(raw::DT_RELA);
    for (table, size, addend) in [
        (raw::DT_RELA, raw::DT_RELASZ, true),
        (raw::DT_REL, raw::DT_RELSZ, false),
        (raw::DT_JMPREL, raw::DT_PLTRELSZ, with_addend),
    ] {
        let Some(len) = dynamic.value(size).filter(|len| *len > 0) else {
            continue;
        };
        if dynamic.find(table).is_none() {
            continue;
        }
        let bytes = dynamic.bytes(table, len, limits::RELOCATIONS, source, problems);
        for kind in types(dynamic, &bytes.unwrap_or_default(), addend) {
            let entry = counted.by_type.entry(kind).or_default();
            *entry = entry.saturating_add(1);
        }
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

fn types(dynamic: &Dynamic<'_>, table: &[u8], addend: bool) -> impl Iterator<Item = u32> {
    let class = dynamic.header.target.class;
    let order = dynamic.header.target.byte_order;
    let word = usize::try_from(class.word()).unwrap_or(8);
    let size = word.saturating_mul(if addend { 3 } else { 2 });
    table.chunks_exact(size).filter_map(move |entry| {
        let info = Fields::new(entry, order).word(word, class)?;
        // r_info: the symbol's index above, the type below.
        match class {
            Class::Bits32 => u32::try_from(info & 0xff).ok(),
            Class::Bits64 => u32::try_from(info & 0xffff_ffff).ok(),
        }
    })
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
