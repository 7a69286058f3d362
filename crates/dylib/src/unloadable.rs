//! A loaded library that can be unmapped again, by those who know that nothing of it is left.

use crate::error::{LoadError, OsText, SymbolError};
use crate::exact::Stay;
use crate::hints::Hints;
use crate::image::{Identity, Image};
use crate::loaded::{LoadedImage, loaded_images};
use crate::open::{self, Loaded, Terms, store};
use crate::os;
use crate::request::Request;
use crate::store::Closing;
use crate::symbols::{self, SymbolName};
use std::ffi::{OsString, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

/// The word of somebody who knows that a library can be unmapped.
#[derive(Debug)]
pub struct UnmapToken(());

impl UnmapToken {
    /// Gives that word for one call of [`Unloadable::unmap`].
    ///
    /// # Safety
    /// When that call is made:
    /// - No thread is inside the library or will enter it, through any pointer to its functions: callbacks, objects, wakers,
    ///   signal handlers, functions that run at exit.
    /// - Nobody will read or write its data: strings, tables, error texts.
    /// - **Its code ran only on threads that have ended, or that will never end without this process.** Whatever
    ///   thread-local state it set up is torn down when its thread ends, by code of the library's own. An ordinary Rust
    ///   library sets up such state when it merely calls `std::thread::current()`, and that does not keep it mapped.
    /// - Its destructors are fit to run on this thread now.
    #[must_use]
    pub const unsafe fn new() -> Self {
        Self(())
    }
}

/// A loaded library that can be unmapped again. What it hands out is borrowed from it.
///
/// Dropping it unmaps nothing: the library stays, and can be opened again. When the process ends, nothing is unmapped
/// either. [`unmap`](Self::unmap) is the only way.
#[derive(Debug)]
pub struct Unloadable {
    loaded: Arc<Loaded>,
    /// Whether the store still counts this object.
    counted: bool,
}

impl Unloadable {
    /// Loads an image, as [`Library::load`](crate::Library::load) does, without pinning it.
    ///
    /// # Safety
    /// As for [`Library::load`](crate::Library::load).
    ///
    /// # Errors
    /// As for [`Library::load`](crate::Library::load).
    pub unsafe fn load(image: Image, hints: Hints) -> Result<Self, LoadError> {
        // SAFETY: the caller vouches for all that the callee asks for.
        unsafe { open::image(image, terms(hints)) }.map(Self::new)
    }

    /// Opens a library by name or path, as [`Library::open`](crate::Library::open) does, without pinning it.
    ///
    /// # Safety
    /// As for [`Library::open`](crate::Library::open).
    ///
    /// # Errors
    /// As for [`Library::open`](crate::Library::open).
    pub unsafe fn open(request: &Request, hints: Hints) -> Result<Self, LoadError> {
        // SAFETY: the caller vouches for all that the callee asks for.
        unsafe { open::request(request, terms(hints), open::file_in_place) }.map(Self::new)
    }

    const fn new(loaded: Arc<Loaded>) -> Self {
        Self {
            loaded,
            counted: true,
        }
    }

    /// What the first to load it called it.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.loaded.name
    }

    /// The dynamic linker's name for it: for a library that was found by name, the file that was found.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.loaded.path
    }

    /// Which file is mapped. `None` if that cannot be told: the file that lay at its path was replaced while it was loaded, or
    /// `/proc` is not mounted.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.loaded.identity()
    }

    /// The address of a symbol; `None` if its value is 0. It is valid until the library is unmapped.
    ///
    /// # Errors
    /// As for [`Library::address`](crate::Library::address).
    pub fn address<'a>(
        &self,
        symbol: impl Into<SymbolName<'a>>,
    ) -> Result<Option<NonNull<c_void>>, SymbolError> {
        symbols::address(&self.loaded, symbol.into())
    }

    /// The address of exported data. It is valid until the library is unmapped.
    ///
    /// # Errors
    /// As for [`Library::data`](crate::Library::data).
    pub fn data<'a, T>(
        &self,
        symbol: impl Into<SymbolName<'a>>,
    ) -> Result<NonNull<T>, SymbolError> {
        symbols::data(&self.loaded, symbol.into())
    }

    /// An exported function, borrowed from the library.
    ///
    /// # Safety
    /// - `F` is a function pointer type.
    /// - The symbol is a function of exactly that type and ABI; if `F` is not an `unsafe fn`, every call of it is sound.
    /// - A copy of the function pointer itself is not used after the library was unmapped.
    ///
    /// # Errors
    /// As for [`Library::function`](crate::Library::function).
    pub unsafe fn function<'a, F: Copy>(
        &self,
        symbol: impl Into<SymbolName<'a>>,
    ) -> Result<Function<'_, F>, SymbolError> {
        // SAFETY: the caller vouches for `F`.
        let function = unsafe { symbols::function(&self.loaded, symbol.into()) }?;
        Ok(Function {
            function,
            library: PhantomData,
        })
    }

    /// Lets go of the library, and unmaps it if nothing else keeps it. What it says afterwards is what is the case: the
    /// loaded images are compared.
    pub fn unmap(mut self, token: UnmapToken) -> Unmapping {
        let UnmapToken(()) = token;
        self.counted = false;
        let loaded = &self.loaded;
        let opens = match store().close(loaded.handle.key()) {
            Closing::Close { opens } => opens,
            Closing::Pinned => {
                return Unmapping::StillMapped {
                    why: vec![Why::Pinned],
                };
            }
            Closing::Used { users } => {
                return Unmapping::StillMapped {
                    why: vec![Why::Used { others: users }],
                };
            }
        };
        // Others may have opened it before, by another name.
        let (name, anchor) = (os::linker_name(loaded.handle), os::anchor(loaded.handle));
        let mut why = Vec::new();
        for _ in 0..opens {
            // SAFETY: each is an open of this crate's, which the store just gave up; the token is the word of somebody who
            // knows that nothing of the library is used and that its destructors may run.
            if let Err(text) = unsafe { os::close(loaded.handle) } {
                why.push(Why::Refused(text));
            }
        }
        match anchor {
            Some(anchor) if os::is_loaded(&name, anchor) => {
                why.extend(causes(&name, anchor));
                Unmapping::StillMapped { why }
            }
            _ if !why.is_empty() => Unmapping::StillMapped { why },
            Some(_) => Unmapping::Unmapped,
            None => Unmapping::Closed,
        }
    }
}

/// A library that does not stay.
const fn terms(hints: Hints) -> Terms {
    Terms {
        hints,
        stay: Stay::Open,
    }
}

impl Drop for Unloadable {
    fn drop(&mut self) {
        if self.counted {
            store().release(self.loaded.handle.key());
        }
    }
}

/// What keeps the image with this name and anchor, as far as it can be seen.
fn causes(name: &Path, anchor: usize) -> Vec<Why> {
    let images = loaded_images();
    let mut why = Vec::new();
    let image = images
        .iter()
        .find(|image| image.name == name && image.contains(anchor));
    if image.is_some_and(|image| image.no_delete) {
        why.push(Why::NoDelete);
    }
    let needs = |other: &&LoadedImage| image.is_some_and(|image| other.needs(image));
    let by: Vec<OsString> = images
        .iter()
        .filter(needs)
        .map(|other| other.title().to_owned())
        .collect();
    if !by.is_empty() {
        why.push(Why::Needed { by });
    }
    if os::exported(anchor).iter().any(|symbol| symbol.unique) {
        why.push(Why::UniqueSymbols);
    }
    if why.is_empty() {
        let thread_local = image.is_some_and(|image| image.thread_local);
        why.push(if thread_local {
            Why::ThreadLocal
        } else {
            Why::OpenedElsewhere
        });
    }
    why
}

/// What became of the wish to unmap a library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a library that is still mapped still runs"]
#[non_exhaustive]
pub enum Unmapping {
    /// It is no longer mapped.
    Unmapped,
    /// It was closed as often as it was opened. Whether it is still mapped is not known on this system (neither Linux nor macOS
    /// nor Windows).
    Closed,
    /// It is still mapped.
    StillMapped {
        /// Why, as far as it can be seen; never empty.
        why: Vec<Why>,
    },
}

/// What keeps a library mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Other objects of this crate use it. Nothing was closed.
    Used {
        /// How many.
        others: usize,
    },
    /// A [`Library`](crate::Library) was opened for it, which stays for ever. Nothing was closed.
    Pinned,
    /// It asks for it itself (`DF_1_NODELETE`).
    NoDelete,
    /// Other images need it.
    Needed {
        /// Their files.
        by: Vec<OsString>,
    },
    /// It defines symbols that are unique in the process (`STB_GNU_UNIQUE`, from C++'s inline variables).
    UniqueSymbols,
    /// It has thread-local data, so that probably a thread that still runs has a destructor of it to call, or has had one;
    /// or else somebody else opened it.
    ThreadLocal,
    /// Somebody else opened it: another library, or code that calls `dlopen` itself.
    OpenedElsewhere,
    /// The system refused to close it.
    Refused(OsText),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used { others: 1 } => write!(f, "1 other object uses it; unmap that one too"),
            Self::Used { others } => write!(f, "{others} other objects use it; unmap them too"),
            Self::Pinned => write!(
                f,
                "it was opened as a pinned library, which stays; open it as unloadable everywhere"
            ),
            Self::NoDelete => write!(
                f,
                "it was linked to stay (-z nodelete); link it without that"
            ),
            Self::Needed { by } => write!(f, "it is needed by {by:?}; unmap those first"),
            Self::UniqueSymbols => {
                write!(
                    f,
                    "it defines symbols that are unique in the process; build it with -fno-gnu-unique"
                )
            }
            Self::ThreadLocal => write!(
                f,
                "it has thread-local data: probably a running thread has a destructor of it to call; end the threads that ran its code"
            ),
            Self::OpenedElsewhere => write!(
                f,
                "something else in this process opened it; close it there, too"
            ),
            Self::Refused(text) => write!(f, "the system refused to close it: {text}"),
        }
    }
}

/// A function of an [`Unloadable`] library, callable as what it derefs to.
#[derive(Clone, Copy, Debug)]
pub struct Function<'l, F> {
    function: F,
    library: PhantomData<&'l Unloadable>,
}

impl<F> Deref for Function<'_, F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.function
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said for every reason. A new one does not compile without a place in the match.
    #[test]
    fn every_reason_has_a_text() {
        let all = [
            Why::Used { others: 1 },
            Why::Used { others: 2 },
            Why::Pinned,
            Why::NoDelete,
            Why::Needed {
                by: vec!["/lib/b.so".into()],
            },
            Why::UniqueSymbols,
            Why::ThreadLocal,
            Why::OpenedElsewhere,
            Why::Refused(OsText::new(c"invalid handle")),
        ];
        let name = |why: &Why| match why {
            Why::Used { .. } => "Used",
            Why::Pinned => "Pinned",
            Why::NoDelete => "NoDelete",
            Why::Needed { .. } => "Needed",
            Why::UniqueSymbols => "UniqueSymbols",
            Why::ThreadLocal => "ThreadLocal",
            Why::OpenedElsewhere => "OpenedElsewhere",
            Why::Refused(_) => "Refused",
        };
        let texts = all.map(|why| format!("{}: {why}", name(&why)));
        let texts = texts.join("\n");
        // The snapshot tool does not find its files when the test runs on Windows and was built elsewhere.
        if cfg!(unix) {
            insta::assert_snapshot!(texts);
        } else {
            assert!(texts.lines().all(|line| line.contains(": ")));
        }
    }
}
