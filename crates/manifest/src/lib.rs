//! What a plugin says of itself, and how that is encoded inside its binary.
//!
//! A plugin's library carries one *record* for each plugin in it, as two ELF notes (or the
//! same bytes in a Mach-O or PE section): a [`Summary`] that is small enough to lie on the
//! file's first page, with all that is needed to find and judge the plugin, and a
//! [`Detail`] with texts, the schema of its methods and the application's own metadata.
//! The notes are built by the compiler ([`embed`]), so reading them executes nothing.
//!
//! ```
//! use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, RecordDef};
//! use plugwright_manifest::{Id, Summary};
//!
//! const DEF: RecordDef = RecordDef {
//!     entry: "plugwright_entry_org_example_zstd",
//!     id: "org.example.zstd",
//!     version: "1.0.0",
//!     crate_name: "zstd_plugin",
//!     linkage: Linkage::Cdylib,
//!     provides: &[],
//!     singleton: false,
//!     configurable: false,
//!     capabilities: &["files:read:/usr/share/zstd"],
//!     build: BuildDef {
//!         abi: 1,
//!         target: "x86_64-unknown-linux-gnu",
//!         profile: "release",
//!         rustc: "rustc 1.95.0",
//!         panic_abort: false,
//!         unloadable: false,
//!     },
//!     name: "Zstandard",
//!     description: "",
//!     license: "MIT",
//!     authors: "",
//!     homepage: "",
//!     metadata: &[],
//! };
//! const SUMMARY: usize = embed::summary_note_size(&DEF);
//! const DETAIL: usize = embed::detail_note_size(&DEF);
//! static NOTES: Notes<SUMMARY, DETAIL> = embed::notes(&DEF);
//!
//! let summary = Summary::decode(NOTES.summary())?;
//! assert_eq!(summary.id, Id::new("org.example.zstd")?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod capability;
mod description;
mod id;
mod record;

pub mod c;
pub mod cbor;
pub mod compat;
pub mod embed;
pub mod note;
pub mod schema;

pub use capability::{Capability, MAX_CAPABILITY, ParseCapabilityError};
pub use description::{Description, DescriptionError};
pub use id::{Id, InterfaceVersion, InvalidId, MAX_ID, is_valid_id};
pub use record::{
    Build, CrateLinkage, DecodeError, Detail, MAX_ENTRIES, MAX_TEXT, Provided, Record, Required,
    Role, Summary,
};
pub use semver::Version;
