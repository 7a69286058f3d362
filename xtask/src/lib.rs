//! Development tasks of this repository, run as `cargo xtask COMMAND`.
//!
//! Continuous integration runs nothing that a developer cannot run: its script calls `cargo test` and then these
//! commands. What a command checks is written here once, and the tests of this crate check the checks.
//!
//! ```
//! // A table of a document, read back by a test: the way all generated tables of this repository are compared.
//! let document = "<!-- begin arrows -->\n| crate | may depend on |\n|---|---|\n| inspect | manifest |\n<!-- end arrows -->\n";
//! let rows = xtask::table::rows(xtask::table::section(document, "arrows").unwrap());
//! assert_eq!(rows, [["inspect", "manifest"]]);
//! ```
#![forbid(unsafe_code)]

pub mod arrows;
pub mod ci;
pub mod cross;
pub mod demo;
pub mod fuzz;
pub mod licences;
pub mod page;
pub mod process;
pub mod self_audit;
pub mod table;
pub mod tidy;
pub mod wheels;
pub mod workspace;

/// What a task answers: nothing, or the sentence that the developer reads.
///
/// A task has one reader and no caller that decides by the kind of a failure, so a sentence is the whole error.
pub type Outcome<T = ()> = Result<T, String>;
