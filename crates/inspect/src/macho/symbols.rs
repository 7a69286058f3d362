//! The symbol table of a Mach-O image (`LC_SYMTAB`, `nlist`).

use crate::arch::Class;
use crate::budget::Budget;
use crate::fields::{Fields, until_nul};
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::{Fault, Source};
use crate::symbols::{Binding, Symbol, SymbolKind};
use crate::untrusted::Untrusted;

use super::Slice;
use super::commands::{Command, Section};
use super::image::Header;

/// `MH_TWOLEVEL`: every import names its library.
const TWO_LEVEL: u32 = 0x80;

/// Exports and imports.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    slice: Slice,
    header: &Header,
    command: &Command<'_>,
    libraries: &[Untrusted],
    sections: &[Section],
    problems: &mut Problems,
) -> (Vec<Symbol>, Vec<Symbol>) {
    let class = header.target.class;
    let entry = match class {
        Class::Bits32 => 12_u32,
        Class::Bits64 => 16,
    };
    let fields = command.fields();
    let place = |at: usize, scale: u32| {
        let (offset, count) = (fields.u32(at)?, fields.u32(at.checked_add(4)?)?);
        Some((
            u64::from(offset),
            u64::from(count).saturating_mul(scale.into()),
        ))
    };
    let (Some(table), Some(strings)) = (place(8, entry), place(16, 1)) else {
        return Default::default();
    };
    let table_at = slice.base.saturating_add(table.0);
    let mut read = |(offset, len): (u64, u64), limit: u64| -> Result<Vec<u8>, Fault> {
        let at = slice.at(offset, len)?;
        source.table(at, len, limit)
    };
    let tables = read(table, limits::SYMBOL_TABLE)
        .and_then(|table| Ok((table, read(strings, limits::STRING_TABLE)?)));
    let (table, strings) = match tables {
        Ok(tables) => tables,
        Err(fault) => {
            problems.push(fault.into_problem(
                Code::LoadCommandInvalid,
                Loader::Refuses,
                "the symbol table",
            ));
            return Default::default();
        }
    };
    let (mut exports, mut imports) = (Vec::new(), Vec::new());
    let budget = Budget::new(limits::SYMBOL_TEXT);
    let entries = table.chunks_exact(usize::try_from(entry).unwrap_or(16));
    let places = (0_u64..).map(|index| {
        let inside = index.saturating_mul(entry.into());
        inside.saturating_add(table_at)
    });
    for (bytes, offset) in entries.zip(places) {
        let entry = Fields::new(bytes, header.target.byte_order);
        let (Some(name), Some(kind), Some(section), Some(desc), Some(value)) = (
            entry.u32(0),
            entry.u8(4),
            entry.u8(5),
            entry.u16(6),
            entry.word(8, class),
        ) else {
            continue;
        };
        // N_STAB: debug information; N_EXT: visible to others.
        if kind & 0xe0 != 0 || kind & 1 == 0 {
            continue;
        }
        let name = usize::try_from(name)
            .ok()
            .and_then(|start| strings.get(start..))
            .and_then(|rest| until_nul(rest.get(..limits::STRING).unwrap_or(rest)))
            .unwrap_or_default();
        let Some(name) = budget.copy(name) else {
            problems.symbol_text();
            break;
        };
        let undefined = kind & 0xe == 0;
        // N_WEAK_REF of an import, N_WEAK_DEF of an export.
        let weak = desc & if undefined { 0x40 } else { 0x80 } != 0;
        let symbol = Symbol {
            name,
            version: None,
            library: None,
            ordinal: None,
            kind: kind_of(kind, section, sections),
            binding: if weak { Binding::Weak } else { Binding::Global },
            address: if undefined { 0 } else { value },
            size: 0,
            offset,
        };
        if undefined {
            let library = usize::from(desc >> 8).checked_sub(1);
            let two_level = header.flags & TWO_LEVEL != 0;
            let library = library
                .filter(|_| two_level)
                .and_then(|index| libraries.get(index));
            imports.push(Symbol {
                library: library.cloned(),
                ..symbol
            });
        } else {
            exports.push(symbol);
        }
    }
    (exports, imports)
}

/// What a symbol is, by the section that it lies in, counted from 1.
fn kind_of(kind: u8, section: u8, sections: &[Section]) -> SymbolKind {
    // N_INDR: another name.
    if kind & 0xe == 0xa {
        return SymbolKind::Forwarded;
    }
    let section = usize::from(section).checked_sub(1);
    let Some(section) = section.and_then(|index| sections.get(index)) else {
        return SymbolKind::Unknown;
    };
    /// `S_ATTR_PURE_INSTRUCTIONS` and `S_ATTR_SOME_INSTRUCTIONS`.
    const INSTRUCTIONS: u32 = 0x8000_0400;
    match section.flags & 0xff {
        0x13 => SymbolKind::ThreadLocal,
        _ if section.flags & INSTRUCTIONS != 0 => SymbolKind::Function,
        _ => SymbolKind::Object,
    }
}
