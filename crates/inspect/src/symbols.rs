//! The depth *symbols*: every name that a library defines and asks for, and what its
//! relocations will do.

use std::ffi::OsStr;

use serde::Serialize;

use crate::arch::Target;
use crate::depth::Depth;
use crate::elf::{self, Relocations};
use crate::foreign;
use crate::headers::ImageHeaders;
use crate::identity::is_sound;
use crate::kinds::{self, Recognised};
use crate::macho;
use crate::pe;
use crate::problem::{Problem, Problems};
use crate::read_at::ReadAt;
use crate::source::{self, Source};
use crate::untrusted::Untrusted;

/// A symbol that an image defines for others, or needs of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Symbol {
    /// Its name, as it stands in the file: not demangled. Empty for a PE import by number.
    pub name: Untrusted,
    /// The version (ELF) in which it is defined or wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Untrusted>,
    /// The library that has to define it: of an import, where the format says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<Untrusted>,
    /// Its number (PE).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: SymbolKind,
    /// How definitions of the same name compete.
    pub binding: Binding,
    /// Its address in the image, 0 for an import.
    pub address: u64,
    /// Its size in bytes, where the format says it.
    pub size: u64,
    /// Where its entry stands in the file, in bytes: in the table of symbols, or of imported or
    /// exported names (PE).
    #[serde(skip)]
    pub offset: u64,
}

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SymbolKind {
    /// The format does not say.
    Unknown,
    /// Code.
    Function,
    /// Data.
    Object,
    /// Data that each thread has of its own.
    ThreadLocal,
    /// A function that is run to find out the address (ELF's `STT_GNU_IFUNC`).
    IndirectFunction,
    /// Another library's symbol under a name of this one (PE's forwarders, Mach-O's
    /// re-exports).
    Forwarded,
}

/// How definitions of the same name compete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Binding {
    /// An ordinary symbol.
    Global,
    /// A definition that gives way, or a reference that may stay unresolved.
    Weak,
    /// One definition for the whole process (ELF's `STB_GNU_UNIQUE`), which also keeps its
    /// library from ever being unloaded.
    Unique,
}

/// One image at this depth.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ImageSymbols {
    /// What the headers tell.
    #[serde(flatten)]
    pub headers: ImageHeaders,
    /// What it defines for others.
    pub exports: Vec<Symbol>,
    /// What it needs of others.
    pub imports: Vec<Symbol>,
    /// Its relocations; `None` for formats other than ELF.
    pub relocations: Option<Relocations>,
    /// What it is a plugin for, as far as that is known.
    pub kinds: Vec<Recognised>,
}

/// What [`symbols`] found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Symbols {
    /// The images of the file; none when it is no library in a known format.
    pub images: Vec<ImageSymbols>,
    /// Everything that is wrong with the file.
    pub problems: Vec<Problem>,
}

impl Symbols {
    /// The image that a loader for `target` would choose.
    #[must_use]
    pub fn image_for(&self, target: &Target) -> Option<&ImageSymbols> {
        let fits = |image: &&ImageSymbols| {
            let image = &image.headers.image.target;
            target.mismatch(image).is_none()
        };
        self.images.iter().find(fits)
    }

    /// As [`crate::Headers::is_sound`].
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.images.is_empty() && is_sound(&self.problems)
    }
}

/// Reads what [`crate::headers()`] reads, and all symbols and relocations.
///
/// Memory is some ten times the size of the symbol tables. `file_name` is as for
/// [`crate::identity()`]. It never fails as a whole and never panics.
pub fn symbols<R: ReadAt + ?Sized>(reader: &R, file_name: Option<&OsStr>) -> Symbols {
    let (images, problems) = source::read(reader, |source, problems| {
        let mut images = images(source, file_name, problems);
        for image in &mut images {
            image.kinds = kinds::recognise(&image.headers, &image.exports, source, problems);
        }
        images
    });
    Symbols { images, problems }
}

fn images<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Vec<ImageSymbols> {
    if elf::is_elf(source.head()) {
        let image = elf::read_symbols(source, file_name, problems);
        image.into_iter().collect()
    } else if macho::is_macho(source.head()) {
        macho::read(source, Depth::Symbols, file_name, problems)
    } else if pe::is_pe(source.head()) {
        let image = pe::read(source, Depth::Symbols, file_name, problems);
        image.into_iter().collect()
    } else {
        problems.push(foreign::describe(source.head(), source.size()));
        Vec::new()
    }
}
