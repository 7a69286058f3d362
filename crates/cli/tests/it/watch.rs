//! `watch`: what is printed while folders change, and how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::contracts::check_documented;
use crate::host::{fixture, folder_with};
use crate::program::command;

/// How long a line may take until the test fails: far more than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program that watches a folder.
struct Watching {
    child: Child,
    out: Receiver<String>,
}

/// The lines of a stream, as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            // Whoever has seen enough does not listen any more.
            let _nobody_listens = sender.send(line.expect("the program writes UTF-8"));
        }
    });
    lines
}

impl Watching {
    /// Starts it, and waits until nothing is missed.
    #[track_caller]
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = command(folder)
            .arg("watch")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = lines(child.stdout.take().expect("piped"));
        let err = lines(child.stderr.take().expect("piped"));
        let watching = Self { child, out };
        let ready = err.recv_timeout(PATIENCE).expect("it says that it watches");
        assert!(ready.starts_with("plugwright: watching /"), "{ready}");
        watching
    }

    #[track_caller]
    fn next(&self) -> String {
        self.out.recv_timeout(PATIENCE).expect("a line")
    }

    /// The end, and that nothing else was printed.
    #[track_caller]
    fn end(mut self) -> ExitStatus {
        // The stream ends with the program.
        let rest = self.out.recv_timeout(PATIENCE);
        assert_eq!(rest, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
        self.child.wait().expect("it ended")
    }
}

/// Whoever fails must not leave a program behind that waits for ever.
impl Drop for Watching {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A file of a fixture with `more` behind its end, complete from the moment on at which it is there.
fn put(folder: &Path, name: &str, more: &[u8]) {
    let beside = folder_with(&[]);
    let made = beside.path().join("made");
    let bytes = fs::read(fixture(name)).expect("readable");
    fs::write(&made, [bytes.as_slice(), more].concat()).expect("written");
    fs::rename(made, folder.join(format!("lib{name}.so"))).expect("renamed");
}

#[test]
fn what_comes_changes_and_goes_is_a_line_each() {
    let folder = folder_with(&["hello"]);
    let watching = Watching::start(folder.path(), &["--count", "3", "."]);
    put(folder.path(), "polyglot", b"");
    let line = watching.next();
    assert!(
        line.starts_with("added org.example.polyglot 0.1.0 in \"/"),
        "{line}"
    );
    put(folder.path(), "polyglot", b"\0");
    let line = watching.next();
    assert!(
        line.starts_with("changed org.example.polyglot 0.1.0 in \"/"),
        "{line}"
    );
    fs::remove_file(folder.path().join("libhello.so")).expect("removed");
    let line = watching.next();
    assert!(
        line.starts_with("removed org.example.hello 0.1.0 in \"/"),
        "{line}"
    );
    // Three were to be told.
    let status = watching.end();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn a_change_is_an_object_that_is_documented() {
    let folder = folder_with(&["hello"]);
    let watching = Watching::start(folder.path(), &["--count", "2", "--format", "jsonl", "."]);
    for expected in ["changed", "removed"] {
        if expected == "changed" {
            put(folder.path(), "hello", b"\0");
        } else {
            fs::remove_file(folder.path().join("libhello.so")).expect("removed");
        }
        let change: Value = serde_json::from_str(&watching.next()).expect("JSON");
        check_documented(&change);
        assert_eq!(change["change"], expected);
        assert_eq!(change["id"], "org.example.hello");
        let path = change["path"].as_str().expect("a text");
        assert!(path.ends_with("/libhello.so"), "{path}");
        let before = change.get("version_before").and_then(Value::as_str);
        assert_eq!(before, (expected == "changed").then_some("0.1.0"));
    }
    assert_eq!(watching.end().code(), Some(0));
}

/// Ends the program by `signal` while it waits.
#[track_caller]
fn check_ends(signal: Signal) {
    let folder = folder_with(&["hello"]);
    let watching = Watching::start(folder.path(), &[".", "later"]);
    kill_process(Pid::from_child(&watching.child), signal).expect("it is told to end");
    let status = watching.end();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    check_ends(Signal::INT);
}

#[test]
fn being_ended_ends_it_cleanly() {
    check_ends(Signal::TERM);
}
