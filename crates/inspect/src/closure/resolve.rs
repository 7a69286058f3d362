//! The walk: from a library to all that it brings in, and the checks over the whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::elf::module::{self, Module};
use crate::foreign;
use crate::limits;
use crate::problem::{Code, Loader, Problem, Problems};
use crate::source::Source;
use crate::untrusted::Untrusted;

use super::bind::{self, KnownSymbols};
use super::cache;
use super::files::{Disk, FileIdentity, Files, Missing};
use super::{
    Closure, ClosureImage, ClosureProblem, ClosureProblemKind, Outcome, Rule, Search, Step,
};

/// What lies at a path, read once for all closures.
#[derive(Clone, Debug)]
enum File {
    Absent,
    Unreadable,
    OtherArchitecture,
    Damaged(Arc<[Problem]>),
    Module(Arc<Loadable>),
}

/// A library with the identity by which the loader knows it again.
#[derive(Debug)]
pub(super) struct Loadable {
    pub(super) module: Module,
    pub(super) identity: FileIdentity,
}

/// Finds closures, and shares what it reads between them.
///
/// ```
/// use plugwright_inspect::closure::{Closures, Search};
///
/// # let Some(search) = Search::host() else { return Ok(()) };
/// let mut closures = Closures::new(search);
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
    files: HashMap<PathBuf, File>,
    known: KnownSymbols,
}

/// A library on its way into a closure.
pub(super) struct Member {
    image: ClosureImage,
    pub(super) file: Option<Arc<Loadable>>,
    /// The position of the one that brought it in.
    loader: Option<usize>,
    /// Every name under which it was asked for.
    names: Vec<Untrusted>,
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
            files: HashMap::new(),
            known: KnownSymbols::new(),
        }
    }

    /// The closure of the library or program at `path`, which is to be absolute.
    pub fn of(&mut self, path: &Path) -> Closure {
        let mut problems = Vec::new();
        let file = self.file(path);
        let mut members = vec![Member {
            image: ClosureImage {
                name: path.as_os_str().as_encoded_bytes().into(),
                path: Some(path.to_owned()),
                needed_by: Vec::new(),
                steps: Vec::new(),
            },
            file: match &file {
                File::Module(file) => Some(Arc::clone(file)),
                _ => None,
            },
            loader: None,
            names: Vec::new(),
        }];
        self.report(&file, 0, &members, Vec::new(), &mut problems);
        let mut at = 0;
        while let Some(file) = members.get(at).map(|member| member.file.clone()) {
            for name in file.iter().flat_map(|file| &file.module.needed) {
                if members.len() > limits::DEPENDENCIES {
                    problems.push(problem(ClosureProblemKind::TooMany, at, &members));
                    break;
                }
                self.need(name, at, &mut members, &mut problems);
            }
            at = at.saturating_add(1);
        }
        bind::check_versions(&members, &mut problems);
        bind::check_symbols(&members, &mut self.known, &mut problems);
        Closure {
            path: path.to_owned(),
            images: members.into_iter().map(|member| member.image).collect(),
            problems,
        }
    }

    /// Takes in the library `name` that the member at `by` needs.
    fn need(
        &mut self,
        name: &Untrusted,
        by: usize,
        members: &mut Vec<Member>,
        problems: &mut Vec<ClosureProblem>,
    ) {
        if let Some(member) = members.iter_mut().find(|member| answers_to(member, name)) {
            if !member.names.contains(name) {
                member.names.push(name.clone());
            }
            if !member.image.needed_by.contains(&by) {
                member.image.needed_by.push(by);
            }
            return;
        }
        let mut steps = Vec::new();
        let (path, file) = self.find(name, by, members, &mut steps);
        // Two names for one file are one library.
        if let File::Module(file) = &file
            && let Some(member) = members.iter_mut().find(|member| same_file(member, file))
        {
            member.names.push(name.clone());
            if !member.image.needed_by.contains(&by) {
                member.image.needed_by.push(by);
            }
            return;
        }
        let index = members.len();
        members.push(Member {
            image: ClosureImage {
                name: name.clone(),
                path,
                needed_by: vec![by],
                steps: steps.clone(),
            },
            file: match &file {
                File::Module(file) => Some(Arc::clone(file)),
                _ => None,
            },
            loader: Some(by),
            names: vec![name.clone()],
        });
        match file {
            File::Module(_) => {}
            File::Damaged(_) => self.report(&file, index, members, steps, problems),
            _ => {
                let saw = |outcome| steps.iter().any(|step: &Step| step.outcome == outcome);
                let kind = if saw(Outcome::OtherArchitecture) {
                    ClosureProblemKind::WrongArchitecture
                } else if saw(Outcome::Unreadable) {
                    ClosureProblemKind::Unreadable
                } else {
                    ClosureProblemKind::NotFound
                };
                let mut missing = problem(kind, by, members);
                missing.library = Some(name.clone());
                missing.steps = steps;
                problems.push(missing);
            }
        }
    }

    /// Reports a file that is no library that could be loaded.
    fn report(
        &self,
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

    /// Looks for `name` in the loader's order.
    fn find(
        &mut self,
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
        let run_path = needing
            .file
            .as_ref()
            .and_then(|file| file.module.run_path.clone());
        if run_path.is_none() {
            for folder in self.inherited(by, members) {
                if let Some(found) = self.folder(Rule::RPath, &folder, &wanted, steps) {
                    return found;
                }
            }
        }
        for folder in self.search.library_path.clone() {
            let folder = self
                .search
                .expand_one(folder.as_os_str().as_encoded_bytes(), &origin);
            if let Some(found) = self.folder(Rule::LibraryPath, &folder, &wanted, steps) {
                return found;
            }
        }
        for folder in run_path
            .iter()
            .flat_map(|text| self.search.expand(text, &origin))
            .collect::<Vec<_>>()
        {
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
        for folder in self.search.default_folders.clone() {
            if let Some(found) = self.folder(Rule::Default, &folder, &wanted, steps) {
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
        &mut self,
        rule: Rule,
        folder: &Path,
        name: &Path,
        steps: &mut Vec<Step>,
    ) -> Option<(Option<PathBuf>, File)> {
        let levels = folder.join("glibc-hwcaps");
        // Hardly any folder has them: one look instead of one for each level.
        if !self.search.hwcaps.is_empty() && self.is_folder(&levels) {
            for level in self.search.hwcaps.clone() {
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

    fn is_folder(&mut self, path: &Path) -> bool {
        // Kept among the files, where a folder is a thing that cannot be loaded.
        let known = self
            .files
            .get(path)
            .map(|file| !matches!(file, File::Absent));
        known.unwrap_or_else(|| {
            let is = self.tree.is_folder(path);
            let file = if is { File::Unreadable } else { File::Absent };
            self.files.insert(path.to_owned(), file);
            is
        })
    }

    /// Tries one file. `None` lets the search go on.
    fn attempt(
        &mut self,
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

    fn file(&mut self, path: &Path) -> File {
        if let Some(file) = self.files.get(path) {
            return file.clone();
        }
        let file = read(path, &self.search, &self.tree);
        self.files.insert(path.to_owned(), file.clone());
        file
    }
}

/// Whether the loader takes `member` for a need of `name`: by a name it was asked for, by
/// its path, or by its SONAME.
pub(super) fn answers_to(member: &Member, name: &Untrusted) -> bool {
    let soname = member
        .file
        .as_ref()
        .and_then(|file| file.module.soname.as_ref());
    let path = member
        .image
        .path
        .as_ref()
        .map(|path| path.as_os_str().as_encoded_bytes());
    member.names.contains(name) || soname == Some(name) || path == Some(name.as_bytes())
}

fn same_file(member: &Member, file: &Loadable) -> bool {
    member
        .file
        .as_ref()
        .is_some_and(|found| found.identity == file.identity)
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

/// Reads what lies at a path, as the loader would judge it.
fn read<F: Files>(path: &Path, search: &Search, tree: &F) -> File {
    let found = match tree.open(path) {
        Ok(found) => found,
        Err(Missing::Absent) => return File::Absent,
        Err(Missing::Unreadable) => return File::Unreadable,
    };
    let mut problems = Problems::default();
    let module = match Source::new(&found.file) {
        Ok(mut source) if crate::elf::is_elf(source.head()) => {
            module::read(&mut source, &mut problems)
        }
        Ok(source) => {
            problems.push(foreign::describe(source.head(), source.size()));
            None
        }
        Err(fault) => {
            problems.push(fault.into_problem(Code::ReadFailed, Loader::Refuses, "the file"));
            None
        }
    };
    let problems = problems.into_vec();
    match module {
        Some(module) if search.target.mismatch(&module.target).is_some() => File::OtherArchitecture,
        // A program may be asked about, though it cannot be needed.
        Some(module) if !problems.iter().any(refuses) => File::Module(Arc::new(Loadable {
            module,
            identity: found.identity,
        })),
        _ => File::Damaged(problems.into()),
    }
}

fn refuses(problem: &Problem) -> bool {
    problem.loader != Loader::Accepts && problem.code != Code::NotASharedObject
}
