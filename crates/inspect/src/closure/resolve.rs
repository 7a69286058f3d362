//! The walk: from a library to all that it brings in, and the checks over the whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::limits;
use crate::untrusted::Untrusted;

use super::bind;
use super::cache;
use super::files::{Disk, Files};
use super::shared::{File, Loadable, NameNumber, Shared};
use super::{
    Closure, ClosureImage, ClosureProblem, ClosureProblemKind, Outcome, Rule, Search, Step,
};

/// Finds closures, and shares what it reads between them, also between threads: each library
/// is read once, and of those that many need the references are looked for once.
///
/// ```
/// use plugwright_inspect::closure::{Closures, Search};
///
/// # let Some(search) = Search::host() else { return Ok(()) };
/// let closures = Closures::new(search);
/// let closure = closures.of(&std::env::current_exe()?);
/// for image in &closure.images {
///     println!("{} at {:?}", image.name, image.path);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Closures<F = Disk> {
    search: Search,
    tree: F,
    shared: Shared,
}

/// A library on its way into a closure.
pub(super) struct Member {
    image: ClosureImage,
    pub(super) file: Option<Arc<Loadable>>,
    /// The position of the one that brought it in.
    loader: Option<usize>,
}

/// The libraries of a closure so far, with the names by which the loader knows them again.
#[derive(Default)]
pub(super) struct Members {
    pub(super) all: Vec<Member>,
    /// Of each name that was asked for and of each SONAME the library that has it.
    by_name: HashMap<NameNumber, usize>,
    /// Of each file its library.
    by_file: HashMap<u32, usize>,
}

impl Members {
    /// Takes in a member, under the name that it was needed by.
    fn push(&mut self, member: Member, name: Option<NameNumber>) {
        let index = self.all.len();
        if let Some(file) = &member.file {
            self.by_file.entry(file.number).or_insert(index);
            if let Some(soname) = file.soname {
                self.by_name.entry(soname).or_insert(index);
            }
        }
        if let Some(name) = name {
            self.by_name.entry(name).or_insert(index);
        }
        self.all.push(member);
    }

    /// The member that the loader takes for a need of `name`: by a name it was asked for, by
    /// its SONAME, or by its path.
    pub(super) fn answering(&self, number: NameNumber, name: &Untrusted) -> Option<usize> {
        let known = self.by_name.get(&number).copied();
        known.or_else(|| {
            let path = name.as_bytes();
            let is_there = |member: &Member| {
                let found = member.image.path.as_ref();
                found.is_some_and(|found| found.as_os_str().as_encoded_bytes() == path)
            };
            // Where a library was found is always a path with a slash.
            let may_be = path.contains(&b'/');
            may_be.then(|| self.all.iter().position(is_there)).flatten()
        })
    }
}

impl Member {
    /// The path where it was found, else the name.
    fn shown(&self) -> Untrusted {
        match &self.image.path {
            Some(path) => path.as_os_str().as_encoded_bytes().into(),
            None => self.image.name.clone(),
        }
    }
}

impl Closures {
    /// A finder for the system that `search` describes, with the files of this one.
    #[must_use]
    pub fn new(search: Search) -> Self {
        Self::within(search, Disk)
    }
}

impl<F: Files> Closures<F> {
    /// A finder in another tree of files: all paths, those of `search` too, are paths of
    /// `tree`.
    #[must_use]
    pub fn within(search: Search, tree: F) -> Self {
        Self {
            search,
            tree,
            shared: Shared::default(),
        }
    }

    /// The closure of the library or program at `path`, which is to be absolute.
    ///
    /// The answer does not depend on what was asked before, or on what other threads ask.
    pub fn of(&self, path: &Path) -> Closure {
        let mut problems = Vec::new();
        let file = self.file(path);
        let mut members = Members::default();
        let root = Member {
            image: ClosureImage {
                name: path.as_os_str().as_encoded_bytes().into(),
                path: Some(path.to_owned()),
                needed_by: Vec::new(),
                steps: Vec::new(),
            },
            file: file.module().cloned(),
            loader: None,
        };
        members.push(root, None);
        report(&file, 0, &members.all, Vec::new(), &mut problems);
        let mut at = 0;
        while let Some(file) = members.all.get(at).map(|member| member.file.clone()) {
            for (number, name) in file.iter().flat_map(|file| file.needed()) {
                if members.all.len() > limits::DEPENDENCIES {
                    problems.push(problem(ClosureProblemKind::TooMany, at, &members.all));
                    break;
                }
                self.need(number, name, at, &mut members, &mut problems);
            }
            at = at.saturating_add(1);
        }
        bind::check_versions(&members, &mut problems);
        bind::check_symbols(&members, &self.shared.known, &mut problems);
        let images = members.all.into_iter().map(|member| member.image);
        Closure {
            path: path.to_owned(),
            images: images.collect(),
            problems,
        }
    }

    /// Takes in the library `name` that the member at `by` needs.
    fn need(
        &self,
        number: NameNumber,
        name: &Untrusted,
        by: usize,
        members: &mut Members,
        problems: &mut Vec<ClosureProblem>,
    ) {
        let needed_again = |members: &mut Members, index: usize| {
            if let Some(member) = members.all.get_mut(index)
                && !member.image.needed_by.contains(&by)
            {
                member.image.needed_by.push(by);
            }
        };
        if let Some(index) = members.answering(number, name) {
            members.by_name.entry(number).or_insert(index);
            return needed_again(members, index);
        }
        let mut steps = Vec::new();
        let (path, file) = self.find(name, by, &members.all, &mut steps);
        // Two names for one file are one library.
        let same = file.module().map(|file| file.number);
        if let Some(index) = same.and_then(|number| members.by_file.get(&number).copied()) {
            members.by_name.entry(number).or_insert(index);
            return needed_again(members, index);
        }
        let index = members.all.len();
        let kept = match &file {
            File::Module(_) => Vec::new(),
            _ => steps.clone(),
        };
        let member = Member {
            image: ClosureImage {
                name: name.clone(),
                path,
                needed_by: vec![by],
                steps,
            },
            file: file.module().cloned(),
            loader: Some(by),
        };
        members.push(member, Some(number));
        match file {
            File::Module(_) => {}
            File::Damaged(_) => report(&file, index, &members.all, kept, problems),
            _ => {
                let saw = |outcome| kept.iter().any(|step: &Step| step.outcome == outcome);
                let kind = if saw(Outcome::OtherArchitecture) {
                    ClosureProblemKind::WrongArchitecture
                } else if saw(Outcome::Unreadable) {
                    ClosureProblemKind::Unreadable
                } else {
                    ClosureProblemKind::NotFound
                };
                let mut missing = problem(kind, by, &members.all);
                missing.library = Some(name.clone());
                missing.steps = kept;
                problems.push(missing);
            }
        }
    }

    /// Looks for `name` in the loader's order.
    fn find(
        &self,
        name: &Untrusted,
        by: usize,
        members: &[Member],
        steps: &mut Vec<Step>,
    ) -> (Option<PathBuf>, File) {
        let nothing = (None, File::Absent);
        let Some(needing) = members.get(by) else {
            return nothing;
        };
        let origin = needing.image.path.clone().unwrap_or_default();
        let wanted = self.search.expand_one(name.as_bytes(), &origin);
        if name.as_bytes().contains(&b'/') {
            return self.attempt(Rule::Path, wanted, steps).unwrap_or(nothing);
        }
        let run_path = needing.file.as_ref();
        let run_path = run_path.and_then(|file| file.module.run_path.as_ref());
        if run_path.is_none() {
            for folder in self.inherited(by, members) {
                if let Some(found) = self.folder(Rule::RPath, &folder, &wanted, steps) {
                    return found;
                }
            }
        }
        for folder in &self.search.library_path {
            let folder = self
                .search
                .expand_one(folder.as_os_str().as_encoded_bytes(), &origin);
            if let Some(found) = self.folder(Rule::LibraryPath, &folder, &wanted, steps) {
                return found;
            }
        }
        let run_path = run_path.iter();
        for folder in run_path.flat_map(|text| self.search.expand(text, &origin)) {
            if let Some(found) = self.folder(Rule::RunPath, &folder, &wanted, steps) {
                return found;
            }
        }
        if needing
            .file
            .as_ref()
            .is_some_and(|file| file.module.no_default_library)
        {
            return nothing;
        }
        if let Some(path) = self.cached(name) {
            if let Some(found) = self.attempt(Rule::Cache, path, steps) {
                return found;
            }
        } else {
            steps.push(Step {
                rule: Rule::Cache,
                path: wanted.clone(),
                outcome: Outcome::Absent,
            });
        }
        for folder in &self.search.default_folders {
            if let Some(found) = self.folder(Rule::Default, folder, &wanted, steps) {
                return found;
            }
        }
        nothing
    }

    /// The folders of `DT_RPATH` of the needing library and of those that brought it in;
    /// of each only where it has no `DT_RUNPATH`. The first library's count as well.
    fn inherited(&self, by: usize, members: &[Member]) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        let mut chain = Vec::new();
        let mut next = Some(by);
        while let Some(index) = next.filter(|index| !chain.contains(index)) {
            chain.push(index);
            next = members.get(index).and_then(|member| member.loader);
        }
        if !chain.contains(&0) {
            chain.push(0);
        }
        for member in chain.into_iter().filter_map(|index| members.get(index)) {
            let (Some(file), Some(path)) = (&member.file, &member.image.path) else {
                continue;
            };
            if file.module.run_path.is_none()
                && let Some(rpath) = &file.module.rpath
            {
                folders.extend(self.search.expand(rpath, path));
            }
        }
        folders
    }

    /// The cache's answer for a loader of this target.
    fn cached(&self, name: &Untrusted) -> Option<PathBuf> {
        let kind = cache::kind_for(&self.search.target)?;
        let entries = self.search.cache.entries(name.as_bytes());
        let fits = || entries.iter().filter(|entry| entry.flags == kind);
        let best = self
            .search
            .hwcaps
            .iter()
            .find_map(|level| fits().find(|entry| entry.hwcaps.as_deref() == Some(level)));
        let plain = || fits().find(|entry| entry.hwcaps.is_none());
        best.or_else(plain).map(|entry| entry.path.clone())
    }

    /// Tries a folder: its glibc-hwcaps folders first, then those of older capabilities.
    fn folder(
        &self,
        rule: Rule,
        folder: &Path,
        name: &Path,
        steps: &mut Vec<Step>,
    ) -> Option<(Option<PathBuf>, File)> {
        let levels = folder.join("glibc-hwcaps");
        // Hardly any folder has them: one look instead of one for each level.
        if !self.search.hwcaps.is_empty() && self.is_folder(&levels) {
            for level in &self.search.hwcaps {
                let path = levels.join(level).join(name);
                let found = self.attempt(rule, path, steps);
                if found.is_some() {
                    return found;
                }
            }
        }
        for legacy in self.search.legacy_folders.clone() {
            // Of these, too: the first part is looked for once.
            let first = legacy.split('/').next().unwrap_or(&legacy);
            if self.is_folder(&folder.join(first)) {
                let found = self.attempt(rule, folder.join(&legacy).join(name), steps);
                if found.is_some() {
                    return found;
                }
            }
        }
        self.attempt(rule, folder.join(name), steps)
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.shared.is_folder(path, || self.tree.is_folder(path))
    }

    /// Tries one file. `None` lets the search go on.
    fn attempt(
        &self,
        rule: Rule,
        path: PathBuf,
        steps: &mut Vec<Step>,
    ) -> Option<(Option<PathBuf>, File)> {
        let path = match (&self.search.current_folder, path.is_absolute()) {
            (_, true) => path,
            (Some(folder), false) => folder.join(path),
            (None, false) => {
                steps.push(Step {
                    rule,
                    path,
                    outcome: Outcome::CurrentFolder,
                });
                return None;
            }
        };
        let file = self.file(&path);
        let outcome = match file {
            File::Absent => Outcome::Absent,
            File::Unreadable => Outcome::Unreadable,
            File::OtherArchitecture => Outcome::OtherArchitecture,
            File::Damaged(_) => Outcome::Damaged,
            File::Module(_) => Outcome::Found,
        };
        steps.push(Step {
            rule,
            path: path.clone(),
            outcome,
        });
        matches!(outcome, Outcome::Found | Outcome::Damaged).then_some((Some(path), file))
    }

    fn file(&self, path: &Path) -> File {
        self.shared.file(path, &self.search.target, &self.tree)
    }
}

/// Reports a file that is no library that could be loaded.
fn report(
    file: &File,
    index: usize,
    members: &[Member],
    steps: Vec<Step>,
    problems: &mut Vec<ClosureProblem>,
) {
    let (kind, faults) = match file {
        File::Module(_) => return,
        File::Absent => (ClosureProblemKind::NotFound, None),
        File::Unreadable => (ClosureProblemKind::Unreadable, None),
        File::OtherArchitecture => (ClosureProblemKind::WrongArchitecture, None),
        File::Damaged(faults) => (ClosureProblemKind::Damaged, Some(faults)),
    };
    let mut told = problem(kind, index, members);
    told.faults = faults.map(|faults| faults.to_vec()).unwrap_or_default();
    told.steps = steps;
    problems.push(told);
}

pub(super) fn problem(
    kind: ClosureProblemKind,
    index: usize,
    members: &[Member],
) -> ClosureProblem {
    ClosureProblem {
        kind,
        index,
        image: members.get(index).map(Member::shown).unwrap_or_default(),
        library: None,
        symbol: None,
        version: None,
        steps: Vec::new(),
        faults: Vec::new(),
    }
}
