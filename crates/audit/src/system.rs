//! The system that a review runs on: which names its loader knows, where it looks, and the files that steer it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plugwright_inspect::closure::Search;

use crate::options::Options;

/// What is known of the system, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct System {
    pub(crate) search: Option<Search>,
    /// Folders that the loader searches, by their true paths.
    folders: BTreeSet<PathBuf>,
    /// The libraries that answer to a name.
    names: BTreeMap<Vec<u8>, Vec<PathBuf>>,
}

impl System {
    /// This system, where it has a loader for ELF.
    pub(crate) fn host(options: &Options) -> Self {
        let search = Search::host().map(|mut search| {
            search.library_path.clone_from(&options.library_path);
            search
        });
        search.map(Self::of).unwrap_or_default()
    }

    fn of(search: Search) -> Self {
        let mut system = Self::default();
        let mut folders = BTreeSet::new();
        for (name, entries) in search.cache.iter() {
            let paths = entries.iter().map(|entry| entry.path.clone());
            let paths: Vec<PathBuf> = paths.collect();
            let found = paths.iter().filter_map(|path| path.parent());
            folders.extend(found.map(Path::to_owned));
            system.names.insert(name.to_vec(), paths);
        }
        folders.extend(search.default_folders.iter().cloned());
        system.folders = folders.iter().map(|folder| real(folder)).collect();
        system.search = Some(search);
        system
    }

    /// Whether the loader searches a folder, given by its true path.
    pub(crate) fn searches(&self, folder: &Path) -> bool {
        self.folders.contains(folder)
    }

    /// Where the library lies that the loader finds under a name.
    pub(crate) fn library(&self, name: &[u8]) -> Option<&Path> {
        self.names.get(name)?.first().map(PathBuf::as_path)
    }

    /// The folders that the loader searches.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }
}

/// The true path, as far as there is one.
pub(crate) fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
