//! The depth *symbols* for who looks at thousands of files: the same tables are read and the
//! same faults told, and each symbol is shown once, in the reader's own memory.

use std::ffi::OsStr;

use crate::depth::Depth;
use crate::elf::{self, Relocations};
use crate::foreign;
use crate::headers::ImageHeaders;
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
    /// Its name, as it stands in the file. Empty for a PE import by number.
    pub name: &'s [u8],
    /// Whether it is defined here, as against needed.
    pub is_export: bool,
    /// What it is.
    pub kind: SymbolKind,
    /// How definitions of the same name compete.
    pub binding: Binding,
    /// Its address in the image, 0 for an import.
    pub address: u64,
    /// Its number in the table of dynamic symbols (ELF).
    pub index: Option<u32>,
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
        let image = pe::read(source, Depth::Symbols, file_name, problems);
        image.into_iter().collect()
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
            name: symbol.name.as_bytes(),
            is_export,
            kind: symbol.kind,
            binding: symbol.binding,
            address: symbol.address,
            index: None,
        };
        see(index, view);
    }
    ImageScan {
        headers: image.headers,
        relocations: image.relocations,
    }
}
