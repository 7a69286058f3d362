//! Loading only what a strict reading found sound.
//!
//! The dynamic linker believes what a file says of itself: a few changed bytes end the process inside it, where nothing
//! can catch that. So the bytes are copied where nobody can change them, the copy is read strictly, and that copy is
//! loaded.

use crate::error::{LoadError, LoadErrorKind};
use crate::hints::Hints;
use crate::image::Image;
use crate::library::{Library, terms};
use crate::open::{self, Failure, Loaded, Terms};
use crate::os;
use crate::request::{Request, Wanted};
use plugwright_inspect::{Problem, Target, symbols};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

impl Image {
    /// Reads the structure of these bytes strictly, and says whether this system's dynamic linker can digest them. Nothing
    /// is executed. For a file in place the answer holds as long as nobody changes the file.
    ///
    /// # Errors
    /// [`LoadErrorKind::Unsound`] if the structure is damaged or the file is not for this system; every problem is in the
    /// error's [`explanation`](LoadError::explanation).
    pub fn check(&self) -> Result<(), LoadError> {
        let problems = problems(self);
        if problems.is_empty() {
            return Ok(());
        }
        Err(LoadError::new(LoadErrorKind::Unsound, self.name()).because(problems))
    }
}

/// Everything that speaks against loading an image; empty if nothing does.
pub(crate) fn problems(image: &Image) -> Vec<String> {
    // To the last symbol: a wrong one ends the process as surely as a wrong header.
    let contents = symbols(image, image.name().file_name().map(OsStr::new));
    let Some(host) = Target::host() else {
        return vec!["files of this system's format cannot be read".into()];
    };
    let mut problems: Vec<String> = Vec::new();
    if !contents.is_sound() {
        problems.extend(contents.problems.iter().map(Problem::to_string));
    }
    if contents.image_for(&host).is_none() {
        let mismatches = contents
            .images
            .iter()
            .filter_map(|image| host.mismatch(&image.headers.image.target));
        problems.extend(mismatches.map(|problem| problem.to_string()));
    }
    problems
}

impl Library {
    /// Opens a library by path, or from the system's own folders, as [`open`](Self::open) does; but seals a copy, checks
    /// the copy's structure ([`Image::check`]) and loads that copy. Each call gives a library of its own, with its own
    /// variables; `$ORIGIN` leads nowhere in it. The libraries that it needs are found by the system and not checked.
    ///
    /// # Safety
    /// As for [`load`](Self::load), but for the second point: damaged bytes are refused.
    ///
    /// # Errors
    /// [`LoadErrorKind::NotCheckable`] for a request by name, whose file the system chooses; [`LoadErrorKind::Unsound`] for
    /// a file that is damaged or for another system; [`LoadErrorKind::SealingUnavailable`]; or as for [`open`](Self::open).
    pub unsafe fn open_checked(request: &Request, hints: Hints) -> Result<Self, LoadError> {
        if let Wanted::Name(name) = &request.wanted {
            return Err(LoadError::new(LoadErrorKind::NotCheckable, Path::new(name)));
        }
        // SAFETY: the caller vouches for the constructors of what the request leads to; that the dynamic linker can digest
        // it is what `file_checked` makes sure of.
        unsafe { open::request(request, terms(hints), file_checked) }.map(Self::new)
    }
}

/// Loads a sealed copy of the file at a path, if its structure is sound.
///
/// # Safety
/// The file's constructors, and those of what it needs, must be fit to run now.
unsafe fn file_checked(path: &Path, terms: Terms) -> Result<Arc<Loaded>, Failure> {
    let file = os::readable(path).map_err(|error| Failure::looking(path, &error))?;
    let image = Image::seal(&file, path.as_os_str()).map_err(|error| match error.kind() {
        LoadErrorKind::NotAFile => Failure::not_a_file(path),
        _ => Failure::Final(error),
    })?;
    image.check().map_err(Failure::Final)?;
    // SAFETY: the caller vouches for the constructors, and the bytes were checked.
    unsafe { open::image(image, terms) }.map_err(Failure::Final)
}
