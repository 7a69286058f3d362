//! One line on the terminal that says how far a long scan is, from its first folder on.
//!
//! A thread of its own draws it, so that a slow file does not stop it. Nothing of the line is left behind, also when the
//! user ends the program by Ctrl-C: from the first drawing on the thread watches for that, erases the line, and lets the
//! signal do what it would have done.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use unicode_width::UnicodeWidthChar;

use super::escape;

/// Work that ends before this shows nothing: a line that flickers helps nobody.
const PATIENCE: Duration = Duration::from_millis(500);
/// The line is drawn this often.
const INTERVAL: Duration = Duration::from_millis(100);
const BAR: usize = 20;
/// To the beginning of the line, and nothing on it.
const ERASE: &str = "\r\x1b[K";

/// Progress of a scan. Silent unless standard error is a terminal; erased when dropped.
#[derive(Debug)]
pub(crate) struct Progress(Option<Drawing>);

#[derive(Debug)]
struct Drawing {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    /// Files that are found or read so far.
    files: usize,
    /// How many there are; none while nobody knows.
    total: Option<usize>,
    /// The folder or file that is next.
    place: PathBuf,
}

impl Progress {
    /// Starts the clock, if `wanted` and there is a terminal to draw on.
    pub(crate) fn start(wanted: bool) -> Self {
        if !wanted || !io::stderr().is_terminal() {
            return Self(None);
        }
        let shared = Arc::new(Shared::default());
        let drawn = Arc::clone(&shared);
        let thread = thread::Builder::new().spawn(move || drawn.draw());
        // Without a further thread there is no line: it is only a courtesy.
        Self(thread.ok().map(|thread| Drawing {
            shared,
            thread: Some(thread),
        }))
    }

    /// Says that `found` files are known so far and `folder` is next: nobody knows yet how many there are.
    pub(crate) fn looking(&self, found: usize, folder: &Path) {
        self.set(found, None, || folder.to_owned());
    }

    /// Says that `done` of `total` files are read; `path` makes the one that is next.
    pub(crate) fn reading(&self, done: usize, total: usize, path: impl FnOnce() -> PathBuf) {
        self.set(done, Some(total), path);
    }

    fn set(&self, files: usize, total: Option<usize>, place: impl FnOnce() -> PathBuf) {
        if let Some(Drawing { shared, .. }) = &self.0 {
            let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.files = files;
            state.total = total;
            state.place = place();
        }
    }
}

impl Shared {
    /// Draws until it is over, and leaves the line empty.
    fn draw(&self) {
        let signal = Arc::new(AtomicUsize::new(0));
        let mut drawn = false;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.over {
            let patience = if drawn { INTERVAL } else { PATIENCE };
            let waited = self
                .over
                .wait_timeout_while(state, patience, |state| !state.over);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = after;
            let number = signal.load(Ordering::Relaxed);
            if number != 0 {
                show(ERASE);
                end_by(number);
            }
            if !timeout.timed_out() {
                continue;
            }
            if !drawn {
                drawn = true;
                watch(&signal);
            }
            let width = terminal_size::terminal_size_of(io::stderr());
            let width = width.map_or(80, |(width, _)| usize::from(width.0));
            show(&format!("{ERASE}{}", state.line(width)));
        }
        if drawn {
            show(ERASE);
        }
    }
}

/// Lets the signals that users end programs by set `signal` from now on.
fn watch(signal: &Arc<AtomicUsize>) {
    for (number, value) in [(SIGINT, 1), (SIGTERM, 2)] {
        // Where this fails, the signal ends the program as ever, and the line stays behind.
        let _registered = signal_hook::flag::register_usize(number, Arc::clone(signal), value);
    }
}

/// Ends the program by the signal that [`watch`] noted, as if nobody had watched for it.
fn end_by(number: usize) {
    let signal = if number == 1 { SIGINT } else { SIGTERM };
    let _does_not_return = signal_hook::low_level::emulate_default_handler(signal);
}

fn show(text: &str) {
    let _only_a_courtesy = io::stderr().write_all(text.as_bytes());
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Some(drawing) = &mut self.0 else { return };
        let state = drawing.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner).over = true;
        drawing.shared.over.notify_one();
        if let Some(thread) = drawing.thread.take() {
            let _only_a_courtesy = thread.join();
        }
    }
}

impl State {
    /// The line, for a terminal of so many columns.
    fn line(&self, width: usize) -> String {
        let before = match self.total {
            Some(total) => bar(self.files, total),
            None => format!("{} files found ", self.files),
        };
        line(&before, &self.place, width)
    }
}

fn bar(done: usize, total: usize) -> String {
    let full = (BAR * done.min(total)).checked_div(total).unwrap_or(BAR);
    format!(
        "[{}{}] {done}/{total} ",
        "#".repeat(full),
        "-".repeat(BAR - full)
    )
}

/// The line, cut to one column less than the terminal has, so that it never breaks.
fn line(before: &str, path: &Path, width: usize) -> String {
    let mut left = width.saturating_sub(1);
    let text = before.to_owned() + &escape::path(path);
    text.chars()
        .take_while(|character| {
            let wide = character.width().unwrap_or(0);
            let fits = wide <= left;
            left = left.saturating_sub(wide);
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(done: usize, total: usize, path: &str, width: usize, expected: &str) {
        assert_eq!(line(&bar(done, total), Path::new(path), width), expected);
    }

    #[test]
    fn the_line_says_how_far_and_fits() {
        check(5, 10, "a\nb", 80, "[##########----------] 5/10 a\\nb");
        check(0, 10, "日本日本", 31, "[--------------------] 0/10 日");
        check(0, 0, "", 10, "[########");
    }
}
