//! What all closures of a finder share: the files that were read, and what is known of their
//! references.
//!
//! Invariant: a file is read once, whatever paths lead to it and however many threads ask;
//! who asks while another reads waits for that. No lock is held while a file is read.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::hash::Hash;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::arch::Target;
use crate::elf::module::{self, Module};
use crate::foreign;
use crate::problem::{Code, Loader, Problem, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;
use crate::untrusted::Untrusted;

use super::bind::KnownSymbols;
use super::files::{FileIdentity, Files, Missing};

/// What lies at a path.
#[derive(Clone, Debug)]
pub(super) enum File {
    Absent,
    Unreadable,
    OtherArchitecture,
    Damaged(Arc<[Problem]>),
    Module(Arc<Loadable>),
}

impl File {
    /// The library, if it is one that could be loaded.
    pub(super) fn module(&self) -> Option<&Arc<Loadable>> {
        match self {
            Self::Module(file) => Some(file),
            _ => None,
        }
    }
}

/// The number of a name: names are compared in every closure, so that they are written once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameNumber(u32);

/// A library with the numbers by which the loader knows it again.
#[derive(Debug)]
pub(super) struct Loadable {
    pub(super) module: Module,
    /// No other file of this finder has it.
    pub(super) number: u32,
    pub(super) soname: Option<NameNumber>,
    needed: Vec<NameNumber>,
    /// Of each library of which it needs versions, in the order of its table.
    pub(super) version_libraries: Vec<NameNumber>,
}

impl Loadable {
    /// What it needs, with the numbers of the names.
    pub(super) fn needed(&self) -> impl Iterator<Item = (NameNumber, &Untrusted)> {
        self.needed.iter().copied().zip(&self.module.needed)
    }
}

type Table<K, V> = Mutex<HashMap<K, V>>;
/// Read by the first who asks.
type Slot<T> = Arc<OnceLock<T>>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shared {
    paths: Table<OsString, Slot<File>>,
    /// Links and several paths lead to one file.
    files: Table<FileIdentity, (u32, Slot<File>)>,
    folders: Table<OsString, bool>,
    names: Table<Untrusted, NameNumber>,
    pub(super) known: KnownSymbols,
}

impl Shared {
    /// What lies at `path`, as a loader for `target` would judge it.
    pub(super) fn file<F: Files>(&self, path: &Path, target: &Target, tree: &F) -> File {
        let slot = entry(&self.paths, path.as_os_str());
        let file = slot.get_or_init(|| match tree.open(path) {
            Err(Missing::Absent) => File::Absent,
            Err(Missing::Unreadable) => File::Unreadable,
            Ok(found) => {
                let (number, slot) = self.slot(found.identity);
                let file = slot.get_or_init(|| self.read(&found.file, number, target));
                file.clone()
            }
        });
        file.clone()
    }

    /// The place of a file's contents, with the file's number.
    fn slot(&self, identity: FileIdentity) -> (u32, Slot<File>) {
        let mut files = lock(&self.files);
        let number = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let (number, slot) = files
            .entry(identity)
            .or_insert_with(|| (number, Slot::default()));
        (*number, Arc::clone(slot))
    }

    fn read<R: ReadAt>(&self, file: &R, number: u32, target: &Target) -> File {
        let mut problems = Problems::default();
        let module = match Source::new(file) {
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
            Some(module) if target.mismatch(&module.target).is_some() => File::OtherArchitecture,
            // A program may be asked about, though it cannot be needed.
            Some(module) if !problems.iter().any(refuses) => {
                File::Module(Arc::new(self.loadable(module, number)))
            }
            _ => File::Damaged(problems.into()),
        }
    }

    fn loadable(&self, module: Module, number: u32) -> Loadable {
        let mut names = lock(&self.names);
        let mut number_of = |name: &Untrusted| {
            if let Some(number) = names.get(name) {
                return *number;
            }
            let number = NameNumber(u32::try_from(names.len()).unwrap_or(u32::MAX));
            names.insert(name.clone(), number);
            number
        };
        let needs = module.symbols.iter().flat_map(|symbols| &symbols.needed);
        Loadable {
            number,
            soname: module.soname.as_ref().map(&mut number_of),
            needed: module.needed.iter().map(&mut number_of).collect(),
            version_libraries: needs.map(|need| number_of(&need.library)).collect(),
            module,
        }
    }

    /// Whether there is a folder at `path`; `look` is asked once.
    pub(super) fn is_folder(&self, path: &Path, look: impl FnOnce() -> bool) -> bool {
        if let Some(is) = lock(&self.folders).get(path.as_os_str()) {
            return *is;
        }
        let is = look();
        lock(&self.folders).insert(path.as_os_str().to_owned(), is);
        is
    }
}

fn refuses(problem: &Problem) -> bool {
    problem.loader != Loader::Accepts && problem.code != Code::NotASharedObject
}

/// The place for what belongs to `key`.
fn entry<T>(table: &Table<OsString, Slot<T>>, key: &OsStr) -> Slot<T> {
    let mut table = lock(table);
    if let Some(slot) = table.get(key) {
        return Arc::clone(slot);
    }
    let slot = Slot::default();
    table.insert(key.to_owned(), Arc::clone(&slot));
    slot
}

/// Whoever panicked with the table in hand has left it as it was, or with one entry more.
pub(super) fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
