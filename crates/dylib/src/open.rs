//! From an image or a request to a loaded library, whichever of the two kinds of library it is for.

use crate::candidates::{Candidate, Platform, candidates};
use crate::error::{Attempt, LoadError, LoadErrorKind, OsText};
use crate::explain;
use crate::hints::{Binding, Hints, Visibility};
use crate::image::{Identity, Image, Place};
use crate::os::{self, Handle, Mapped};
use crate::request::{Request, Wanted};
use crate::store::{Properties, Store};
use rustix::fs::{Mode, OFlags};
use std::ffi::{CString, OsStr, c_int};
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

/// Whether a library may ever be unloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// It stays for the life of the process.
    Ever,
    /// It stays until it is closed.
    Open,
}

/// Takes hold of a file that a request leads to.
pub(crate) type Hold = fn(&Path, File) -> Result<Image, LoadError>;

/// All libraries that this crate has open in this process.
pub(crate) fn store() -> &'static Store<Arc<Loaded>> {
    static STORE: LazyLock<Store<Arc<Loaded>>> = LazyLock::new(Store::new);
    &STORE
}

const fn properties(hints: Hints, stay: Stay) -> Properties {
    Properties {
        bound: matches!(hints.binding, Binding::Now),
        global: matches!(hints.visibility, Visibility::Global),
        pinned: matches!(stay, Stay::Ever),
    }
}

fn flags(hints: Hints, stay: Stay) -> c_int {
    hints.flags()
        | if stay == Stay::Ever {
            libc::RTLD_NODELETE
        } else {
            0
        }
}

/// Loads an image.
///
/// # Safety
/// As for [`Library::load`](crate::Library::load).
pub(crate) unsafe fn image(
    image: Image,
    hints: Hints,
    stay: Stay,
) -> Result<Arc<Loaded>, LoadError> {
    image.check_path()?;
    if let Some(loaded) = store().attach(image.identity(), properties(hints, stay)) {
        return Ok(loaded);
    }
    let path = spelling(&image)?;
    // SAFETY: the caller vouches for the constructors of the bytes in `image` and of what they need.
    let handle = unsafe { os::open(&path, flags(hints, stay)) };
    let handle = handle.map_err(|answer| {
        let candidate = PathBuf::from(OsStr::from_bytes(path.to_bytes()));
        let explanation = explain::refusal(&image, &answer);
        LoadError::refused(image.name(), Attempt { candidate, answer }).because(explanation)
    })?;
    match os::mapped(handle, image.file()) {
        Ok(Mapped::This) => {}
        Ok(Mapped::Another) => {
            return Err(LoadError::new(
                LoadErrorKind::IdentityMismatch,
                image.name(),
            ));
        }
        Err(error) => {
            return Err(LoadError::io(
                LoadErrorKind::IdentityUnknown,
                image.name(),
                error,
            ));
        }
    }
    let (name, file, identity, place) = image.into_parts();
    if matches!(place, Place::Memory) {
        os::keep_for_debuggers(file);
    }
    let path = PathBuf::from(OsStr::from_bytes(path.to_bytes()));
    let loaded = Loaded {
        name,
        handle,
        path,
        identity: Some(identity),
        _place: Some(place),
    };
    Ok(store().opened(
        handle.key(),
        Some(identity),
        properties(hints, stay),
        Arc::new(loaded),
    ))
}

/// Tries the names of a request in order. A name that is not there is passed over; the first that is there decides.
///
/// # Safety
/// As for [`Library::open`](crate::Library::open).
pub(crate) unsafe fn request(
    request: &Request,
    hints: Hints,
    stay: Stay,
    hold: Hold,
) -> Result<Arc<Loaded>, LoadError> {
    let asked: &Path = match &request.wanted {
        Wanted::Name(name) | Wanted::System(name) => Path::new(name),
        Wanted::Path(path) => path,
    };
    let mut attempts = Vec::new();
    for candidate in candidates(request, Platform::THIS)? {
        let outcome = match &candidate {
            // SAFETY: the caller vouches for whatever the request leads to.
            Candidate::File(path) => unsafe { file(path, hints, stay, hold) },
            // SAFETY: as above.
            Candidate::Search(name) => unsafe { search(name, hints, stay) },
        };
        match outcome {
            Ok(loaded) => return Ok(loaded),
            Err(Failure::Elsewhere(attempt)) => attempts.push(attempt),
            Err(Failure::Final(error)) => return Err(error.after(attempts)),
        }
    }
    let searched = matches!(request.wanted, Wanted::Name(_));
    let kind = if searched {
        LoadErrorKind::Refused
    } else {
        LoadErrorKind::NotFound
    };
    Err(LoadError::new(kind, asked).after(attempts))
}

/// Why one candidate was not loaded.
enum Failure {
    /// It is not there: the next one may be.
    Elsewhere(Attempt),
    /// It is there and it failed: what is wrong with it must not be hidden by later candidates.
    Final(LoadError),
}

/// Opens the file at a path and no other.
///
/// # Safety
/// As for [`request`].
unsafe fn file(path: &Path, hints: Hints, stay: Stay, hold: Hold) -> Result<Arc<Loaded>, Failure> {
    // Neither waits for the writer of a FIFO nor takes a terminal. Symbolic links are followed, as libraries' names are.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(io::Error::from);
    let attempt = |error: &io::Error| Attempt {
        candidate: path.to_owned(),
        answer: OsText::of(error),
    };
    let file = file.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Failure::Elsewhere(attempt(&error))
        }
        _ => Failure::Final(LoadError::refused(path, attempt(&error))),
    })?;
    let image = hold(path, file).map_err(|error| match error.kind() {
        // A folder can have the base name of the library beside it.
        LoadErrorKind::NotAFile => {
            Failure::Elsewhere(attempt(&io::Error::other("not a regular file")))
        }
        _ => Failure::Final(error),
    })?;
    // SAFETY: the caller vouches for the file.
    unsafe { self::image(image, hints, stay) }.map_err(Failure::Final)
}

/// Leaves it to the system where a name is found.
///
/// # Safety
/// As for [`request`].
unsafe fn search(name: &OsStr, hints: Hints, stay: Stay) -> Result<Arc<Loaded>, Failure> {
    let text = CString::new(name.as_bytes());
    let text = text.map_err(|error| {
        Failure::Final(LoadError::io(
            LoadErrorKind::ContainsNul,
            Path::new(name),
            error,
        ))
    })?;
    // SAFETY: the caller vouches for whatever has this name.
    let handle = unsafe { os::open(&text, flags(hints, stay)) };
    let handle = handle.map_err(|answer| {
        Failure::Elsewhere(Attempt {
            candidate: name.into(),
            answer,
        })
    })?;
    let path = os::linker_name(handle);
    // Which file that is: only if the name still leads to what is mapped.
    let file = File::open(&path)
        .ok()
        .filter(|file| matches!(os::mapped(handle, file), Ok(Mapped::This)));
    let identity = file
        .and_then(|file| file.metadata().ok())
        .map(|metadata| Identity::of(&metadata));
    let loaded = Loaded {
        name: name.into(),
        handle,
        path,
        identity,
        _place: None,
    };
    Ok(store().opened(
        handle.key(),
        identity,
        properties(hints, stay),
        Arc::new(loaded),
    ))
}

/// The path that is handed to the dynamic linker.
fn spelling(image: &Image) -> Result<CString, LoadError> {
    let path = match image.place() {
        Place::Memory => {
            return os::descriptor_path(image.file())
                .map_err(|error| LoadError::io(LoadErrorKind::Io, image.name(), error));
        }
        Place::Copy(copied) => &copied.path,
        Place::Path(path) => path,
    };
    let text = CString::new(path.as_os_str().as_bytes());
    let text = text.map_err(|error| LoadError::io(LoadErrorKind::ContainsNul, path, error))?;
    // glibc takes whatever was loaded under this name, even if the name leads to another file by now. Then, and only then,
    // the path is spelled in a way that it has not seen.
    Ok(if os::names_another(&text, image.file()) {
        os::fresh_spelling(path)
    } else {
        text
    })
}
