//! A listing on its way out: each file's answer is laid out as soon as it comes, and only its text is kept, if anything.

use std::io;

use serde::Serialize;

use super::Format;
use super::plugin::HEADINGS;
use super::read::{Answer, Passed};
use crate::commands::report::{PathText, Trouble};
use crate::exit::Exit;
use crate::output::table::Table;
use crate::output::{Output, Style, json};
use crate::walk::Scan;

/// How much was looked at without being a plugin or a problem.
#[derive(Debug, Default, Serialize)]
struct PassedOver {
    libraries: usize,
    other_files: usize,
    folder_links: usize,
    folders_below: usize,
}

/// Something about a file.
#[derive(Debug, Serialize)]
struct Located<'a> {
    #[serde(flatten)]
    path: &'a PathText,
    #[serde(flatten)]
    what: &'a Trouble,
}

/// The last line of a stream.
#[derive(Debug, Serialize)]
struct Rest<'a> {
    passed_over: &'a PassedOver,
}

/// What there is so far.
#[derive(Debug)]
pub(super) struct Listing<'o> {
    output: &'o mut Output,
    layout: Layout,
    plugins: usize,
    problems: usize,
    passed_over: PassedOver,
}

/// What is kept until the end, by format.
#[derive(Debug)]
enum Layout {
    /// The width of a column is known after the last row only. The problems follow the table, laid out as lines.
    Table {
        table: Table<{ HEADINGS.len() }>,
        problems: String,
    },
    /// The problems' array follows that of the plugins; its elements as they will be printed.
    Json { problems: Vec<u8> },
    /// Nothing.
    Lines,
}

impl<'o> Listing<'o> {
    /// A listing in `format` of what the scan found.
    pub(super) fn new(format: Format, scan: &Scan, output: &'o mut Output) -> Self {
        Self {
            output,
            layout: match format {
                Format::Table => Layout::Table {
                    table: Table::new(HEADINGS),
                    problems: String::new(),
                },
                Format::Json => Layout::Json {
                    problems: Vec::new(),
                },
                Format::Jsonl => Layout::Lines,
            },
            plugins: 0,
            problems: 0,
            passed_over: PassedOver {
                folder_links: scan.folder_links,
                folders_below: scan.folders_below,
                ..PassedOver::default()
            },
        }
    }

    /// Takes the next files' answers.
    pub(super) fn take(&mut self, answers: Vec<Answer>) -> io::Result<()> {
        for answer in answers {
            match answer.passed {
                Some(Passed::Library) => self.passed_over.libraries += 1,
                Some(Passed::OtherFile) => self.passed_over.other_files += 1,
                None => {}
            }
            self.plugins(&answer)?;
            let mut problems = answer.problems.as_slice();
            while let [what, rest @ ..] = problems {
                // In a table one line says what is told of a damaged file over and over.
                let is_like = |other: &&Trouble| self.is_table() && other.is_like(what);
                let more = rest.iter().take_while(is_like).count();
                let path = &answer.path;
                self.problem(&Located { path, what }, more)?;
                problems = rest.get(more..).unwrap_or_default();
            }
        }
        match self.layout {
            // A table's rows are not there yet.
            Layout::Table { .. } => Ok(()),
            Layout::Json { .. } | Layout::Lines => self.output.flush(),
        }
    }

    /// The plugins of one file.
    fn plugins(&mut self, answer: &Answer) -> io::Result<()> {
        if answer.plugins.is_empty() {
            return Ok(());
        }
        let is_first = self.plugins == 0;
        self.plugins += answer.plugins.len();
        let path = &answer.path;
        let mut listed = answer.plugins.iter().map(|plugin| plugin.listed(path));
        match &mut self.layout {
            Layout::Table { table, .. } => {
                let path = path.shown();
                for plugin in &answer.plugins {
                    plugin.add_row(&path, table);
                }
                Ok(())
            }
            Layout::Json { .. } => (0..).zip(listed).try_for_each(|(number, plugin)| {
                let mut text = Vec::new();
                element(&mut text, &plugin)?;
                let before = match (is_first, number) {
                    (true, 0) => "{\n  \"plugins\": [",
                    _ => ",",
                };
                self.output.text(before.as_bytes())?;
                self.output.text(&text)
            }),
            Layout::Lines => listed.try_for_each(|plugin| self.output.json_line(&plugin)),
        }
    }

    const fn is_table(&self) -> bool {
        matches!(self.layout, Layout::Table { .. })
    }

    /// A problem, and how many `more` there are like it.
    fn problem(&mut self, problem: &Located<'_>, more: usize) -> io::Result<()> {
        self.problems += 1 + more;
        match &mut self.layout {
            Layout::Table { problems, .. } => {
                let mark = self.output.styled(Style::Problem, "problem:");
                let (path, line) = (problem.path.shown(), problem.what.line());
                let more = match more {
                    0 => String::new(),
                    more => format!("; {more} more of these, which `plugwright inspect` tells"),
                };
                for part in [&*mark, " ", &*path, ": ", &*line, &*more, "\n"] {
                    problems.push_str(part);
                }
                Ok(())
            }
            Layout::Json { problems } => {
                if self.problems > 1 {
                    problems.push(b',');
                }
                element(problems, problem)
            }
            Layout::Lines => self.output.json_line(problem),
        }
    }

    /// Prints what was kept.
    pub(super) fn finish(self) -> io::Result<Exit> {
        let summary = self.summary();
        let output = self.output;
        match self.layout {
            Layout::Table { table, problems } => {
                let mut first = true;
                let width = output.width();
                if table.len() > 0 {
                    table.print(width, |line| {
                        let style = std::mem::take(&mut first).then_some(Style::Heading);
                        match style {
                            Some(style) => output.line(&output.styled(style, line)),
                            None => output.line(line),
                        }
                    })?;
                }
                output.text(problems.as_bytes())?;
                output.line(&output.styled(Style::Dim, &summary))?;
            }
            Layout::Json { problems } => {
                let plugins = match self.plugins {
                    0 => "{\n  \"plugins\": []",
                    _ => "\n  ]",
                };
                output.text(plugins.as_bytes())?;
                output.text(b",\n  \"passed_over\": ")?;
                let mut counts = Vec::new();
                json::write_indented(&mut counts, "  ", &self.passed_over)?;
                output.text(&counts)?;
                output.text(b",\n  \"problems\": [")?;
                output.text(&problems)?;
                let end: &[u8] = if problems.is_empty() {
                    b"]\n}\n"
                } else {
                    b"\n  ]\n}\n"
                };
                output.text(end)?;
            }
            Layout::Lines => output.json_line(&Rest {
                passed_over: &self.passed_over,
            })?,
        }
        Ok(if self.problems == 0 {
            Exit::Good
        } else {
            Exit::Problems
        })
    }

    fn summary(&self) -> String {
        let PassedOver {
            libraries,
            other_files,
            folder_links,
            folders_below,
        } = self.passed_over;
        let counts = [
            (self.plugins, "plugin", "plugins"),
            (self.problems, "problem", "problems"),
            (
                libraries,
                "library without a plugin",
                "libraries without a plugin",
            ),
            (other_files, "other file", "other files"),
            (
                folder_links,
                "link to a folder, not followed",
                "links to folders, not followed",
            ),
            (
                folders_below,
                "folder below, not looked into without --recursive",
                "folders below, not looked into without --recursive",
            ),
        ];
        // The first two are said also where they are none.
        let told = counts
            .iter()
            .enumerate()
            .filter(|(place, (number, ..))| *place < 2 || *number > 0);
        let told: Vec<String> = told
            .map(|(_, (number, one, many))| {
                format!("{number} {}", if *number == 1 { one } else { many })
            })
            .collect();
        told.join("; ")
    }
}

/// Writes an element of an array that is a member of the one object.
fn element(text: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    text.extend_from_slice(b"\n    ");
    json::write_indented(text, "    ", value)
}
