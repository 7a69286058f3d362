//! Which files a scan looks at: a function of names and links only, sorted, so that two runs give the same list.
//!
//! A link counts as its file where that file is not in the scan itself, so that the usual chain `libx.so` →
//! `libx.so.1` → `libx.so.1.2` is one library. Links to folders are not followed below the folders that were asked
//! for: a scan cannot leave them or go in a circle.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

/// How deep a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The folders themselves.
    Flat,
    /// All folders below them.
    Recursive,
}

/// What a scan is to look at.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Everything that is not a folder, in order: also FIFOs and links that lead nowhere, because opening them tells
    /// what they are.
    pub(crate) files: Vec<PathBuf>,
    /// Folders that could not be read.
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
    /// Links to folders that were not followed.
    pub(crate) folder_links: usize,
}

/// Lists the files of `roots`. A root that is a file is one file to look at. What lies below a root and matches one of
/// `excluded` is not looked at, and a folder that does is not entered. `looking` is told the number of files known so far and the
/// folder that is next.
pub(crate) fn scan(
    roots: &[PathBuf],
    depth: Depth,
    excluded: &[Pattern],
    looking: &mut dyn FnMut(usize, &Path),
) -> Scan {
    let mut walk = Walk {
        depth,
        excluded,
        scan: Scan::default(),
        links: Vec::new(),
        seen: BTreeSet::new(),
    };
    for root in roots {
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => walk.folder(root, looking),
            // What is not there is told when it is opened.
            _ => walk.scan.files.push(root.clone()),
        }
    }
    walk.finish()
}

#[derive(Debug)]
struct Walk<'a> {
    depth: Depth,
    excluded: &'a [Pattern],
    scan: Scan,
    /// Links to files, with where they lead.
    links: Vec<(PathBuf, PathBuf)>,
    /// The true paths of all files and folders seen, so that nothing is looked at twice.
    seen: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, looking: &mut dyn FnMut(usize, &Path)) {
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            looking(self.scan.files.len(), &folder);
            if let Err(error) = self.entries(&folder, &mut folders) {
                self.scan.failures.push((folder, error));
            }
        }
    }

    /// Sorts the entries of one folder into files, links and further folders.
    fn entries(&mut self, folder: &Path, folders: &mut Vec<PathBuf>) -> io::Result<()> {
        let true_folder = fs::canonicalize(folder)?;
        if !self.seen.insert(true_folder.clone()) {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if self.excluded.iter().any(|pattern| matches(pattern, &path)) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if self.depth == Depth::Recursive {
                    folders.push(path);
                }
            } else if kind.is_symlink() {
                self.link(path);
            } else if self.seen.insert(true_folder.join(entry.file_name())) {
                self.scan.files.push(path);
            }
        }
        Ok(())
    }

    fn link(&mut self, path: PathBuf) {
        match fs::canonicalize(&path) {
            Ok(target) if target.is_dir() => self.scan.folder_links += 1,
            Ok(target) => self.links.push((path, target)),
            Err(_) => self.scan.files.push(path),
        }
    }

    fn finish(mut self) -> Scan {
        self.links.sort();
        for (path, target) in self.links {
            if self.seen.insert(target) {
                self.scan.files.push(path);
            }
        }
        self.scan.files.sort();
        self.scan.failures.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.scan
    }
}

/// Whether a pattern is for this path: one with a slash for the path as it is listed, another for the name alone.
fn matches(pattern: &Pattern, path: &Path) -> bool {
    let options = MatchOptions {
        require_literal_separator: true,
        ..MatchOptions::new()
    };
    if pattern.as_str().contains('/') {
        pattern.matches_path_with(path, options)
    } else {
        let name = path.file_name().unwrap_or_default();
        pattern.matches_with(&name.to_string_lossy(), options)
    }
}

/// Whether a name claims to be a library, so that a file under it which is none is told and not passed over.
pub(crate) fn claims_to_be_a_library(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    [".so", ".dll", ".dylib", ".bundle"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || name.contains(".so.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: bool) {
        assert_eq!(claims_to_be_a_library(Path::new(name)), expected, "{name}");
    }

    #[test]
    fn patterns() {
        #[track_caller]
        fn check(pattern: &str, path: &str, expected: bool) {
            let pattern = Pattern::new(pattern).expect("a pattern");
            assert_eq!(
                matches(&pattern, Path::new(path)),
                expected,
                "{pattern} {path}"
            );
        }
        check("*.so.*", "./a/libx.so.1", true);
        check("*.so.*", "./a/libx.so", false);
        check("a", "./b/a", true);
        check("a", "./a/b", false);
        check("./*/b", "./a/b", true);
        check("./*", "./a/b", false);
        check("**/b", "./a/c/b", true);
    }

    #[test]
    fn names_of_libraries() {
        for name in ["a.so", "liba.so.1.2", "A.DLL", "x/liba.dylib", "a.bundle"] {
            check(name, true);
        }
        for name in ["a.txt", "so", "x.so/readme", "a.sock"] {
            check(name, false);
        }
    }
}
