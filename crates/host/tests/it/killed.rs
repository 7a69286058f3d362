//! Processes that are killed while they write a registry: nothing is lost but speed.
//!
//! Two processes write in a loop, this one reads and kills one of them, again and again. How often says
//! `PLUGWRIGHT_ROUNDS`; `cargo xtask ci-full` asks for ten thousand.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use plugwright_host::{Host, Registry, RegistryState};

use crate::Folder;

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
    let left = std::fs::read_dir(below.path()).expect("readable").count();
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
