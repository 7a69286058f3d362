//! Starting a host: with a registry and without, beside the bare system calls and beside GStreamer and Qt. Without arguments
//! everything is measured; `cargo bench -p plugwright-benches --bench discovery -- gstreamer qt` measures only these of
//! `starts`, `lookups`, `gstreamer`, `qt`, `memory` and `cold`.
//!
//! The plugins are small libraries with real records, one id and one key each. The files have settled before anything is
//! measured, and are in the page cache; what a cold cache costs is a line of its own, where this process may drop it.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use fixture_adder_interface::Adder;
use plugwright_benches::{Contestant, markdown, race};
use plugwright_host::{Host, Interface, Linked, Query, Registry, RegistryState};
use plugwright_manifest::embed::{BuildDef, Linkage, ProvidedDef, RecordDef, note_bytes};
use plugwright_manifest::note;
use plugwright_testkit::elf::ElfBuilder;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, statat};

const GSTREAMER: &str = "/usr/lib/x86_64-linux-gnu/gstreamer-1.0";
/// How many plugins there are.
const COUNTS: [usize; 3] = [262, 1_000, 10_000];
/// The first argument of a process that is part of a measurement.
const CHILD: &str = "child";
/// How many plugins with large metadata there are.
const LARGE: usize = 1_000;
const COLD_ROUNDS: usize = 1;
const IMAGE_FORMATS: &str = "/usr/lib/x86_64-linux-gnu/qt6/plugins/imageformats";

type Part = (&'static str, fn(&Path));

const PARTS: [Part; 6] = [
    ("starts", all_starts),
    ("lookups", lookups),
    ("gstreamer", gstreamer),
    ("qt", qt),
    ("memory", memory),
    ("cold", cold),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, child_of, what, folder, registry] = arguments.as_slice()
        && child_of == CHILD
    {
        return child(what, Path::new(folder), Path::new(registry));
    }
    // Cargo adds options of its own.
    let mut wanted = arguments[1..]
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .peekable();
    let all = wanted.peek().is_none();
    let wanted: Vec<&String> = wanted.collect();
    let place = tempfile::tempdir().expect("a temporary folder");
    for (name, measure) in PARTS {
        if all || wanted.iter().any(|wanted| *wanted == name) {
            measure(place.path());
        }
    }
}

/// A folder of `count` plugins and a true registry of it. What is not there yet is made.
fn prepared(place: &Path, count: usize) -> (PathBuf, PathBuf) {
    prepared_with(place, count, &count.to_string(), &[])
}

/// The same with large metadata.
fn prepared_large(place: &Path) -> (PathBuf, PathBuf) {
    prepared_with(place, LARGE, "large", metadata())
}

fn prepared_with(
    place: &Path,
    count: usize,
    name: &str,
    metadata: &'static [u8],
) -> (PathBuf, PathBuf) {
    let folder = place.join(name);
    let registry = place.join(format!("{name}.registry"));
    if !folder.is_dir() {
        plugins(&folder, count, metadata);
        settle(place);
        drop(host(&folder, Some(&registry)));
    }
    (folder, registry)
}

fn all_starts(place: &Path) {
    for count in COUNTS {
        let (folder, registry) = prepared(place, count);
        let rounds = if count > 5_000 { 11 } else { 41 };
        let title = format!("Starting with {count} plugins");
        starts(&title, rounds, &folder, &registry);
    }
    let (folder, registry) = prepared_large(place);
    let bytes = metadata().len();
    let title = format!("Starting with {LARGE} plugins that have {bytes} bytes of metadata each");
    starts(&title, 41, &folder, &registry);
}

fn print(text: &str) {
    // Nobody is left to tell when this fails.
    let _nobody_reads = writeln!(io::stdout(), "{text}");
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// Writes `count` plugins, each with an id and a key of its own, and all with these metadata of an application.
fn plugins(folder: &Path, count: usize, metadata: &'static [u8]) {
    fs::create_dir_all(folder).expect("made");
    for index in 0..count {
        fs::write(
            folder.join(format!("libplugin{index:06}.so")),
            plugin(index, metadata),
        )
        .expect("written");
    }
}

/// An application's metadata as large as those of the largest plugins of Qt's own and KDE's, in CBOR: a map with one text.
fn metadata() -> &'static [u8] {
    let text = vec![b'x'; 39_000];
    let mut cbor = b"\xa1\x64text\x79".to_vec();
    cbor.extend_from_slice(&39_000_u16.to_be_bytes());
    cbor.extend_from_slice(&text);
    Vec::leak(cbor)
}

fn plugin(index: usize, metadata: &'static [u8]) -> Vec<u8> {
    let keys: &'static [&'static str] = Vec::leak(vec![leak(format!("key-{index}"))]);
    let provides = ProvidedDef {
        interface: <dyn Adder as Interface>::SHAPE,
        keys,
        rank: 0,
        metadata: &[],
    };
    let def = RecordDef {
        entry: "plugwright_entry",
        id: leak(format!("org.example.plugin{index}")),
        version: "1.0.0",
        crate_name: "plugin",
        linkage: Linkage::Cdylib,
        provides: Vec::leak(vec![provides]),
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: 1,
            target: "x86_64-unknown-linux-gnu",
            profile: "release",
            rustc: "rustc 1.95.0",
            panic_abort: false,
            unloadable: false,
        },
        name: "",
        description: "",
        license: "",
        authors: "",
        homepage: "",
        metadata,
    };
    let notes = note_bytes(&def).expect("small enough");
    let mut elf = ElfBuilder::x86_64();
    let mut at = 0;
    let word = |at: usize| {
        let bytes = notes[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(bytes)
    };
    while at < notes.len() {
        let (owner, length, kind) = (word(at) as usize, word(at + 4) as usize, word(at + 8));
        let start = at + 12 + owner.next_multiple_of(4);
        elf = elf.note(
            note::ELF_SECTION,
            4,
            note::OWNER,
            kind,
            &notes[start..start + length],
        );
        at = start + length.next_multiple_of(4);
    }
    elf.build().into_bytes()
}

/// Waits until files of now are older than the clock's granule.
fn settle(folder: &Path) {
    let probe = folder.join("probe");
    fs::write(&probe, "").expect("written");
    let written = fs::metadata(&probe)
        .and_then(|probe| probe.modified())
        .expect("a time");
    while SystemTime::now() < written + Duration::from_millis(100) {
        std::thread::yield_now();
    }
}

/// What nobody can do without: list, sort, and one stat for each name.
fn walk(folder: &Path) -> usize {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(CWD, folder, flags, Mode::empty()).expect("a folder");
    let mut dir = Dir::new(opened).expect("a folder");
    let mut names = Vec::new();
    for entry in &mut dir {
        names.push(entry.expect("an entry").file_name().to_owned());
    }
    names.sort_unstable();
    let descriptor = dir.fd().expect("open");
    names
        .iter()
        .filter(|name| statat(descriptor, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok())
        .count()
}

fn host(folder: &Path, registry: Option<&Path>) -> Host {
    let builder = Host::developer().folder(folder).linked(Linked::none());
    match registry {
        Some(registry) => builder.registry(Registry::at(registry)).scan(),
        None => builder.scan(),
    }
}

fn warm(folder: &Path, registry: &Path) -> Host {
    let host = host(folder, Some(registry));
    assert_eq!(
        host.registry_state(),
        RegistryState::Used,
        "the registry is true"
    );
    host
}

fn starts(title: &str, rounds: usize, folder: &Path, registry: &Path) {
    let once = |mut run: Box<dyn FnMut()>| -> Box<dyn FnMut() -> u64> {
        Box::new(move || {
            run();
            1
        })
    };
    let (a, b, c) = (
        folder.to_owned(),
        (folder.to_owned(), registry.to_owned()),
        folder.to_owned(),
    );
    let results = race(
        vec![
            Contestant {
                name: "list, sort, stat: the bare calls",
                round: once(Box::new(move || {
                    black_box(walk(&a));
                })),
            },
            Contestant {
                name: "a host with its registry",
                round: once(Box::new(move || {
                    black_box(warm(&b.0, &b.1));
                })),
            },
            Contestant {
                name: "a host without one",
                round: once(Box::new(move || {
                    black_box(host(&c, None));
                })),
            },
        ],
        rounds,
    );
    print(&markdown(title, &results));
    if let Some(calls) = system_calls(folder, registry) {
        print(&format!("{calls}\n"));
    }
}

/// The system calls of a warm start in a process of its own, less those of a process that does nothing.
fn system_calls(folder: &Path, registry: &Path) -> Option<String> {
    let count = |what: &str| {
        let log = registry.with_extension("calls");
        let status = command("strace")?
            .args(["-f", "-qq", "-o"])
            .arg(&log)
            .arg(std::env::current_exe().ok()?)
            .args([CHILD, what])
            .args([folder, registry])
            .stdout(Stdio::null())
            .status()
            .ok()?;
        let lines = fs::read_to_string(&log).ok()?.lines().count();
        status.success().then_some(lines)
    };
    let (start, nothing) = (count("warm")?, count("nothing")?);
    Some(format!(
        "System calls of a start with the registry: {}.",
        start.saturating_sub(nothing)
    ))
}

fn child(what: &str, folder: &Path, registry: &Path) {
    match what {
        "warm" => drop(warm(folder, registry)),
        "cold" => drop(host(folder, None)),
        "memory" => {
            let before = peak();
            let host = warm(folder, registry);
            let started = peak();
            let plugins = host.plugins().count();
            let all = peak();
            print(&format!(
                "| {plugins} | {} KiB | {} KiB | {} KiB |",
                started - before,
                all - before,
                fs::metadata(registry).map_or(0, |file| file.len() / 1024),
            ));
        }
        "exists" => {
            let host = warm(folder, registry);
            black_box(host.has("org.example.adder", "fakesrc"));
        }
        _ => {}
    }
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().split(' ').next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

fn lookups(place: &Path) {
    const TIMES: u64 = 10_000;
    let host = |count| {
        let (folder, registry) = prepared(place, count);
        warm(&folder, &registry)
    };
    let hosts: Vec<(String, Host)> = COUNTS
        .iter()
        .map(|count| {
            (
                format!("is there a plugin for a key, of {count}"),
                host(*count),
            )
        })
        .collect();
    let query = Query::of::<dyn Adder>().with_key("key-200");
    let names: Vec<String> = COUNTS
        .iter()
        .map(|count| format!("the plugins for a key, best first, of {count}"))
        .collect();
    let id = <dyn Adder as Interface>::SHAPE.id;
    let mut contestants: Vec<Contestant<'_>> = hosts
        .iter()
        .map(|(name, host)| Contestant {
            name,
            round: Box::new(move || {
                for _ in 0..TIMES {
                    assert!(host.has(black_box(id), black_box("key-200")));
                }
                TIMES
            }),
        })
        .collect();
    for ((_, host), name) in hosts.iter().zip(&names) {
        let query = &query;
        contestants.push(Contestant {
            name,
            round: Box::new(move || {
                for _ in 0..TIMES {
                    assert_eq!(black_box(host.query(black_box(query))).len(), 1);
                }
                TIMES
            }),
        });
    }
    print(&markdown("Looking up", &race(contestants, 21)));
}

/// A whole process that asks whether there is a feature: GStreamer's own program, and one with a host over the same files.
fn gstreamer(place: &Path) {
    let folder = Path::new(GSTREAMER);
    let Some(mut probe) = command("gst-inspect-1.0") else {
        return print("GStreamer: not measured, there is no gst-inspect-1.0.\n");
    };
    if !folder.is_dir() || probe.args(["--exists", "fakesrc"]).status().is_err() {
        return print("GStreamer: not measured, it has no plugins here.\n");
    }
    let registry = place.join("gstreamer.registry");
    let theirs = place.join("gstreamer.bin");
    drop(host(folder, Some(&registry)));
    let files = fs::read_dir(folder).map_or(0, Iterator::count);
    let ask = |cold: bool| {
        let theirs = theirs.clone();
        move || {
            if cold {
                let _was_there = fs::remove_file(&theirs);
            }
            let mut command = command("gst-inspect-1.0").expect("it was there");
            command
                .args(["--exists", "fakesrc"])
                .env("GST_REGISTRY", &theirs);
            assert!(command.status().is_ok());
            1
        }
    };
    let ours = |what: &'static str| {
        let registry = registry.clone();
        move || {
            let mut command = own(what);
            assert!(
                command
                    .arg(GSTREAMER)
                    .arg(&registry)
                    .status()
                    .is_ok_and(|status| status.success())
            );
            1
        }
    };
    let results = race(
        vec![
            Contestant {
                name: "gst-inspect-1.0 --exists, warm",
                round: Box::new(ask(false)),
            },
            Contestant {
                name: "a program with a host, warm",
                round: Box::new(ours("exists")),
            },
            Contestant {
                name: "gst-inspect-1.0 --exists, registry removed",
                round: Box::new(ask(true)),
            },
            Contestant {
                name: "a program with a host, without registry",
                round: Box::new(ours("cold")),
            },
        ],
        11,
    );
    print(&markdown(
        &format!("A process that asks, over GStreamer's {files} files"),
        &results,
    ));
}

fn own(what: &str) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "a whole process is what is measured"
    )]
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args([CHILD, what]).stdout(Stdio::null());
    command
}

/// Qt's factory loader over its folder of image formats, in a small program of its own that times itself.
fn qt(place: &Path) {
    let Some(program) = qt_program(place) else {
        return print("QFactoryLoader: not measured, Qt's private headers are not here.\n");
    };
    let folder = Path::new(IMAGE_FORMATS);
    let registry = place.join("qt.registry");
    drop(host(folder, Some(&registry)));
    let mut theirs = Vec::new();
    let mut ours = Vec::new();
    let mut without = Vec::new();
    for _ in 0..11 {
        #[expect(clippy::disallowed_methods, reason = "the peer is a program")]
        let told = Command::new(&program).output().expect("it starts").stdout;
        let told = String::from_utf8_lossy(&told)
            .trim()
            .parse::<f64>()
            .expect("nanoseconds");
        theirs.push(told);
        for (times, registry) in [(&mut ours, Some(registry.as_path())), (&mut without, None)] {
            let start = std::time::Instant::now();
            black_box(host(folder, registry));
            times.push(start.elapsed().as_secs_f64() * 1e9);
        }
    }
    let times = [
        ("QFactoryLoader: constructed", theirs),
        ("a host with its registry", ours),
        ("a host without one", without),
    ];
    print(&markdown(
        "Qt's image formats",
        &plugwright_benches::results(times.into_iter()),
    ));
}

fn qt_program(place: &Path) -> Option<PathBuf> {
    const SOURCE: &str = r#"
#include <QCoreApplication>
#include <QElapsedTimer>
#include <QtCore/private/qfactoryloader_p.h>
#include <cstdio>
int main(int argc, char **argv) {
    QCoreApplication app(argc, argv);
    QCoreApplication::setLibraryPaths({ "/usr/lib/x86_64-linux-gnu/qt6/plugins" });
    QElapsedTimer timer;
    timer.start();
    QFactoryLoader loader("org.qt-project.Qt.QImageIOHandlerFactoryInterface", "/imageformats");
    std::printf("%lld\n", static_cast<long long>(timer.nsecsElapsed()));
    return loader.metaData().isEmpty();
}
"#;
    let source = place.join("loader.cpp");
    fs::write(&source, SOURCE).ok()?;
    let headers = Path::new("/usr/include/x86_64-linux-gnu/qt6");
    let private = fs::read_dir(headers.join("QtCore"))
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    let private = private
        .into_iter()
        .find(|path| path.join("QtCore/private/qfactoryloader_p.h").is_file())?;
    let program = place.join("loader");
    let include = |path: &Path| {
        let mut flag = std::ffi::OsString::from("-I");
        flag.push(path);
        flag
    };
    let status = command("c++")?
        .args(["-std=c++17", "-O2", "-fPIC", "-o"])
        .args([program.as_os_str(), source.as_os_str()])
        .args([
            include(headers),
            include(&headers.join("QtCore")),
            include(&private),
            include(&private.join("QtCore")),
        ])
        .arg("-lQt6Core")
        .stderr(Stdio::null())
        .status();
    status
        .is_ok_and(|status| status.success())
        .then_some(program)
}

fn memory(place: &Path) {
    print(
        "| plugins | memory of a start | and of all plugins, asked for | registry |\n|---|---|---|---|",
    );
    for count in [10_000, 100_000] {
        let (folder, registry) = prepared(place, count);
        let told = own("memory")
            .args([folder, registry])
            .stdout(Stdio::piped())
            .output();
        let told = told.expect("it starts").stdout;
        print(String::from_utf8_lossy(&told).trim());
    }
    print("");
}

/// The same starts after the page cache was dropped, where this process may do that.
fn cold(place: &Path) {
    let drop_caches = || {
        rustix::fs::sync();
        let file = File::options().write(true).open("/proc/sys/vm/drop_caches");
        file.and_then(|mut file| file.write_all(b"3"))
    };
    if std::env::var_os("PLUGWRIGHT_DROP_CACHES").is_none() {
        return print(
            "\nCold page cache: not measured; PLUGWRIGHT_DROP_CACHES=1 drops it, for the whole machine.",
        );
    }
    let many = COUNTS[COUNTS.len() - 1];
    for (title, (folder, registry)) in [
        (format!("{many} plugins"), prepared(place, many)),
        (
            format!("{LARGE} plugins with large metadata"),
            prepared_large(place),
        ),
    ] {
        let (folder, registry) = (folder.as_path(), registry.as_path());
        let time = |registry: Option<&Path>| {
            drop_caches().ok()?;
            let start = std::time::Instant::now();
            black_box(host(folder, registry));
            Some(start.elapsed().as_secs_f64() * 1e9)
        };
        let bare = || {
            drop_caches().ok()?;
            let start = std::time::Instant::now();
            black_box(walk(folder));
            Some(start.elapsed().as_secs_f64() * 1e9)
        };
        let mut times = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..COLD_ROUNDS {
            let (Some(bare), Some(with), Some(without)) =
                (bare(), time(Some(registry)), time(None))
            else {
                return print("\nCold page cache: not measured, this process may not drop it.");
            };
            times.0.push(bare);
            times.1.push(with);
            times.2.push(without);
        }
        let times = [
            ("list, sort, stat: the bare calls", times.0),
            ("a host with its registry", times.1),
            ("a host without one", times.2),
        ];
        print(&markdown(
            &format!("Cold page cache, {title}"),
            &plugwright_benches::results(times.into_iter()),
        ));
    }
}

/// A command that is there.
fn command(name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())?;
    debug_assert!(!found.as_os_str().as_bytes().is_empty(), "a path");
    #[expect(clippy::disallowed_methods, reason = "peers are programs")]
    let command = Command::new(found);
    Some(command)
}
