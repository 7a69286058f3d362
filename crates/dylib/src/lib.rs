//! Loads dynamic libraries: from sealed copies, private copies or in place.
//!
//! An [`Image`] is the bytes that will be loaded, held so that they can be read and judged first: [`Image::seal`] copies
//! them into memory that nobody can change any more, [`Image::private_copy`] into a folder that nobody else can enter, and
//! [`Image::in_place`] takes the file where it lies. [`Library::load`] then loads that very image, and compares afterwards
//! what the dynamic linker really mapped with it: glibc takes a library that is already loaded for another one when their
//! *names* are equal, before it looks at any file.
//!
//! A [`Library`] is never unloaded. Closing an ordinary Rust library can crash the process much later, when a thread ends
//! that merely called `std::thread::current()` inside it; and what a pinned library hands out is `'static`.
//!
//! ```no_run
//! use plugwright_dylib::{Hints, Image, Library};
//! use std::ffi::OsStr;
//! use std::fs::File;
//!
//! let file = File::open("/usr/lib/x86_64-linux-gnu/libz.so.1")?;
//! let image = Image::seal(&file, OsStr::new("libz.so.1"))?;
//! // Here the bytes of `image` can be digested, parsed and judged: they are the ones that will run.
//! // SAFETY: zlib's constructors have no preconditions.
//! let zlib = unsafe { Library::load(image, Hints::new()) }?;
//! // SAFETY: this is the function's type in zlib.h, and it has no preconditions.
//! let bound = unsafe { zlib.function::<unsafe extern "C" fn(std::ffi::c_ulong) -> std::ffi::c_ulong>(c"compressBound") }?;
//! // SAFETY: any number is fine.
//! println!("{}", unsafe { bound(1000) });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Platforms
//! Linux has all three sources. Other Unix systems have the private copy and in place; there the comparison after loading
//! is not made, and a private copy's path is one that was never used before. Windows is not supported yet.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

#[cfg(not(unix))]
compile_error!("plugwright-dylib loads libraries on Unix systems only, so far");

mod candidates;
#[cfg(feature = "explain")]
mod checked;
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
#[cfg(feature = "explain")]
mod readable;
mod request;
mod store;
mod symbols;
mod sync;
mod table;
mod unloadable;

pub use candidates::{Candidate, Platform, candidates, is_library_name};
pub use copy_folder::CopyFolder;
pub use error::{
    Attempt, LoadError, LoadErrorKind, OsText, ResolveError, SymbolError, SymbolErrorKind,
};
pub use hints::{Binding, DeepBind, Hints, Visibility};
pub use image::{Identity, Image, Source};
pub use library::{Library, resolve};
pub use loaded::{LoadedImage, LoadedSegment, image_containing, loaded_images};
pub use request::Request;
pub use symbols::SymbolName;
pub use table::MissingSymbols;
pub use unloadable::{Function, Unloadable, UnmapToken, Unmapping, Why};
