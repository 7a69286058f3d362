//! `plugwright why`: what a library brings in, and why it would not load.

mod answer;
mod architecture;
mod many;
mod tree;

use std::io;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};

use plugwright_inspect::Format as FileFormat;
use plugwright_inspect::closure::{Closure, Closures, Search};

use super::report;
use crate::exit::Exit;
use crate::output::{self, Output, escape};
use answer::Answer;

const EXAMPLES: &str = "\
Examples:
  plugwright why libthing.so
  plugwright why --library-path build/lib:/opt/app/lib libthing.so
  plugwright why --format json libthing.so | jq '.problems[].library'
  plugwright why --recursive /opt/app    what of it would not load";

/// Tell what libraries bring in when they are loaded, and why they would not load
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Why {
    /// A library or program; of several, and of folders, only what would not load is told
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Look into all folders below, too
    #[arg(long, short)]
    recursive: bool,

    /// Do not look at files and folders of these names, or, with a slash in the pattern, of these paths
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<glob::Pattern>,

    /// Folders of `LD_LIBRARY_PATH`, separated by colons; the variable itself is not read
    #[arg(long, value_name = "FOLDERS", value_delimiter = ':')]
    library_path: Vec<PathBuf>,

    /// Read on so many threads [default: one for each processor, fewer for few files]. The output is the same
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU8>,

    /// A tree for people; JSON as docs/cli.md describes it: an object for one file, an array for several and for
    /// folders; or always a line per file
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Jsonl,
}

impl Why {
    /// Finds the closures and prints them.
    #[expect(
        clippy::disallowed_methods,
        reason = "the loader takes relative folders against the current one, so the answer has to"
    )]
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let Some(mut search) = Search::host() else {
            output::complain("why knows the loaders of systems with ELF libraries only");
            return Ok(Exit::Problems);
        };
        search.library_path.clone_from(&self.library_path);
        search.current_folder = std::env::current_dir().ok();
        let closures = Closures::new(search);
        match self.files.as_slice() {
            [file] if !file.is_dir() => self.one(file, &closures, output),
            _ => self.many(&closures, output),
        }
    }

    fn one(&self, file: &Path, closures: &Closures, output: &mut Output) -> io::Result<Exit> {
        let closure = closure_of(file, closures);
        match self.format {
            Format::Text => match other_format(file) {
                Some(format) => {
                    let (file, format) = (escape::path(file), report::format(format));
                    output.line(&format!(
                        "{file} would not load: its format is {format}, and this system loads ELF"
                    ))?;
                }
                None => tree::print(file, &closure, output)?,
            },
            Format::Json => output.json(&Answer::of(file, &closure))?,
            Format::Jsonl => output.json_line(&Answer::of(file, &closure))?,
        }
        Ok(if closure.would_load() {
            Exit::Good
        } else {
            Exit::Problems
        })
    }
}

/// The format of a library that no loader of ELF libraries takes.
fn other_format(file: &Path) -> Option<FileFormat> {
    let format = architecture::of_file(file)?.format;
    (format != FileFormat::Elf).then_some(format)
}

/// The closure of a file, whose path may be relative.
fn closure_of(file: &Path, closures: &Closures) -> Closure {
    let path = std::path::absolute(file);
    closures.of(path.as_deref().unwrap_or(file))
}
