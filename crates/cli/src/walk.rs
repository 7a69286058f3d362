//! Which files a scan looks at: a function of names and links only, sorted, so that two runs give the same list.
//!
//! A link counts as its file where that file is not in the scan itself, so that the usual chain `libx.so` →
//! `libx.so.1` → `libx.so.1.2` is one library. Links to folders are not followed below the folders that were asked
//! for: a scan cannot leave them or go in a circle.
//!
//! A tree can have very many files, so that a file is kept as its name and the number of its folder, and nothing is
//! asked of the system but the folders' entries.

use std::cmp::Ordering;
use std::collections::hash_map::Entry::Vacant;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use plugwright_evidence::{BUNDLE, SIGNATURE_SUFFIX};
use plugwright_inspect::{EntryKind, Folder, Links, OpenError, Opened};

use crate::write::finished;

/// How deep a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The folders themselves.
    Flat,
    /// All folders below them.
    Recursive,
}

/// What a scan is to look at, in the order of the paths.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    folders: Vec<PathBuf>,
    /// The first of them, open: a file of theirs is opened without walking its whole path again.
    open: Vec<Option<Folder>>,
    /// Their canonical paths.
    true_folders: Vec<PathBuf>,
    entries: Vec<Entry>,
    failures: Vec<io::Error>,
    /// Links to folders that were not followed.
    pub(crate) folder_links: usize,
    /// Folders below those that were asked for, where only these are looked into.
    pub(crate) folders_below: usize,
}

/// A name in one of the folders.
#[derive(Debug)]
struct Entry {
    folder: usize,
    name: Box<OsStr>,
    /// The number of the failure, for a folder that could not be read.
    failure: Option<u32>,
}

/// One thing to look at.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    /// Everything that is not a folder: also FIFOs and links that lead nowhere, because opening them tells what they
    /// are.
    File,
    /// A folder that could not be read.
    Unreadable(&'a io::Error),
}

impl Scan {
    /// The number of items.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The item at `at` with its path, which begins with the root as it was given.
    pub(crate) fn item(&self, at: usize) -> (PathBuf, Item<'_>) {
        let entry = &self.entries[at];
        let failure = entry.failure.and_then(|at| self.failures.get(at as usize));
        let what = failure.map_or(Item::File, Item::Unreadable);
        (self.folders[entry.folder].join(&*entry.name), what)
    }

    /// Opens the file that is the item at `at`; `path` is its own.
    pub(crate) fn open(&self, at: usize, path: &Path) -> Result<Opened, OpenError> {
        let entry = &self.entries[at];
        match self.open.get(entry.folder) {
            Some(Some(folder)) => {
                let file = folder.open_file(&entry.name, Links::Follow);
                file.map_err(|error| error.with_path(path))
            }
            _ => plugwright_inspect::open(path, Links::Follow),
        }
    }

    /// Whether the item at `at` lies in one of the folders, and was not named itself.
    pub(crate) fn is_from_a_folder(&self, at: usize) -> bool {
        self.entries[at].folder != ROOTS
    }

    /// The canonical paths of the folders; the one of [`Scan::place`] with the number 0 is none.
    pub(crate) fn true_folders(&self) -> &[PathBuf] {
        &self.true_folders
    }

    /// Where the item at `at` is, by the number of its folder and its name, unless it was named itself or is a folder that
    /// could not be read.
    pub(crate) fn place(&self, at: usize) -> Option<(usize, &OsStr)> {
        let entry = &self.entries[at];
        let is_file = entry.folder != ROOTS && entry.failure.is_none();
        is_file.then_some((entry.folder, &*entry.name))
    }

    /// The order of the paths, name by name.
    fn order(&self, a: &Entry, b: &Entry) -> Ordering {
        if a.folder == b.folder && a.folder != ROOTS {
            return a.name.cmp(&b.name);
        }
        let parts = |folder: usize| self.folders[folder].components();
        let (left, right) = (Path::new(&*a.name), Path::new(&*b.name));
        parts(a.folder)
            .chain(left.components())
            .cmp(parts(b.folder).chain(right.components()))
    }
}

/// The place in [`Scan::folders`] of the empty path, to which the roots' own paths are relative.
const ROOTS: usize = 0;
/// Folders that are kept open: few beside what a process may have open.
const OPEN_FOLDERS: usize = 64;

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
        true_folders: HashMap::new(),
    };
    walk.scan.folders.push(PathBuf::new());
    walk.scan.open.push(None);
    for root in roots {
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => walk.folder(root, looking),
            // What is not there is told when it is opened.
            _ => walk.add(ROOTS, root.clone().into_os_string()),
        }
    }
    walk.finish(roots.len())
}

#[derive(Debug)]
struct Walk<'a> {
    depth: Depth,
    excluded: &'a [Pattern],
    scan: Scan,
    /// Links to files, with where they lead.
    links: Vec<(usize, OsString, PathBuf)>,
    /// The true paths of all folders that were read, so that none is read twice, with their places in the scan. As
    /// texts, because a path is taken apart to be hashed.
    true_folders: HashMap<OsString, usize>,
}

/// A folder whose entries are being looked at.
#[derive(Debug)]
struct Open {
    place: usize,
    true_path: PathBuf,
    /// What is left of its entries, in order.
    entries: std::vec::IntoIter<(OsString, EntryKind)>,
}

impl Walk<'_> {
    fn add(&mut self, folder: usize, name: OsString) {
        self.scan.entries.push(Entry {
            folder,
            name: name.into(),
            failure: None,
        });
    }

    /// A folder and, where that is wanted, all below it. Not recursive: how deep they are, others decide.
    fn folder(&mut self, root: &Path, looking: &mut dyn FnMut(usize, &Path)) {
        let open = fs::canonicalize(root)
            .and_then(|true_path| self.open(ROOTS, root.to_owned(), true_path, looking));
        let mut stack: Vec<Open> = match open {
            Ok(open) => open.into_iter().collect(),
            Err(error) => return self.fail(ROOTS, root.as_os_str(), error),
        };
        while let Some(folder) = stack.last_mut() {
            let Some((name, kind)) = folder.entries.next() else {
                stack.pop();
                continue;
            };
            let place = folder.place;
            if !matches!(kind, EntryKind::Folder | EntryKind::Link) {
                self.add(place, name);
                continue;
            }
            let path = self.scan.folders[place].join(&name);
            if kind == EntryKind::Link {
                self.link(place, name, &path);
            } else if self.depth == Depth::Flat {
                self.scan.folders_below += 1;
            } else {
                // No link leads here from its parent, so that nobody has to be asked for the true path.
                let true_path = folder.true_path.join(&name);
                match self.open(place, path, true_path, looking) {
                    Ok(below) => stack.extend(below),
                    Err(error) => self.fail(place, &name, error),
                }
            }
        }
    }

    fn fail(&mut self, folder: usize, name: &OsStr, error: io::Error) {
        self.scan.entries.push(Entry {
            folder,
            name: name.into(),
            failure: u32::try_from(self.scan.failures.len()).ok(),
        });
        self.scan.failures.push(error);
    }

    /// Reads the entries of a folder in the one at `parent`, without those that are excluded; none if it was read
    /// before.
    fn open(
        &mut self,
        parent: usize,
        path: PathBuf,
        true_path: PathBuf,
        looking: &mut dyn FnMut(usize, &Path),
    ) -> io::Result<Option<Open>> {
        let Vacant(true_folder) = self.true_folders.entry(true_path.clone().into()) else {
            return Ok(None);
        };
        looking(self.scan.entries.len(), &path);
        let (folder, mut entries) = match (self.scan.open.get(parent), path.file_name()) {
            (Some(Some(parent)), Some(name)) => parent.open_folder(name)?,
            _ => Folder::open(&path)?,
        };
        if !self.excluded.is_empty() {
            entries.retain(|(name, _)| !is_excluded(self.excluded, &path, name));
        }
        let place = self.scan.folders.len();
        if place < OPEN_FOLDERS {
            self.scan.open.push(Some(folder));
        }
        self.scan.folders.push(path);
        true_folder.insert(place);
        Ok(Some(Open {
            place,
            true_path,
            entries: entries.into_iter(),
        }))
    }

    fn link(&mut self, folder: usize, name: OsString, path: &Path) {
        match fs::canonicalize(path) {
            Ok(target) if target.is_dir() => self.scan.folder_links += 1,
            Ok(target) => self.links.push((folder, name, target)),
            Err(_) => self.add(folder, name),
        }
    }

    /// Takes in the links whose files are not in the scan, each file once, and brings all into order.
    fn finish(mut self, roots: usize) -> Scan {
        let mut links = std::mem::take(&mut self.links);
        // What is below one root was found in order.
        let is_in_order = links.is_empty() && roots < 2;
        let place = |link: &(usize, OsString, PathBuf)| self.scan.folders[link.0].join(&link.1);
        links.sort_by_cached_key(place);
        let mut targets = HashSet::new();
        for (folder, name, target) in links {
            if !self.has(&target) && targets.insert(target) {
                self.add(folder, name);
            }
        }
        if !is_in_order {
            let mut entries = std::mem::take(&mut self.scan.entries);
            entries.sort_by(|a, b| self.scan.order(a, b));
            self.scan.entries = entries;
        }
        debug_assert!((self.scan.entries).is_sorted_by(|a, b| self.scan.order(a, b).is_le()));
        self.scan.true_folders = vec![PathBuf::new(); self.scan.folders.len()];
        for (path, place) in self.true_folders {
            self.scan.true_folders[place] = path.into();
        }
        self.scan
    }

    /// Whether the file with this true path is one that the scan came by in its folder.
    fn has(&self, target: &Path) -> bool {
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return false;
        };
        let place = self.true_folders.get(folder.as_os_str());
        place.is_some_and(|place| !is_excluded(self.excluded, &self.scan.folders[*place], name))
    }
}

fn is_excluded(excluded: &[Pattern], folder: &Path, name: &OsStr) -> bool {
    !excluded.is_empty() && {
        let path = folder.join(name);
        excluded.iter().any(|pattern| matches(pattern, &path))
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
    let name = name_of(path);
    let ends = |ending: &&str| name.ends_with(*ending) && name != BUNDLE;
    [".dll", ".dylib", ".bundle"].iter().any(ends) || claims_to_be_an_elf_library(path)
}

/// The same for libraries as Linux has them.
pub(crate) fn claims_to_be_an_elf_library(path: &Path) -> bool {
    let name = name_of(path);
    // A signature lies beside its library, and has the library's name in its own; also one that was not written whole.
    name.ends_with(".so") || name.contains(".so.") && !finished(&name).ends_with(SIGNATURE_SUFFIX)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_ascii_lowercase()
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
        for name in [
            "a.so",
            "liba.so.1.2",
            "a.so.1.new",
            "A.DLL",
            "x/liba.dylib",
            "a.bundle",
        ] {
            check(name, true);
        }
        for name in ["a.txt", "so", "x.so/readme", "a.sock"] {
            check(name, false);
        }
        // What `plugwright sign` lays beside libraries.
        for name in [
            "plugwright.bundle",
            "plugwright.bundle.minisig",
            "a.so.minisig",
            "liba.so.1.minisig",
            "a.so.minisig.4711.new",
        ] {
            check(name, false);
        }
    }
}
