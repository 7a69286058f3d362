//! The list of crates that cargo-auditable puts into what it builds: the section `.dep-v0`,
//! JSON compressed with zlib.

use std::str::FromStr as _;

use auditable_serde::{DependencyKind, VersionInfo};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::Serialize;

use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;
use crate::untrusted::Untrusted;

/// The section's name, in every format.
pub(crate) const SECTION: &[u8] = b".dep-v0";

/// A Rust crate that went into an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RustCrate {
    /// Its name.
    pub name: Untrusted,
    /// Its version.
    pub version: Untrusted,
    /// Where it is from: `crates.io`, `git`, `local`, `registry` or another word.
    pub source: Untrusted,
    /// Whether only the build needed it: a build script, a macro.
    pub build_only: bool,
    /// Whether the image is built from it, as against brought in by another.
    pub root: bool,
}

/// Reads the list of `len` bytes at `at`; empty when it is damaged, which is told.
pub(crate) fn read<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    at: u64,
    len: u64,
    problems: &mut Problems,
) -> Vec<RustCrate> {
    let packed = match source.table(at, len, limits::CRATES_PACKED) {
        Ok(packed) => packed,
        Err(fault) => {
            let what = "the list of crates";
            problems.push(fault.into_problem(Code::CratesInvalid, Loader::Accepts, what));
            return Vec::new();
        }
    };
    match decode(&packed) {
        Ok(crates) => crates,
        Err(Fault::TooLarge) => {
            let limit = limits::CRATES as u64;
            let what = "bytes in the list of crates";
            problems.limit(at, what, limit.saturating_add(1), limit);
            Vec::new()
        }
        Err(Fault::Invalid(expected, found)) => {
            problems.add(Code::CratesInvalid, Loader::Accepts, at, expected, found);
            Vec::new()
        }
    }
}

/// Why there is no list.
enum Fault {
    TooLarge,
    /// What was expected and found.
    Invalid(&'static str, String),
}

fn decode(packed: &[u8]) -> Result<Vec<RustCrate>, Fault> {
    let json = decompress_to_vec_zlib_with_limit(packed, limits::CRATES).map_err(|error| {
        match error.status {
            miniz_oxide::inflate::TINFLStatus::HasMoreOutput => Fault::TooLarge,
            status => {
                let found = format!("data that end as {status:?}");
                Fault::Invalid("a list of crates in zlib's format", found)
            }
        }
    })?;
    let invalid = |error: &dyn std::fmt::Display| {
        let text = error.to_string();
        Fault::Invalid(
            "a list of crates in the JSON of cargo-auditable",
            crate::problem::quote(text.as_bytes()),
        )
    };
    let json = std::str::from_utf8(&json).map_err(|error| invalid(&error))?;
    let list = VersionInfo::from_str(json).map_err(|error| invalid(&error))?;
    let crates = list.packages.into_iter().map(|package| RustCrate {
        name: package.name.as_str().into(),
        version: package.version.to_string().as_str().into(),
        source: String::from(package.source).as_str().into(),
        build_only: package.kind == DependencyKind::Build,
        root: package.root,
    });
    Ok(crates.collect())
}
