//! The closure of a library: everything that the system's loader would load with it, where
//! it would find it, and what would be missing. Nothing is executed.
//!
//! The rules are those of glibc's `ld.so` (its manual page, and `elf/dl-load.c` in words):
//! a name with a slash is a path; another is looked for among what is loaded already, then
//! in the `DT_RPATH` of the library that needs it and of those that brought it in, in
//! `LD_LIBRARY_PATH`, in the library's `DT_RUNPATH`, in the loader's cache, in the default
//! folders. Symbols are looked for in all of the closure, breadth first, as `ldd -r` does.

mod bind;
mod cache;
mod files;
mod legacy;
mod resolve;
mod search;
mod shared;

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::problem::Problem;
use crate::untrusted::Untrusted;

pub use cache::{CacheEntry, LoaderCache};
pub use files::{Disk, FileIdentity, Files, Located, Missing};
pub use resolve::Closures;
pub use search::Search;

/// Everything that is loaded with a library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Closure {
    /// The library that was asked about.
    #[serde(serialize_with = "path_text")]
    pub path: PathBuf,
    /// The library itself and all that it brings in, in the loader's order: breadth first.
    pub images: Vec<ClosureImage>,
    /// Why it would not load; empty if it would.
    pub problems: Vec<ClosureProblem>,
}

impl Closure {
    /// Whether the system's loader would load the library into a process that brings
    /// nothing along.
    #[must_use]
    pub fn would_load(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One library of a closure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClosureImage {
    /// The name under which it was first asked for.
    pub name: Untrusted,
    /// Where it was found, as the loader would spell it; `None` if it was not.
    #[serde(serialize_with = "optional_path_text")]
    pub path: Option<PathBuf>,
    /// The positions in [`Closure::images`] of those that need it; empty for the first.
    pub needed_by: Vec<usize>,
    /// Where it was looked for, step by step.
    pub steps: Vec<Step>,
}

/// One place that the loader looks into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Why the loader looks there.
    pub rule: Rule,
    /// The file that it tries; for a name in the cache that is not there, the name.
    #[serde(serialize_with = "path_text")]
    pub path: PathBuf,
    /// What it finds.
    pub outcome: Outcome,
}

/// Why a loader looks at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// The name is a path.
    Path,
    /// `DT_RPATH` of the library that needs it, or of one that brought that in.
    RPath,
    /// `LD_LIBRARY_PATH`.
    LibraryPath,
    /// `DT_RUNPATH` of the library that needs it.
    RunPath,
    /// The loader's cache, `/etc/ld.so.cache`.
    Cache,
    /// The default folders.
    Default,
}

/// What lies at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The library that is taken.
    Found,
    /// Nothing.
    Absent,
    /// Something that may not be read.
    Unreadable,
    /// A library for another processor or word size, which the loader passes over.
    OtherArchitecture,
    /// A file that the loader refuses, which ends its search.
    Damaged,
    /// A path relative to the current folder, which [`Search`] was given none for.
    CurrentFolder,
}

/// One reason why a library would not load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClosureProblem {
    /// What is wrong.
    pub kind: ClosureProblemKind,
    /// The position in [`Closure::images`] of the image at fault: the one that misses
    /// something, or the damaged one.
    #[serde(rename = "image_index")]
    pub index: usize,
    /// The same image by its path, or its name where it was not found.
    pub image: Untrusted,
    /// The library that is missing, or that ought to define the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<Untrusted>,
    /// The symbol that nothing defines, as it stands in the file: not demangled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Untrusted>,
    /// The version that nothing defines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Untrusted>,
    /// Where a missing library was looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What is wrong with a damaged file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Problem>,
}

/// The kinds of [`ClosureProblem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClosureProblemKind {
    /// A needed library is nowhere.
    NotFound,
    /// A needed library is there for another processor or word size only.
    WrongArchitecture,
    /// A needed library is there and may not be read.
    Unreadable,
    /// A library's structure is broken, or it is no library.
    Damaged,
    /// A library lacks a symbol version that another needs of it.
    MissingVersion,
    /// No library of the closure defines a symbol. A plugin's host may do.
    UndefinedSymbol,
    /// More libraries than [`crate::limits::DEPENDENCIES`].
    TooMany,
}

fn path_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

#[expect(clippy::ref_option, reason = "serde hands the field over in this form")]
fn optional_path_text<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.collect_str(&path.display()),
        None => serializer.serialize_none(),
    }
}
