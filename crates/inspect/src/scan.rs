//! The depth *symbols* for who looks at thousands of files: the same tables are read and the
//! same faults told, and each symbol is shown once, in the reader's own memory.

use std::ffi::OsStr;

use crate::depth::Depth;
use crate::elf::{self, Relocations};
use crate::fields::until_nul;
use crate::foreign;
use crate::headers::ImageHeaders;
use crate::limits;
use crate::macho;
use crate::pe;
use crate::problem::{Problem, Problems};
use crate::read_at::ReadAt;
use crate::source::{self, Source};
use crate::symbols::{Binding, ImageSymbols, SymbolKind};

/// A symbol while it is shown.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SymbolView<'s> {
    /// Its name.
    pub name: NameView<'s>,
    /// Whether it is defined here, as against needed.
    pub is_export: bool,
    /// What it is.
    pub kind: SymbolKind,
    /// How definitions of the same name compete.
    pub binding: Binding,
    /// Its address in the image, 0 for an import.
    pub address: u64,
    /// Where its entry stands in the file, in bytes, as [`crate::Symbol::offset`].
    pub offset: u64,
}

/// The name of a symbol, as it stands in the file. Where it ends is looked for when somebody asks: most of a large
/// library's names are long, and their beginning is enough to put them aside.
#[derive(Clone, Copy, Debug)]
pub struct NameView<'s> {
    /// From its first byte on, to the end of the table that it stands in.
    rest: &'s [u8],
    /// Whether a NUL ends it, as against the end of `rest`.
    ends_with_nul: bool,
    plain: bool,
}

impl<'s> NameView<'s> {
    /// A name in a table of strings. `plain` as for [`NameView::is_plain`].
    pub(crate) const fn in_table(rest: &'s [u8], plain: bool) -> Self {
        Self {
            rest,
            ends_with_nul: true,
            plain,
        }
    }

    pub(crate) const fn whole(name: &'s [u8]) -> Self {
        Self {
            rest: name,
            ends_with_nul: false,
            plain: false,
        }
    }

    /// Its bytes. Empty for a PE import by number, for one that has no end in its table, and for one that is longer than
    /// [`limits::STRING`].
    #[must_use]
    pub fn as_bytes(&self) -> &'s [u8] {
        if self.ends_with_nul {
            until_nul(self.rest.get(..limits::STRING).unwrap_or(self.rest)).unwrap_or_default()
        } else {
            self.rest
        }
    }

    /// The same, for who looks for names of at most `len` bytes; `None` for longer ones.
    #[must_use]
    pub fn up_to(&self, len: usize) -> Option<&'s [u8]> {
        if self.ends_with_nul {
            let room = len.saturating_add(1);
            until_nul(self.rest.get(..room).unwrap_or(self.rest))
        } else {
            Some(self.rest).filter(|name| name.len() <= len)
        }
    }

    /// Its first two bytes, of which the second may be that of the next name in the table: enough to put most names aside.
    /// `None` for what has none.
    #[must_use]
    pub fn start(&self) -> Option<[u8; 2]> {
        self.rest.first_chunk().copied()
    }

    /// Whether it is known, without a look at it, that it holds nothing but visible ASCII: because its whole table does.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.plain
    }
}

/// One image of a [`Scan`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImageScan {
    /// What the headers tell.
    pub headers: ImageHeaders,
    /// Its relocations; `None` for formats other than ELF.
    pub relocations: Option<Relocations>,
}

/// What [`scan`] found out besides the symbols.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scan {
    /// The images of the file; none when it is no library in a known format.
    pub images: Vec<ImageScan>,
    /// Everything that is wrong with the file, as [`crate::symbols()`] tells it.
    pub problems: Vec<Problem>,
}

/// Reads what [`crate::symbols()`] reads and shows every symbol to `see`, with the position
/// of its image in [`Scan::images`].
///
/// Memory is that of the symbol tables themselves, and given back before it returns.
/// `file_name` is as for [`crate::identity()`]. It never fails as a whole and never panics.
pub fn scan<R: ReadAt + ?Sized>(
    reader: &R,
    file_name: Option<&OsStr>,
    see: &mut dyn FnMut(usize, SymbolView<'_>),
) -> Scan {
    let (images, problems) = source::read(reader, |source, problems| {
        images(source, file_name, see, problems)
    });
    Scan { images, problems }
}

fn images<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    see: &mut dyn FnMut(usize, SymbolView<'_>),
    problems: &mut Problems,
) -> Vec<ImageScan> {
    let images = if elf::is_elf(source.head()) {
        let image = elf::scan(source, file_name, &mut |symbol| see(0, symbol), problems);
        return image.into_iter().collect();
    } else if macho::is_macho(source.head()) {
        macho::read(source, Depth::Symbols, file_name, problems)
    } else if pe::is_pe(source.head()) {
        let image = pe::scan(source, file_name, &mut |symbol| see(0, symbol), problems);
        return image.into_iter().collect();
    } else {
        problems.push(foreign::describe(source.head(), source.size()));
        Vec::new()
    };
    // The tables of these formats name symbols in several places, which are brought
    // together first.
    let shown = (0..)
        .zip(images)
        .map(|(index, image)| show(index, image, see));
    shown.collect()
}

fn show(
    index: usize,
    image: ImageSymbols,
    see: &mut dyn FnMut(usize, SymbolView<'_>),
) -> ImageScan {
    let exports = image.exports.iter().map(|symbol| (symbol, true));
    let imports = image.imports.iter().map(|symbol| (symbol, false));
    for (symbol, is_export) in exports.chain(imports) {
        let view = SymbolView {
            name: NameView::whole(symbol.name.as_bytes()),
            is_export,
            kind: symbol.kind,
            binding: symbol.binding,
            address: symbol.address,
            offset: symbol.offset,
        };
        see(index, view);
    }
    ImageScan {
        headers: image.headers,
        relocations: image.relocations,
    }
}
