//! The tables behind a built object's dynamic section: symbols, hash tables, versions,
//! relocations.

use super::fields::number;
use super::{ElfBuilder, Width};

/// A table of strings, each stored once.
#[derive(Default)]
pub(super) struct Strings(pub(super) Vec<u8>);

impl Strings {
    pub(super) fn add(&mut self, text: &str) -> u64 {
        if self.0.is_empty() {
            self.0.push(0);
        }
        if text.is_empty() {
            return 0;
        }
        let at = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        at as u64
    }
}

/// The numbers of one builder's class and byte order.
pub(super) struct Writer<'b>(pub(super) &'b ElfBuilder);

impl Writer<'_> {
    pub(super) fn put(&self, out: &mut Vec<u8>, size: usize, value: u64) {
        out.extend(number(self.0.endian, size, value));
    }

    pub(super) fn word(&self) -> usize {
        usize::try_from(self.0.word()).expect("4 or 8")
    }
}

/// The GNU hash function (Bernstein's, with 33).
fn gnu_hash(name: &str) -> u32 {
    name.bytes().fold(5381, |hash: u32, byte| {
        hash.wrapping_mul(33).wrapping_add(u32::from(byte))
    })
}

/// The System V hash function (gABI, "Hash Table").
fn sysv_hash(name: &str) -> u32 {
    name.bytes().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}

/// One dynamic symbol before its address is known.
pub(super) struct Symbol<'b> {
    pub(super) name: &'b str,
    pub(super) info: u8,
    pub(super) defined: bool,
    pub(super) version: u16,
}

/// The symbols (imports first, then exports in the order of the GNU table's buckets) and
/// the version tables.
pub(super) struct SymbolTables<'b> {
    pub(super) symbols: Vec<Symbol<'b>>,
    pub(super) first_export: usize,
    pub(super) buckets: u32,
    pub(super) verdef: Vec<u8>,
    pub(super) verdefs: u32,
    pub(super) verneed: Vec<u8>,
    pub(super) verneeds: u32,
}

pub(super) fn symbol_tables<'b>(
    builder: &'b ElfBuilder,
    strings: &mut Strings,
) -> SymbolTables<'b> {
    let writer = Writer(builder);
    let mut definitions: Vec<&str> = Vec::new();
    for version in builder
        .exports
        .iter()
        .filter_map(|export| export.version.as_deref())
    {
        if !definitions.contains(&version) {
            definitions.push(version);
        }
    }
    let mut needs: Vec<(&str, Vec<&str>)> = Vec::new();
    for (library, version) in builder
        .imports
        .iter()
        .filter_map(|import| import.version.as_ref())
    {
        if !needs.iter().any(|(found, _)| found == library) {
            needs.push((library, Vec::new()));
        }
        let (_, versions) = needs
            .iter_mut()
            .find(|(found, _)| found == library)
            .expect("pushed");
        if !versions.contains(&version.as_str()) {
            versions.push(version);
        }
    }
    // Index 0 is local, 1 global and the base definition, then definitions, then needs.
    let small = |number: usize| u16::try_from(number).expect("few versions");
    let defined = |version: &str| {
        small(
            definitions
                .iter()
                .position(|found| *found == version)
                .expect("listed")
                + 2,
        )
    };
    let flat: Vec<(&str, &str)> = needs
        .iter()
        .flat_map(|(library, versions)| versions.iter().map(|version| (*library, *version)))
        .collect();
    let needed = |library: &str, version: &str| {
        let index = flat.iter().position(|found| *found == (library, version));
        small(index.expect("listed") + definitions.len() + 2)
    };

    let mut symbols: Vec<Symbol<'_>> = builder
        .imports
        .iter()
        .map(|import| Symbol {
            name: &import.name,
            info: if import.weak { 0x20 } else { 0x10 },
            defined: false,
            version: import
                .version
                .as_ref()
                .map_or(1, |(library, version)| needed(library, version)),
        })
        .collect();
    let first_export = symbols.len() + 1;
    let buckets = u32::try_from(builder.exports.len() / 2 + 1).expect("few symbols");
    let mut exports: Vec<_> = builder.exports.iter().collect();
    exports.sort_by_key(|export| gnu_hash(&export.name) % buckets);
    symbols.extend(exports.iter().map(|export| Symbol {
        name: &export.name,
        info: export.info,
        defined: true,
        version: export.version.as_deref().map_or(1, defined),
    }));

    let mut verdef = Vec::new();
    if !definitions.is_empty() {
        let base = builder.soname.as_deref().unwrap_or("base");
        let all: Vec<&str> = std::iter::once(base)
            .chain(definitions.iter().copied())
            .collect();
        for (index, name) in all.iter().enumerate() {
            let last = index + 1 == all.len();
            writer.put(&mut verdef, 2, 1);
            writer.put(&mut verdef, 2, u64::from(index == 0));
            writer.put(&mut verdef, 2, index as u64 + 1);
            writer.put(&mut verdef, 2, 1);
            writer.put(&mut verdef, 4, sysv_hash(name).into());
            writer.put(&mut verdef, 4, 20);
            writer.put(&mut verdef, 4, if last { 0 } else { 28 });
            writer.put(&mut verdef, 4, strings.add(name));
            writer.put(&mut verdef, 4, 0);
        }
    }
    let mut verneed = Vec::new();
    for (index, (library, versions)) in needs.iter().enumerate() {
        let last = index + 1 == needs.len();
        writer.put(&mut verneed, 2, 1);
        writer.put(&mut verneed, 2, versions.len() as u64);
        writer.put(&mut verneed, 4, strings.add(library));
        writer.put(&mut verneed, 4, 16);
        let next = 16 + 16 * versions.len() as u64;
        writer.put(&mut verneed, 4, if last { 0 } else { next });
        for (index, version) in versions.iter().enumerate() {
            let last = index + 1 == versions.len();
            writer.put(&mut verneed, 4, sysv_hash(version).into());
            writer.put(&mut verneed, 2, 0);
            writer.put(&mut verneed, 2, needed(library, version).into());
            writer.put(&mut verneed, 4, strings.add(version));
            writer.put(&mut verneed, 4, if last { 0 } else { 16 });
        }
    }
    SymbolTables {
        symbols,
        first_export,
        buckets,
        verdef,
        verdefs: if definitions.is_empty() {
            0
        } else {
            u32::from(small(definitions.len() + 1))
        },
        verneed,
        verneeds: u32::from(small(needs.len())),
    }
}

pub(super) fn gnu_table(builder: &ElfBuilder, tables: &SymbolTables<'_>) -> Vec<u8> {
    let writer = Writer(builder);
    let word = writer.word();
    let bits = u32::try_from(word * 8).expect("32 or 64");
    let exports = &tables.symbols[tables.first_export - 1..];
    let shift = 6_u32;
    let mut bloom = 0_u64;
    let mut starts = vec![0_u64; tables.buckets as usize];
    let mut chains = Vec::new();
    for (index, symbol) in exports.iter().enumerate() {
        let hash = gnu_hash(symbol.name);
        bloom |= 1 << (hash % bits) | 1 << ((hash >> shift) % bits);
        let bucket = hash % tables.buckets;
        let start = &mut starts[bucket as usize];
        if *start == 0 {
            *start = (tables.first_export + index) as u64;
        }
        let last = exports
            .get(index + 1)
            .is_none_or(|next| gnu_hash(next.name) % tables.buckets != bucket);
        chains.push(hash & !1 | u32::from(last));
    }
    let mut out = Vec::new();
    writer.put(&mut out, 4, tables.buckets.into());
    writer.put(&mut out, 4, tables.first_export as u64);
    writer.put(&mut out, 4, 1);
    writer.put(&mut out, 4, shift.into());
    writer.put(&mut out, word, bloom);
    for start in starts {
        writer.put(&mut out, 4, start);
    }
    for chain in chains {
        writer.put(&mut out, 4, chain.into());
    }
    out
}

pub(super) fn sysv_table(builder: &ElfBuilder, tables: &SymbolTables<'_>) -> Vec<u8> {
    let writer = Writer(builder);
    let buckets = tables.buckets as usize;
    let count = tables.symbols.len() + 1;
    let mut starts = vec![0_u64; buckets];
    let mut chains = vec![0_u64; count];
    for (index, symbol) in tables.symbols.iter().enumerate() {
        let bucket = &mut starts[sysv_hash(symbol.name) as usize % buckets];
        chains[index + 1] = *bucket;
        *bucket = index as u64 + 1;
    }
    // s390x has words of eight bytes here.
    let size = if builder.machine == super::S390X && builder.width == Width::Bits64 {
        8
    } else {
        4
    };
    let mut out = Vec::new();
    for value in [buckets as u64, count as u64]
        .into_iter()
        .chain(starts)
        .chain(chains)
    {
        writer.put(&mut out, size, value);
    }
    out
}

pub(super) fn symbol_bytes(
    builder: &ElfBuilder,
    symbols: &[Symbol<'_>],
    names: &[u64],
    code: usize,
    index: u64,
) -> Vec<u8> {
    let writer = Writer(builder);
    let wide = builder.width == Width::Bits64;
    let mut out = vec![0; if wide { 24 } else { 16 }];
    for (symbol, name) in symbols.iter().zip(names) {
        let value = if symbol.defined { code as u64 } else { 0 };
        let size = u64::from(symbol.defined);
        let section = if symbol.defined { index } else { 0 };
        writer.put(&mut out, 4, *name);
        if wide {
            writer.put(&mut out, 1, symbol.info.into());
            writer.put(&mut out, 1, 0);
            writer.put(&mut out, 2, section);
            writer.put(&mut out, 8, value);
            writer.put(&mut out, 8, size);
        } else {
            writer.put(&mut out, 4, value);
            writer.put(&mut out, 4, size);
            writer.put(&mut out, 1, symbol.info.into());
            writer.put(&mut out, 1, 0);
            writer.put(&mut out, 2, section);
        }
    }
    out
}

pub(super) fn relocation_bytes(
    builder: &ElfBuilder,
    symbols: &[Symbol<'_>],
    got: usize,
) -> Vec<u8> {
    let writer = Writer(builder);
    let word = writer.word();
    let mut out = Vec::new();
    for (index, relocation) in builder.relocations.iter().enumerate() {
        let symbol = relocation.import.as_deref().map_or(0, |name| {
            let found = symbols.iter().position(|symbol| symbol.name == name);
            found.expect("an import") as u64 + 1
        });
        let shift = if builder.width == Width::Bits64 {
            32
        } else {
            8
        };
        writer.put(&mut out, word, (got + index * word) as u64);
        writer.put(&mut out, word, symbol << shift | u64::from(relocation.kind));
        writer.put(&mut out, word, relocation.addend);
    }
    out
}
