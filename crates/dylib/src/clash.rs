//! Names under which something else is loaded already.
//!
//! A needed library is met by *name*: whatever is loaded under that SONAME is taken, whoever brought it and wherever it
//! lies. Two plugins that bring different libraries of one name both get the first one's.

use crate::loaded::loaded_images;
use crate::os;
use plugwright_inspect::closure::{Closures, Search};
use std::path::{Path, PathBuf};

/// A library that is needed, and that another one will be taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Clash {
    /// The name by which it is needed.
    pub name: PathBuf,
    /// The file that the search for it finds.
    pub wanted: PathBuf,
    /// The file that is loaded under that name, and that will be taken.
    pub loaded: PathBuf,
}

/// What the library at `path`, which is absolute, and all that it needs would get other than what the search for it finds,
/// if it were loaded into this process now. Nothing is executed.
///
/// The search is the dynamic linker's, without `LD_LIBRARY_PATH`. An image whose file is not known (a sealed copy, or a
/// file that was replaced) is told as another one, for its bytes need not be those of the file.
#[must_use]
pub fn clashes(path: &Path) -> Vec<Clash> {
    let Some(search) = Search::host() else {
        return Vec::new();
    };
    let closure = Closures::new(search).of(path);
    let loaded = loaded_images();
    let mut clashes = Vec::new();
    for needed in closure.images.iter().skip(1) {
        let name = os::os_string(needed.name.as_bytes());
        let (Some(wanted), Some(image)) = (
            &needed.path,
            loaded
                .iter()
                .find(|image| image.soname.as_ref() == Some(&name)),
        ) else {
            continue;
        };
        let identity = os::look_at(wanted).ok().map(|seen| seen.identity);
        if image.identity.is_none() || image.identity != identity {
            let loaded = PathBuf::from(image.title());
            clashes.push(Clash {
                name: name.into(),
                wanted: wanted.clone(),
                loaded,
            });
        }
    }
    clashes
}
