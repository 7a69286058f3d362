//! All plugins of Qt 6 and Qt 5 that the machine has, read by this workspace and by Qt's own `QPluginLoader` in a
//! small program (`benches/qt/metadata.cpp`), which is built where Qt's headers are.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Instant;

use plugwright_benches::{Result, results, speeds};
use plugwright_inspect::{EntryKind, Folder, Links, identity};

use crate::process::{Linked, nanoseconds, plugwright_as, program};
use crate::{LIBRARIES, print, skip};

const ROUNDS: usize = 101;
/// Passes that follow each other in one process: what both would do that stay and look again.
const PASSES: u32 = 10;

pub(crate) fn measure() {
    for version in [6, 5] {
        let folder = format!("{LIBRARIES}/qt{version}/plugins");
        let what = format!("Qt {version}");
        if !Path::new(&folder).is_dir() {
            skip(&what, &format!("no {folder}"));
            continue;
        }
        let temporary = tempfile::tempdir().expect("a temporary folder");
        match build(version, temporary.path()) {
            Some(peer) => compare(version, Path::new(&folder), &peer, temporary.path()),
            None => skip(
                &what,
                "its headers and a C++ compiler are needed (Debian: qt6-base-dev, qtbase5-dev, g++, pkgconf)",
            ),
        }
    }
}

fn compare(version: u8, folder: &Path, peer: &Path, empty: &Path) {
    let files = in_one_process(version, folder, peer);
    let nothing = empty.join("nothing");
    fs::create_dir(&nothing).expect("a folder");
    whole_processes(version, folder, peer, &nothing, files);
}

/// A name, and what measures one round: nanoseconds.
type Way<'a> = (&'static str, Box<dyn FnMut() -> f64 + 'a>);

/// The times of each way, of rounds in turns.
fn in_turns(mut ways: Vec<Way<'_>>) -> Vec<(&'static str, Vec<f64>)> {
    let mut times: Vec<_> = ways.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for round in 0..=ROUNDS {
        for ((_, way), (_, times)) in ways.iter_mut().zip(&mut times) {
            let time = way();
            // The first round warms up.
            if round > 0 {
                times.push(time);
            }
        }
    }
    times
}

/// Passes in a process that stays; the answer is the number of plugins.
fn in_one_process(version: u8, folder: &Path, peer: &Path) -> f64 {
    let mut server = Server::start(peer, folder);
    let (_, plugins) = server.passes();
    let files = f64::from(plugins);
    let theirs = move || {
        let (time, again) = server.passes();
        assert_eq!(again, plugins, "the same plugins");
        time / f64::from(PASSES) / files
    };
    let ours = |passes: fn(&Path) -> u32| {
        move || {
            let start = Instant::now();
            let found = passes(folder);
            let time = start.elapsed().as_secs_f64() * 1e9;
            assert_eq!(found, plugins, "both find all plugins");
            time / f64::from(PASSES) / files
        }
    };
    let times = in_turns(vec![
        ("`QPluginLoader::metaData`", Box::new(theirs)),
        (
            "`plugwright_inspect`: the walk, and what `list` shows",
            Box::new(ours(|folder| passes(folder, Asked::Shown))),
        ),
        (
            "the same, and all metadata as JSON",
            Box::new(ours(|folder| passes(folder, Asked::Everything))),
        ),
        (
            "what `list` shows, on two threads that stay",
            Box::new(ours(passes_on_two)),
        ),
    ]);
    let title = format!("Qt {version}, {files} plugins, in one process, per file");
    print(&speeds(&title, &results(times.into_iter())));
    files
}

/// Whole processes, and what is left of them without what they take with nothing to read.
fn whole_processes(version: u8, folder: &Path, peer: &Path, nothing: &Path, files: f64) {
    let theirs = |folder: &Path| program(peer, [folder]);
    let ours = |linked: Linked, folder: &Path| {
        let mut list = plugwright_as(linked, ["list", "--no-registry", "--recursive"]);
        list.arg(folder);
        list
    };
    // Each is measured after a start of its own, so that whoever ran before slows neither the whole nor the start alone.
    let measured = |mut command: Command, mut start: Command| -> Box<dyn FnMut() -> f64> {
        Box::new(move || {
            nanoseconds(&mut start);
            nanoseconds(&mut command)
        })
    };
    let start = || theirs(Path::new(""));
    let name = "a process with `QPluginLoader`";
    let mut ways: Vec<Way<'_>> = vec![
        (name, measured(theirs(folder), start())),
        (name, measured(start(), start())),
    ];
    for linked in Linked::BUILT {
        let start = || ours(*linked, nothing);
        let name = linked.describe();
        ways.push((name, measured(ours(*linked, folder), start())));
        ways.push((name, measured(start(), start())));
    }
    let times = in_turns(ways);
    let pairs = || times.chunks_exact(2);
    let whole = pairs().map(|pair| pair[0].clone());
    let title = format!("Qt {version}, the whole process");
    print(&speeds(&title, &results(whole)));
    let starts = pairs().map(|pair| (pair[0].0, pair[1].1.clone()));
    let title = format!("Qt {version}, the same processes with nothing to read");
    print(&speeds(&title, &results(starts)));
    // Of each round the difference, since what slows a round down slows both.
    let nets = pairs().map(|pair| {
        let both = pair[0].1.iter().zip(&pair[1].1);
        let net = both.map(|(whole, start)| (whole - start).max(1.0) / files);
        (pair[0].0, net.collect())
    });
    let mut nets: Vec<Result> = results(nets);
    // Differences of single rounds are noisy: the ratio is that of the medians.
    let yardstick = nets[0].median;
    for net in &mut nets {
        net.ratio = net.median / yardstick;
    }
    let title = format!("Qt {version}, one process net of its start, per file");
    print(&speeds(&title, &nets));
}

/// How much of what a plugin says is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// What `list` shows: the id, the class, the version and the keys.
    Shown,
    /// All of it as JSON, which the peer makes in any case.
    Everything,
}

/// Passes of ours, one after the other.
fn passes(folder: &Path, asked: Asked) -> u32 {
    let found = (0..PASSES).map(|_| pass(folder, asked)).min();
    found.unwrap_or_default()
}

/// One pass of ours: the walk in order, and of each file what it says of itself.
fn pass(folder: &Path, asked: Asked) -> u32 {
    let mut found = 0;
    let mut folders = vec![Folder::open(folder).expect("readable")];
    while let Some((folder, entries)) = folders.pop() {
        for (name, kind) in entries {
            if kind == EntryKind::Folder {
                folders.push(folder.open_folder(&name).expect("readable"));
                continue;
            }
            found += plugins(&folder, &name, asked);
        }
    }
    found
}

/// Passes of two threads, of which who is free takes the next files. The second one stays for all of them.
fn passes_on_two(folder: &Path) -> u32 {
    let found = AtomicU32::new(0);
    let queue = Queue::default();
    let together = Barrier::new(2);
    let work = || {
        while queue.waiting.load(Ordering::Acquire) > 0 {
            let next = queue.pieces.lock().expect("nobody panicked").pop();
            let Some((folder, entries)) = next else {
                thread::yield_now();
                continue;
            };
            for (name, kind) in entries {
                if kind == EntryKind::Folder {
                    queue.add(folder.open_folder(&name).expect("readable"));
                } else {
                    let here = plugins(&folder, &name, Asked::Shown);
                    found.fetch_add(here, Ordering::Relaxed);
                }
            }
            queue.waiting.fetch_sub(1, Ordering::Release);
        }
        together.wait();
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..PASSES {
                together.wait();
                work();
            }
        });
        for _ in 0..PASSES {
            queue.add(Folder::open(folder).expect("readable"));
            together.wait();
            work();
        }
    });
    found.into_inner() / PASSES
}

type Entries = Vec<(OsString, EntryKind)>;

/// Pieces of folders that are to be looked at.
#[derive(Default)]
struct Queue {
    pieces: Mutex<Vec<(Arc<Folder>, Entries)>>,
    /// How many there are, with those that somebody is at.
    waiting: AtomicUsize,
}

impl Queue {
    /// Few enough that nobody waits long for the other at the end.
    const PIECE: usize = 4;

    fn add(&self, (folder, entries): (Folder, Entries)) {
        let folder = Arc::new(folder);
        let mut entries = entries.into_iter();
        let mut pieces = self.pieces.lock().expect("nobody panicked");
        while entries.len() > 0 {
            let piece = entries.by_ref().take(Self::PIECE).collect();
            pieces.push((Arc::clone(&folder), piece));
            self.waiting.fetch_add(1, Ordering::Release);
        }
    }
}

/// The plugins in one file, of which is looked at what is asked.
fn plugins(folder: &Folder, name: &OsStr, asked: Asked) -> u32 {
    let file = folder.open_file(name, Links::Follow).expect("readable");
    let found = identity(&file, Some(name));
    let mut plugins = 0;
    for qt in found.images.iter().filter_map(|image| image.qt.as_ref()) {
        match asked {
            Asked::Everything => {
                black_box(qt.json());
            }
            Asked::Shown => {
                black_box((
                    qt.iid(),
                    qt.class_name(),
                    qt.qt_version(),
                    qt.keys().count(),
                ));
            }
        }
        plugins += 1;
    }
    plugins
}

/// The peer as a process that makes a pass whenever it is asked.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start(peer: &Path, folder: &Path) -> Self {
        let mut command: Command = program(peer, [folder.as_os_str(), "serve".as_ref()]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            input: child.stdin.take().expect("piped"),
            output: BufReader::new(child.stdout.take().expect("piped")),
            child,
        }
    }

    /// Its own clock's nanoseconds for all passes, and the number of plugins in one.
    fn passes(&mut self) -> (f64, u32) {
        writeln!(self.input, "{PASSES}").expect("it listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        let (time, plugins) = line.trim().split_once(' ').expect("two numbers");
        (
            time.parse().expect("nanoseconds"),
            plugins.parse().expect("plugins"),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself with its input; killing it is for when it does not.
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Compiles the peer, if this machine can.
fn build(version: u8, folder: &Path) -> Option<PathBuf> {
    let mut flags = program(
        "pkg-config",
        ["--cflags", "--libs", &format!("Qt{version}Core")],
    );
    let flags = flags.stdout(Stdio::piped()).output().ok()?;
    let flags = String::from_utf8(flags.stdout).ok()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("qt/metadata.cpp");
    let peer = folder.join(format!("metadata{version}"));
    let mut compiler = program("c++", ["-O2", "-fPIC"]);
    compiler.arg(source).arg("-o").arg(&peer);
    let compiled = compiler.args(flags.split_whitespace()).status();
    (!flags.is_empty() && compiled.is_ok_and(|status| status.success())).then_some(peer)
}
