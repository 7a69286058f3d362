//! All files of one target together, with the folders around them: for rules that compare files, or look at whose they are.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use plugwright_inspect::Untrusted;
use plugwright_manifest::Role;

use crate::os::Stat;
use crate::ownership::Ownership;
use crate::review::reach;
use crate::subject::FileSubject;
use crate::system::System;
use crate::walk::{Entry, EntryKind};
use crate::watched::Watch;

/// A target's files.
#[derive(Debug)]
pub(crate) struct Deployment<'a> {
    /// The folder, or the folder that the file lies in, by its true path.
    pub(crate) root: &'a Path,
    /// The folder as it was given, if the target is one.
    pub(crate) given: Option<&'a Path>,
    /// Everything below the folder and itself, or the file alone; in the order of the paths.
    pub(crate) entries: &'a [Entry],
    /// The folders above `root`, from the next one on, by their true paths.
    pub(crate) ancestors: &'a [(PathBuf, Stat)],
    /// Every file with images, in the order of the paths.
    pub(crate) libraries: &'a [Summary],
    /// For each of `entries`, whether it is loaded; see [`loadable`].
    pub(crate) loadable: &'a [bool],
    /// The folders that hold something that is loaded, and all above them.
    pub(crate) on_the_way: &'a HashSet<&'a Path>,
    pub(crate) system: &'a System,
    pub(crate) ownership: &'a Ownership,
}

/// What is kept of a file for the comparison with others.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) path: PathBuf,
    pub(crate) stat: Stat,
    /// The names that its images have for others. None for PE, whose loader goes by the file's name.
    pub(crate) names: Vec<Untrusted>,
    /// Where the first of them is said in the file.
    pub(crate) name_offset: Option<u64>,
    /// Ids and versions of the plugins that it offers.
    pub(crate) plugins: Vec<(String, String)>,
    pub(crate) is_plugin: bool,
    pub(crate) is_program: bool,
    pub(crate) is_elf: bool,
    pub(crate) has_capabilities: bool,
    pub(crate) loads_libraries: bool,
    /// The folders in which a loader looks because of it.
    pub(crate) searches: Vec<PathBuf>,
}

impl Summary {
    pub(crate) fn of(file: &FileSubject<'_>) -> Self {
        let headers = || file.scan.images.iter().map(|image| &image.headers);
        let records = headers().flat_map(|image| &image.image.records);
        let offered = records.filter(|record| record.role == Role::Root);
        let plugins = offered.map(|record| {
            let summary = &record.summary;
            (summary.id.to_string(), summary.version.to_string())
        });
        let mut names: Vec<Untrusted> = headers()
            .filter(|image| image.pe().is_none())
            .filter_map(|image| image.name.clone())
            .collect();
        names.dedup();
        Self {
            path: file.path.to_owned(),
            stat: file.stat,
            names,
            name_offset: file.elf().and_then(|(_, elf)| {
                // DT_SONAME
                crate::subject::entry_offset(elf, 14)
            }),
            plugins: plugins.collect(),
            is_plugin: file.is_plugin(),
            is_program: file.is_program(),
            is_elf: file.elf().is_some(),
            searches: file.elf().map_or_else(Vec::new, |(image, elf)| {
                let paths: Vec<&Untrusted> = elf.rpath.iter().chain(&image.run_path).collect();
                reach::searches(file.path, &paths)
            }),
            has_capabilities: file.has_capabilities,
            loads_libraries: file
                .images()
                .any(|(_, symbols)| symbols.imports_any(Watch::Load)),
        }
    }

    /// Whether it gives more rights than its user has.
    pub(crate) const fn is_privileged(&self) -> bool {
        self.stat.runs_as_owner() || self.has_capabilities
    }
}

impl<'a> Deployment<'a> {
    /// Every entry that is loaded: files with images, and what has a name that claims to be a library.
    pub(crate) fn loadable(&self) -> impl Iterator<Item = &'a Entry> {
        let entries = self.entries.iter().zip(self.loadable);
        entries
            .filter(|(entry, loadable)| **loadable && entry.kind != EntryKind::Folder)
            .map(|(entry, _)| entry)
    }
}

/// For each entry whether it holds something that is loaded: images, or a name that claims to be a library.
pub(crate) fn loadable(entries: &[Entry], libraries: &[Summary]) -> Vec<bool> {
    let libraries = libraries.iter().map(|library| library.path.as_os_str());
    let libraries: HashSet<&OsStr> = libraries.collect();
    let is_loadable = |entry: &Entry| {
        claims_to_be_a_library(&entry.path) || libraries.contains(entry.path.as_os_str())
    };
    entries.iter().map(is_loadable).collect()
}

/// The folders that hold something that is loaded, and all above them.
pub(crate) fn on_the_way(libraries: &[Summary]) -> HashSet<&Path> {
    let loaded = libraries.iter().filter(|library| !library.is_program);
    let folders: BTreeSet<&Path> = loaded.map(|library| folder_of(&library.path)).collect();
    folders.into_iter().flat_map(Path::ancestors).collect()
}

/// The folder that a file lies in: `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new("."))
}

/// Whether a name claims to be a library.
pub(crate) fn claims_to_be_a_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let endings = [".so", ".dll", ".exe", ".pyd", ".dylib", ".bundle", ".node"];
    let ends_with = |ending: &str| {
        let end = name.len().checked_sub(ending.len());
        end.and_then(|end| name.get(end..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending.as_bytes()))
    };
    endings.into_iter().any(ends_with)
        || name
            .windows(4)
            .any(|part| part.eq_ignore_ascii_case(b".so."))
}
