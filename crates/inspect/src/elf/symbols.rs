//! The dynamic symbol table: what is defined, what is asked for, and finding a name in it
//! the way a loader does.

use crate::arch::{ByteOrder, Class};
use crate::budget::Budget;
use crate::fields::{Fields, until_nul};
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::scan::{NameView, SymbolView};
use crate::source::Source;
use crate::symbols::{Binding, Symbol, SymbolKind};
use crate::untrusted::Untrusted;

use super::dynamic::Dynamic;
use super::raw;
use super::versions::{self, NeededVersion, VersionDefinition, VersionNeed};

/// One entry of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawSymbol {
    pub(crate) name: u32,
    pub(crate) info: u8,
    pub(crate) section: u16,
    pub(crate) value: u64,
    pub(crate) size: u64,
}

impl RawSymbol {
    pub(crate) fn binding(&self) -> u8 {
        self.info >> 4
    }

    pub(crate) fn kind(&self) -> u8 {
        self.info & 0xf
    }

    pub(crate) fn symbol_kind(&self) -> SymbolKind {
        match self.kind() {
            1 | 5 => SymbolKind::Object,
            2 => SymbolKind::Function,
            raw::STT_TLS => SymbolKind::ThreadLocal,
            raw::STT_GNU_IFUNC => SymbolKind::IndirectFunction,
            _ => SymbolKind::Unknown,
        }
    }

    pub(crate) fn symbol_binding(&self) -> Binding {
        match self.binding() {
            raw::STB_WEAK => Binding::Weak,
            raw::STB_GNU_UNIQUE => Binding::Unique,
            _ => Binding::Global,
        }
    }

    /// Whether a loader takes it as a definition (glibc's `check_match`): a value, or an
    /// absolute or thread-local one, a known type, and no local binding.
    pub(crate) fn is_definition(&self) -> bool {
        let has_value =
            self.value != 0 || self.section == raw::SHN_ABS || self.kind() == raw::STT_TLS;
        self.section != raw::SHN_UNDEF
            && has_value
            && matches!(self.kind(), 0..=2 | 5 | raw::STT_TLS | raw::STT_GNU_IFUNC)
            && matches!(
                self.binding(),
                raw::STB_GLOBAL | raw::STB_WEAK | raw::STB_GNU_UNIQUE
            )
    }

    /// Whether a loader fails when it finds no definition.
    pub(crate) fn is_strong_reference(&self) -> bool {
        self.is_reference() && self.binding() == raw::STB_GLOBAL
    }

    /// Whether it is to be found elsewhere.
    pub(crate) fn is_reference(&self) -> bool {
        self.section == raw::SHN_UNDEF && matches!(self.binding(), raw::STB_GLOBAL | raw::STB_WEAK)
    }
}

/// The symbol table with strings, versions and the GNU hash table.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    class: Class,
    order: ByteOrder,
    symbols: Vec<u8>,
    strings: Vec<u8>,
    versions: Option<Vec<u8>>,
    /// Where the symbols and their versions stand in the file.
    at: (u64, u64),
    gnu_hash: Option<Vec<u8>>,
    pub(crate) defined: Vec<VersionDefinition>,
    pub(crate) needed: Vec<VersionNeed>,
}

/// The version that a reference asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) library: &'a Untrusted,
    pub(crate) version: &'a NeededVersion,
}

impl SymbolTable {
    /// Reads the tables; `count` comes from the hash tables ([`super::hash::check`]).
    pub(crate) fn read<R: ReadAt + ?Sized>(
        dynamic: &Dynamic<'_>,
        count: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut table = Self::read_names(dynamic, count, source, problems)?;
        let len = super::hash::gnu_size(dynamic, count, source);
        table.gnu_hash = len.and_then(|len| {
            dynamic.bytes(raw::DT_GNU_HASH, len, limits::HASH_TABLE, source, problems)
        });
        Some(table)
    }

    /// As [`SymbolTable::read`], without the hash table: for who looks for no name.
    pub(crate) fn read_names<R: ReadAt + ?Sized>(
        dynamic: &Dynamic<'_>,
        count: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut table = Self::read_bare(dynamic, count, source, problems)?;
        let len = count.saturating_mul(2);
        table.versions = dynamic.bytes(raw::DT_VERSYM, len, limits::SYMBOL_TABLE, source, problems);
        table.at.1 = dynamic
            .table(raw::DT_VERSYM, problems)
            .unwrap_or_default()
            .0;
        table.defined = versions::defined(dynamic, source, problems);
        table.needed = versions::needed(dynamic, source, problems);
        Some(table)
    }

    /// Symbols and strings only: what there is, not in which version.
    pub(crate) fn read_bare<R: ReadAt + ?Sized>(
        dynamic: &Dynamic<'_>,
        count: u64,
        source: &mut Source<'_, R>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let class = dynamic.header.target.class;
        let len = count.checked_mul(super::hash::symbol_size(class))?;
        let symbols = dynamic.bytes(raw::DT_SYMTAB, len, limits::SYMBOL_TABLE, source, problems)?;
        let len = dynamic.value(raw::DT_STRSZ).unwrap_or(u64::MAX);
        let strings = dynamic.bytes(raw::DT_STRTAB, len, limits::STRING_TABLE, source, problems)?;
        Some(Self {
            class,
            order: dynamic.header.target.byte_order,
            symbols,
            strings,
            versions: None,
            at: (dynamic.table(raw::DT_SYMTAB, problems)?.0, 0),
            gnu_hash: None,
            defined: Vec::new(),
            needed: Vec::new(),
        })
    }

    /// The names of all definitions.
    pub(crate) fn defined_names(&self) -> impl Iterator<Item = &[u8]> {
        let definitions = self.iter().filter(|(_, raw)| raw.is_definition());
        definitions.map(|(_, raw)| self.name(&raw))
    }

    fn entry_size(&self) -> usize {
        usize::try_from(super::hash::symbol_size(self.class)).unwrap_or(24)
    }

    /// Every symbol with its index, the reserved first one left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, RawSymbol)> {
        let rest = self.symbols.get(self.entry_size()..).unwrap_or_default();
        let entries = rest.chunks_exact(self.entry_size());
        entries
            .zip(1_u32..)
            .filter_map(|(bytes, index)| Some((index, self.decode(bytes)?)))
    }

    pub(crate) fn symbol(&self, index: u32) -> Option<RawSymbol> {
        let size = self.entry_size();
        let start = usize::try_from(index).ok()?.checked_mul(size)?;
        self.decode(self.symbols.get(start..)?.get(..size)?)
    }

    fn decode(&self, bytes: &[u8]) -> Option<RawSymbol> {
        let fields = Fields::new(bytes, self.order);
        // What nearly all libraries have, without a question for each field.
        if self.class == Class::Bits64 && self.order == ByteOrder::Little {
            let (name, rest) = bytes.split_first_chunk::<4>()?;
            let (bits, rest) = rest.split_first_chunk::<4>()?;
            let (value, rest) = rest.split_first_chunk::<8>()?;
            let [info, _, low, high] = *bits;
            return Some(RawSymbol {
                name: u32::from_le_bytes(*name),
                info,
                section: u16::from_le_bytes([low, high]),
                value: u64::from_le_bytes(*value),
                size: u64::from_le_bytes(*rest.first_chunk::<8>()?),
            });
        }
        Some(match self.class {
            Class::Bits32 => RawSymbol {
                name: fields.u32(0)?,
                value: fields.u32(4)?.into(),
                size: fields.u32(8)?.into(),
                info: fields.u8(12)?,
                section: fields.u16(14)?,
            },
            Class::Bits64 => RawSymbol {
                name: fields.u32(0)?,
                info: fields.u8(4)?,
                section: fields.u16(6)?,
                value: fields.u64(8)?,
                size: fields.u64(16)?,
            },
        })
    }

    /// Where the entry of the symbol at `index` stands in the file.
    fn place(&self, index: u32) -> u64 {
        u64::from(index)
            .saturating_mul(super::hash::symbol_size(self.class))
            .saturating_add(self.at.0)
    }

    /// The symbol's name; empty when it lies outside the table of strings, or is longer
    /// than [`limits::STRING`].
    pub(crate) fn name(&self, symbol: &RawSymbol) -> &[u8] {
        let rest = self.text(symbol);
        until_nul(rest.get(..limits::STRING).unwrap_or(rest)).unwrap_or_default()
    }

    /// The table of strings from the symbol's name on.
    fn text(&self, symbol: &RawSymbol) -> &[u8] {
        let start = usize::try_from(symbol.name).ok();
        start
            .and_then(|start| self.strings.get(start..))
            .unwrap_or_default()
    }

    /// The entry of the version table: index and "hidden" in the highest bit.
    fn version_word(&self, index: u32) -> Option<u16> {
        let at = usize::try_from(index).ok()?.checked_mul(2)?;
        Fields::new(self.versions.as_deref()?, self.order).u16(at)
    }

    /// The number under which the version table speaks of the version of the symbol at `index`.
    pub(crate) fn version(&self, index: u32) -> Option<u16> {
        Some(self.version_word(index)? & 0x7fff)
    }

    /// The version in which the symbol at `index` is defined, and whether it is hidden: not
    /// the one that a reference without version gets.
    pub(crate) fn definition(&self, index: u32) -> Option<(&VersionDefinition, bool)> {
        let word = self.version_word(index)?;
        let found = self
            .defined
            .iter()
            .find(|found| found.index == word & 0x7fff)?;
        (!found.base).then_some((found, word & 0x8000 != 0))
    }

    /// The version that the symbol at `index` is wanted in.
    pub(crate) fn wanted(&self, index: u32) -> Option<Wanted<'_>> {
        let word = self.version_word(index)? & 0x7fff;
        self.needed.iter().find_map(|need| {
            let version = need.versions.iter().find(|version| version.index == word)?;
            Some(Wanted {
                library: &need.library,
                version,
            })
        })
    }

    /// Checks what glibc follows without a look: every name lies in the table of strings,
    /// and every version is one that is defined or needed.
    pub(crate) fn check(&self, problems: &mut Problems) {
        let strings = self.strings.len() as u64;
        let outside = |symbol: &RawSymbol| symbol.name != 0 && u64::from(symbol.name) >= strings;
        // Which of them is asked only where there is one.
        let highest = self.iter().map(|(_, symbol)| symbol.name).max();
        let found = highest.filter(|name| u64::from(*name) >= strings);
        let found = found.and_then(|_| self.iter().find(|(_, symbol)| outside(symbol)));
        if let Some((index, symbol)) = found {
            problems.add(
                Code::StringOutsideTable,
                Loader::Crashes,
                self.place(index),
                format!("names of symbols inside the table of {strings} bytes"),
                format!("{:#x} for symbol {index}", symbol.name),
            );
        }
        let defined = self.defined.iter().map(|version| version.index);
        let needed = self.needed.iter().flat_map(|need| &need.versions);
        let needed = needed.map(|version| version.index);
        // 0 is local and 1 the library itself, whether or not there is a definition for it.
        let highest = defined.chain(needed).fold(1, u16::max);
        let used = self.versions.iter().flat_map(|words| words.chunks_exact(2));
        let used = used.filter_map(|word| Fields::new(word, self.order).u16(0));
        let used = used.map(|word| word & 0x7fff).max();
        let beyond = used.filter(|used| *used > highest).and_then(|_| {
            self.iter().find_map(|(index, _)| {
                let version = self.version_word(index)? & 0x7fff;
                (version > highest).then_some((index, version))
            })
        });
        if let Some((index, version)) = beyond {
            problems.add(
                Code::VersionsInvalid,
                Loader::Crashes,
                u64::from(index).saturating_mul(2).saturating_add(self.at.1),
                format!("version numbers of at most {highest}"),
                format!("{version} for symbol {index}"),
            );
        }
    }

    /// Shows every export and import.
    pub(crate) fn show(&self, see: &mut dyn FnMut(SymbolView<'_>)) {
        // No early end: all bytes are looked at side by side.
        let visible = |plain, byte: &u8| plain & matches!(byte, 0 | 0x21..=0x7e);
        let plain = self.strings.iter().fold(true, visible);
        self.iter().for_each(|(index, raw)| {
            let is_export = raw.is_definition();
            if is_export || raw.is_reference() {
                see(SymbolView {
                    name: NameView::in_table(self.text(&raw), plain),
                    is_export,
                    kind: raw.symbol_kind(),
                    binding: raw.symbol_binding(),
                    address: raw.value,
                    offset: self.place(index),
                });
            }
        });
    }

    /// Exports and imports for the depth *symbols*.
    pub(crate) fn describe(&self, problems: &mut Problems) -> (Vec<Symbol>, Vec<Symbol>) {
        let (mut exports, mut imports) = (Vec::new(), Vec::new());
        let budget = Budget::new(limits::SYMBOL_TEXT);
        for (index, raw) in self.iter() {
            let Some(name) = budget.copy(self.name(&raw)) else {
                problems.symbol_text();
                break;
            };
            let mut symbol = Symbol {
                name,
                version: None,
                library: None,
                ordinal: None,
                kind: raw.symbol_kind(),
                binding: raw.symbol_binding(),
                address: raw.value,
                size: raw.size,
                offset: self.place(index),
            };
            if raw.is_definition() {
                let version = self.definition(index);
                symbol.version = version.map(|(version, _)| version.name.clone());
                exports.push(symbol);
            } else if raw.is_reference() {
                let wanted = self.wanted(index);
                symbol.version = wanted.map(|wanted| wanted.version.name.clone());
                symbol.library = wanted.map(|wanted| wanted.library.clone());
                imports.push(symbol);
            }
        }
        (exports, imports)
    }

    /// Whether a loader finds `name` here, in the version `version` where one is wanted.
    pub(crate) fn defines(&self, name: &Name<'_>, version: Option<&Untrusted>) -> bool {
        let mut versioned = 0_usize;
        let mut check = |index: u32| {
            // A hostile table can have one chain of all symbols for every name.
            let Some(()) = name.work.spend(0) else {
                return Some(false);
            };
            let symbol = self.symbol(index)?;
            if !symbol.is_definition() || self.name(&symbol) != name.bytes {
                return None;
            }
            let Some(word) = self.version_word(index) else {
                return Some(true);
            };
            let found = self.definition(index);
            match (version, found) {
                (Some(wanted), Some((found, _))) => (found.name == *wanted).then_some(true),
                // Without a version of its own a visible symbol satisfies every wish.
                (Some(_), None) => (word & 0x8000 == 0).then_some(true),
                (None, _) if word & 0x7fff < 3 => Some(true),
                (None, _) => {
                    // The one default version is taken when there is no other.
                    if word & 0x8000 == 0 {
                        versioned = versioned.saturating_add(1);
                    }
                    None
                }
            }
        };
        let found = match &self.gnu_hash {
            Some(table) => self.chain(table, name).find_map(&mut check),
            None => self.iter().find_map(|(index, _)| check(index)),
        };
        found.unwrap_or(false) || versioned == 1
    }

    /// The symbols whose hash is `hash`, after the bloom filter let it through.
    fn chain<'t>(&'t self, table: &'t [u8], name: &'t Name<'_>) -> impl Iterator<Item = u32> + 't {
        let hash = name.hash;
        let start = self.bucket(table, hash);
        let fields = Fields::new(table, self.order);
        let mut next = start;
        std::iter::from_fn(move || {
            loop {
                let (index, at) = next?;
                name.work.spend(0)?;
                let value = fields.u32(at)?;
                next = if value & 1 == 1 {
                    None
                } else {
                    index.checked_add(1).zip(at.checked_add(4))
                };
                if value | 1 == hash | 1 {
                    return Some(index);
                }
            }
        })
    }

    /// First symbol and place in the table of the chain for `hash`.
    fn bucket(&self, table: &[u8], hash: u32) -> Option<(u32, usize)> {
        let fields = Fields::new(table, self.order);
        let (buckets, first) = (fields.u32(0)?, fields.u32(4)?);
        let (words, shift) = (fields.u32(8)?, fields.u32(12)?);
        let bits = u32::from(self.class.bits());
        let size = usize::try_from(self.class.word()).ok()?;
        let word = hash.checked_div(bits)? & words.checked_sub(1)?;
        let at = usize::try_from(word)
            .ok()?
            .checked_mul(size)?
            .checked_add(16)?;
        let bloom = fields.word(at, self.class)?;
        let second = hash.checked_shr(shift).unwrap_or_default();
        let bit = |hash: u32| 1_u64.checked_shl(hash.checked_rem(bits)?);
        let mask = bit(hash)? | bit(second)?;
        if bloom & mask != mask {
            return None;
        }
        let buckets_at = usize::try_from(words)
            .ok()?
            .checked_mul(size)?
            .checked_add(16)?;
        let bucket = usize::try_from(hash.checked_rem(buckets)?).ok()?;
        let index = fields.u32(bucket.checked_mul(4)?.checked_add(buckets_at)?)?;
        let in_chain = usize::try_from(index.checked_sub(first)?).ok()?;
        let at = usize::try_from(buckets)
            .ok()?
            .checked_add(in_chain)?
            .checked_mul(4)?
            .checked_add(buckets_at)?;
        (index != 0).then_some((index, at))
    }
}

/// A name with its hash, so that it is hashed once for a whole closure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) bytes: &'a [u8],
    hash: u32,
    /// What looking for it may still cost, in symbols looked at.
    work: &'a Budget,
}

impl<'a> Name<'a> {
    pub(crate) fn new(bytes: &'a [u8], work: &'a Budget) -> Self {
        let hash = bytes.iter().fold(5381_u32, |hash, byte| {
            hash.wrapping_mul(33).wrapping_add(u32::from(*byte))
        });
        Self { bytes, hash, work }
    }
}
