//! All plugins of Qt 6 and Qt 5 that the machine has, read by this workspace and by Qt's own `QPluginLoader` in a
//! small program (`benches/qt/metadata.cpp`), which is built where Qt's headers are.

use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use plugwright_benches::{Result, results, speeds};
use plugwright_inspect::{EntryKind, Folder, Links, identity};

use crate::process::{nanoseconds, plugwright, program};
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
    let nothing = empty.join("nothing");
    fs::create_dir(&nothing).expect("a folder");
    let mut server = Server::start(peer, folder);
    let mut times = vec![Vec::new(); 7];
    let mut files = 0.0;
    for round in 0..=ROUNDS {
        let (theirs, plugins) = server.passes();
        let ours = |asked| {
            let start = Instant::now();
            let found = (0..PASSES).map(|_| pass(folder, asked)).min();
            let time = start.elapsed().as_secs_f64() * 1e9;
            assert_eq!(found, Some(plugins), "both find all plugins");
            time / f64::from(PASSES)
        };
        let (shown, everything) = (ours(Asked::Shown), ours(Asked::Everything));
        files = f64::from(plugins);
        let mut list = plugwright([
            "list".as_ref(),
            "--no-registry".as_ref(),
            "--recursive".as_ref(),
            folder,
        ]);
        let mut list_nothing = plugwright([
            "list".as_ref(),
            "--no-registry".as_ref(),
            "--recursive".as_ref(),
            &*nothing,
        ]);
        let new = [
            theirs / f64::from(PASSES),
            shown,
            nanoseconds(&mut program(peer, [folder])),
            nanoseconds(&mut list),
            nanoseconds(&mut program(peer, [""])),
            nanoseconds(&mut list_nothing),
            everything,
        ];
        // The first round warms up.
        if round > 0 {
            for (times, time) in times.iter_mut().zip(new) {
                times.push(time);
            }
        }
    }
    let per_file = |times: &[f64]| times.iter().map(|time| time / files).collect();
    let one_process: [(&str, Vec<f64>); 3] = [
        ("`QPluginLoader::metaData`", per_file(&times[0])),
        (
            "`plugwright_inspect`: the walk, and what `list` shows",
            per_file(&times[1]),
        ),
        ("the same, and all metadata as JSON", per_file(&times[6])),
    ];
    let title = format!("Qt {version}, {files} plugins, in one process, per file");
    print(&speeds(&title, &results(one_process.into_iter())));
    let whole = [
        ("a process with `QPluginLoader`", times[2].clone()),
        ("`plugwright list --recursive`", times[3].clone()),
    ];
    let title = format!("Qt {version}, the whole process");
    print(&speeds(&title, &results(whole.into_iter())));
    let starts = [
        ("the same process, with nothing to read", times[4].clone()),
        (
            "`plugwright list --recursive` of an empty folder",
            times[5].clone(),
        ),
    ];
    let title = format!("Qt {version}, the start alone");
    print(&speeds(&title, &results(starts.into_iter())));
    // Of each round the difference, since what slows a round down slows both.
    let net = |whole: &[f64], start: &[f64]| -> Vec<f64> {
        let both = whole.iter().zip(start);
        both.map(|(whole, start)| (whole - start).max(1.0) / files)
            .collect()
    };
    let nets: [(&str, Vec<f64>); 2] = [
        ("a process with `QPluginLoader`", net(&times[2], &times[4])),
        ("`plugwright list --recursive`", net(&times[3], &times[5])),
    ];
    let mut nets: Vec<Result> = results(nets.into_iter()).into_iter().collect();
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
            let file = folder.open_file(&name, Links::Follow).expect("readable");
            let found_here = identity(&file, Some(&name));
            for qt in found_here
                .images
                .iter()
                .filter_map(|image| image.qt.as_ref())
            {
                if asked == Asked::Everything {
                    black_box(qt.json());
                } else {
                    black_box((
                        qt.iid(),
                        qt.class_name(),
                        qt.qt_version(),
                        qt.keys().count(),
                    ));
                }
                found += 1;
            }
        }
    }
    found
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
