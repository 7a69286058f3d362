//! Folders of libraries as a system has them, beside `scanelf`, `ldd -r` and `libtree`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plugwright_benches::{results, speeds};
use plugwright_inspect::{Format, Links, identity, open};

use crate::process::{is_there, nanoseconds, plugwright, program};
use crate::{LIBRARIES, print, skip};

const ROUNDS: usize = 31;
/// `ldd` takes tens of milliseconds for a file.
const SAMPLE: usize = 16;

/// A contestant with how many files it looks at in a round.
struct Entry<'a> {
    name: &'a str,
    files: usize,
    command: Box<dyn FnMut() -> f64 + 'a>,
}

fn entry<'a>(name: &'a str, files: usize, mut command: impl FnMut() -> Command + 'a) -> Entry<'a> {
    let command = Box::new(move || nanoseconds(&mut command()));
    Entry {
        name,
        files,
        command,
    }
}

/// What a table gives of each contestant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Whole,
    PerFile,
}

/// Lets the contestants run in turns.
fn race(title: &str, mut entries: Vec<Entry<'_>>, of: Times) {
    let mut times = vec![Vec::new(); entries.len()];
    for round in 0..=ROUNDS {
        for (entry, times) in entries.iter_mut().zip(&mut times) {
            let time = (entry.command)();
            let files = if of == Times::PerFile { entry.files } else { 1 };
            // The first round warms up.
            if round > 0 {
                times.push(time / count(files));
            }
        }
    }
    let names = entries.iter().map(|entry| entry.name);
    print(&speeds(title, &results(names.zip(times))));
}

fn count(files: usize) -> f64 {
    u32::try_from(files).map_or(f64::MAX, f64::from)
}

pub(crate) fn gstreamer() {
    let folder = format!("{LIBRARIES}/gstreamer-1.0");
    let Ok(files) = fs::read_dir(&folder) else {
        return skip("GStreamer", &format!("no {folder}"));
    };
    let files = files.count();
    let list = |name: &'static str, arguments: &'static [&'static str]| {
        let folder = folder.clone();
        entry(name, files, move || {
            let mut command = plugwright(["list", "--no-registry", &folder]);
            command.args(arguments);
            command
        })
    };
    let entries = vec![
        list(
            "`plugwright list --kind gstreamer`",
            &["--kind", "gstreamer"],
        ),
        list(
            "the same on one thread",
            &["--kind", "gstreamer", "--threads", "1"],
        ),
        list(
            "the same on two threads",
            &["--kind", "gstreamer", "--threads", "2"],
        ),
    ];
    let title = format!("GStreamer's folder, {files} files, the whole process");
    race(&title, entries, Times::Whole);
}

/// All headers of every file, against the program that is asked for most of the same.
pub(crate) fn headers() {
    let mut files = Vec::new();
    regular_files(Path::new(LIBRARIES), Depth::Below, &mut files);
    files.retain(|path| is_elf(path));
    let files = files.len();
    // A filter on metadata makes `list` read all headers; nothing has this value.
    let list = |threads: &'static str| {
        let filter = ["--metadata", "/no/such=value", "--threads", threads];
        move || {
            plugwright(
                [
                    &["list", "--no-registry", "--recursive", LIBRARIES],
                    &filter[..],
                ]
                .concat(),
            )
        }
    };
    let mut entries = vec![
        entry("`plugwright list`, one thread", files, list("1")),
        entry("`plugwright list`, two threads", files, list("2")),
    ];
    let scanelf = || {
        let wanted = "%o %r %n %S %t %b %p %F";
        program("scanelf", ["--recursive", "--format", wanted, LIBRARIES])
    };
    if is_there("scanelf") {
        let name = "`scanelf --recursive`: type, names, run path, flags";
        entries.insert(0, entry(name, files, scanelf));
    } else {
        skip("scanelf", "it is not installed (Debian: pax-utils)");
    }
    let title = format!("all headers of {files} ELF files below {LIBRARIES}, the whole process");
    race(&title, entries, Times::Whole);
}

/// Closures with versions and symbols.
pub(crate) fn why() {
    let mut files = Vec::new();
    regular_files(Path::new(LIBRARIES), Depth::Flat, &mut files);
    files.retain(|path| is_elf(path) && path.to_string_lossy().contains(".so"));
    let number = files.len();
    let title = format!("the closures of the {number} libraries in {LIBRARIES}, per file");
    let mut entries = Vec::new();
    if is_there("ldd") {
        let mut next = 0;
        let step = number.div_ceil(SAMPLE).max(1);
        let files = &files;
        entries.push(entry("`ldd -r`, a process for each", 1, move || {
            // Another file in each round, from all over the folder.
            next = (next + step + 1) % number;
            program("ldd", ["-r".as_ref(), files[next].as_os_str()])
        }));
    } else {
        skip("ldd", "it is not installed");
    }
    if is_there("libtree") {
        let name = "`libtree`, one process; versions and symbols are not checked";
        entries.push(entry(name, number, || program("libtree", &files)));
    } else {
        skip("libtree", "it is not installed (Debian: libtree)");
    }
    for (name, threads) in [
        ("`plugwright why`, one thread", "1"),
        ("`plugwright why`, two threads", "2"),
    ] {
        entries.push(entry(name, number, move || {
            plugwright(["why", LIBRARIES, "--threads", threads])
        }));
    }
    race(&title, entries, Times::PerFile);
    let mut below = Vec::new();
    regular_files(Path::new(LIBRARIES), Depth::Below, &mut below);
    below.retain(|path| is_elf(path));
    let why = |arguments: &'static [&'static str]| {
        move || plugwright([&["why", LIBRARIES], arguments].concat())
    };
    let entries = vec![
        entry("the folder, two threads", 1, why(&["--threads", "2"])),
        entry("the folder, one thread", 1, why(&["--threads", "1"])),
        entry(
            "all below, two threads",
            1,
            why(&["--recursive", "--threads", "2"]),
        ),
        entry(
            "all below, one thread",
            1,
            why(&["--recursive", "--threads", "1"]),
        ),
    ];
    let title = format!(
        "`plugwright why`, the whole process: {number} libraries in {LIBRARIES}, {} below",
        below.len()
    );
    race(&title, entries, Times::Whole);
}

/// Which files of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Flat,
    Below,
}

/// The regular files of a folder, sorted.
fn regular_files(folder: &Path, depth: Depth, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth == Depth::Below => {
                regular_files(&entry.path(), depth, found);
            }
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

fn is_elf(path: &Path) -> bool {
    let file = open(path, Links::Refuse);
    file.is_ok_and(|file| {
        let found = identity(&file, None);
        let mut images = found.images.iter();
        images.any(|image| image.target.format == Format::Elf)
    })
}
