//! The quick path: what a file is and what it says of itself.
//!
//! It is what a scan of folders runs on every file. On the usual path, an ELF plugin with
//! its metadata on the first page, it costs one open, one `fstat`, one read of 4 KiB and
//! one close.

use std::ffi::OsStr;

use plugwright_manifest::Record;
use serde::Serialize;

use crate::arch::{Kind, Target};
use crate::depth::Depth;
use crate::elf;
use crate::foreign;
use crate::macho;
use crate::pe;
use crate::problem::{Group, Loader, Problem, Problems};
use crate::qt::QtMetadata;
use crate::read_at::ReadAt;
use crate::source::{self, Source};

/// One library inside a file. Only a universal Mach-O file has several.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Image {
    /// Format, processor, word size and byte order.
    #[serde(flatten)]
    pub target: Target,
    /// Library, program or other.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Where the image begins in the file, in bytes.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// Plugwright's records. Their details are read at the depth of [`crate::headers()`].
    #[serde(rename = "plugwright")]
    pub records: Vec<Record>,
    /// Qt's plugin metadata.
    pub qt: Option<QtMetadata>,
}

/// What [`identity`] found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// The images of the file; none when it is no library in a known format.
    pub images: Vec<Image>,
    /// Everything that is wrong with the file, as far as the quick path looks.
    pub problems: Vec<Problem>,
}

impl Identity {
    /// The image that a loader for `target` would choose.
    #[must_use]
    pub fn image_for(&self, target: &Target) -> Option<&Image> {
        let fits = |image: &&Image| target.mismatch(&image.target).is_none();
        self.images.iter().find(fits)
    }

    /// Whether the quick path found nothing wrong with reading and structure. The full
    /// answer is [`crate::Headers::is_sound`].
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.images.is_empty() && is_sound(&self.problems)
    }
}

/// No fault of reading, of structure or beyond a limit, and none that a loader minds.
pub(crate) fn is_sound(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| {
        let sound = matches!(problem.code.group(), Group::Foreign | Group::Metadata);
        sound && problem.loader == Loader::Accepts
    })
}

/// Reads what the file is: format, architecture, type, Plugwright's and Qt's metadata.
///
/// `file_name` is the name under which the file was found, without folders: of several
/// Plugwright records in one file, the one whose crate has that name is the file's own.
///
/// It never fails as a whole and never panics: what cannot be read is a problem. For a
/// file that does not change the result depends on its bytes and `file_name` only.
pub fn identity<R: ReadAt + ?Sized>(reader: &R, file_name: Option<&OsStr>) -> Identity {
    let (images, problems) = source::read(reader, |source, problems| {
        images(source, file_name, problems)
    });
    Identity { images, problems }
}

fn images<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Vec<Image> {
    if elf::is_elf(source.head()) {
        elf::identity(source, file_name, problems)
            .into_iter()
            .collect()
    } else if macho::is_macho(source.head()) {
        let images = macho::read(source, Depth::Identity, file_name, problems);
        images
            .into_iter()
            .map(|image| image.headers.image)
            .collect()
    } else if pe::is_pe(source.head()) {
        let image = pe::read(source, Depth::Identity, file_name, problems);
        image.into_iter().map(|image| image.headers.image).collect()
    } else {
        problems.push(foreign::describe(source.head(), source.size()));
        Vec::new()
    }
}
