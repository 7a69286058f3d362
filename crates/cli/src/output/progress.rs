//! One line on standard error that says how far a long scan is.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthChar;

use super::escape;

/// Work that ends before this shows nothing: a line that flickers helps nobody.
const PATIENCE: Duration = Duration::from_millis(500);
/// The line is drawn at most this often.
const INTERVAL: Duration = Duration::from_millis(100);
const BAR: usize = 20;

/// Progress over a known number of files. Silent unless standard error is a terminal; erased when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    total: usize,
    next: Option<Instant>,
    drawn: bool,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn over(total: usize) -> Self {
        let next = io::stderr()
            .is_terminal()
            .then(|| Instant::now() + PATIENCE);
        Self {
            total,
            next,
            drawn: false,
        }
    }

    /// Says that `done` files are read and `path` is next.
    pub(crate) fn at(&mut self, done: usize, path: &Path) {
        let now = Instant::now();
        if self.next.is_some_and(|next| now >= next) {
            self.next = Some(now + INTERVAL);
            self.drawn = true;
            let width = terminal_size::terminal_size_of(io::stderr())
                .map_or(80, |(width, _)| usize::from(width.0));
            let line = line(done, self.total, path, width);
            let _only_a_courtesy = write!(io::stderr(), "\r\x1b[K{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn {
            let _only_a_courtesy = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// The line, cut to one column less than the terminal has, so that it never breaks.
fn line(done: usize, total: usize, path: &Path, width: usize) -> String {
    let full = (BAR * done.min(total)).checked_div(total).unwrap_or(BAR);
    let bar = format!(
        "[{}{}] {done}/{total} ",
        "#".repeat(full),
        "-".repeat(BAR - full)
    );
    let mut left = width.saturating_sub(1);
    let text = bar + &escape::path(path);
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

    #[test]
    fn the_line_says_how_far_and_fits() {
        assert_eq!(
            line(5, 10, Path::new("a\nb"), 80),
            "[##########----------] 5/10 a\\nb"
        );
        assert_eq!(
            line(0, 10, Path::new("日本日本"), 31),
            "[--------------------] 0/10 日"
        );
        assert_eq!(line(0, 0, Path::new(""), 10), "[########");
    }
}
