//! The witness: gathers the facts about a plugin file on which a verdict is founded.
//!
//! A [`Root`] is a folder that was opened once, by descriptor, together with every folder above it. A file is opened below
//! it, step by step, never through a symbolic link, and only if it is a regular file; what the system says of the file and
//! of each folder on the way is kept with the open file as an [`Opened`]. [`Opened::facts`] then reads the bytes that are
//! to be loaded, which may be a copy of the file, and puts everything together as `plugwright_trust::Facts`.
//!
//! Nothing here executes, maps or changes anything, and nothing here decides: the judge is `plugwright-trust`.
//!
//! ```no_run
//! use plugwright_evidence::{Root, Signatures};
//! use plugwright_inspect::symbols;
//! use plugwright_trust::{Policy, judge};
//! use std::path::Path;
//!
//! let root = Root::open(Path::new("/usr/lib/press"))?;
//! let policy = Policy::server();
//! let name = Path::new("libzstd.so");
//! let opened = root.open_file(name)?;
//! let signed = Signatures::new(&root, &policy.keys).of(name);
//! let file = opened.file();
//! let facts = opened.facts(file, &symbols(file, None), &signed)?;
//! println!("{:?}", judge(&facts, &policy));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod digest;
mod error;
mod hazards;
mod manifest;
#[cfg(unix)]
mod os;
#[cfg(unix)]
mod root;
#[cfg(unix)]
mod signatures;
mod structure;
#[cfg(unix)]
mod text;

pub use digest::digest;
pub use error::{OpenError, OpenErrorKind};
pub use hazards::{hazards, imports};
pub use manifest::manifest;
#[cfg(unix)]
pub use root::{Opened, Root};
#[cfg(unix)]
pub use signatures::{BUNDLE, Found, SIGNATURE_SUFFIX, Signatures};
pub use structure::structure;
#[cfg(unix)]
pub use text::{ReadError, read_keys, read_lock, read_policy};
