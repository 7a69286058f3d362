//! `plugwright list`: every plugin in some folders, by what their files say.

mod filter;
mod kept;
mod listing;
mod plugin;
mod read;

use std::io;
use std::num::NonZeroU8;
use std::path::PathBuf;

use crate::exit::Exit;
use crate::output::Output;
use crate::output::progress::Progress;
use crate::parallel::{self, Work};
use crate::walk::{self, Depth};
use filter::Filter;
use kept::{After, Before};
use listing::Listing;

const EXAMPLES: &str = "\
Examples:
  plugwright list /usr/lib/app/plugins
  plugwright list --recursive /usr/lib/x86_64-linux-gnu/qt6/plugins
  plugwright list --recursive --kind qt --key gif --exclude '*.debug' /usr/lib
  plugwright list --kind gstreamer /usr/lib/x86_64-linux-gnu/gstreamer-1.0
  plugwright list --metadata /MimeTypes=image/gif --format jsonl .
  plugwright list --format json . | jq '.plugins[].keys'";

/// List the plugins in folders: Plugwright's, Qt's, and with --kind those of other systems
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct List {
    /// Folders to look into, or single files
    #[arg(value_name = "DIR", default_value = ".")]
    folders: Vec<PathBuf>,

    /// Look into all folders below, too
    #[arg(long, short)]
    recursive: bool,

    /// Do not look at files and folders of these names, or, with a slash in the pattern, of these paths
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<glob::Pattern>,

    #[command(flatten)]
    filter: Filter,

    /// Only what is wrong, no plugins
    #[arg(long)]
    problems: bool,

    /// Read on so many threads [default: one for each processor, fewer for few files]. The output is the same
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU8>,

    /// Read every file anew. Without it, what earlier listings of many files read is kept in this user's folder for caches, and
    /// a file that is the same is not opened. The output is the same
    #[arg(long)]
    no_registry: bool,

    /// A table for people; JSON as docs/cli.md describes it: one object, or one line for each plugin and problem as
    /// soon as it is found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Jsonl,
}

impl List {
    /// Scans and prints.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let depth = if self.recursive {
            Depth::Recursive
        } else {
            Depth::Flat
        };
        // A table comes after the scan; other formats show themselves how far it is, where anybody looks at them.
        let progress = Progress::start(self.format == Format::Table || !output.is_terminal());
        let scan = walk::scan(&self.folders, depth, &self.exclude, &mut |found, folder| {
            progress.looking(found, folder);
        });
        let count = scan.len();
        let threads = self.threads.map_or_else(
            || parallel::threads_for(count, Work::Reading),
            |threads| threads.get().into(),
        );
        let mut listing = Listing::new(self.format, &scan, output);
        let mut done = 0;
        let before = Before::of(self, &scan);
        let mut after = After::default();
        parallel::in_order(
            count,
            threads,
            |at| self.read(&scan, at, before.as_ref()),
            |mut answers| {
                done += answers.len();
                progress.reading(done, count, || scan.item(done.min(count - 1)).0);
                if before.is_some() {
                    for answer in &mut answers {
                        after.take(answer.kept.take(), answer.is_new);
                    }
                }
                listing.take(answers)
            },
        )?;
        drop(progress); // before the first line of the result
        let exit = listing.finish()?;
        if let Some(before) = before {
            before.store(&scan, after);
        }
        Ok(exit)
    }
}
