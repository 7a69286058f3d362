//! What plugins log arrives in the program's `tracing` subscriber.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, Once, PoisonError};

use fixture_ensemble_interface::Player;
use plugwright_host::Handle;
use plugwright_plugin::Level;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::Folder;

/// Keeps what it is told, down to a level.
struct Keeping {
    target: &'static str,
    least: tracing::Level,
    lines: Arc<Mutex<Vec<String>>>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            // Lines of source files change with every edit.
            "line" => self.0.push_str(" line"),
            name => write!(self.0, " {name}={value:?}").expect("memory"),
        }
    }
}

impl Subscriber for Keeping {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == self.target && *metadata.level() <= self.least
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        assert!(!line.0.contains("out of paper"), "out of paper");
        self.lines.lock().expect("whole").push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Whether anybody listens is remembered by `tracing` for all threads of a process, so one test listens at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The lines that arrive while `run` runs.
pub(crate) fn lines(least: tracing::Level, run: impl FnOnce()) -> Vec<String> {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // Who reaches a callsite first has `tracing` remember who listens: another test that did so just when this one began
    // to listen had it remembered that nobody does.
    static REACHED: Once = Once::new();
    REACHED.call_once(|| {
        let folder = Folder::with(&["ensemble"]);
        let chorister: Handle<dyn Player> = folder.host().create("chorister").expect("fits");
        for level in Level::ALL {
            chorister.say(level, "nobody hears");
        }
    });
    lines_of("plugwright::plugin", least, run)
}

fn lines_of(target: &'static str, least: tracing::Level, run: impl FnOnce()) -> Vec<String> {
    let lines = Arc::default();
    let keeping = Keeping {
        target,
        least,
        lines: Arc::clone(&lines),
    };
    tracing::subscriber::with_default(keeping, || {
        tracing::callsite::rebuild_interest_cache();
        run();
    });
    let lines = lines.lock().expect("whole");
    lines.clone()
}

/// In a process of its own: another test may have been the first with such a host.
#[test]
fn a_developers_host_says_once_what_it_is() {
    const CHILD: &str = "PLUGWRIGHT_TEST_DEVELOPER";
    if std::env::var_os(CHILD).is_none() {
        #[expect(clippy::disallowed_methods, reason = "once is once in a process")]
        let mut command = std::process::Command::new(std::env::current_exe().expect("a path"));
        command.args(["log::a_developers_host_says_once_what_it_is", "--exact"]);
        let output = command.env(CHILD, "1").output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && told.contains("1 passed"),
            "{told}"
        );
        return;
    }
    let lines = lines_of("plugwright::host", tracing::Level::TRACE, || {
        drop(plugwright_host::Host::builder(
            plugwright_host::Policy::server(),
        ));
        for _ in 0..3 {
            drop(plugwright_host::Host::developer());
        }
    });
    let [line] = lines.as_slice() else {
        panic!("one line: {lines:?}");
    };
    assert!(
        line.starts_with("WARN message=this host is a developer's"),
        "{line}"
    );
}

#[test]
fn events_arrive_with_the_plugins_id() {
    let folder = Folder::with(&["ensemble"]);
    let lines = lines(tracing::Level::INFO, || {
        let host = folder.host();
        let soloist: Handle<dyn Player> = host.create("soloist").expect("fits");
        let chorister: Handle<dyn Player> = host.create("chorister").expect("fits");
        soloist.say(Level::Warn, "too \u{1b}[2J loud\nERROR forged");
        chorister.say(Level::Debug, "not read");
        chorister.trace(3);
        soloist.trace(4);
        // The subscriber panics, which is contained in the host.
        soloist.say(Level::Info, "out of paper");
        drop(host);
        chorister.say(Level::Error, "the host is gone");
    });
    let place = |plugin: &str, source: &str, message: &str, fields: &str| {
        format!(
            " message={message} plugin=\"org.example.{plugin}\" source={source}{fields} \
             file=fixtures/ensemble/src/"
        )
    };
    let expected = [
        "WARN".to_owned()
            + &place(
                "soloist",
                "org.example.soloist",
                "too \\u{1b}[2J loud\\nERROR forged",
                "",
            )
            + "soloist.rs line",
        "INFO".to_owned()
            + &place(
                "chorister",
                "fixture_ensemble::chorister",
                "played 3 times",
                " fields=number=3 name=chorister",
            )
            + "chorister.rs line",
        "INFO".to_owned()
            + &place(
                "soloist",
                "fixture_ensemble::soloist",
                "played 4 times",
                " fields=number=4 name=soloist",
            )
            + "soloist.rs line",
        "ERROR".to_owned()
            + &place("chorister", "org.example.chorister", "the host is gone", "")
            + "chorister.rs line",
    ];
    assert_eq!(lines, expected);
}

/// A text that is too long is cut, and says so.
#[test]
fn long_texts_are_cut() {
    const MOST: usize = 16 * 1024;
    let folder = Folder::with(&["ensemble"]);
    let lines = lines(tracing::Level::INFO, || {
        let soloist: Handle<dyn Player> = folder.host().create("soloist").expect("fits");
        for length in [MOST, MOST + 1, 2 * MOST] {
            soloist.say(Level::Warn, &"é".repeat(length));
        }
    });
    let most = "é".repeat(MOST);
    for (line, end) in lines.iter().zip(["", " [cut]", " [cut]"]) {
        let message = line.strip_prefix("WARN message=").expect("it is first");
        let (message, _) = message.split_once(" plugin=").expect("it is next");
        assert_eq!(message.strip_prefix(&most), Some(end));
    }
    assert_eq!(lines.len(), 3);
}

/// Without a subscriber a plugin's events go nowhere, and are not even put together.
#[test]
fn without_a_subscriber_nothing_happens() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Folder::with(&["ensemble"]);
    let soloist: Handle<dyn Player> = folder.host().create("soloist").expect("fits");
    soloist.say(Level::Error, "nobody hears");
    soloist.trace(1);
    assert_eq!(soloist.play(), 1);
}
