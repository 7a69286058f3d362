//! From an image or a request to a loaded library, whichever of the two kinds of library it is for.

use crate::candidates::{Candidate, Platform, as_written, candidates};
use crate::error::{Attempt, LoadError, LoadErrorKind, OsText};
use crate::exact::{self, Certainty, Stay};
use crate::hints::{Binding, Hints, Visibility};
use crate::image::{Identity, Image, Place, Source};
use crate::os::{self, Handle, Mapped, Spelling};
use crate::request::{Request, Wanted};
use crate::store::{Properties, Store};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

/// What is known of a loaded library.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What the first to open it called it.
    pub(crate) name: PathBuf,
    pub(crate) handle: Handle,
    /// The dynamic linker's name for it.
    pub(crate) path: PathBuf,
    /// Which file it is, if that can be told.
    pub(crate) claim: Option<Claim>,
    /// Keeps a private copy and its folder on disk, for debuggers.
    _place: Option<Place>,
}

/// Which file a library is, by what was known before it was loaded.
///
/// The path led to that file a moment earlier. Whether the very same file was mapped is asked of the kernel when it
/// matters for the first time: before the library is handed out again for that file, and when somebody wants to know. For a
/// library that is opened once that would be three calls of the system for nothing. (An image, whose bytes were judged, is
/// compared in any case.)
#[derive(Debug)]
pub(crate) struct Claim {
    identity: Identity,
    holds: OnceLock<bool>,
}

impl Claim {
    fn new(identity: Identity, certainty: Certainty) -> Self {
        let holds = match certainty {
            Certainty::Compared => OnceLock::from(true),
            Certainty::Fresh => OnceLock::new(),
        };
        Self { identity, holds }
    }
}

impl Loaded {
    /// The file that is mapped. The library has to be open, as it is for whoever holds an object for it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let claim = self.claim.as_ref()?;
        let compare = || {
            let file = || os::readable(&self.path);
            matches!(
                os::mapped(self.handle, claim.identity, &file),
                Ok(Mapped::This)
            )
        };
        claim.holds.get_or_init(compare).then_some(claim.identity)
    }
}

/// All libraries that this crate has open in this process.
pub(crate) fn store() -> &'static Store<Arc<Loaded>> {
    static STORE: LazyLock<Store<Arc<Loaded>>> = LazyLock::new(Store::new);
    &STORE
}

/// What a library is opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) hints: Hints,
    pub(crate) stay: Stay,
}

impl Terms {
    const fn properties(self) -> Properties {
        Properties {
            bound: matches!(self.hints.binding, Binding::Now),
            global: matches!(self.hints.visibility, Visibility::Global),
            pinned: matches!(self.stay, Stay::Ever),
        }
    }

    /// Records a library that the system opened on these terms.
    fn opened(self, loaded: Loaded) -> Arc<Loaded> {
        let identity = loaded.claim.as_ref().map(|claim| claim.identity);
        let key = loaded.handle.key();
        store().opened(key, identity, self.properties(), Arc::new(loaded))
    }
}

/// The library that is loaded from a file already, for one more user, if everything that is wanted of it holds.
fn attach(identity: Identity, terms: Terms) -> Option<Arc<Loaded>> {
    let loaded = store().attach(identity, terms.properties())?;
    if loaded.identity() == Some(identity) {
        return Some(loaded);
    }
    // The file was exchanged while it was loaded, or it cannot be told.
    store().mistaken(identity, loaded.handle.key());
    None
}

/// Loads an image.
///
/// # Safety
/// As for [`Library::load`](crate::Library::load).
pub(crate) unsafe fn image(image: Image, terms: Terms) -> Result<Arc<Loaded>, LoadError> {
    image.check_path()?;
    if let Some(loaded) = attach(image.identity(), terms) {
        return Ok(loaded);
    }
    let path = match image.place() {
        Place::Memory => None,
        Place::Copy(copied) => Some(&copied.path),
        Place::Path(path) => Some(path),
    };
    let wanted = exact::Wanted {
        name: image.name(),
        identity: image.identity(),
        file: &|| image.file().try_clone(),
        source: image.source(),
        hints: terms.hints,
        stay: terms.stay,
        shadowed: path.is_some_and(|path| is_shadowed(path)),
    };
    let opened = match path {
        // SAFETY: the caller vouches for the bytes in `image` and for what they need.
        Some(path) => unsafe { exact::at_path(path, &wanted) },
        None => {
            let text = os::descriptor_spelling(image.file());
            let text =
                text.map_err(|error| LoadError::io(LoadErrorKind::Io, image.name(), error))?;
            // SAFETY: as above.
            unsafe { exact::spelled(text, &wanted) }
        }
    };
    let (handle, text) = opened?;
    let (name, file, identity, place) = image.into_parts();
    let claim = Claim::new(identity, Certainty::Compared);
    if matches!(place, Place::Memory) {
        os::keep_for_debuggers(file);
    }
    Ok(terms.opened(Loaded {
        name,
        handle,
        path: text.path(),
        claim: Some(claim),
        _place: Some(place),
    }))
}

/// Loads the file at a path, and nothing else.
///
/// # Safety
/// The caller vouches for the file as for [`Library::open`](crate::Library::open).
pub(crate) type LoadFile = unsafe fn(&Path, Terms) -> Result<Arc<Loaded>, Failure>;

/// Tries the names of a request in order. A name that is not there is passed over; the first that is there decides.
///
/// # Safety
/// As for [`Library::open`](crate::Library::open).
pub(crate) unsafe fn request(
    request: &Request,
    terms: Terms,
    load_file: LoadFile,
) -> Result<Arc<Loaded>, LoadError> {
    let mut attempts = Vec::new();
    // Most requests are paths as they lie there, for which no list of names has to be made.
    let exact = as_written(request)?;
    if let Some(path) = exact {
        // SAFETY: the caller vouches for whatever the request leads to.
        match unsafe { load_file(path, terms) } {
            Ok(loaded) => return Ok(loaded),
            Err(Failure::Elsewhere(attempt)) => attempts.push(attempt),
            Err(Failure::Final(error)) => return Err(error),
        }
    }
    for candidate in candidates(request, Platform::THIS)?
        .iter()
        .skip(usize::from(exact.is_some()))
    {
        let outcome = match candidate {
            // SAFETY: as above.
            Candidate::File(path) => unsafe { load_file(path, terms) },
            // SAFETY: as above.
            Candidate::Search(name) => unsafe { search(name, terms) },
        };
        match outcome {
            Ok(loaded) => return Ok(loaded),
            Err(Failure::Elsewhere(attempt)) => attempts.push(attempt),
            Err(Failure::Final(error)) => return Err(error.after(attempts)),
        }
    }
    let (asked, kind) = match &request.wanted {
        Wanted::Name(name) => (Path::new(name), LoadErrorKind::Refused),
        Wanted::System(name) => (Path::new(name), LoadErrorKind::NotFound),
        Wanted::Path(path) => (path.as_path(), LoadErrorKind::NotFound),
    };
    Err(LoadError::new(kind, asked).after(attempts))
}

/// Why one candidate was not loaded.
pub(crate) enum Failure {
    /// It is not there: the next one may be.
    Elsewhere(Attempt),
    /// It is there and it failed: what is wrong with it must not be hidden by later candidates.
    Final(LoadError),
}

impl Failure {
    /// The system could not even look at a file, or open it.
    pub(crate) fn looking(path: &Path, error: &io::Error) -> Self {
        let attempt = Attempt {
            candidate: path.to_owned(),
            answer: OsText::of(error),
        };
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Elsewhere(attempt),
            _ => Self::Final(LoadError::refused(path, attempt)),
        }
    }

    /// Something else lies there: a folder can have the base name of the library beside it.
    pub(crate) fn not_a_file(path: &Path) -> Self {
        Self::Elsewhere(Attempt {
            candidate: path.to_owned(),
            answer: OsText::new(c"not a regular file"),
        })
    }
}

/// Loads the file at a path and no other. Symbolic links are followed, as libraries' names are.
///
/// # Safety
/// As for [`request`].
pub(crate) unsafe fn file_in_place(path: &Path, terms: Terms) -> Result<Arc<Loaded>, Failure> {
    let seen = os::look_at(path).map_err(|error| Failure::looking(path, &error))?;
    if !seen.is_file {
        return Err(Failure::not_a_file(path));
    }
    let identity = seen.identity;
    if let Some(loaded) = attach(identity, terms) {
        return Ok(loaded);
    }
    let wanted = exact::Wanted {
        name: path,
        identity,
        file: &|| os::readable(path),
        source: Source::InPlace,
        hints: terms.hints,
        stay: terms.stay,
        shadowed: is_shadowed(path),
    };
    // SAFETY: the caller vouches for the file.
    let opened = unsafe { exact::lying_at(path, &wanted) };
    let (handle, text, certainty) = opened.map_err(Failure::Final)?;
    Ok(terms.opened(Loaded {
        name: path.to_owned(),
        handle,
        path: text.path(),
        claim: Some(Claim::new(identity, certainty)),
        _place: None,
    }))
}

/// Leaves it to the system where a name is found.
///
/// # Safety
/// As for [`request`].
unsafe fn search(name: &OsStr, terms: Terms) -> Result<Arc<Loaded>, Failure> {
    let text = Spelling::of(name);
    let text = text.map_err(|error| {
        Failure::Final(LoadError::io(
            LoadErrorKind::ContainsNul,
            Path::new(name),
            error,
        ))
    })?;
    // SAFETY: the caller vouches for whatever has this name.
    let handle = unsafe { os::open(&text, terms.hints, terms.stay) };
    let handle = handle.map_err(|answer| {
        Failure::Elsewhere(Attempt {
            candidate: name.into(),
            answer,
        })
    })?;
    let path = os::linker_name(handle);
    let seen = os::look_at(&path);
    Ok(terms.opened(Loaded {
        name: name.into(),
        handle,
        path,
        // Whether the name still leads to what is mapped is not said by this.
        claim: seen
            .ok()
            .map(|seen| Claim::new(seen.identity, Certainty::Fresh)),
        _place: None,
    }))
}

/// Whether this crate has a library open under this path that may be unloaded.
fn is_shadowed(path: &Path) -> bool {
    // As the dynamic linker compares: as strings.
    store().any_unpinned(|loaded| loaded.path.as_os_str() == path.as_os_str())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::symbols;
    use plugwright_testkit::cc;
    use std::ffi::c_int;

    fn number(library: &Loaded) -> c_int {
        // SAFETY: that is the function's type in both libraries.
        unsafe { symbols::function::<extern "C" fn() -> c_int>(library, c"number".into()) }.unwrap()(
        )
    }

    /// A file was exchanged between the look at it and the load: what came is not the file that it is recorded for.
    #[test]
    fn a_wrong_claim_is_found_out_before_it_sends_anybody_astray() {
        let came = cc::shared("libcame.so", "int number(void) { return 1; }", &[]);
        let meant = cc::shared("libmeant.so", "int number(void) { return 2; }", &[]);
        let identity = os::look_at(&meant).unwrap().identity;
        let text = Spelling::of(came.as_os_str()).unwrap();
        let terms = Terms {
            hints: Hints::new(),
            stay: Stay::Ever,
        };
        // SAFETY: it has no constructors.
        let handle = unsafe { os::open(&text, terms.hints, terms.stay) }.unwrap();
        let first = terms.opened(Loaded {
            name: meant.clone(),
            handle,
            path: came,
            claim: Some(Claim::new(identity, Certainty::Fresh)),
            _place: None,
        });
        // SAFETY: neither has constructors.
        let Ok(second) = (unsafe { file_in_place(&meant, terms) }) else {
            panic!("it is there");
        };
        assert_eq!((number(&first), number(&second)), (1, 2));
        assert_eq!(
            (first.identity(), second.identity()),
            (None, Some(identity))
        );
        assert!(Arc::ptr_eq(&attach(identity, terms).unwrap(), &second));
    }
}
