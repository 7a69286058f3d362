//! Where the workspace is, which files it holds and what cargo says of its crates.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::Outcome;

/// The root of the workspace.
///
/// # Panics
/// Never: this crate lies in a folder of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Reads a text file of the workspace; `path` is relative to its root.
///
/// # Errors
/// If it cannot be read, naming it.
pub fn read(path: &str) -> Outcome<String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

/// The crate graph with all dependencies of all platforms, features as a plain build has them.
///
/// # Errors
/// If `cargo metadata` fails.
pub fn metadata() -> Outcome<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))
}

/// The folder of a workspace crate, relative to the root, with `/` between its parts: `crates/inspect`.
#[must_use]
pub fn folder(package: &Package) -> String {
    let manifest = package.manifest_path.as_std_path();
    let folder = manifest.parent().unwrap_or(manifest);
    relative(folder)
}

/// `path` relative to the root, with `/` between its parts.
#[must_use]
pub fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

/// All files below `folder`, sorted, without `.git` and without folders that cargo marks as caches.
///
/// The tree is walked instead of asking git, so that the checks also work in an unpacked source archive.
///
/// # Errors
/// If a folder cannot be read, naming it.
pub fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
            let path = entry.path();
            let kind = entry
                .file_type()
                .map_err(|error| format!("{}: {error}", path.display()))?;
            // A worktree has a file of that name instead of a folder.
            if entry.file_name() == ".git" {
                continue;
            }
            if kind.is_file() {
                found.push(path);
            } else if kind.is_dir() && !path.join("CACHEDIR.TAG").is_file() {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
