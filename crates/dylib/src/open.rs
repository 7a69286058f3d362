//! From an image or a request to a loaded library, whichever of the two kinds of library it is for.

use crate::candidates::{Candidate, Platform, candidates};
use crate::error::{Attempt, LoadError, LoadErrorKind, OsText};
use crate::exact::{self, Stay};
use crate::hints::{Binding, Hints, Visibility};
use crate::image::{Identity, Image, Place, Source};
use crate::os::{self, Handle, Mapped};
use crate::request::{Request, Wanted};
use crate::store::{Properties, Store};
use rustix::fs::{FileType, Mode, OFlags};
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// What is known of a loaded library.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What the first to open it called it.
    pub(crate) name: PathBuf,
    pub(crate) handle: Handle,
    /// The dynamic linker's name for it.
    pub(crate) path: PathBuf,
    /// The file, if it is known which one it is.
    pub(crate) identity: Option<Identity>,
    /// Keeps a private copy and its folder on disk, for debuggers.
    _place: Option<Place>,
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
        let (key, identity) = (loaded.handle.key(), loaded.identity);
        store().opened(key, identity, self.properties(), Arc::new(loaded))
    }
}

/// Loads an image.
///
/// # Safety
/// As for [`Library::load`](crate::Library::load).
pub(crate) unsafe fn image(image: Image, terms: Terms) -> Result<Arc<Loaded>, LoadError> {
    image.check_path()?;
    if let Some(loaded) = store().attach(image.identity(), terms.properties()) {
        return Ok(loaded);
    }
    let wanted = exact::Wanted {
        name: image.name(),
        identity: image.identity(),
        file: &|| image.file().try_clone(),
        source: image.source(),
    };
    let path = match image.place() {
        Place::Memory => None,
        Place::Copy(copied) => Some(&copied.path),
        Place::Path(path) => Some(path),
    };
    let opened = match path {
        // SAFETY: the caller vouches for the bytes in `image` and for what they need.
        Some(path) => unsafe { exact::at_path(path, &wanted, terms.hints, terms.stay, known) },
        None => {
            let text = os::descriptor_path(image.file());
            let text =
                text.map_err(|error| LoadError::io(LoadErrorKind::Io, image.name(), error))?;
            // SAFETY: as above.
            unsafe { exact::spelled(text, &wanted, terms.hints, terms.stay) }
        }
    };
    let (handle, text) = opened?;
    let (name, file, identity, place) = image.into_parts();
    if matches!(place, Place::Memory) {
        os::keep_for_debuggers(file);
    }
    Ok(terms.opened(Loaded {
        name,
        handle,
        path: path_of(&text),
        identity: Some(identity),
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
    for candidate in candidates(request, Platform::THIS)? {
        let outcome = match &candidate {
            // SAFETY: the caller vouches for whatever the request leads to.
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
    let stat = rustix::fs::stat(path).map_err(|error| Failure::looking(path, &error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Failure::not_a_file(path));
    }
    let identity = Identity::of_stat(&stat);
    if let Some(loaded) = store().attach(identity, terms.properties()) {
        return Ok(loaded);
    }
    let wanted = exact::Wanted {
        name: path,
        identity,
        file: &|| readable(path),
        source: Source::InPlace,
    };
    // SAFETY: the caller vouches for the file.
    let opened = unsafe { exact::at_path(path, &wanted, terms.hints, terms.stay, known) };
    let (handle, text) = opened.map_err(Failure::Final)?;
    let (name, identity) = (path.to_owned(), Some(identity));
    Ok(terms.opened(Loaded {
        name,
        handle,
        path: path_of(&text),
        identity,
        _place: None,
    }))
}

/// Leaves it to the system where a name is found.
///
/// # Safety
/// As for [`request`].
unsafe fn search(name: &OsStr, terms: Terms) -> Result<Arc<Loaded>, Failure> {
    let text = CString::new(name.as_bytes());
    let text = text.map_err(|error| {
        Failure::Final(LoadError::io(
            LoadErrorKind::ContainsNul,
            Path::new(name),
            error,
        ))
    })?;
    let pin = if terms.stay == Stay::Ever {
        libc::RTLD_NODELETE
    } else {
        0
    };
    // SAFETY: the caller vouches for whatever has this name.
    let handle = unsafe { os::open(&text, terms.hints.flags() | pin) };
    let handle = handle.map_err(|answer| {
        Failure::Elsewhere(Attempt {
            candidate: name.into(),
            answer,
        })
    })?;
    let path = os::linker_name(handle);
    // Which file that is: only if the name still leads to what is mapped.
    let identity = rustix::fs::stat(&path)
        .ok()
        .map(|stat| Identity::of_stat(&stat));
    let same = |identity: &Identity| {
        matches!(
            os::mapped(handle, *identity, &|| readable(&path)),
            Ok(Mapped::This)
        )
    };
    let identity = identity.filter(same);
    Ok(terms.opened(Loaded {
        name: name.into(),
        handle,
        path,
        identity,
        _place: None,
    }))
}

/// Whether a library is one that this crate loaded before.
fn known(handle: Handle) -> bool {
    store().has(handle.key())
}

/// Opens a file for reading, without waiting for the writer of a FIFO and without taking a terminal.
pub(crate) fn readable(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

fn path_of(text: &CStr) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(text.to_bytes()))
}
