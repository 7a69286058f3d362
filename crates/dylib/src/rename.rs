//! Other names for needed libraries, in a copy of an image.
//!
//! A needed library is met by *name*: whatever is loaded under that SONAME is taken. Two plugins that bring different libraries
//! of one name can live side by side only if one of the libraries goes by another name, and with it the plugin that needs
//! it. The system has no switch for this, so the names are changed in the bytes: in a copy, after the original was judged.

use crate::error::{LoadError, LoadErrorKind};
use crate::image::{self, Image, Place};
use crate::loaded::images_named;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

mod elf;

pub(crate) use elf::Refusal;

/// The longest name: what file systems take.
const LONGEST: usize = 255;

impl Image {
    /// Copies the image, with other names for libraries: wherever it says one of the keys, as its own SONAME or as the name of a
    /// library that it needs (`DT_SONAME`, `DT_NEEDED`, `DT_FILTER`, `DT_AUXILIARY` and the files of its version needs), the
    /// copy says the value instead. Names that it does not say are passed over. ELF only.
    ///
    /// The copy has a table of strings of its own behind the original's bytes, and a segment for it, so that names may
    /// have any length and nothing that shares bytes with an old name changes. Code, data, symbols, notes and the build id are the
    /// original's: what was judged about those holds for the copy. Of a private copy this makes another in the same folder,
    /// of everything else a sealed one.
    ///
    /// ```no_run
    /// use plugwright_dylib::{Hints, Image, Library, unused_name};
    /// use std::collections::BTreeMap;
    /// use std::{ffi::OsStr, fs::File};
    ///
    /// // This plugin brings its own libshared.so.1, and another library of that name is loaded already.
    /// let seal = |name: &str| -> Result<Image, Box<dyn std::error::Error>> {
    ///     let file = File::open(format!("/opt/plugin/{name}"))?;
    ///     Ok(Image::seal(&file, OsStr::new(name))?)
    /// };
    /// let (needed, plugin) = (seal("libshared.so.1")?, seal("libplugin.so")?);
    /// // Here both are judged.
    /// let name = OsStr::new("libshared.so.1");
    /// let names = BTreeMap::from([(name.to_owned(), unused_name(name))]);
    /// // What is needed comes first: the name is nowhere in the system's folders.
    /// // SAFETY: their constructors were judged to be fit to run.
    /// let needed = unsafe { Library::load(needed.renamed(&names)?, Hints::new()) }?;
    /// // SAFETY: as above.
    /// let plugin = unsafe { Library::load(plugin.renamed(&names)?, Hints::new()) }?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LoadErrorKind::NotRenamable`] if the bytes are not an ELF library for this system's word size and byte order, if its
    /// tables lie outside the file, or if a new name is empty, longer than 255 bytes or has a `/` or a byte 0 in it; and as for
    /// [`seal`](Self::seal) or [`private_copy`](Self::private_copy).
    pub fn renamed(&self, names: &BTreeMap<OsString, OsString>) -> Result<Self, LoadError> {
        if let Some(name) = names.values().find(|name| !is_name(name)) {
            let told = format!("expected a file name of 1 to {LONGEST} bytes, found {name:?}");
            return Err(not_renamable(self.name(), told));
        }
        let fill = |to: &File| {
            image::copy(self.file(), to, self.size())?;
            elf::rename(to, self.size(), names).map_err(image::Unfilled::Refused)
        };
        match self.place() {
            Place::Copy(copied) => Self::copy_into(copied.folder(), self.name(), fill),
            Place::Memory | Place::Path(_) => Self::seal_filled(self.name(), fill),
        }
    }
}

pub(crate) fn not_renamable(name: &Path, told: String) -> LoadError {
    LoadError::new(LoadErrorKind::NotRenamable, name).because(vec![told])
}

fn is_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    (1..=LONGEST).contains(&bytes.len()) && !bytes.contains(&b'/') && !bytes.contains(&0)
}

/// A name like `name` that this function never gave before and that nothing loaded here has: for [`Image::renamed`].
///
/// It ends in `.plugwright-N`, so that who reads it in a list of loaded libraries knows where it comes from. Of a very long
/// name the end is left away.
#[must_use]
pub fn unused_name(name: &OsStr) -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    loop {
        let end = format!(".plugwright-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut unused: OsString = name
            .to_string_lossy()
            .chars()
            .take(50)
            .collect::<String>()
            .into();
        unused.push(end);
        if images_named(&[&unused]).is_empty() {
            return unused;
        }
    }
}
