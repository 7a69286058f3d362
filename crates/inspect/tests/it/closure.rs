//! Closures of made libraries: what is missing, where it was looked for, and why.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use plugwright_inspect::closure::{
    Closure, ClosureProblemKind as Kind, Closures, Disk, Files, LoaderCache, Located, Missing,
    Outcome, Rule, Search,
};
use plugwright_inspect::{ByteOrder, Class, Format, Machine, Opened, ReadAt, Target};
use plugwright_testkit::elf::{AARCH64, ElfBuilder, Endian, PhdrField, Width};
use tempfile::TempDir;

const TARGET: Target = Target::new(
    Format::Elf,
    Machine::X86_64,
    Class::Bits64,
    ByteOrder::Little,
);

/// A folder of libraries, and a search that has only its sub-folder `default`.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, builder: &ElfBuilder) -> PathBuf {
        self.put_bytes(name, builder.build().bytes())
    }

    fn put_bytes(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path
    }

    fn search(&self) -> Search {
        let mut search = Search::new(TARGET);
        search.default_folders = vec![self.path("default")];
        search
    }

    fn closure(&self, root: &Path) -> Closure {
        Closures::new(self.search()).of(root)
    }
}

fn library() -> ElfBuilder {
    ElfBuilder::x86_64()
}

#[track_caller]
fn check(closure: &Closure, expected: &[(Kind, &str)]) {
    let found: Vec<_> = closure
        .problems
        .iter()
        .map(|problem| {
            let what = problem
                .symbol
                .as_ref()
                .or(problem.version.as_ref())
                .or(problem.library.as_ref());
            (
                problem.kind,
                what.map(ToString::to_string).unwrap_or_default(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(kind, what)| (*kind, (*what).to_owned()))
        .collect();
    assert_eq!(found, expected, "{closure:#?}");
    assert_eq!(closure.would_load(), expected.is_empty());
}

#[test]
fn missing_two_levels_down() {
    let place = Place::new();
    let root = place.put("root.so", &library().needed("liba.so").runpath("$ORIGIN"));
    place.put(
        "liba.so",
        &library().needed("libb.so").runpath("${ORIGIN}/sub"),
    );
    place.put("sub/libb.so", &library().needed("libgone.so.7"));
    let closure = place.closure(&root);
    check(&closure, &[(Kind::NotFound, "libgone.so.7")]);
    let names: Vec<_> = closure
        .images
        .iter()
        .map(|image| image.name.to_string())
        .collect();
    assert_eq!(names[1..], ["liba.so", "libb.so", "libgone.so.7"]);
    assert_eq!(closure.images[3].needed_by, [2]);
    let problem = &closure.problems[0];
    assert_eq!(
        problem.image.to_string(),
        place.path("sub/libb.so").display().to_string()
    );
    let steps: Vec<_> = problem
        .steps
        .iter()
        .map(|step| (step.rule, step.outcome))
        .collect();
    assert_eq!(
        steps,
        [
            (Rule::Cache, Outcome::Absent),
            (Rule::Default, Outcome::Absent)
        ]
    );
    assert_eq!(problem.steps[1].path, place.path("default/libgone.so.7"));
}

#[test]
fn wrong_architecture_is_passed_over() {
    let place = Place::new();
    let root = place.put(
        "root.so",
        &library().needed("liba.so").runpath("$ORIGIN/arm"),
    );
    place.put(
        "arm/liba.so",
        &ElfBuilder::new(Width::Bits64, Endian::Little, AARCH64),
    );
    check(
        &place.closure(&root),
        &[(Kind::WrongArchitecture, "liba.so")],
    );
    place.put("default/liba.so", &library());
    let closure = place.closure(&root);
    check(&closure, &[]);
    assert_eq!(closure.images[1].path, Some(place.path("default/liba.so")));
    assert_eq!(
        closure.images[1].steps[0].outcome,
        Outcome::OtherArchitecture
    );
}

#[test]
fn versions_and_symbols() {
    let place = Place::new();
    let needing = library().needed("liba.so").runpath("$ORIGIN").export("own");
    let have = library()
        .soname("liba.so")
        .export_as("old", 0x12, Some("A_1"))
        .export_as("data", 0x11, Some("A_2"))
        .export("plain");
    place.put("liba.so", &have);
    let ok = needing
        .clone()
        .import("old", Some(("liba.so", "A_1")))
        .import("old", None)
        .import("plain", None)
        .import("data", Some(("liba.so", "A_2")))
        .weak_import("nowhere");
    check(&place.closure(&place.put("ok.so", &ok)), &[]);
    let version = needing.clone().import("old", Some(("liba.so", "A_3")));
    check(
        &place.closure(&place.put("version.so", &version)),
        &[
            (Kind::MissingVersion, "A_3"),
            (Kind::UndefinedSymbol, "old"),
        ],
    );
    // The version is there, and the symbol in another one only.
    let other = needing.clone().import("data", Some(("liba.so", "A_1")));
    check(
        &place.closure(&place.put("other.so", &other)),
        &[(Kind::UndefinedSymbol, "data")],
    );
    let gone = needing.import("_ZN4gone4goneEv", None);
    check(
        &place.closure(&place.put("gone.so", &gone)),
        &[(Kind::UndefinedSymbol, "_ZN4gone4goneEv")],
    );
}

/// What one closure found out about shared libraries holds for the next.
#[test]
fn shared_libraries_are_judged_in_each_closure() {
    let place = Place::new();
    place.put(
        "default/liba.so",
        &library()
            .soname("liba.so")
            .export("own")
            .import("from_root", None),
    );
    place.put(
        "default/libb.so",
        &library().soname("libb.so").export("from_root"),
    );
    let alone = place.path("default/liba.so");
    let with = place.put("with.so", &library().needed("liba.so").needed("libb.so"));
    let without = place.put("without.so", &library().needed("liba.so"));
    let defined: &[(Kind, &str)] = &[];
    let undefined: &[(Kind, &str)] = &[(Kind::UndefinedSymbol, "from_root")];
    let cases = [(&alone, undefined), (&with, defined), (&without, undefined)];
    // In whichever order they come.
    for first in 0..cases.len() {
        let closures = Closures::new(place.search());
        for (root, expected) in cases.iter().cycle().skip(first).take(2 * cases.len()) {
            check(&closures.of(root), expected);
        }
    }
}

/// This system's files, with the paths that were opened and how much was read.
#[derive(Default)]
struct Counting {
    opened: Mutex<Vec<PathBuf>>,
    reads: Arc<AtomicUsize>,
}

struct CountedFile(Opened, Arc<AtomicUsize>);

impl ReadAt for CountedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        self.0.size()
    }
}

impl Files for &Counting {
    type File = CountedFile;

    fn open(&self, path: &Path) -> Result<Located<CountedFile>, Missing> {
        self.opened.lock().expect("a list").push(path.to_owned());
        let Located { file, identity } = Disk.open(path)?;
        let file = CountedFile(file, Arc::clone(&self.reads));
        Ok(Located { file, identity })
    }

    fn is_folder(&self, path: &Path) -> bool {
        Disk.is_folder(path)
    }
}

#[test]
fn a_file_is_read_once_whatever_leads_to_it_and_whoever_asks() {
    let place = Place::new();
    place.put("default/liba.so.1.0", &library().export("f"));
    symlink("liba.so.1.0", place.path("default/liba.so.1")).expect("a link");
    let wanting = library().needed("liba.so.1").export("own");
    let mut roots = vec![place.path("default/liba.so.1.0")];
    for number in 0..40 {
        let symbol = if number % 2 == 0 { "f" } else { "g" };
        let root = wanting.clone().import(symbol, None);
        roots.push(place.put(&format!("root{number}.so"), &root));
    }
    let expected: Vec<Closure> = roots.iter().map(|root| place.closure(root)).collect();
    let alone = |root: &Path| {
        let tree = Counting::default();
        let _closure = Closures::within(place.search(), &tree).of(root);
        tree.reads.load(Ordering::Relaxed)
    };
    let own = alone(&roots[0]);
    let reads: usize = roots.iter().map(|root| alone(root) - own).sum();
    let tree = Counting::default();
    let closures = Closures::within(place.search(), &tree);
    thread::scope(|scope| {
        for first in 0..4 {
            let (closures, roots, expected) = (&closures, &roots, &expected);
            scope.spawn(move || {
                let order = (0..roots.len()).cycle().skip(first * 10).take(roots.len());
                for at in order {
                    assert_eq!(closures.of(&roots[at]), expected[at]);
                }
            });
        }
    });
    let mut opened = tree.opened.into_inner().expect("a list");
    opened.sort();
    let mut once = opened.clone();
    once.dedup();
    assert_eq!(opened, once);
    assert_eq!(tree.reads.load(Ordering::Relaxed), reads + own);
}

#[test]
fn damaged_and_foreign() {
    let place = Place::new();
    let root = place.put(
        "root.so",
        &library()
            .needed("liba.so")
            .needed("libb.so")
            .runpath("$ORIGIN"),
    );
    place.put_bytes("liba.so", b"#!/bin/sh\n");
    let mut file = library().build();
    let index = file.segment(1, 1);
    file.set_segment(index, PhdrField::Filesz, u64::MAX);
    place.put_bytes("libb.so", file.bytes());
    let closure = place.closure(&root);
    check(&closure, &[(Kind::Damaged, ""), (Kind::Damaged, "")]);
    assert_eq!(closure.problems[0].faults[0].found, "a script");
    assert_eq!(closure.problems[1].index, 2);
    check(
        &place.closure(&place.path("liba.so")),
        &[(Kind::Damaged, "")],
    );
    check(
        &place.closure(&place.path("absent.so")),
        &[(Kind::NotFound, "")],
    );
}

#[test]
fn cycles_end() {
    let place = Place::new();
    let root = place.put(
        "root.so",
        &library()
            .soname("root.so")
            .needed("liba.so")
            .runpath("$ORIGIN"),
    );
    place.put(
        "liba.so",
        &library()
            .needed("libb.so")
            .needed("liba.so")
            .runpath("$ORIGIN"),
    );
    place.put(
        "libb.so",
        &library()
            .needed("liba.so")
            .needed("root.so")
            .runpath("$ORIGIN"),
    );
    let closure = place.closure(&root);
    check(&closure, &[]);
    assert_eq!(closure.images.len(), 3);
    assert_eq!(closure.images[1].needed_by, [0, 1, 2]);
    assert_eq!(closure.images[0].needed_by, [2]);
}

#[cfg(unix)]
#[test]
fn links_and_names_lead_to_one_library() {
    let place = Place::new();
    place.put("default/libreal.so.1", &library().soname("libreal.so.1"));
    symlink("libreal.so.1", place.path("default/libalias.so")).expect("a link");
    let root = place.put(
        "root.so",
        &library().needed("libalias.so").needed("libreal.so.1"),
    );
    assert_eq!(place.closure(&root).images.len(), 2);
}

#[cfg(unix)]
#[test]
fn unreadable_folders() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let root = place.put(
        "root.so",
        &library().needed("liba.so").runpath("$ORIGIN/closed"),
    );
    place.put("closed/liba.so", &library());
    fs::set_permissions(place.path("closed"), fs::Permissions::from_mode(0o000)).expect("closed");
    let closure = place.closure(&root);
    // Root may read everything.
    if rustix::process::geteuid().is_root() {
        check(&closure, &[]);
    } else {
        check(&closure, &[(Kind::Unreadable, "liba.so")]);
    }
    fs::set_permissions(place.path("closed"), fs::Permissions::from_mode(0o755)).expect("open");
}

/// The order of the rules: each folder has the library, and they are taken away one by one.
#[test]
fn order_of_the_search() {
    let place = Place::new();
    let root = place.put(
        "root.so",
        &library().needed("liba.so").rpath("$ORIGIN/rpath"),
    );
    let modern = place.put(
        "modern.so",
        &library()
            .needed("liba.so")
            .rpath("$ORIGIN/rpath")
            .runpath("$ORIGIN/run"),
    );
    for folder in ["rpath", "given", "run", "default"] {
        place.put(&format!("{folder}/liba.so"), &library());
    }
    let mut search = place.search();
    search.library_path = vec![place.path("given")];
    let found = |root: &Path| {
        let closure = Closures::new(search.clone()).of(root);
        closure.images[1]
            .path
            .clone()
            .and_then(|path| Some(path.parent()?.file_name()?.to_string_lossy().into_owned()))
    };
    // A run path comes after the given folders, and with one the old path does not count.
    for (folder, of_modern) in [("rpath", "given"), ("given", "given"), ("default", "run")] {
        assert_eq!(found(&root).as_deref(), Some(folder));
        assert_eq!(found(&modern).as_deref(), Some(of_modern));
        fs::remove_file(place.path(folder).join("liba.so")).expect("removed");
    }
    assert_eq!(found(&root), None);
}

#[test]
fn old_run_paths_are_inherited_new_ones_are_not() {
    let place = Place::new();
    place.put("sub/libb.so", &library());
    place.put("sub/liba.so", &library().needed("libb.so"));
    let old = place.put("old.so", &library().needed("liba.so").rpath("$ORIGIN/sub"));
    check(&place.closure(&old), &[]);
    let new = place.put(
        "new.so",
        &library().needed("liba.so").runpath("$ORIGIN/sub"),
    );
    check(&place.closure(&new), &[(Kind::NotFound, "libb.so")]);
}

/// A library with a run path of its own is out of reach of others' old run paths.
#[test]
fn a_run_path_ends_the_inheritance() {
    let place = Place::new();
    place.put("sub/libb.so", &library());
    place.put(
        "sub/liba.so",
        &library().needed("libb.so").runpath("$ORIGIN/elsewhere"),
    );
    let root = place.put("root.so", &library().needed("liba.so").rpath("$ORIGIN/sub"));
    check(&place.closure(&root), &[(Kind::NotFound, "libb.so")]);
}

#[test]
fn paths_tokens_and_levels() {
    let place = Place::new();
    let mut search = place.search();
    search.lib = "lib/x".into();
    search.hwcaps = vec!["x86-64-v3".into(), "x86-64-v2".into()];
    place.put("lib/x/x86_64/glibc-hwcaps/x86-64-v2/liba.so", &library());
    place.put("lib/x/x86_64/liba.so", &library());
    place.put("direct/libb.so", &library());
    let root = library()
        .needed("liba.so")
        .needed("$ORIGIN/direct/libb.so")
        .needed("./libc.so")
        .runpath("$ORIGIN/$LIB/${PLATFORM}:$ORIGINAL::relative");
    let root = place.put("root.so", &root);
    let closure = Closures::new(search.clone()).of(&root);
    let level = place.path("lib/x/x86_64/glibc-hwcaps/x86-64-v2/liba.so");
    assert_eq!(closure.images[1].path, Some(level));
    assert_eq!(closure.images[2].path, Some(place.path("direct/libb.so")));
    // Relative to the current folder, which nobody named.
    check(&closure, &[(Kind::NotFound, "./libc.so")]);
    assert_eq!(closure.problems[0].steps[0].outcome, Outcome::CurrentFolder);
    place.put("here/libc.so", &library());
    search.current_folder = Some(place.path("here"));
    check(&Closures::new(search).of(&root), &[]);
}

/// Folders of older capabilities come after those of glibc-hwcaps, and before the folder.
#[test]
fn folders_of_older_capabilities() {
    let place = Place::new();
    let mut search = place.search();
    search.legacy_folders = vec!["tls/x86_64".into(), "tls".into(), "x86_64".into()];
    let root = place.put("root.so", &library().needed("liba.so"));
    let found = |search: &Search| {
        let closure = Closures::new(search.clone()).of(&root);
        let path = closure.images[1].path.clone().expect("found");
        let inside = path.strip_prefix(place.path("default")).expect("below it");
        inside.parent().expect("a folder").to_owned()
    };
    place.put("default/liba.so", &library());
    assert_eq!(found(&search), Path::new(""));
    place.put("default/x86_64/liba.so", &library());
    assert_eq!(found(&search), Path::new("x86_64"));
    place.put("default/tls/liba.so", &library());
    assert_eq!(found(&search), Path::new("tls"));
    place.put("default/tls/x86_64/liba.so", &library());
    assert_eq!(found(&search), Path::new("tls/x86_64"));
    search.hwcaps = vec!["x86-64-v2".into()];
    place.put("default/glibc-hwcaps/x86-64-v2/liba.so", &library());
    assert_eq!(found(&search), Path::new("glibc-hwcaps/x86-64-v2"));
    // A loader from glibc 2.37 on knows none of them.
    search.hwcaps.clear();
    search.legacy_folders.clear();
    assert_eq!(found(&search), Path::new(""));
}

/// The folders that this system's loader itself says it looks into.
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#[test]
fn the_loaders_own_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("UTF-8");
    #[expect(
        clippy::disallowed_methods,
        reason = "asks the loader it compares with"
    )]
    let output = std::process::Command::new("/bin/true")
        .env("LD_DEBUG", "libs")
        .env("LD_LIBRARY_PATH", folder)
        .output()
        .expect("a program");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text
        .lines()
        .find_map(|line| line.split_once("search path="));
    let (_, line) = line.expect("the loader's answer");
    let path = line.split_whitespace().next().expect("a path");
    let mut expected: Vec<&str> = Vec::new();
    for part in path.split(':') {
        let part = part.strip_prefix(folder).expect("below the folder");
        // The loader looks into some of them twice.
        if !expected.contains(&part) {
            expected.push(part);
        }
    }
    let search = Search::host().expect("an ELF system");
    let levels = search
        .hwcaps
        .iter()
        .map(|level| format!("/glibc-hwcaps/{level}"));
    let legacy = search
        .legacy_folders
        .iter()
        .map(|legacy| format!("/{legacy}"));
    let found: Vec<_> = levels.chain(legacy).chain([String::new()]).collect();
    assert_eq!(found, expected);
}

/// A cache in the format that `ldconfig` writes: name, path, kind, level.
fn cache(entries: &[(&str, &str, u32, Option<u32>)], levels: &[&str]) -> Vec<u8> {
    let strings_at = 48 + 24 * entries.len();
    let mut strings = Vec::new();
    let mut text = |text: &str| {
        let at = u32::try_from(strings_at + strings.len()).expect("small");
        strings.extend_from_slice(text.as_bytes());
        strings.push(0);
        at
    };
    let mut table: Vec<u8> = Vec::new();
    for (name, path, kind, level) in entries {
        let hwcap = level.map_or(0, |level| 1 << 62 | u64::from(level));
        for word in [*kind, text(name), text(path), 0] {
            table.extend(word.to_le_bytes());
        }
        table.extend(hwcap.to_le_bytes());
    }
    let levels: Vec<u32> = levels.iter().map(|level| text(level)).collect();
    strings.resize(strings.len().next_multiple_of(4), 0);
    let extension = u32::try_from(strings_at + strings.len()).expect("small");
    let mut out = b"glibc-ld.so.cache1.1".to_vec();
    let count = u32::try_from(entries.len()).expect("small");
    let len = u32::try_from(strings.len()).expect("small");
    // Flags 2: little endian.
    for word in [count, len, 2, extension, 0, 0, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(table);
    out.extend(strings);
    let levels_at = extension + 8 + 16;
    let levels_len = u32::try_from(levels.len() * 4).expect("small");
    for word in [0xeaa4_2174, 1, 1, 0, levels_at, levels_len]
        .into_iter()
        .chain(levels)
    {
        out.extend(word.to_le_bytes());
    }
    out
}

#[test]
fn loader_cache() {
    let place = Place::new();
    let plain = place.put("a/liba.so", &library());
    let fast = place.put("fast/liba.so", &library());
    let text = |path: &Path| path.display().to_string();
    let (plain, fast) = (text(&plain), text(&fast));
    let bytes = cache(
        &[
            ("liba.so", "/arm/liba.so", 0x0a03, None),
            ("liba.so", &fast, 0x0303, Some(1)),
            ("liba.so", &plain, 0x0303, None),
        ],
        &["x86-64-v4", "x86-64-v3"],
    );
    let parsed = LoaderCache::read(&bytes[..]).expect("a cache");
    assert_eq!(parsed.entries(b"liba.so").len(), 3);
    let root = place.put("root.so", &library().needed("liba.so"));
    let mut search = place.search();
    search.cache = parsed;
    let path = |search: &Search| {
        Closures::new(search.clone()).of(&root).images[1]
            .path
            .clone()
    };
    assert_eq!(path(&search), Some(PathBuf::from(&plain)));
    search.hwcaps = vec!["x86-64-v3".into()];
    assert_eq!(path(&search), Some(PathBuf::from(&fast)));
    // Damaged in every way that a byte can be: bounded, no panic.
    for at in 0..bytes.len() {
        for value in [0, 0x7f, 0xff] {
            let mut spoilt = bytes.clone();
            spoilt[at] = value;
            drop(LoaderCache::read(&spoilt[..]));
        }
        drop(LoaderCache::read(&bytes[..at]));
    }
    assert_eq!(LoaderCache::read(&b"something else"[..]), None);
}
