//! The data directories: exports, imports, delayed imports, debug information, resources.

use crate::arch::{ByteOrder, Class};
use crate::budget::Budget;
use crate::fields::{Fields, until_nul};
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;
use crate::symbols::SymbolKind;
use crate::untrusted::Untrusted;

use super::header::{self, Header, Section, locate};

/// Bytes of an entry of the debug directory (`IMAGE_DEBUG_DIRECTORY`).
const DEBUG_ENTRY: u32 = 28;
/// Types of its entries: `IMAGE_DEBUG_TYPE_CODEVIEW` and `_EX_DLLCHARACTERISTICS`.
const CODE_VIEW: u32 = 2;
const EXTENDED_CHARACTERISTICS: u32 = 20;

/// Bytes up to which a piece counts as an entry of a list.
const ENTRY: usize = 64;

/// What follows addresses in one file.
pub(super) struct Directories<'h, 's, 'r, R: ?Sized> {
    pub(super) header: &'h Header,
    pub(super) sections: &'h [Section],
    pub(super) source: &'s mut Source<'r, R>,
    pub(super) problems: &'s mut Problems,
    pub(super) text: Budget,
    /// Where the header names the directory that is being read.
    pub(super) at: u64,
}

/// A library that is imported.
pub(super) struct Import {
    pub(super) library: Untrusted,
    /// Where its descriptor stands in the file.
    pub(super) at: u64,
}

/// A symbol while it is shown.
pub(super) struct PeSymbol<'s> {
    pub(super) is_export: bool,
    /// Empty for an import by number.
    pub(super) name: &'s [u8],
    /// Of an import.
    pub(super) library: Option<&'s Untrusted>,
    pub(super) ordinal: Option<u32>,
    pub(super) kind: SymbolKind,
    /// Of an export.
    pub(super) address: u32,
    /// Where its entry stands in the file.
    pub(super) offset: u64,
}

/// Who is shown every symbol, if anybody wants them.
pub(super) type See<'s> = Option<&'s mut dyn FnMut(PeSymbol<'_>)>;

impl<R: ReadAt + ?Sized> Directories<'_, '_, '_, R> {
    /// Address and size of a directory, which from now on is the place of what is wrong.
    fn directory(&mut self, index: usize) -> Option<(u32, u32)> {
        self.at = self.header.directory_at(index);
        self.header.directory(index)
    }

    fn invalid(&mut self, what: &str, address: u32) {
        self.problems.add(
            Code::DirectoryInvalid,
            Loader::Refuses,
            self.at,
            format!("{what} inside a section"),
            format!("address {address:#x}"),
        );
    }

    /// Where an address lies in the file; it is one from which something was read.
    fn place(&self, address: u32) -> u64 {
        locate(self.sections, address).map_or(0, |(at, _)| at)
    }

    /// `len` bytes at an address.
    fn table(&mut self, what: &str, address: u32, len: u64) -> Option<Vec<u8>> {
        let place = locate(self.sections, address).filter(|(_, rest)| *rest >= len);
        let Some((at, _)) = place else {
            self.invalid(what, address);
            return None;
        };
        // Lists that end with zeros are read entry by entry, which stand side by side.
        let bytes = match usize::try_from(len) {
            Ok(len) if len <= ENTRY => self.source.bytes(at, len).map(<[u8]>::to_vec),
            _ => self.source.table(at, len, limits::PE_TABLE),
        };
        match bytes {
            Ok(bytes) => Some(bytes),
            Err(fault) => {
                let problem = fault.into_problem(Code::DirectoryInvalid, Loader::Refuses, what);
                self.problems.push(problem);
                None
            }
        }
    }

    /// The string at an address.
    fn text(&mut self, what: &str, address: u32) -> Option<Untrusted> {
        let found = locate(self.sections, address).and_then(|(at, rest)| {
            // Names are short: a small piece first, then what is allowed.
            [256, limits::STRING].into_iter().find_map(|most| {
                let len = usize::try_from(rest).unwrap_or(usize::MAX).min(most);
                self.text.copy(until_nul(self.source.bytes(at, len).ok()?)?)
            })
        });
        if found.is_none() {
            self.invalid(what, address);
        }
        found
    }

    /// As [`Directories::text`], into memory that is there already; empty if it cannot be had. Whether it could.
    fn text_into(&mut self, what: &str, address: u32, name: &mut Vec<u8>) -> bool {
        name.clear();
        let found = locate(self.sections, address).and_then(|(at, rest)| {
            [256, limits::STRING].into_iter().find_map(|most| {
                let len = usize::try_from(rest).unwrap_or(usize::MAX).min(most);
                let text = until_nul(self.source.bytes(at, len).ok()?)?;
                self.text.spend(text.len())?;
                name.extend_from_slice(text);
                Some(())
            })
        });
        if found.is_none() {
            self.invalid(what, address);
        }
        found.is_some()
    }

    /// The library's name; shows its exports.
    pub(super) fn exports(&mut self, see: &mut See<'_>) -> Option<Untrusted> {
        let (address, size) = self.directory(header::EXPORTS)?;
        let bytes = self.table("the export directory", address, 40)?;
        let fields = Fields::new(&bytes, ByteOrder::Little);
        let number = |at| fields.u32(at).unwrap_or_default();
        let name = self.text("the library's name", number(12));
        if let Some(see) = see {
            let (base, functions, names) = (number(16), number(20), number(24));
            let tables = [
                (
                    "the table of exports",
                    number(28),
                    u64::from(functions).saturating_mul(4),
                ),
                (
                    "the table of export names",
                    number(32),
                    u64::from(names).saturating_mul(4),
                ),
                (
                    "the table of export numbers",
                    number(36),
                    u64::from(names).saturating_mul(2),
                ),
            ];
            let [functions, names, numbers] = tables.map(|(what, address, len)| {
                if len == 0 {
                    return Vec::new();
                }
                self.table(what, address, len).unwrap_or_default()
            });
            let functions = Fields::new(&functions, ByteOrder::Little);
            let mut text = Vec::new();
            let places = (self.place(number(32))..).step_by(4);
            let pairs = names.chunks_exact(4).zip(numbers.chunks_exact(2));
            for ((name, number), offset) in pairs.zip(places) {
                let name = Fields::new(name, ByteOrder::Little)
                    .u32(0)
                    .unwrap_or_default();
                let index = Fields::new(number, ByteOrder::Little)
                    .u16(0)
                    .unwrap_or_default();
                if !self.text_into("an export's name", name, &mut text) {
                    break;
                }
                let at = usize::from(index).saturating_mul(4);
                let target = functions.u32(at).unwrap_or_default();
                // An address inside the directory is the name of another library's symbol.
                let forwarded = target
                    .checked_sub(address)
                    .is_some_and(|inside| inside < size);
                see(PeSymbol {
                    is_export: true,
                    name: &text,
                    library: None,
                    ordinal: base.checked_add(index.into()),
                    kind: if forwarded {
                        SymbolKind::Forwarded
                    } else {
                        SymbolKind::Unknown
                    },
                    address: target,
                    offset,
                });
            }
        }
        name
    }

    /// The imported libraries, of which it shows the functions; `delayed` chooses those that are loaded on first use.
    pub(super) fn imports(&mut self, delayed: bool, see: &mut See<'_>) -> Vec<Import> {
        // The places of the name and of the table of names in a descriptor, and its size.
        let (index, name_at, table_at, len) = if delayed {
            (header::DELAYED_IMPORTS, 4, 16, 32_u64)
        } else {
            (header::IMPORTS, 12, 0, 20)
        };
        let Some((start, _)) = self.directory(index) else {
            return Vec::new();
        };
        let mut imports = Vec::new();
        let mut symbols_left = limits::PE_IMPORTS;
        let mut address = start;
        loop {
            if imports.len() >= limits::DEPENDENCIES {
                let limit = limits::DEPENDENCIES as u64;
                self.problems.limit(
                    self.at,
                    "imported libraries",
                    limit.saturating_add(1),
                    limit,
                );
                break;
            }
            let Some(bytes) = self.table("an import descriptor", address, len) else {
                break;
            };
            let fields = Fields::new(&bytes, ByteOrder::Little);
            let name = fields.u32(name_at).unwrap_or_default();
            // A descriptor of zeros ends the table, and Windows stops without a name.
            if name == 0 {
                break;
            }
            // Old delayed imports hold addresses in memory instead of relative ones.
            let relative = !delayed || fields.u32(0).unwrap_or_default() & 1 != 0;
            let at = |value: u32| {
                if relative {
                    return Some(value);
                }
                let value = u64::from(value).checked_sub(self.header.image_base)?;
                u32::try_from(value).ok()
            };
            let (name, table) = (at(name), fields.u32(table_at).and_then(at));
            // The table of names may be missing where the addresses' table has them as well.
            let table = match table {
                Some(0) if !delayed => fields.u32(16),
                table => table,
            };
            let Some(library) = name.and_then(|name| self.text("an imported library", name)) else {
                break;
            };
            if let (Some(table), Some(see)) = (table, see.as_mut()) {
                self.names(table, &library, &mut symbols_left, see);
            }
            let at = self.place(address);
            imports.push(Import { library, at });
            let Some(next) = address.checked_add(u32::try_from(len).unwrap_or(20)) else {
                break;
            };
            address = next;
        }
        imports
    }

    /// Shows the functions of one imported library.
    fn names(
        &mut self,
        table: u32,
        library: &Untrusted,
        left: &mut usize,
        see: &mut dyn FnMut(PeSymbol<'_>),
    ) {
        let class = self.header.target.class;
        let (size, by_number) = match class {
            Class::Bits32 => (4_u32, 1_u64 << 31),
            Class::Bits64 => (8, 1_u64 << 63),
        };
        let what = "a table of imported names";
        let mut text = Vec::new();
        let Some((mut at, mut rest)) = locate(self.sections, table) else {
            return self.invalid(what, table);
        };
        loop {
            let Some(after) = rest.checked_sub(size.into()) else {
                return self.invalid(what, table);
            };
            let entry = match self.source.bytes(at, usize::try_from(size).unwrap_or(8)) {
                Ok(bytes) => Fields::new(bytes, ByteOrder::Little).word(0, class),
                Err(fault) => {
                    let problem = fault.into_problem(Code::DirectoryInvalid, Loader::Refuses, what);
                    self.problems.push(problem);
                    None
                }
            };
            let Some(entry) = entry.filter(|entry| *entry != 0) else {
                return;
            };
            let Some(less) = left.checked_sub(1) else {
                let limit = limits::PE_IMPORTS as u64;
                self.problems
                    .limit(self.at, "imported symbols", limit.saturating_add(1), limit);
                return;
            };
            *left = less;
            let ordinal = entry & by_number != 0;
            // Two bytes of a hint stand before the name.
            let name = u32::try_from(entry & 0x7fff_ffff)
                .ok()
                .and_then(|address| address.checked_add(2))
                .filter(|_| !ordinal);
            text.clear();
            let is_there =
                name.is_some_and(|name| self.text_into("an imported name", name, &mut text));
            if !is_there && !ordinal {
                return;
            }
            see(PeSymbol {
                is_export: false,
                name: &text,
                library: Some(library),
                ordinal: ordinal.then(|| u32::try_from(entry & 0xffff).unwrap_or_default()),
                kind: SymbolKind::Unknown,
                address: 0,
                offset: at,
            });
            (at, rest) = (at.saturating_add(size.into()), after);
        }
    }

    /// Size and place in the file of what the first entry of this type in the debug directory leads to.
    fn debug_entry(&mut self, kind: u32) -> Option<(u32, u32)> {
        let (address, size) = self.directory(header::DEBUG)?;
        let bytes = self.table(
            "the debug directory",
            address,
            size.min(DEBUG_ENTRY.saturating_mul(limits::PE_DEBUG_ENTRIES))
                .into(),
        )?;
        bytes.chunks_exact(28).find_map(|entry| {
            let fields = Fields::new(entry, ByteOrder::Little);
            (fields.u32(12)? == kind).then_some((fields.u32(16)?, fields.u32(24)?))
        })
    }

    /// Whether the extended characteristics (`IMAGE_DEBUG_TYPE_EX_DLLCHARACTERISTICS`) have
    /// `IMAGE_DLLCHARACTERISTICS_EX_CET_COMPAT`.
    pub(super) fn has_shadow_stack(&mut self) -> bool {
        let mut look = || {
            let (_, at) = self.debug_entry(EXTENDED_CHARACTERISTICS)?;
            let bytes = self.source.bytes(at.into(), 4).ok()?;
            Some(Fields::new(bytes, ByteOrder::Little).u32(0)? & 1 != 0)
        };
        look().unwrap_or_default()
    }

    /// Path and identity of the file with the debug information (`CodeView`'s `RSDS`).
    pub(super) fn debug(&mut self) -> Option<(Untrusted, String)> {
        let (len, at) = self.debug_entry(CODE_VIEW)?;
        let len = usize::try_from(len).ok()?.min(limits::PAGE);
        let bytes = self.source.bytes(at.into(), len).ok()?;
        let rest = bytes.strip_prefix(b"RSDS")?;
        let id = rest.get(..20)?.iter().map(|byte| format!("{byte:02x}"));
        let id = id.collect();
        let path = rest.get(20..)?;
        Some((until_nul(path).unwrap_or(path).into(), id))
    }

    /// Whether the resources' first level has the type 24, manifests.
    pub(super) fn has_manifest(&mut self) -> bool {
        let mut look = || {
            let (address, _) = self.directory(header::RESOURCES)?;
            let (at, rest) = locate(self.sections, address)?;
            let head = Fields::new(self.source.bytes(at, 16).ok()?, ByteOrder::Little);
            let named = head.u16(12)?.checked_add(head.u16(14)?)?;
            let len = u64::from(named).checked_mul(8)?.checked_add(16)?;
            let bytes = self
                .source
                .table(at, len.min(rest), limits::PE_TABLE)
                .ok()?;
            let entries = bytes.get(16..)?.chunks_exact(8);
            let mut types = entries.map(|entry| Fields::new(entry, ByteOrder::Little).u32(0));
            Some(types.any(|kind| kind == Some(24)))
        };
        look().unwrap_or_default()
    }

    /// Whether there is a value for the compiler to guard return addresses with
    /// (`SecurityCookie` of `IMAGE_LOAD_CONFIG_DIRECTORY`), which MSVC writes with `/GS`.
    pub(super) fn has_stack_cookie(&mut self) -> bool {
        let mut look = || {
            let (address, _) = self.directory(header::LOAD_CONFIGURATION)?;
            let (at, _) = locate(self.sections, address)?;
            let class = self.header.target.class;
            let field = match class {
                Class::Bits32 => 60_usize,
                Class::Bits64 => 88,
            };
            let end = field.checked_add(usize::try_from(class.word()).ok()?)?;
            let fields = Fields::new(self.source.bytes(at, end).ok()?, ByteOrder::Little);
            // The structure says its own size: older ones end before the field.
            let is_there = usize::try_from(fields.u32(0)?).ok()? >= end;
            Some(is_there && fields.word(field, class)? != 0)
        };
        look().unwrap_or_default()
    }

    /// Whether thread-local storage comes with functions to call.
    pub(super) fn has_thread_callbacks(&mut self) -> bool {
        let mut look = || {
            let (address, _) = self.directory(header::THREAD_STORAGE)?;
            let (at, _) = locate(self.sections, address)?;
            let class = self.header.target.class;
            let word = usize::try_from(class.word()).ok()?;
            let bytes = self.source.bytes(at, word.checked_mul(4)?).ok()?;
            let list = Fields::new(bytes, ByteOrder::Little).word(word.checked_mul(3)?, class)?;
            // An address in memory of a list that ends with zero.
            let list = u32::try_from(list.checked_sub(self.header.image_base)?).ok()?;
            let (at, _) = locate(self.sections, list)?;
            let first = self.source.bytes(at, word).ok()?;
            Some(Fields::new(first, ByteOrder::Little).word(0, class)? != 0)
        };
        look().unwrap_or_default()
    }
}
