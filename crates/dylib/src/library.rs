//! A loaded library that stays for the life of the process.

use crate::error::{Attempt, LoadError, LoadErrorKind, SymbolError};
use crate::hints::Hints;
use crate::image::{Identity, Image, Place};
use crate::os::{self, Handle, Mapped};
use std::ffi::{CStr, CString, OsStr, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

/// A loaded library. It stays for the life of the process: dropping this does nothing, and what it hands out is `'static`.
#[derive(Clone, Copy, Debug)]
pub struct Library(&'static Pinned);

/// What is kept for ever of a library that was loaded.
#[derive(Debug)]
struct Pinned {
    name: PathBuf,
    handle: Handle,
    identity: Identity,
    /// Keeps a private copy and its folder on disk, for debuggers.
    _place: Place,
}

impl Library {
    /// Loads an image, runs its constructors, and makes sure that it is this image that was loaded.
    ///
    /// The library can never be unloaded (`RTLD_NODELETE`). Loading the same image's file in place twice gives the same
    /// library. No lock of this crate is held while constructors run.
    ///
    /// # Safety
    /// - The library's constructors, those of the libraries that it needs, and its ifunc resolvers run in this process:
    ///   they must be fit to run here and now, on this thread.
    /// - The bytes must be a library that the system's dynamic linker can digest: it does not check them, and a damaged
    ///   file can crash the process or corrupt its memory.
    /// - The symbols that it exports must not replace, in libraries that are loaded later, others that those rely on.
    ///
    /// # Errors
    /// If the dynamic linker refuses it ([`LoadErrorKind::Refused`]), if a file in place is no longer the one that was
    /// opened ([`LoadErrorKind::Changed`], nothing has run), or if the dynamic linker brought another file
    /// ([`LoadErrorKind::IdentityMismatch`]).
    pub unsafe fn load(image: Image, hints: Hints) -> Result<Self, LoadError> {
        image.check_path()?;
        let path = spelling(&image)?;
        // SAFETY: the caller vouches for the constructors of the bytes in `image` and of what they need.
        let handle = unsafe { os::open(&path, hints.flags() | libc::RTLD_NODELETE) };
        let handle = handle.map_err(|answer| {
            let candidate = PathBuf::from(OsStr::from_bytes(path.to_bytes()));
            LoadError::refused(image.name(), vec![Attempt { candidate, answer }])
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
        Ok(Self(Box::leak(Box::new(Pinned {
            name,
            handle,
            identity,
            _place: place,
        }))))
    }

    /// What the image was called.
    #[must_use]
    pub fn name(&self) -> &'static Path {
        &self.0.name
    }

    /// Which file is mapped.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.0.identity
    }

    /// The address of a symbol that this library, or a library that it needs, exports; `None` if its value is 0, which is
    /// not the same as being missing (a weak symbol or an absolute one can be 0).
    ///
    /// # Errors
    /// If there is no such symbol.
    pub fn address(&self, symbol: &CStr) -> Result<Option<NonNull<c_void>>, SymbolError> {
        let address = os::symbol(self.0.handle, symbol);
        address
            .map(NonNull::new)
            .map_err(|text| SymbolError::missing(symbol, self.name(), text))
    }

    /// The address of exported data. That it is a `T`, that it is aligned for one, and who else writes it, is for the
    /// caller to know when using the pointer.
    ///
    /// # Errors
    /// If there is no such symbol, or if its value is 0.
    pub fn data<T>(&self, symbol: &CStr) -> Result<NonNull<T>, SymbolError> {
        let address = self
            .address(symbol)?
            .ok_or_else(|| SymbolError::null(symbol, self.name()))?;
        Ok(address.cast())
    }

    /// An exported function, as a function pointer that stays valid for ever.
    ///
    /// `F` is a type such as `unsafe extern "C" fn(c_int) -> c_int`. A type that is not as large as an address, or for
    /// which the address 0 would be a value, does not compile:
    ///
    /// ```compile_fail
    /// # use plugwright_dylib::{Library, SymbolError};
    /// # use std::ffi::CStr;
    /// let _: unsafe fn(&Library, &CStr) -> Result<usize, SymbolError> = Library::function::<usize>;
    /// ```
    ///
    /// # Safety
    /// - `F` is a function pointer type.
    /// - The symbol is a function of exactly that type and ABI; if `F` is not an `unsafe fn`, every call of it is sound.
    ///
    /// # Errors
    /// If there is no such symbol, or if its value is 0.
    pub unsafe fn function<F: Copy + 'static>(&self, symbol: &CStr) -> Result<F, SymbolError> {
        const {
            assert!(
                size_of::<F>() == size_of::<*mut c_void>(),
                "not as large as an address"
            );
            assert!(
                size_of::<Option<F>>() == size_of::<F>(),
                "the address 0 would be a value of this type"
            );
        }
        let address = self.data::<c_void>(symbol)?.as_ptr();
        // SAFETY: `F` has the size of an address (asserted above) and is a function pointer type of the symbol's own type
        // (the caller vouches), so that the address of the function, which is not 0, is a value of it.
        Ok(unsafe { std::mem::transmute_copy::<*mut c_void, F>(&address) })
    }
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
