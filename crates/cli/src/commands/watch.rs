//! `plugwright watch`: what comes, changes and goes in folders with plugins.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use plugwright_host::Change;
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use super::places::Places;
use super::report::PathText;
use crate::exit::Exit;
use crate::output::{self, Output, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright watch /opt/press/plugins
  plugwright watch --count 1 --format jsonl build/plugins | jq .version";

/// Print what comes, changes and goes in folders with plugins, until it is interrupted
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, override_usage = "plugwright watch [OPTIONS] [DIR]...")]
pub(crate) struct Watch {
    #[command(flatten)]
    places: Places,

    /// End, with exit code 0, after so many changes
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// Lines for people, or one JSON object in each as docs/cli.md describes it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Jsonl,
}

/// A change as JSON has it.
#[derive(Debug, Serialize)]
struct Line {
    change: &'static str,
    id: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_before: Option<String>,
    #[serde(flatten)]
    path: Option<PathText>,
}

impl Line {
    fn of(change: &Change) -> Self {
        let plugin = change.plugin();
        let (kind, before) = match change {
            Change::Added(_) => ("added", None),
            Change::Removed(_) => ("removed", None),
            Change::Changed { before, .. } => ("changed", Some(before.version().to_string())),
            _ => ("other", None),
        };
        Self {
            change: kind,
            id: plugin.id().to_string(),
            version: plugin.version().to_string(),
            version_before: before,
            path: plugin.origin().path().map(PathText::from),
        }
    }
}

/// What the program waits for.
enum Message {
    Change(Change),
    End,
}

impl Watch {
    /// Watches, and prints each change as it comes.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let host = Arc::new(self.places.host());
        let (sender, messages) = channel();
        if let Err(error) = end_on_signals(sender.clone()) {
            output::complain(&format!(
                "the system gives no way to be interrupted: {error}"
            ));
            return Ok(Exit::Problems);
        }
        host.listen(move |change| {
            // Nobody receives when the program is about to end.
            let _nobody_receives = sender.send(Message::Change(change.clone()));
        });
        let watch = match host.watch() {
            Ok(watch) => watch,
            Err(error) => {
                output::complain(&escape::sentence(&error.to_string()));
                return Ok(Exit::Problems);
            }
        };
        // Whoever starts the program from a script knows by this that nothing is missed from now on.
        for folder in host.paths().list() {
            let missing = if folder.is_dir() {
                ""
            } else {
                ", which is not there yet"
            };
            output::complain(&format!("watching {}{missing}", escape::path(folder)));
        }
        for message in messages.iter().take(self.count.unwrap_or(usize::MAX)) {
            let Message::Change(change) = message else {
                break;
            };
            match self.format {
                Format::Text => output.line(&escape::sentence(&change.to_string()))?,
                Format::Jsonl => output.json_line(&Line::of(&change))?,
            }
            output.flush()?;
        }
        drop(watch);
        Ok(Exit::Good)
    }
}

/// Lets the signals that users end programs by send [`Message::End`], so that what is printed is whole lines.
fn end_on_signals(sender: Sender<Message>) -> io::Result<()> {
    let (mut received, sent) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        pipe::register(signal, sent.try_clone()?)?;
    }
    thread::Builder::new().spawn(move || {
        // A failure means that no signal can arrive any more; ending is the safe answer to that, too.
        let _arrived = received.read_exact(&mut [0]);
        let _nobody_receives = sender.send(Message::End);
    })?;
    Ok(())
}
