//! Processes that are killed while they write a registry: nothing is lost but speed.
//!
//! Two processes write in a loop, this one reads and kills one of them, again and again. How often says
//! `PLUGWRIGHT_ROUNDS`; `cargo xtask ci-full` asks for ten thousand. Where a killed writer stops is left to chance there; the
//! other tests stop one before each of its system calls, and at lengths of what it writes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use plugwright_host::{Host, Registry, RegistryState};

use crate::Folder;
use crate::registry::{skipped, which};

/// A process that writes, and the lines that it prints after each time.
struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Writer {
    fn start(folder: &Path, other: &Path, registry: &Path) -> Self {
        #[expect(clippy::disallowed_methods, reason = "what is killed is a process")]
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "killed::writer_in_child", "--nocapture"])
            .env(
                "PLUGWRIGHT_TEST_FOLDERS",
                std::env::join_paths([folder, other]).expect("no colons"),
            )
            .env("PLUGWRIGHT_TEST_REGISTRY", registry)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// Waits until it has written `times` more.
    fn wait_for(&mut self, times: u32) {
        let mut written = 0;
        while written < times {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("readable");
            assert!(read > 0, "the writer goes on until it is killed");
            written += u32::from(line.contains("written"));
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

fn ids(host: &Host) -> Vec<String> {
    host.plugins()
        .map(|plugin| plugin.id().to_string())
        .collect()
}

/// Runs until it is killed: with one folder, with two, with one, … so that there is always something to write.
#[test]
fn writer_in_child() {
    let (Some(folders), Some(registry)) = (
        std::env::var_os("PLUGWRIGHT_TEST_FOLDERS"),
        std::env::var_os("PLUGWRIGHT_TEST_REGISTRY"),
    ) else {
        return;
    };
    let folders: Vec<_> = std::env::split_paths(&folders).collect();
    // An end of its own, should nobody kill it.
    for round in 0..1_000_000 {
        let mut builder = Host::developer().registry(Registry::at(&registry));
        for folder in &folders[..1 + round % 2] {
            builder = builder.folder(folder);
        }
        let host = builder.scan();
        assert_eq!(ids(&host).len(), 1 + round % 2);
        assert!(
            !matches!(host.registry_state(), RegistryState::NotWritten(..)),
            "{:?}",
            host.registry_state()
        );
        println!("\nwritten");
    }
}

#[test]
fn killed_writers_leave_a_whole_registry() {
    let rounds = std::env::var("PLUGWRIGHT_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(60);
    let (folder, other) = (Folder::with(&["hello"]), Folder::with(&["bonjour"]));
    let below = tempfile::tempdir().expect("a folder");
    let path = below.path().join("plugins.registry");
    let start = || Writer::start(folder.path(), other.path(), &path);
    let mut writers = vec![start(), start()];
    // Deterministic, and different in each round.
    let mut random: u32 = 0x9e37_79b9;
    for round in 0..rounds {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let mut victim = writers.swap_remove(usize::from(random.is_multiple_of(2)));
        victim.wait_for(1);
        // Somewhere in the next scan or write.
        for _ in 0..random % 20_000 {
            std::hint::spin_loop();
        }
        victim.kill();
        // The other one writes on, and may be anywhere.
        assert!(
            Registry::at(&path).verify().is_ok(),
            "round {round}: {:?}",
            Registry::at(&path).verify()
        );
        let host = folder.builder().registry(Registry::at(&path)).scan();
        assert_eq!(ids(&host), ["org.example.hello"], "round {round}");
        writers.push(start());
    }
    for writer in writers {
        writer.kill();
    }
    let left = fs::read_dir(below.path()).expect("readable").count();
    assert!(
        left <= 2,
        "the registry, and at most one file beside it: {left}"
    );
    let host = folder.builder().registry(Registry::at(&path)).scan();
    assert!(
        !matches!(host.registry_state(), RegistryState::Busy(_)),
        "locks ended with their processes"
    );
}

/// A registry of one folder, and a process that writes one of two folders in its place.
struct Write {
    folder: Folder,
    other: Folder,
    below: tempfile::TempDir,
    old: Vec<u8>,
}

impl Write {
    fn new() -> Self {
        let (folder, other) = (Folder::with(&["hello"]), Folder::with(&["bonjour"]));
        let below = tempfile::tempdir().expect("a folder");
        crate::registry::age(below.path());
        let mut write = Self {
            folder,
            other,
            below,
            old: Vec::new(),
        };
        drop(write.host());
        write.old = fs::read(write.path()).expect("written");
        write
    }

    fn path(&self) -> PathBuf {
        self.below.path().join("plugins.registry")
    }

    fn host(&self) -> Host {
        let registry = Registry::at(self.path());
        self.folder.builder().registry(registry).scan()
    }

    /// The process, below `program` with `arguments` if there is one.
    #[expect(clippy::disallowed_methods, reason = "what is killed is a process")]
    fn command(&self, program: Option<(&Path, &[&str])>) -> Command {
        let test = std::env::current_exe().expect("this program");
        let mut command = match program {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(test);
                command
            }
            None => Command::new(test),
        };
        let folders = [self.folder.path(), self.other.path()];
        command
            .args(["--exact", "killed::one_write_in_child", "--nocapture"])
            .env(
                "PLUGWRIGHT_TEST_ONE_WRITE",
                std::env::join_paths(folders).expect("no colons"),
            )
            .env("PLUGWRIGHT_TEST_REGISTRY", self.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// What a writer left behind is what was there before or what it wrote, and the next start knows all.
    #[track_caller]
    fn check(&self, what: &str) {
        let left = fs::read(self.path()).expect("it is there");
        let verified = Registry::at(self.path()).verify();
        assert!(verified.is_ok(), "{what}: {verified:?}");
        let names = fs::read_dir(self.below.path()).expect("readable").count();
        // The registry, the probe of the clock, and at most one file beside.
        assert!(names <= 3, "{what}: {names} files");
        let host = self.host();
        assert_eq!(ids(&host), ["org.example.hello"], "{what}");
        let state = host.registry_state();
        if left == self.old {
            assert_eq!(state, RegistryState::Used, "{what}");
        } else {
            assert!(
                matches!(state, RegistryState::Written(_)),
                "{what}: {state:?}"
            );
        }
        assert_eq!(fs::read(self.path()).expect("there"), self.old, "{what}");
    }
}

#[test]
fn one_write_in_child() {
    let (Some(folders), Some(registry)) = (
        std::env::var_os("PLUGWRIGHT_TEST_ONE_WRITE"),
        std::env::var_os("PLUGWRIGHT_TEST_REGISTRY"),
    ) else {
        return;
    };
    if let Some(limit) = std::env::var_os("PLUGWRIGHT_TEST_LIMIT") {
        let limit = limit.to_str().and_then(|limit| limit.parse().ok());
        let (current, maximum) = (limit, limit);
        let limit = rustix::process::Rlimit { current, maximum };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).expect("lower");
    }
    let mut builder = Host::developer().registry(Registry::at(registry));
    for folder in std::env::split_paths(&folders) {
        builder = builder.folder(folder);
    }
    let state = builder.scan().registry_state();
    assert!(matches!(state, RegistryState::Written(_)), "{state:?}");
}

/// strace tells which system calls a write consists of, and then kills the writer at each of them.
#[test]
fn a_writer_is_killed_at_every_step() {
    let Ok(strace) = which("strace") else {
        return skipped("no strace");
    };
    let write = Write::new();
    let logs = tempfile::tempdir().expect("a folder");
    let (path, log) = (write.path(), logs.path().join("calls"));
    let beside = path.with_extension("registry.new");
    let [path, beside, log] = [&path, &beside, &log].map(|path| path.to_str().expect("text"));
    let traced = ["-f", "-qq", "-o", log, "-P", path, "-P", beside];
    let run = write.command(Some((&strace, &traced))).status();
    let calls = fs::read_to_string(log).unwrap_or_default();
    if !run.is_ok_and(|status| status.success()) || calls.is_empty() {
        return skipped("strace may not trace");
    }
    assert!(matches!(
        write.host().registry_state(),
        RegistryState::Written(_)
    ));
    // strace counts calls of each name for itself.
    let mut steps: Vec<(&str, usize)> = Vec::new();
    for line in calls.lines() {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if let Some((name, _)) = call.split_once('(') {
            let before = steps.iter().filter(|step| step.0 == name).count();
            steps.push((name, before + 1));
        }
    }
    for name in ["flock", "ftruncate", "write", "rename"] {
        assert!(steps.contains(&(name, 1)), "{calls}");
    }
    for (name, number) in steps {
        let inject = format!("inject={name}:signal=SIGKILL:when={number}");
        let killing = [&traced[..], &["-e", &inject]].concat();
        let status = write.command(Some((&strace, &killing))).status();
        let status = status.expect("strace starts");
        // strace ends as what it traced does.
        assert_eq!(status.signal(), Some(9), "{inject}: {status}");
        write.check(&inject);
    }
}

#[test]
fn a_writer_ends_in_the_middle_of_a_write() {
    let write = Write::new();
    let size = write.old.len() * 2;
    for limit in (0..size).step_by(size / 29) {
        let mut command = write.command(None);
        command.env("PLUGWRIGHT_TEST_LIMIT", limit.to_string());
        let status = command.status().expect("it starts");
        if limit < write.old.len() {
            assert!(status.signal().is_some(), "{limit} bytes: {status}");
        }
        write.check(&format!("{limit} bytes"));
    }
}
