//! Everything that this program prints goes through here: results, errors, the progress line.
//!
//! Invariants: nothing that a file or its name contains reaches a terminal unescaped ([`escape`], [`json`]); colours
//! and the progress line appear on terminals only; a reader that closes the pipe ends the program quietly.

pub(crate) mod demangle;
pub(crate) mod escape;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod table;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

/// Colours of terminals, used for headings and for what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Heading,
    Problem,
    Dim,
}

/// Standard output with what is known of the terminal behind it.
#[derive(Debug)]
pub(crate) struct Output {
    stream: BufWriter<StdoutLock<'static>>,
    terminal: bool,
    colours: bool,
    width: Option<usize>,
}

impl Output {
    /// Looks at the terminal and at `NO_COLOR` and `TERM`, once.
    pub(crate) fn open() -> Self {
        let terminal = io::stdout().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|name| name != "dumb");
        let width = terminal.then(terminal_size::terminal_size).flatten();
        Self {
            stream: BufWriter::new(io::stdout().lock()),
            terminal,
            colours: terminal && wanted,
            width: width.map(|(terminal_size::Width(columns), _)| usize::from(columns)),
        }
    }

    /// The columns of the terminal; `None` where the output is not one, so that nothing is broken into lines there.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether somebody may be looking at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints a line. The caller has escaped what came from a file.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes())?;
        self.stream.write_all(b"\n")
    }

    /// Prints text of the program's own, in lines already.
    pub(crate) fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.stream.write_all(text)
    }

    /// `text` in a style, where there are colours.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Heading => "1",
            Style::Problem => "31",
            Style::Dim => "2",
        };
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Prints a value as JSON, in several lines.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        json::write_pretty(&mut self.stream, value)?;
        self.stream.write_all(b"\n")
    }

    /// Prints a value as JSON as Qt's programs lay it out, after the beginning of a line.
    pub(crate) fn qt_json_after(
        &mut self,
        start: &str,
        value: &impl serde::Serialize,
    ) -> io::Result<()> {
        write!(self.stream, "{start}")?;
        json::write_as_qt(&mut self.stream, value)?;
        self.stream.write_all(b"\n")
    }

    /// Prints a value as JSON, in one line.
    pub(crate) fn json_line(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        json::write_compact(&mut self.stream, value)?;
        self.stream.write_all(b"\n")
    }

    /// Hands what is printed so far to the reader.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }

    /// Hands everything to the reader; a failure to write is known only after this.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Prints an error of the program itself. There is nobody left to tell if that fails.
pub(crate) fn complain(text: &str) {
    let _nobody_listens = writeln!(io::stderr(), "plugwright: {text}");
}

/// Prints what clap has to say: help and version to the output, wrong usage to the errors.
pub(crate) fn usage(error: &clap::Error) -> io::Result<()> {
    error.print()?;
    io::stdout().flush()
}
