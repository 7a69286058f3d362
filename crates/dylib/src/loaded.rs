//! What is loaded in this process, whoever loaded it: libraries, the program, the vDSO.

use crate::image::Identity;
use crate::os;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A library or program that is loaded in this process, as it was when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedImage {
    /// The dynamic linker's name for it: what it was loaded as. Empty for the program.
    pub name: PathBuf,
    /// The file that is mapped, as the kernel names it; ` (deleted)` is at its end if it has no name any more. `None` if no
    /// file is mapped, as for the vDSO.
    pub file: Option<PathBuf>,
    /// Which file that is, if its name still leads to it.
    pub identity: Option<Identity>,
    /// What is added to the addresses in the file. On Windows, where files have addresses relative to their start, this is where
    /// the image begins.
    pub bias: usize,
    /// The loaded segments, in ascending order.
    pub segments: Vec<LoadedSegment>,
    /// The name that other images need it by: `DT_SONAME`, `LC_ID_DYLIB`; on Windows the name of its file in lower case.
    pub soname: Option<OsString>,
    /// The names of the images that it needs: `DT_NEEDED`, `LC_LOAD_DYLIB`; on Windows those of its imports in lower case.
    pub needed: Vec<OsString>,
    /// The build id from its note; on macOS its UUID, on Windows the 20 bytes that name its file for debuggers.
    pub build_id: Option<Vec<u8>>,
    /// Whether it asks never to be unloaded (`DF_1_NODELETE`, Linux only).
    pub no_delete: bool,
    /// Whether it has thread-local data.
    pub thread_local: bool,
}

/// A segment in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedSegment {
    /// Its addresses, before they are rounded to whole pages.
    pub addresses: Range<usize>,
    /// Whether the file asks for it to be writable.
    pub writable: bool,
    /// Whether the file asks for it to be executable.
    pub executable: bool,
}

impl LoadedSegment {
    pub(crate) const fn new(addresses: Range<usize>, writable: bool, executable: bool) -> Self {
        Self {
            addresses,
            writable,
            executable,
        }
    }
}

impl LoadedImage {
    /// Whether one of its segments contains an address.
    #[must_use]
    pub fn contains(&self, address: usize) -> bool {
        self.segments
            .iter()
            .any(|segment| segment.addresses.contains(&address))
    }

    /// Whether it needs `other`: whether one of the names that it needs is `other`'s SONAME, or its file name if it has
    /// none.
    #[must_use]
    pub fn needs(&self, other: &Self) -> bool {
        let name = other.soname.as_deref().or_else(|| other.name.file_name());
        name.is_some_and(|name| {
            self.needed
                .iter()
                .any(|needed| needed == name || Path::new(needed).file_name() == Some(name))
        })
    }

    /// Whether the dynamic linker would take it for a need of `name`: whether that is its SONAME or the file name of the path that
    /// it was loaded as.
    #[must_use]
    pub fn is_named(&self, name: &OsStr) -> bool {
        self.soname.as_deref() == Some(name) || self.name.file_name() == Some(name)
    }

    /// What to call it: the file, or else the dynamic linker's name.
    #[must_use]
    pub fn title(&self) -> &OsStr {
        self.file.as_deref().unwrap_or(&self.name).as_os_str()
    }
}

/// Everything that is loaded now, in the dynamic linker's order: the program first.
#[must_use]
pub fn loaded_images() -> Vec<LoadedImage> {
    os::loaded_images()
}

/// Of everything that is loaded now, what [is named](LoadedImage::is_named) by one of `names`. Where the kernel can be asked about one
/// mapping (Linux 6.11 and later), this costs by what is found and not by what is loaded.
#[must_use]
pub fn images_named(names: &[&OsStr]) -> Vec<LoadedImage> {
    os::images_named(names)
}

/// The image that contains an address: of a function or of data.
#[must_use]
pub fn image_containing(address: *const ()) -> Option<LoadedImage> {
    loaded_images()
        .into_iter()
        .find(|image| image.contains(address.addr()))
}
