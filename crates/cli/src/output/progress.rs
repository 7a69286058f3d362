//! One line on standard error that says how far a long scan is, from its first folder on.

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

/// Progress of a scan. Silent unless standard error is a terminal; erased when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    next: Option<Instant>,
    drawn: bool,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        let next = io::stderr()
            .is_terminal()
            .then(|| Instant::now() + PATIENCE);
        Self { next, drawn: false }
    }

    /// Says that `found` files are known so far and `folder` is next: nobody knows yet how many there are.
    pub(crate) fn looking(&mut self, found: usize, folder: &Path) {
        self.draw(|width| line(&format!("{found} files found "), folder, width));
    }

    /// Says that `done` of `total` files are read and `path` is next.
    pub(crate) fn reading(&mut self, done: usize, total: usize, path: &Path) {
        self.draw(|width| line(&bar(done, total), path, width));
    }

    /// Draws, if it is time, what `line` makes for a terminal of so many columns.
    fn draw(&mut self, line: impl FnOnce(usize) -> String) {
        let now = Instant::now();
        if self.next.is_some_and(|next| now >= next) {
            self.next = Some(now + INTERVAL);
            self.drawn = true;
            let width = terminal_size::terminal_size_of(io::stderr())
                .map_or(80, |(width, _)| usize::from(width.0));
            let _only_a_courtesy = write!(io::stderr(), "\r\x1b[K{}", line(width));
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
