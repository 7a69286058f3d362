//! Looking again when the system says that a folder changed.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::Host;

/// How long nothing may happen before the folders are looked through: a file that is being copied changes many times.
const QUIET: Duration = Duration::from_millis(100);

/// How long it may take until they are, if something happens all the time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Refreshes a host when its folders change, as long as this lives: see [`Host::watch`].
#[derive(Debug)]
#[must_use = "the folders are watched as long as this lives"]
pub struct Watch {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// Why folders cannot be watched.
#[derive(Debug)]
pub struct WatchError {
    what: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.source)
    }
}

impl std::error::Error for WatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

enum Message {
    Changed,
    Stop,
}

impl Host {
    /// Looks again when something in one of the folders changes, on a thread of its own: listeners are called there. A
    /// folder that is not there yet is noticed when it is made in one that is. What happened until this returns is
    /// noticed as well.
    ///
    /// Needs the feature `watch`. Linux: inotify; changes that another machine makes to a network's file system are not
    /// told, so that [`Host::refresh`] has to be called for them. macOS: `FSEvents`.
    ///
    /// # Errors
    /// When the system gives no watch, or no thread: on Linux a user has so many (`fs.inotify.max_user_watches`).
    pub fn watch(self: &Arc<Self>) -> Result<Watch, WatchError> {
        let failed = |what: &str, source| WatchError {
            what: what.to_owned(),
            source,
        };
        let (messages, received) = channel();
        let sender = messages.clone();
        let handler = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| is_change(event.kind)) {
                // Whoever listened is gone when this fails.
                let _nobody_listens = sender.send(Message::Changed);
            }
        };
        let watcher = notify::recommended_watcher(handler)
            .map_err(|error| failed("the system gives no watch", error.into()))?;
        let mut watching = Watching {
            host: Arc::downgrade(self),
            folders: self.paths().list().map(Path::to_owned).collect(),
            watcher,
            armed: BTreeSet::new(),
        };
        watching
            .arm()
            .map_err(|error| failed("a folder cannot be watched", error.into()))?;
        // What changed before the watches were there.
        let _noticed = messages.send(Message::Changed);
        let thread = Builder::new()
            .name("plugwright-watch".to_owned())
            .spawn(move || watching.run(&received))
            .map_err(|error| failed("the system gives no thread", error.into()))?;
        let thread = Some(thread);
        Ok(Watch { messages, thread })
    }
}

/// Whether something else may be in a folder now. That files are opened is not: looking does that.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

impl Drop for Watch {
    /// Waits for a refresh that has begun. Called by a listener, on the thread itself, it does not.
    fn drop(&mut self) {
        let _is_gone = self.messages.send(Message::Stop);
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A listener that panicked has told so itself.
            let _panicked = thread.join();
        }
    }
}

struct Watching {
    host: Weak<Host>,
    folders: Vec<PathBuf>,
    watcher: RecommendedWatcher,
    armed: BTreeSet<PathBuf>,
}

impl Watching {
    fn run(mut self, received: &Receiver<Message>) {
        while let Ok(Message::Changed) = received.recv() {
            let begun = Instant::now();
            loop {
                match received.recv_timeout(QUIET) {
                    Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => break,
                    Ok(Message::Changed) if begun.elapsed() > PATIENCE => break,
                    Ok(Message::Changed) => {}
                }
            }
            // First, so that nothing happens between looking and watching. What cannot be watched now is tried again.
            let _tried_again = self.arm();
            let Some(host) = self.host.upgrade() else {
                return;
            };
            host.refresh();
        }
    }

    /// Watches every folder, or the one above it as long as it is not there.
    fn arm(&mut self) -> notify::Result<()> {
        for folder in &self.folders {
            let there = folder.ancestors().find(|folder| folder.is_dir());
            // A watch ends with its folder, and another one may be in its place: it is set anew each time. The system
            // keeps one for each folder, however often.
            if let Some(there) = there {
                self.watcher.watch(there, RecursiveMode::NonRecursive)?;
                if there == folder {
                    let above = folder.parent().filter(|above| self.armed.remove(*above));
                    if let Some(above) =
                        above.filter(|above| !self.folders.iter().any(|own| own == above))
                    {
                        // It was watched for the folder's sake only.
                        let _was_gone = self.watcher.unwatch(above);
                    }
                } else {
                    self.armed.insert(there.to_owned());
                }
            }
        }
        Ok(())
    }
}
