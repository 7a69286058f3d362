//! The program at a terminal: the progress line, and what is left of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use plugwright_testkit::elf::ElfBuilder;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::program;

const FILES: usize = 3000;
/// To the beginning of the line, and nothing on it.
const ERASE: &str = "\r\x1b[K";

/// A terminal of our own: what is written to it, and the end for a program.
fn terminal() -> (File, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).expect("a terminal");
    grantpt(&ours).expect("it is ours");
    unlockpt(&ours).expect("it opens");
    let name = ptsname(&ours, Vec::new()).expect("it has a name");
    let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_owned();
    let theirs = rustix::fs::open(
        name,
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY,
        rustix::fs::Mode::empty(),
    )
    .expect("the other end");
    (File::from(ours), File::from(theirs))
}

/// Reads what is written to the terminal until `enough`, or until nobody has the other end.
fn read_until(terminal: &mut File, text: &mut String, enough: impl Fn(&str) -> bool) {
    let mut buffer = [0; 4096];
    while !enough(text) {
        match terminal.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
            // Linux says so when the other end is closed everywhere.
            Err(error) if error.raw_os_error() == Some(5) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whoever fails must not leave a program behind that waits for a reader.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Starts a listing that cannot end, since nobody takes it, waits for the progress line, and sends `signal`.
#[track_caller]
fn check(signal: Signal) {
    let folder = tempfile::tempdir().expect("a folder");
    let note = b"\x01\x06\x04\x01\xbf\x02\x61a\x03\x61B\x04\xa1\x64Keys\x81\x61k\xff";
    let plugin = ElfBuilder::x86_64().qt_note(note).build();
    for number in 0..FILES {
        let path = folder.path().join(format!("libplugin{number:04}.so"));
        fs::write(path, plugin.bytes()).expect("a file");
    }
    let (mut ours, theirs) = terminal();
    let mut command = program::command(folder.path());
    command
        .args(["list", "--format", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(theirs);
    let mut child = Ended(command.spawn().expect("it starts"));
    // The command has the other end of the terminal, too.
    drop(command);
    let mut text = String::new();
    // It gets as far as the pipe takes lines, so that there is a first mark sooner or later.
    let total = format!("/{FILES} ");
    let is_drawn = |text: &str| text.contains("[#") && text.contains(&total);
    read_until(&mut ours, &mut text, is_drawn);
    assert!(is_drawn(&text), "{text:?}");
    kill_process(Pid::from_child(&child.0), signal).expect("it is told to end");
    read_until(&mut ours, &mut text, |_| false);
    assert!(text.ends_with(ERASE), "{text:?}");
    let status = child.0.wait().expect("it ended");
    assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
}

#[test]
fn ctrl_c_leaves_no_progress_line_behind() {
    check(Signal::INT);
}

#[test]
fn being_ended_leaves_no_progress_line_behind() {
    check(Signal::TERM);
}
