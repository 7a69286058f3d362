//! What somebody who looks for a mistake sees of a plugin: backtraces and gdb find its lines through the copy that was loaded.

use std::backtrace::Backtrace;
use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use fixture_ensemble_interface::Player;
use fixture_greeter::Greeter;
use plugwright_host::{Handle, Host, Policy};
use plugwright_plugin::Level;
use plugwright_trust::Source;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::{Folder, permitted};

/// Is in the environment of what the debugger runs.
const DEBUGGED: &str = "PLUGWRIGHT_TEST_DEBUGGED";

const CHILD: [&str; 3] = ["--exact", "debugging::in_child", "--nocapture"];

/// Calls a plugin's method.
#[test]
fn in_child() {
    if std::env::var_os(DEBUGGED).is_none() {
        return;
    }
    let folder = Folder::with(&["hello"]);
    let handle: Handle<dyn Greeter> = folder.host().create("en").expect("it fits");
    assert_eq!(handle.greet("Ada"), "Hello, Ada!");
}

/// Takes a backtrace whenever a plugin logs something, while the plugin's functions are on the stack.
struct Tracing(Arc<Mutex<String>>);

impl Subscriber for Tracing {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "plugwright::plugin"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        *self.0.lock().expect("whole") = Backtrace::force_capture().to_string();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Of sealed copies too, as long as their descriptors are kept. Each in a process of its own: Rust's standard library lists what
/// is loaded when it is asked for a backtrace for the first time, and what is loaded later has no names in it.
#[test]
fn a_backtrace_names_the_lines_of_a_plugin() {
    const HELD: &str = "PLUGWRIGHT_TEST_HELD";
    let all = [Source::Sealed, Source::PrivateCopy];
    let Some(held) = std::env::var_os(HELD) else {
        for held in all {
            #[expect(
                clippy::disallowed_methods,
                reason = "a first backtrace is one of a process"
            )]
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args([
                "debugging::a_backtrace_names_the_lines_of_a_plugin",
                "--exact",
            ]);
            let output = command
                .env(HELD, held.to_string())
                .output()
                .expect("it starts");
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success() && told.contains("1 passed"),
                "{held}: {told}"
            );
        }
        return;
    };
    let wanted = |known: &Source| held == *known.to_string();
    let held = all.into_iter().find(wanted).expect("one of them");
    let folder = Folder::with(&["ensemble"]);
    let host = permitted(Host::builder(Policy::developer().with_sources([held])))
        .copies_below(std::env::temp_dir())
        .folder(folder.path())
        .scan();
    let told = Arc::default();
    let tracing = Tracing(Arc::clone(&told));
    tracing::subscriber::with_default(tracing, || {
        let handle: Handle<dyn Player> = host.create("soloist").expect("it fits");
        handle.say(Level::Warn, "here");
    });
    let told = told.lock().expect("whole");
    let mut frames = told.lines().map(str::trim_start);
    let named =
        frames.any(|frame| frame.starts_with("at ") && frame.contains("fixtures/ensemble/src/"));
    assert!(named, "{told}");
}

/// With what docs/guide.md says.
#[test]
fn gdb_stops_in_a_plugin_and_shows_its_lines() {
    let skip = |why: &str| {
        assert!(
            std::env::var_os("PLUGWRIGHT_REQUIRE_GDB").is_none(),
            "{why}"
        );
        crate::skipped(why);
    };
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/hello/src/lib.rs"
    );
    let source = fs::read_to_string(source).expect("the fixture's source");
    let line = 1 + source
        .lines()
        .position(|line| line.contains("format!(\"Hello"))
        .expect("the fixture greets");
    let here = format!("hello/src/lib.rs:{line}");
    #[expect(clippy::disallowed_methods, reason = "the debugger is a program")]
    let mut command = Command::new("gdb");
    command.args(["-nx", "-batch", "-ex", "set debuginfod enabled off"]);
    command.args(["-ex", "set breakpoint pending on"]);
    command.args([
        "-ex",
        &format!("break {here}"),
        "-ex",
        "run",
        "-ex",
        "backtrace",
    ]);
    command
        .arg("--args")
        .arg(std::env::current_exe().expect("this program"));
    command.args(CHILD).env(DEBUGGED, "1");
    let Ok(output) = command.output() else {
        return skip("the program gdb is not installed; its package has the same name");
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    if complained.contains("Operation not permitted") {
        return skip("gdb may not start programs here");
    }
    let mut frames = told.lines().filter(|line| line.starts_with('#'));
    let first = frames.next().unwrap_or_default();
    assert!(
        first.contains(&here) && first.contains("greet"),
        "{told}{complained}"
    );
    assert!(frames.any(|frame| frame.contains("in_child")), "{told}");
}
