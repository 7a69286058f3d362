//! Tables that fit: on a terminal, cells that are too wide are broken into lines; elsewhere nothing is.

use std::io;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: usize = 2;
/// A column is never made narrower than this; a terminal that is still too narrow breaks the lines itself.
const NARROWEST: usize = 8;

/// Rows of cells under a heading each. Cells hold escaped text.
///
/// A listing can have very many rows, so that all text is kept in one piece.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    text: String,
    /// Where the cells end in `text`, row by row.
    ends: Vec<usize>,
    /// The widths of the widest cells.
    widest: [usize; N],
}

impl<const N: usize> Table<N> {
    /// A table with a heading above each column.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        let mut table = Self {
            text: String::new(),
            ends: Vec::new(),
            widest: [0; N],
        };
        for heading in headings {
            table.cell(|text| text.push_str(heading));
        }
        table
    }

    /// Adds the next cell of a row, or the first of a new one: what `write` appends.
    pub(crate) fn cell(&mut self, write: impl FnOnce(&mut String)) {
        let column = self.ends.len() % N;
        let start = self.text.len();
        write(&mut self.text);
        self.ends.push(self.text.len());
        self.widest[column] = columns(&self.text[start..]).max(self.widest[column]);
    }

    /// The number of rows below the headings.
    pub(crate) fn len(&self) -> usize {
        self.ends.len() / N - 1
    }

    /// Hands `print` the lines of the table for a terminal of `width` columns, or for a reader that takes lines of any
    /// length. The first line is the headings'. Lines end with their last visible character.
    pub(crate) fn print(
        &self,
        width: Option<usize>,
        mut print: impl FnMut(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        let widths = self.widths(width);
        let mut start = 0;
        let mut line = String::new();
        for ends in self.ends.chunks_exact(N) {
            let mut cells = [""; N];
            for (cell, end) in cells.iter_mut().zip(ends) {
                *cell = &self.text[start..*end];
                start = *end;
            }
            if widths == self.widest {
                print(laid_out(&mut line, cells, widths))?;
                continue;
            }
            let mut lines: [Vec<&str>; N] = [const { Vec::new() }; N];
            for ((lines, cell), width) in lines.iter_mut().zip(cells).zip(widths) {
                *lines = broken(cell, width);
            }
            let height = lines.iter().map(Vec::len).max().unwrap_or(1);
            for number in 0..height {
                for (cell, lines) in cells.iter_mut().zip(&lines) {
                    *cell = lines.get(number).copied().unwrap_or_default();
                }
                print(laid_out(&mut line, cells, widths))?;
            }
        }
        Ok(())
    }

    /// As wide as the widest cell; then the widest column is narrowed until all fit.
    fn widths(&self, width: Option<usize>) -> [usize; N] {
        let mut widths = self.widest;
        let Some(available) = width else {
            return widths;
        };
        let gaps = GAP * (N - 1);
        while widths.iter().sum::<usize>() + gaps > available {
            let Some(widest) = widths.iter_mut().max() else {
                break;
            };
            if *widest <= NARROWEST {
                break;
            }
            *widest -= 1;
        }
        widths
    }
}

/// One line with a cell in each column, without the space behind the last.
fn laid_out<'l, const N: usize>(
    line: &'l mut String,
    cells: [&str; N],
    widths: [usize; N],
) -> &'l str {
    const SPACES: &str = "                                ";
    line.clear();
    let (mut column, mut used) = (0_usize, 0);
    for (cell, width) in cells.into_iter().zip(widths) {
        if !cell.is_empty() {
            let mut missing = column.saturating_sub(used);
            while missing > 0 {
                let some = missing.min(SPACES.len());
                line.push_str(&SPACES[..some]);
                missing -= some;
            }
            line.push_str(cell);
            used = column + columns(cell);
        }
        column += width + GAP;
    }
    line.trim_end()
}

/// The lines of a cell, none wider than `width`; broken after a space or a sign between words where
/// one is not too far from the end.
fn broken(cell: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = cell;
    while columns(rest) > width {
        let fitting = fitting(rest, width);
        let softly = rest[..fitting]
            .rfind([' ', ',', '/', '.', '-'])
            .map(|at| at + 1)
            .filter(|at| *at * 3 > fitting);
        let (line, after) = rest.split_at(softly.unwrap_or(fitting));
        lines.push(line.trim_end());
        rest = after;
    }
    lines.push(rest);
    lines
}

/// How many columns escaped text takes. What is all ASCII has no controls any more, and needs no tables.
fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// How many bytes of `text` fit into `width` columns: at least one character, so that breaking goes on.
fn fitting(text: &str, width: usize) -> usize {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > width && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new(["ID", "KEYS", "WHERE"]);
        for cell in [
            "org.example.zstd",
            "zstd, zst",
            "/usr/lib/press/libpress_zstd.so",
            "日本",
            "",
            "x",
        ] {
            table.cell(|text| text.push_str(cell));
        }
        table
    }

    fn lines(width: Option<usize>) -> Vec<String> {
        let mut lines = Vec::new();
        let mut print = |line: &str| {
            lines.push(line.to_owned());
            Ok(())
        };
        table()
            .print(width, &mut print)
            .expect("a vector takes all");
        lines
    }

    #[test]
    fn without_a_terminal_nothing_is_broken() {
        insta::assert_snapshot!(lines(None).join("\n"), @r"
        ID                KEYS       WHERE
        org.example.zstd  zstd, zst  /usr/lib/press/libpress_zstd.so
        日本                         x
        ");
    }

    #[test]
    fn on_a_terminal_the_widest_column_is_broken() {
        let lines = lines(Some(46));
        assert!(lines.iter().all(|line| line.width() <= 46), "{lines:#?}");
        insta::assert_snapshot!(lines.join("\n"), @r"
        ID                KEYS       WHERE
        org.example.zstd  zstd, zst  /usr/lib/press/
                                     libpress_zstd.so
        日本                         x
        ");
    }

    #[test]
    fn a_terminal_too_narrow_for_anything_still_gets_all_text() {
        let text: String = lines(Some(1)).concat().split_whitespace().collect();
        assert!(text.contains("日本"), "{text}");
        assert!(lines(Some(0)).len() > 3);
    }
}
