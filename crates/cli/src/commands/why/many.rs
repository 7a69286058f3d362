//! `plugwright why` for several files and for folders: what of them would not load. The closures share what they read.

use std::io;
use std::path::{Path, PathBuf};

use plugwright_inspect::Group;
use plugwright_inspect::closure::{Closure, ClosureProblem, ClosureProblemKind, Closures};

use super::answer::Answer;
use super::{Format, Why, closure_of, tree};
use crate::commands::report::Trouble;
use crate::exit::Exit;
use crate::output::progress::Progress;
use crate::output::{Output, Style, escape, json};
use crate::parallel::{self, Work};
use crate::walk::{self, Depth, Item, Scan};

/// What there is to say of a file or folder.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A library or program that would load.
    Loads,
    /// One that would not.
    Fails(Box<Closure>),
    /// No library, and it does not claim to be one.
    OtherFile,
    /// A folder that could not be read.
    Folder(Trouble),
}

/// How many there are of each.
#[derive(Debug, Default)]
struct Counts {
    loads: usize,
    fails: usize,
    /// Of those that fail the ones that miss nothing but symbols, which the program that loads them may define.
    only_symbols: usize,
    other_files: usize,
    folders: usize,
    folder_links: usize,
    folders_below: usize,
}

impl Why {
    /// Finds the closures of all files and prints what each format is for.
    pub(super) fn many(&self, closures: &Closures, output: &mut Output) -> io::Result<Exit> {
        let depth = if self.recursive {
            Depth::Recursive
        } else {
            Depth::Flat
        };
        // What would not load appears as soon as it is known, where anybody looks at it.
        let progress = Progress::start(!output.is_terminal());
        let scan = walk::scan(&self.files, depth, &self.exclude, &mut |found, folder| {
            progress.looking(found, folder);
        });
        let count = scan.len();
        let threads = self.threads.map_or_else(
            || parallel::threads_for(count, Work::Closure),
            |threads| threads.get().into(),
        );
        let mut counts = Counts {
            folder_links: scan.folder_links,
            folders_below: scan.folders_below,
            ..Counts::default()
        };
        let mut done = 0;
        if self.format == Format::Json {
            output.text(b"[")?;
        }
        parallel::in_order(
            count,
            threads,
            |at| self.answer(&scan, at, closures),
            |answers| {
                done += answers.len();
                progress.reading(done, count, || scan.item(done.min(count - 1)).0);
                for (found, text) in answers {
                    counts.add(&found.what);
                    match self.format {
                        Format::Text => print(&found, counts.wrong() == 1, output)?,
                        Format::Json if text.is_empty() => {}
                        Format::Json => {
                            let first = counts.told() == 1;
                            output.text(if first { b"\n  ".as_slice() } else { b",\n  " })?;
                            output.text(&text)?;
                        }
                        Format::Jsonl => output.text(&text)?,
                    }
                }
                output.flush()
            },
        )?;
        drop(progress); // before the last line of the result
        match self.format {
            Format::Text => {
                if counts.wrong() > 0 {
                    output.line("")?;
                }
                output.line(&output.styled(Style::Dim, &counts.summary()))?;
            }
            Format::Json if counts.told() > 0 => output.text(b"\n]\n")?,
            Format::Json => output.text(b"]\n")?,
            Format::Jsonl => {}
        }
        Ok(if counts.wrong() == 0 {
            Exit::Good
        } else {
            Exit::Problems
        })
    }

    /// What the item at `at` has for the result, and its text where that is JSON.
    fn answer(&self, scan: &Scan, at: usize, closures: &Closures) -> (Found, Vec<u8>) {
        let (path, item) = scan.item(at);
        let mut text = Vec::new();
        let what = match item {
            Item::Unreadable(error) => {
                let trouble = Trouble::of_folder(error);
                self.write(&Answer::of_folder(&path), &mut text);
                What::Folder(trouble)
            }
            Item::File => {
                let closure = closure_of(&path, closures);
                if scan.is_from_a_folder(at) && is_no_library(&closure, &path) {
                    What::OtherFile
                } else {
                    self.write(&Answer::of(&path, &closure), &mut text);
                    if closure.would_load() {
                        What::Loads
                    } else {
                        What::Fails(Box::new(closure))
                    }
                }
            }
        };
        (Found { path, what }, text)
    }

    fn write(&self, answer: &Answer<'_>, text: &mut Vec<u8>) {
        let written = match self.format {
            Format::Text => Ok(()),
            Format::Json => json::write_indented(text, "  ", answer),
            Format::Jsonl => json::write_compact(&mut *text, answer).map(|()| text.push(b'\n')),
        };
        debug_assert!(written.is_ok(), "memory takes every text");
    }
}

/// Whether a file in a folder is none of those that were asked about: no library of such a system, or no library at all.
fn is_no_library(closure: &Closure, path: &Path) -> bool {
    let is_foreign = |told: &ClosureProblem| {
        let mut faults = told.faults.iter();
        told.kind == ClosureProblemKind::Damaged
            && faults.all(|fault| fault.code.group() == Group::Foreign)
    };
    let first = closure.problems.first();
    first.is_some_and(|told| told.index == 0 && is_foreign(told))
        && !walk::claims_to_be_an_elf_library(path)
}

/// Prints why a file would not load; nothing of others.
fn print(found: &Found, first: bool, output: &mut Output) -> io::Result<()> {
    match &found.what {
        What::Loads | What::OtherFile => Ok(()),
        What::Fails(closure) => {
            if !first {
                output.line("")?;
            }
            tree::print_reasons(&found.path, closure, output)
        }
        What::Folder(trouble) => {
            if !first {
                output.line("")?;
            }
            let path = escape::path(&found.path);
            output.line(&output.styled(Style::Problem, &format!("{path}: {}", trouble.line())))
        }
    }
}

impl Counts {
    /// Counts one more.
    fn add(&mut self, what: &What) {
        match what {
            What::Loads => self.loads += 1,
            What::Fails(closure) => {
                let symbols = |kind| kind == ClosureProblemKind::UndefinedSymbol;
                let only = closure.problems.iter().all(|told| symbols(told.kind));
                self.fails += 1;
                self.only_symbols += usize::from(only);
            }
            What::OtherFile => self.other_files += 1,
            What::Folder(_) => self.folders += 1,
        }
    }

    /// Those about which JSON has an object.
    fn told(&self) -> usize {
        self.loads + self.wrong()
    }

    /// Those for which the program ends with a problem.
    fn wrong(&self) -> usize {
        self.fails + self.folders
    }

    fn summary(&self) -> String {
        let fails = match (self.fails, self.only_symbols) {
            (fails, 0) => format!("{fails} would not"),
            (fails, symbols) => format!(
                "{fails} would not, {symbols} of these for undefined symbols alone, which a program may define"
            ),
        };
        let mut told = format!("{} would load; {fails}", self.loads);
        for (number, one, many) in [
            (
                self.folders,
                "folder that cannot be read",
                "folders that cannot be read",
            ),
            (self.other_files, "other file", "other files"),
            (
                self.folder_links,
                "link to a folder, not followed",
                "links to folders, not followed",
            ),
            (
                self.folders_below,
                "folder below, not looked into without --recursive",
                "folders below, not looked into without --recursive",
            ),
        ] {
            if number > 0 {
                told = format!("{told}; {number} {}", if number == 1 { one } else { many });
            }
        }
        told
    }
}
