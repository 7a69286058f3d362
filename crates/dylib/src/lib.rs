//! Loads dynamic libraries: from sealed copies, private copies or in place.
//!
//! | for | there is |
//! |---|---|
//! | loading bytes that were judged before | [`Image`] ([`seal`](Image::seal), [`private_copy`](Image::private_copy), [`in_place`](Image::in_place)), [`Library::load`] |
//! | opening by name or path | [`Request`], [`candidates()`], [`Library::open`], [`resolve`] |
//! | opening a file that nobody vouches for the structure of | `Library::open_checked`, `Image::check` (feature `explain`) |
//! | two libraries of one SONAME side by side | `clashes` (feature `explain`), [`Image::renamed`], [`unused_name`] |
//! | functions and data | [`Library::function`], [`Library::data`], [`SymbolName`] (versions), [`Symbols`] (many at once) |
//! | really unmapping | [`Unloadable`], [`UnmapToken`], [`Unmapping`] |
//! | what is loaded here, whoever loaded it | [`loaded_images`], [`images_named`], [`image_containing`] |
//!
//! An [`Image`] is the bytes that will be loaded, held so that they can be read and judged first. [`Library::load`] then
//! loads that very image, and compares afterwards what the dynamic linker really mapped with it: glibc takes a library that
//! is already loaded for another one when their *names* are equal, before it looks at any file.
//!
//! ```no_run
//! use plugwright_dylib::{Hints, Image, Library};
//! use std::ffi::{OsStr, c_ulong};
//! use std::fs::File;
//!
//! let file = File::open("/usr/lib/x86_64-linux-gnu/libz.so.1")?;
//! let image = Image::seal(&file, OsStr::new("libz.so.1"))?;
//! // Here the bytes of `image` can be digested, parsed and judged: they are the ones that will run.
//! // SAFETY: zlib's constructors have no preconditions.
//! let zlib = unsafe { Library::load(image, Hints::new()) }?;
//! // SAFETY: this is the function's type in zlib.h, and it has no preconditions.
//! let bound = unsafe { zlib.function::<unsafe extern "C" fn(c_ulong) -> c_ulong>(c"compressBound") }?;
//! // SAFETY: any number is fine.
//! println!("{}", unsafe { bound(1000) });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Coming from libloading
//!
//! | libloading | here |
//! |---|---|
//! | `unsafe { Library::new("libz.so.1") }?` | `unsafe { Library::open(&Request::name("z").with_version("1"), Hints::new()) }?` |
//! | `unsafe { Library::new("/opt/x/libx.so") }?` | `unsafe { Library::open(&Request::path("/opt/x/libx.so"), Hints::new()) }?` |
//! | `unsafe { library.get::<unsafe extern "C" fn()>(b"f\0") }?` | `unsafe { library.function::<unsafe extern "C" fn()>(c"f") }?` |
//! | `unsafe { library.get::<*const c_int>(b"number\0") }?` | `library.data::<c_int>(c"number")?` |
//! | `drop(library)`, which unmaps | nothing, or [`Unloadable`] and `library.unmap(token)` |
//! | a symbol borrows the library | a function of a [`Library`] is `'static`; one of an [`Unloadable`] borrows |
//! | the last error of `dlerror` | every attempt, what reading the file tells about it, similar symbols |
//!
//! # Nothing is unloaded
//!
//! A [`Library`] is never unloaded. Closing an ordinary Rust library can crash the process much later, when a thread ends
//! that merely called `std::thread::current()` inside it. Who knows better says so with an [`UnmapToken`], and is told
//! afterwards whether the library is gone, and if not, why. When the process ends, this crate does nothing.
//!
//! # Debugging
//!
//! A debugger, and Rust's backtraces, open a library by the path that the dynamic linker remembers. For a sealed copy that
//! is `/proc/PID/fd/N`, spelled with a few more slashes; the last 64 descriptors are kept open for this. Behind that, and
//! after the process has ended, a [`Image::private_copy`] is what a debugger finds.
//!
//! # Platforms
//!
//! | | Linux | macOS | Windows | other Unix |
//! |---|---|---|---|---|
//! | sealed copies | yes | no: [`LoadErrorKind::SealingUnavailable`] | no; a private copy cannot be written, renamed or removed while its image is held | no |
//! | what was mapped is compared | by the kernel's word | by the kernel's word | by the path; a file that took the path of a loaded one is told from it if this crate loaded that | no |
//! | what is loaded | yes | yes | yes | no: the list is empty |
//! | similar symbols | exported and local ones | exported ones | exported ones | none |
//! | not unloading | `RTLD_NODELETE` | `RTLD_NODELETE` | `GET_MODULE_HANDLE_EX_FLAG_PIN` | `RTLD_NODELETE` |
//! | hints | all | no deep binding | none: everything is bound at once, by library and name | no deep binding but on FreeBSD |
//! | versions of symbols | glibc | no | no | no |
//! | explanations of refusals, clashes, other names | yes | no | no | no |
//!
//! On Windows libraries are searched as `LOAD_LIBRARY_SEARCH_DEFAULT_DIRS` says: the program's folder and the system's, never
//! the current one or those of `PATH`; what a file needs, in its own folder, too. No box is shown for a library that is damaged.
//! Tests run on Linux, and under wine for Windows; for macOS only the types are checked.
//!
//! # Features
//!
//! `derive` (on by default): `#[derive(Symbols)]`.
//!
//! `explain` (on by default): strict reading before a load, and explanations of refusals, through `plugwright-inspect`.

#![warn(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "what may grow must not break its users then"
)]

mod candidates;
#[cfg(feature = "explain")]
mod checked;
#[cfg(feature = "explain")]
mod clash;
mod copy_folder;
mod error;
mod exact;
#[cfg(feature = "explain")]
mod explain;
#[cfg(not(feature = "explain"))]
#[path = "unexplained.rs"]
mod explain;
mod hints;
mod image;
mod library;
mod loaded;
mod open;
mod os;
mod privileges;
#[cfg(feature = "explain")]
mod readable;
mod rename;
mod request;
mod store;
mod symbols;
mod sync;
mod table;
mod unloadable;

pub use candidates::{Candidate, Platform, candidates, is_library_name};
#[cfg(feature = "explain")]
pub use clash::{Clash, clashes};
pub use copy_folder::CopyFolder;
pub use error::{
    Attempt, LoadError, LoadErrorKind, OsText, ResolveError, SymbolError, SymbolErrorKind,
};
pub use hints::{Binding, DeepBind, Hints, Visibility};
pub use image::{Identity, Image, Source};
pub use library::{Library, resolve};
pub use loaded::{LoadedImage, LoadedSegment, image_containing, images_named, loaded_images};
#[cfg(feature = "derive")]
pub use plugwright_dylib_macros::Symbols;
pub use privileges::is_privileged;
pub use rename::unused_name;
pub use request::Request;
pub use symbols::SymbolName;
pub use table::{MissingSymbols, Symbols};
pub use unloadable::{Function, Unloadable, UnmapToken, Unmapping, Why};

/// What the derive macro writes calls of; no part of the interface.
#[cfg(feature = "derive")]
#[doc(hidden)]
pub mod __private {
    use crate::{MissingSymbols, SymbolError};

    /// The error of a table.
    #[must_use]
    pub fn missing(missing: Vec<SymbolError>) -> MissingSymbols {
        MissingSymbols::new(missing)
    }
}
