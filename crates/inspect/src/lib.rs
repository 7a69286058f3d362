//! Reads libraries and plugins without executing them.
//!
//! A library is taken for hostile: it is opened so that nothing can block, read with
//! bounded positioned reads (never mapped), and every number in it is checked before it is
//! used. What comes out is data: facts, and a list of [`Problem`]s with stable codes.
//!
//! Four depths, each a function and a type of its own:
//!
//! | depth | function | reads | tells |
//! |---|---|---|---|
//! | *identity* | [`identity()`] | usually one page | format, architecture, type, Plugwright's records, Qt's metadata |
//! | *kinds* | [`kinds()`] | also the names of what is exported | also other systems' plugins |
//! | *headers* | [`headers()`] | headers and dynamic section | also name, needed libraries, run path, flags, versions, and whether the structure is sound |
//! | *symbols* | [`symbols()`] | the symbol tables and relocations | also every export and import |
//!
//! [`scan()`] reads as deep as the last and keeps no symbol: it shows them one by one to who asks,
//! for reviews of thousands of files.
//!
//! And [`closure`]: everything that the system's loader would load with a library, where it
//! would look for it, and what would be missing.
//!
//! | | ELF | Mach-O | PE |
//! |---|---|---|---|
//! | which | 32 and 64 bits, both byte orders, any processor | the same; every slice of universal files, 32- and 64-bit tables | PE32 and PE32+ |
//! | Plugwright's records | notes of a segment, else section `.note.plugwright` | section `__TEXT,__plugwright` | section `.plugwrt` |
//! | Qt's metadata | note of a segment (Qt 6.3), else section `.qtmetadata` | section `__TEXT,qtmetadata` | section `.qtmetadata` or `.qtmetad` |
//! | other systems' plugins | [`PluginKind`], by exports and `.modinfo` | by exports | by exports |
//! | needed libraries | `DT_NEEDED` | `LC_LOAD_DYLIB` and its kin | imports; delayed ones apart |
//! | truth | segments, compared with the sections | load commands | sections |
//!
//! ```
//! use plugwright_inspect::{Links, headers, open};
//!
//! let path = std::env::current_exe()?;
//! let file = open(&path, Links::Follow)?;
//! let headers = headers(&file, path.file_name());
//! for image in &headers.images {
//!     println!("{:?} for {}", image.image.kind, image.image.target.machine);
//! }
//! for problem in &headers.problems {
//!     println!("{problem}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod arch;
mod auditable;
pub mod closure;
mod folder;
mod headers;
mod identity;
mod kinds;
pub mod limits;
mod manifests;
mod open;
mod problem;
mod qt;
mod read_at;
mod scan;
mod symbols;
mod untrusted;

mod budget;
mod depth;
mod elf;
mod fields;
mod foreign;
mod macho;
mod os;
mod pe;
mod records;
mod source;

pub use arch::{ByteOrder, Class, Format, Kind, Machine, Target};
pub use auditable::RustCrate;
pub use elf::{
    DynamicEntry, DynamicFlags, ElfFacts, GnuProperties, NeededVersion, ProgramHeader, Relocations,
    VersionDefinition, VersionNeed,
};
pub use folder::{EntryKind, Folder};
pub use headers::{FormatFacts, Headers, ImageHeaders, headers};
pub use identity::{Identity, Image, identity};
pub use kinds::{ImageKinds, Kinds, PluginKind, Recognised, kinds};
pub use macho::MachOFacts;
pub use manifests::{Beside, ManifestForm, beside, manifest_says};
#[cfg(unix)]
pub use open::open_at;
pub use open::{Links, OpenError, OpenErrorKind, Opened, open};
pub use pe::{PeFacts, PeFlags};
pub use problem::{Code, Group, Loader, Problem};
pub use qt::{QtEncoding, QtMetadata};
pub use read_at::ReadAt;
pub use scan::{ImageScan, NameView, Scan, SymbolView, scan};
pub use symbols::{Binding, ImageSymbols, Symbol, SymbolKind, Symbols, symbols};
pub use untrusted::Untrusted;
