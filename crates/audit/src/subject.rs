//! What a rule is shown: a file whose images were read. Rules ask; they open nothing that is not here.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use plugwright_inspect::closure::Closure;
use plugwright_inspect::{
    ElfFacts, ImageHeaders, ImageScan, Kind, MachOFacts, PeFacts, ReadAt, Scan, Untrusted, limits,
};

use crate::deployment::Summary;
use crate::options::Options;
use crate::os::{self, Stat};
use crate::ownership::Ownership;
use crate::process::{Mapping, Process};
use crate::system::System;
use crate::watched::SymbolFacts;

/// An open file with its first page at hand, which readers, rules and whoever tells libraries from other files all ask for.
pub(crate) struct Held<'a> {
    bytes: &'a dyn ReadAt,
    head: Vec<u8>,
}

impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl<'a> Held<'a> {
    /// Reads the first page. A file of which nothing can be read has none, and the reader tells why.
    pub(crate) fn new(bytes: &'a dyn ReadAt) -> Self {
        let mut head = HEAD.try_with(Cell::take).unwrap_or_default();
        let len = usize::try_from(bytes.size()).unwrap_or(usize::MAX);
        head.resize(limits::PAGE.min(len), 0);
        let read = fill(bytes, 0, &mut head);
        head.truncate(read);
        Self { bytes, head }
    }

    /// The first page, or all of a shorter file.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }
}

thread_local! {
    /// The memory of the page before: most files of a folder are no libraries, and the page is all that is read of them.
    static HEAD: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let head = std::mem::take(&mut self.head);
        // A thread that ends has no place for it any more.
        let _ended = HEAD.try_with(|place| place.set(head));
    }
}

impl ReadAt for Held<'_> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).ok();
        let held = start.and_then(|start| self.head.get(start..)?.get(..buf.len()));
        match held {
            Some(bytes) => {
                buf.copy_from_slice(bytes);
                Ok(bytes.len())
            }
            None => self.bytes.read_at(buf, offset),
        }
    }

    fn size(&self) -> u64 {
        self.bytes.size()
    }
}

/// A file with what was read of it.
#[derive(Debug)]
pub(crate) struct FileSubject<'a> {
    pub(crate) path: &'a Path,
    pub(crate) stat: Stat,
    /// Whether the file gives capabilities to who runs it.
    pub(crate) has_capabilities: bool,
    pub(crate) opened: &'a Held<'a>,
    pub(crate) scan: &'a Scan,
    pub(crate) symbols: &'a [SymbolFacts],
    pub(crate) options: &'a Options,
    pub(crate) folders: &'a Folders,
}

/// What is known of folders, each of which is looked at once.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    names: Mutex<HashMap<PathBuf, Arc<HashSet<String>>>>,
    /// Of each folder the nearest one on the way to it in which others can replace the next step, if there is one.
    writable: Mutex<HashMap<OsString, Option<PathBuf>>>,
}

impl Folders {
    /// The names of all that lies in a folder, in lower case.
    pub(crate) fn names(&self, folder: &Path) -> Arc<HashSet<String>> {
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known.get(folder) {
            return Arc::clone(names);
        }
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().to_ascii_lowercase());
        let names: Arc<HashSet<String>> = Arc::new(names.collect());
        known.insert(folder.to_owned(), Arc::clone(&names));
        names
    }

    /// The nearest folder, from this one on upwards, in which others can replace what a library's path leads through. What lies in a
    /// sticky folder only its owner can take away.
    pub(crate) fn writable(&self, folder: &Path, ownership: &Ownership) -> Option<PathBuf> {
        let known = || self.writable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(folder.as_os_str()) {
            return found.clone();
        }
        let is_open = |path: &Path| {
            let Ok(metadata) = std::fs::metadata(path) else {
                return false;
            };
            let stat = os::stat(&metadata);
            let others = ownership.other_writers(&stat).is_some();
            !ownership.trusts(stat.uid) || others && stat.mode & STICKY == 0
        };
        let true_path = crate::system::real(folder);
        let found = true_path.ancestors().find(|path| is_open(path));
        let found = found.map(Path::to_owned);
        known().insert(folder.into(), found.clone());
        found
    }
}

/// `S_ISVTX`.
const STICKY: u32 = 0o1000;

impl<'a> FileSubject<'a> {
    /// Every image with what its symbols told.
    pub(crate) fn images(&self) -> impl Iterator<Item = (&'a ImageScan, &'a SymbolFacts)> {
        self.scan.images.iter().zip(self.symbols)
    }

    /// The ELF image.
    pub(crate) fn elf(&self) -> Option<(&'a ImageHeaders, &'a ElfFacts)> {
        let image = self.scan.images.first()?;
        Some((&image.headers, image.headers.elf()?))
    }

    /// The PE image.
    pub(crate) fn pe(&self) -> Option<(&'a ImageHeaders, &'a PeFacts)> {
        let image = self.scan.images.first()?;
        Some((&image.headers, image.headers.pe()?))
    }

    /// Every Mach-O image.
    pub(crate) fn macho(&self) -> impl Iterator<Item = (&'a ImageHeaders, &'a MachOFacts)> {
        let images = self.scan.images.iter();
        images.filter_map(|image| Some((&image.headers, image.headers.macho()?)))
    }

    /// Whether it is started, as against loaded.
    pub(crate) fn is_program(&self) -> bool {
        self.scan.images.iter().any(|image| {
            let starts = |elf: &ElfFacts| elf.flags.pie && elf.interpreter.is_some();
            image.headers.image.kind == Kind::Executable || image.headers.elf().is_some_and(starts)
        })
    }

    /// Whether it runs with more rights than who starts it.
    pub(crate) const fn is_privileged(&self) -> bool {
        self.stat.runs_as_owner() || self.has_capabilities
    }

    /// Whether it says of itself that it is a plugin, of this system or of Qt's.
    pub(crate) fn is_plugin(&self) -> bool {
        let mut images = self.scan.images.iter().map(|image| &image.headers.image);
        images.any(|image| !image.records.is_empty() || image.qt.is_some())
    }

    /// Up to `len` bytes at `offset`; fewer at the end of the file, none where reading fails.
    pub(crate) fn bytes(&self, offset: u64, len: usize) -> Vec<u8> {
        read(self.opened, offset, len)
    }
}

/// A library or program with all that it brings in.
#[derive(Debug)]
pub(crate) struct ClosureSubject<'a> {
    pub(crate) scan: &'a Scan,
    pub(crate) closure: &'a Closure,
    /// Whether it is a program, to which nobody brings symbols along.
    pub(crate) is_program: bool,
}

/// A live process with the libraries that it has mapped.
#[derive(Debug)]
pub(crate) struct ProcessSubject<'a> {
    pub(crate) process: &'a Process,
    /// Where processes are looked at: `/proc`.
    pub(crate) proc: &'a Path,
    /// What was read of its mapped files.
    pub(crate) libraries: &'a [Summary],
    /// Whom to trust: the process's own user too.
    pub(crate) ownership: &'a Ownership,
}

impl ProcessSubject<'_> {
    /// A path of the process as a path of the review: they differ where the process has another root.
    pub(crate) fn outside(&self, path: &Path) -> PathBuf {
        outside(self.process, self.proc, path)
    }

    /// The link to the mapped file itself, whatever lies at its path now.
    pub(crate) fn map_file(&self, mapping: &Mapping) -> PathBuf {
        map_file(self.process, self.proc, mapping)
    }
}

/// See [`ProcessSubject::outside`].
pub(crate) fn outside(process: &Process, proc: &Path, path: &Path) -> PathBuf {
    match (&process.other_root, path.strip_prefix("/")) {
        (Some(_), Ok(below)) => proc.join(process.id.to_string()).join("root").join(below),
        _ => path.to_owned(),
    }
}

/// See [`ProcessSubject::map_file`].
pub(crate) fn map_file(process: &Process, proc: &Path, mapping: &Mapping) -> PathBuf {
    let files = proc.join(process.id.to_string()).join("map_files");
    files.join(range(mapping))
}

/// The addresses of a mapping, as proc writes them.
pub(crate) fn range(mapping: &Mapping) -> String {
    format!("{:x}-{:x}", mapping.start, mapping.end)
}

/// A file that people write.
#[derive(Debug)]
pub(crate) struct TextSubject<'a> {
    /// Its first bytes, line by line with the places of their beginnings.
    pub(crate) lines: &'a [(u64, &'a str)],
}

/// The system around all targets.
#[derive(Debug)]
pub(crate) struct SystemSubject<'a> {
    /// Where its files lie: `/`, or the top of an unpacked image.
    pub(crate) root: &'a Path,
    pub(crate) ownership: &'a Ownership,
    pub(crate) system: &'a System,
}

/// Up to `len` bytes at `offset`; fewer at the end of the file, none where reading fails.
pub(crate) fn read(file: &(impl ReadAt + ?Sized), offset: u64, len: usize) -> Vec<u8> {
    let rest = file.size().saturating_sub(offset);
    let mut bytes = vec![0; usize::try_from(rest).unwrap_or(usize::MAX).min(len)];
    let read = fill(file, offset, &mut bytes);
    bytes.truncate(read);
    bytes
}

/// Reads from `offset` on until there is no room left, or nothing more; the answer is how much it was.
fn fill(file: &(impl ReadAt + ?Sized), offset: u64, bytes: &mut [u8]) -> usize {
    let mut done = 0;
    while let Some(free) = bytes.get_mut(done..).filter(|free| !free.is_empty()) {
        let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        match file.read_at(free, at) {
            Ok(0) | Err(_) => break,
            Ok(count) => done = done.saturating_add(count),
        }
    }
    done
}

/// Where `text` begins in `bytes`. Pieces without its first byte are passed over without a question for each byte of them.
pub(crate) fn place(bytes: &[u8], text: &[u8]) -> Option<usize> {
    const PIECE: usize = 64;
    let first = text.first()?;
    let starts = (0..bytes.len()).step_by(PIECE);
    let pieces = bytes.chunks(PIECE).zip(starts);
    let holds_first = |piece: &[u8]| {
        piece
            .iter()
            .fold(false, |held, byte| held | (byte == first))
    };
    let mut candidates = pieces.filter(|(piece, _)| holds_first(piece));
    candidates.find_map(|(piece, start)| {
        let end = start.saturating_add(piece.len());
        (start..end).find(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(text)))
    })
}

/// The dynamic entry with `tag` that a loader follows, as a place in the file.
pub(crate) fn entry_offset(facts: &ElfFacts, tag: u64) -> Option<u64> {
    let found = facts
        .dynamic_entries
        .iter()
        .rev()
        .find(|entry| entry.tag == tag);
    found.map(|entry| entry.offset)
}

/// The needed libraries with their places in the file: what PE loads later too.
pub(crate) fn needed(image: &ImageHeaders) -> impl Iterator<Item = (&Untrusted, u64)> {
    let own = image.needed.iter().zip(&image.needed_at);
    let delayed = image.pe().into_iter();
    let delayed = delayed.flat_map(|pe| pe.delayed.iter().zip(&pe.delayed_at));
    own.chain(delayed).map(|(name, at)| (name, *at))
}

/// A path as a report names it.
pub(crate) fn shown(path: &Path) -> Untrusted {
    path.as_os_str().as_encoded_bytes().into()
}
