//! A loaded library that stays for the life of the process.

use crate::error::{LoadError, ResolveError, SymbolError};
use crate::exact::Stay;
use crate::hints::Hints;
use crate::image::{Identity, Image};
use crate::open::{self, Loaded, Terms};
use crate::request::Request;
use crate::symbols::{self, SymbolName};
use std::ffi::c_void;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

/// A loaded library that stays for the life of the process: dropping this unloads nothing, and what it hands out is
/// `'static`.
///
/// Opening a library again, or cloning this, gives another object for the same library.
#[derive(Clone, Debug)]
pub struct Library(Arc<Loaded>);

impl Library {
    /// Loads an image, runs its constructors, and makes sure that it is this image that was loaded.
    ///
    /// The library can never be unloaded (`RTLD_NODELETE`). Loading one file in place twice gives the same library; each
    /// sealed or private copy is a library of its own. No lock of this crate is held while constructors run, so that a
    /// constructor can load libraries too.
    ///
    /// # Safety
    /// - The library's constructors, those of the libraries that it needs, and its ifunc resolvers run in this process:
    ///   they must be fit to run here and now, on this thread.
    /// - The bytes must be a library that the system's dynamic linker can digest: it does not check them, and a damaged
    ///   file can crash the process or corrupt its memory.
    /// - The symbols that it exports must not replace, in libraries that are loaded later, others that those rely on.
    ///
    /// # Errors
    /// If the dynamic linker refuses it ([`LoadErrorKind::Refused`](crate::LoadErrorKind::Refused)), if a file in place is
    /// no longer the one that was opened ([`Changed`](crate::LoadErrorKind::Changed), nothing has run), or if the dynamic
    /// linker brought another file ([`IdentityMismatch`](crate::LoadErrorKind::IdentityMismatch)).
    pub unsafe fn load(image: Image, hints: Hints) -> Result<Self, LoadError> {
        // SAFETY: the caller vouches for all that the callee asks for.
        unsafe { open::image(image, terms(hints)) }.map(Self::new)
    }

    /// Opens a library by name or path: the names of [`candidates`](crate::candidates()) are tried in order, in place. A name
    /// that is not there is passed over; the first file that is there decides, so that what is wrong with it is told.
    ///
    /// # Safety
    /// As for [`load`](Self::load), for whatever the request leads to.
    ///
    /// # Errors
    /// If the request is not one, if nothing is found, or as for [`load`](Self::load). The error tells every attempt.
    pub unsafe fn open(request: &Request, hints: Hints) -> Result<Self, LoadError> {
        // SAFETY: the caller vouches for all that the callee asks for.
        unsafe { open::request(request, terms(hints), open::file_in_place) }.map(Self::new)
    }

    pub(crate) const fn new(loaded: Arc<Loaded>) -> Self {
        Self(loaded)
    }

    /// What the first to load it called it.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.0.name
    }

    /// The dynamic linker's name for it: for a library that was found by name, the file that was found.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Which file is mapped. `None` if that cannot be told: the file that lay at its path was replaced while it was loaded, or
    /// `/proc` is not mounted.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.0.identity()
    }

    /// The address of a symbol that this library, or a library that it needs, exports; `None` if its value is 0, which is
    /// not the same as being missing (a weak symbol or an absolute one can be 0).
    ///
    /// # Errors
    /// If there is no such symbol; the error names symbols with similar names.
    pub fn address<'a>(
        &self,
        symbol: impl Into<SymbolName<'a>>,
    ) -> Result<Option<NonNull<c_void>>, SymbolError> {
        symbols::address(&self.0, symbol.into())
    }

    /// The address of exported data. That it is a `T`, that it is aligned for one, and who else writes it, is for the
    /// caller to know when using the pointer.
    ///
    /// # Errors
    /// If there is no such symbol, or if its value is 0.
    pub fn data<'a, T>(
        &self,
        symbol: impl Into<SymbolName<'a>>,
    ) -> Result<NonNull<T>, SymbolError> {
        symbols::data(&self.0, symbol.into())
    }

    /// An exported function, as a function pointer that stays valid for ever.
    ///
    /// `F` is a type such as `unsafe extern "C" fn(c_int) -> c_int`. A type that is not as large as an address, or for
    /// which the address 0 would be a value, does not compile:
    ///
    /// ```compile_fail
    /// # use plugwright_dylib::{Library, SymbolError, SymbolName};
    /// let _: unsafe fn(&Library, SymbolName) -> Result<usize, SymbolError> = Library::function::<usize>;
    /// ```
    ///
    /// # Safety
    /// - `F` is a function pointer type.
    /// - The symbol is a function of exactly that type and ABI; if `F` is not an `unsafe fn`, every call of it is sound.
    ///
    /// # Errors
    /// If there is no such symbol, or if its value is 0.
    pub unsafe fn function<'a, F: Copy + 'static>(
        &self,
        symbol: impl Into<SymbolName<'a>>,
    ) -> Result<F, SymbolError> {
        // SAFETY: the caller vouches for `F`.
        unsafe { symbols::function(&self.0, symbol.into()) }
    }
}

/// A library that stays.
pub(crate) const fn terms(hints: Hints) -> Terms {
    Terms {
        hints,
        stay: Stay::Ever,
    }
}

/// Opens a library by name or path, for the life of the process, and gets one function of it.
///
/// # Safety
/// As for [`Library::open`] and [`Library::function`].
///
/// # Errors
/// As for those two.
pub unsafe fn resolve<F: Copy + 'static>(
    request: &Request,
    symbol: SymbolName<'_>,
) -> Result<F, ResolveError> {
    // SAFETY: the caller vouches for the library.
    let library = unsafe { Library::open(request, Hints::new()) }.map_err(ResolveError::Load)?;
    // SAFETY: the caller vouches for the function.
    unsafe { library.function(symbol) }.map_err(ResolveError::Symbol)
}
