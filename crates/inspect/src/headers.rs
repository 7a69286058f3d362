//! The depth *headers*: what the headers and tables of a library tell a loader.

use std::ffi::OsStr;

use serde::Serialize;

use crate::arch::Target;
use crate::auditable::RustCrate;
use crate::depth::Depth;
use crate::elf::{self, ElfFacts};
use crate::foreign;
use crate::identity::{Image, is_sound};
use crate::macho::{self, MachOFacts};
use crate::pe::{self, PeFacts};
use crate::problem::{Problem, Problems};
use crate::read_at::ReadAt;
use crate::source::{self, Source};
use crate::untrusted::Untrusted;

/// One image's headers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ImageHeaders {
    /// What the quick path tells, with the records' details.
    #[serde(flatten)]
    pub image: Image,
    /// The name that the library has for others: SONAME (ELF), install name (Mach-O), the
    /// name in the export directory (PE).
    #[serde(rename = "soname")]
    pub name: Option<Untrusted>,
    /// The libraries that it needs, in the file's order.
    pub needed: Vec<Untrusted>,
    /// Where each of them is named in the file, in bytes: its dynamic entry (ELF), load command
    /// (Mach-O) or import descriptor (PE).
    #[serde(skip)]
    pub needed_at: Vec<u64>,
    /// Folders in which these are looked for: `DT_RUNPATH`, or `LC_RPATH` joined by `:`.
    pub run_path: Option<Untrusted>,
    /// The Rust crates that went into it, where it was built with cargo-auditable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crates: Vec<RustCrate>,
    /// What only the image's format has.
    #[serde(flatten)]
    pub facts: FormatFacts,
}

/// Facts that belong to one format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FormatFacts {
    /// ELF.
    Elf(Box<ElfFacts>),
    /// Mach-O.
    #[serde(rename = "mach-o")]
    MachO(Box<MachOFacts>),
    /// PE.
    Pe(Box<PeFacts>),
}

impl ImageHeaders {
    /// The facts that only ELF files have.
    #[must_use]
    pub fn elf(&self) -> Option<&ElfFacts> {
        match &self.facts {
            FormatFacts::Elf(facts) => Some(facts),
            _ => None,
        }
    }

    /// The facts that only Mach-O files have.
    #[must_use]
    pub fn macho(&self) -> Option<&MachOFacts> {
        match &self.facts {
            FormatFacts::MachO(facts) => Some(facts),
            _ => None,
        }
    }

    /// The facts that only PE files have.
    #[must_use]
    pub fn pe(&self) -> Option<&PeFacts> {
        match &self.facts {
            FormatFacts::Pe(facts) => Some(facts),
            _ => None,
        }
    }
}

/// What [`headers`] found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Headers {
    /// The images of the file; none when it is no library in a known format.
    pub images: Vec<ImageHeaders>,
    /// Everything that is wrong with the file.
    pub problems: Vec<Problem>,
}

impl Headers {
    /// The image that a loader for `target` would choose.
    #[must_use]
    pub fn image_for(&self, target: &Target) -> Option<&ImageHeaders> {
        let fits = |headers: &&ImageHeaders| target.mismatch(&headers.image.target).is_none();
        self.images.iter().find(fits)
    }

    /// Whether the file's structure is sound: everything that a loader follows lies where
    /// it must, nothing contradicts itself, and no limit cut the reading short.
    ///
    /// Damaged metadata and a foreign architecture do not make a file unsound.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.images.is_empty() && is_sound(&self.problems)
    }
}

/// Reads what [`crate::identity()`] reads, and what the headers and the dynamic section
/// tell; checks every structure that a loader follows before it binds symbols.
///
/// `file_name` is as for [`crate::identity()`]. It never fails as a whole and never panics.
pub fn headers<R: ReadAt + ?Sized>(reader: &R, file_name: Option<&OsStr>) -> Headers {
    let (images, problems) = source::read(reader, |source, problems| {
        images(source, file_name, problems)
    });
    Headers { images, problems }
}

fn images<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Vec<ImageHeaders> {
    if elf::is_elf(source.head()) {
        elf::headers(source, file_name, problems)
            .into_iter()
            .collect()
    } else if macho::is_macho(source.head()) {
        let images = macho::read(source, Depth::Headers, file_name, problems);
        images.into_iter().map(|image| image.headers).collect()
    } else if pe::is_pe(source.head()) {
        let image = pe::read(source, Depth::Headers, file_name, problems);
        image.into_iter().map(|image| image.headers).collect()
    } else {
        problems.push(foreign::describe(source.head(), source.size()));
        Vec::new()
    }
}
