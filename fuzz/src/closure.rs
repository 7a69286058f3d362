//! Closures over small trees in memory, and the loader's cache.
//!
//! The bytes are read as choices: which files lie where, what they need and define, which of
//! their bytes are spoilt. What is left over is the loader's cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plugwright_inspect::closure::{
    Closures, FileIdentity, Files, LoaderCache, Located, Missing, Search,
};
use plugwright_inspect::limits;
use plugwright_testkit::elf::{ElfBuilder, Endian, HashStyle, Width, X86, X86_64};

use super::reading;

const FOLDERS: [&str; 6] = [
    "/p",
    "/lib",
    "/lib/glibc-hwcaps/x86-64-v2",
    "/r",
    "/r/sub",
    "/c",
];
const NAMES: [&str; 8] = [
    "liba.so",
    "libb.so",
    "libc.so",
    "libd.so",
    "/p/liba.so",
    "sub/libb.so",
    "$ORIGIN/libc.so",
    "",
];
const PATHS: [&str; 8] = [
    "$ORIGIN",
    "/r",
    "/r:$ORIGIN/sub",
    "${ORIGIN}/../r",
    "$LIB:/lib",
    "",
    ":",
    "$PLATFORM/$ORIGINX",
];
const SYMBOLS: [&str; 6] = ["one", "two", "three", "four", "_Z3onev", ""];
const VERSIONS: [&str; 4] = ["V_1", "V_2", "GLIBC_2.38", ""];

/// The bytes as choices; 0 when they have run out.
#[derive(Debug)]
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first)
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.byte() % list.len()]
    }
}

/// A tree of files in memory.
#[derive(Debug, Default)]
struct Tree(BTreeMap<PathBuf, (u64, Vec<u8>)>);

impl<'t> Files for &'t Tree {
    type File = &'t [u8];

    fn open(&self, path: &Path) -> Result<Located<&'t [u8]>, Missing> {
        if self.is_folder(path) {
            return Err(Missing::Unreadable);
        }
        let (number, bytes) = self.0.get(path).ok_or(Missing::Absent)?;
        Ok(Located {
            file: bytes,
            identity: FileIdentity::new(0, *number),
        })
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.0
            .keys()
            .any(|file| file != path && file.starts_with(path))
    }
}

fn library(choices: &mut Choices<'_>) -> Vec<u8> {
    let shape = choices.byte();
    let mut builder = match shape & 3 {
        0 => ElfBuilder::new(Width::Bits32, Endian::Little, X86),
        _ => ElfBuilder::new(Width::Bits64, Endian::Little, X86_64),
    }
    .compact();
    builder = builder.hash(match shape >> 2 & 3 {
        0 => HashStyle::Sysv,
        1 => HashStyle::Both,
        _ => HashStyle::Gnu,
    });
    if shape & 16 != 0 {
        builder = builder.soname(choices.of(&NAMES));
    }
    if shape & 32 != 0 {
        builder = builder.runpath(choices.of(&PATHS));
    }
    if shape & 64 != 0 {
        builder = builder.rpath(choices.of(&PATHS));
    }
    for _ in 0..choices.byte() % 4 {
        builder = builder.needed(choices.of(&NAMES));
    }
    for _ in 0..choices.byte() % 4 {
        let version = choices.byte();
        let version = VERSIONS.get(version % 8).copied();
        builder = builder.export_as(choices.of(&SYMBOLS), 0x12, version);
    }
    for _ in 0..choices.byte() % 4 {
        let version = choices.byte();
        let library = choices.of(&NAMES);
        let version = VERSIONS.get(version % 8).map(|version| (library, *version));
        builder = builder.import(choices.of(&SYMBOLS), version);
    }
    let mut bytes = builder.build().into_bytes();
    for _ in 0..choices.byte() % 4 {
        let at = (choices.byte() << 8 | choices.byte()) % bytes.len();
        bytes[at] = u8::try_from(choices.byte()).unwrap_or_default();
    }
    bytes
}

/// Finds the closures of a few files, with what is known shared and anew, and compares.
pub fn run(data: &[u8]) {
    let mut choices = Choices(data);
    let mut tree = Tree::default();
    for number in 0..1 + choices.byte() % 4 {
        let folder = Path::new(choices.of(&FOLDERS));
        let name = choices.of(&NAMES[..4]);
        // Now and then a second name for the file before.
        let same = choices.byte() % 8 == 7;
        let file = tree.0.values().next_back().filter(|_| same).cloned();
        let file = file.unwrap_or_else(|| (number as u64, library(&mut choices)));
        tree.0.insert(folder.join(name), file);
    }
    let target = ElfBuilder::x86_64().compact().build();
    let target = plugwright_inspect::identity(target.bytes(), None).images[0].target;
    let mut search = Search::new(target);
    search = search.with_library_path(choices.of(&PATHS));
    search.hwcaps = vec!["x86-64-v3".into(), "x86-64-v2".into()];
    search.default_folders = vec![PathBuf::from("/lib")];
    search.current_folder = (choices.byte() % 2 == 1).then(|| PathBuf::from("/c"));
    if let Some(cache) = LoaderCache::read(choices.0) {
        search.cache = cache;
    }
    // The second root is found with all that is known from the first, and with nothing.
    let roots: Vec<&PathBuf> = tree.0.keys().collect();
    let first = roots[data.len() % roots.len()];
    let second = roots[data.len() / 7 % roots.len()];
    let shared = Closures::within(search.clone(), &tree);
    let closures = [shared.of(first), shared.of(second)];
    assert_eq!(
        closures[1],
        Closures::within(search, &tree).of(second),
        "what is shared between roots changes nothing"
    );
    for (closure, root) in closures.iter().zip([first, second]) {
        assert!(closure.images.len() <= limits::DEPENDENCIES + 1);
        assert_eq!(closure.images[0].path.as_ref(), Some(root));
        for image in &closure.images {
            assert!(image.needed_by.iter().all(|by| *by < closure.images.len()));
        }
        for problem in &closure.problems {
            assert!(problem.index < closure.images.len());
            reading::texts(&problem.faults);
        }
    }
}
