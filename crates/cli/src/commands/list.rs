//! `plugwright list`: every plugin in some folders, by what their files say.

mod filter;

use std::io;
use std::path::{Path, PathBuf};

use plugwright_inspect::{Group, Image, Links};
use plugwright_manifest::Role;
use serde::Serialize;
use serde_json::Value;

use super::report::{PathText, Trouble};
use crate::exit::Exit;
use crate::output::progress::Progress;
use crate::output::table::Table;
use crate::output::{Output, Style, escape};
use crate::walk::{self, Depth, Scan};
use filter::Filter;

const EXAMPLES: &str = "\
Examples:
  plugwright list /usr/lib/app/plugins
  plugwright list --recursive /usr/lib/x86_64-linux-gnu/qt6/plugins
  plugwright list --recursive --kind qt --key gif --exclude '*.debug' /usr/lib
  plugwright list --metadata MimeTypes=image/gif --format jsonl .
  plugwright list --format json . | jq '.plugins[].keys'";

/// List the plugins in folders: Plugwright's and Qt's
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

/// The whole result, as JSON has it.
#[derive(Debug, Default, Serialize)]
struct Listing {
    plugins: Vec<Plugin>,
    passed_over: PassedOver,
    problems: Vec<Located<Trouble>>,
}

/// How much was looked at without being a plugin or a problem.
#[derive(Debug, Default, Serialize)]
struct PassedOver {
    libraries: usize,
    other_files: usize,
    folder_links: usize,
}

/// Something about a file.
#[derive(Debug, Serialize)]
struct Located<T> {
    #[serde(flatten)]
    path: PathText,
    #[serde(flatten)]
    what: T,
}

/// A plugin in a file.
#[derive(Debug, Serialize)]
struct Plugin {
    kind: &'static str,
    #[serde(flatten)]
    path: PathText,
    format: plugwright_inspect::Format,
    arch: String,
    keys: Vec<String>,
    #[serde(flatten)]
    says: Says,
    /// What the application's own metadata are, for the filter; `inspect` tells them.
    #[serde(skip)]
    metadata: Vec<Value>,
}

/// What a plugin says of itself, by its system.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Says {
    Plugwright {
        id: String,
        version: String,
        provides: Vec<Provides>,
    },
    Qt {
        iid: Option<String>,
        class: Option<String>,
        qt_version: Option<String>,
        debug: bool,
    },
}

/// An interface that a plugin provides.
#[derive(Debug, Serialize)]
struct Provides {
    interface: String,
    version: String,
    keys: Vec<String>,
}

impl List {
    /// Scans and prints.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let depth = if self.recursive {
            Depth::Recursive
        } else {
            Depth::Flat
        };
        let mut progress = Progress::start();
        let scan = walk::scan(&self.folders, depth, &self.exclude, &mut |found, folder| {
            progress.looking(found, folder);
        });
        if self.format == Format::Jsonl {
            // The lines themselves show how far it is.
            drop(progress);
            return self.stream(&scan, output);
        }
        let mut listing = Listing::of_failures(&scan);
        for (done, path) in scan.files.iter().enumerate() {
            progress.reading(done, scan.files.len(), path);
            listing.file(path, self);
        }
        drop(progress); // before the first line of the result
        listing.problems.sort_by(|a, b| a.path.cmp(&b.path));
        match self.format {
            Format::Json => output.json(&listing)?,
            Format::Table | Format::Jsonl => listing.print(output)?,
        }
        Ok(if listing.problems.is_empty() {
            Exit::Good
        } else {
            Exit::Problems
        })
    }

    /// Prints lines as soon as they are known, and keeps none.
    fn stream(&self, scan: &Scan, output: &mut Output) -> io::Result<Exit> {
        let mut exit = Exit::Good;
        let mut listing = Listing::of_failures(scan);
        for path in scan.files.iter().map(Some).chain([None]) {
            for plugin in listing.plugins.drain(..) {
                output.json_line(&plugin)?;
            }
            for problem in listing.problems.drain(..) {
                exit = Exit::Problems;
                output.json_line(&problem)?;
            }
            output.flush()?;
            if let Some(path) = path {
                listing.file(path, self);
            }
        }
        output.json_line(&Rest {
            passed_over: &listing.passed_over,
        })?;
        Ok(exit)
    }
}

/// The last line of a stream.
#[derive(Debug, Serialize)]
struct Rest<'a> {
    passed_over: &'a PassedOver,
}

impl Listing {
    /// A listing of what the walk could not read.
    fn of_failures(scan: &Scan) -> Self {
        let mut listing = Self::default();
        listing.passed_over.folder_links = scan.folder_links;
        for (path, error) in &scan.failures {
            listing.trouble(path, Trouble::of_folder(error));
        }
        listing
    }

    fn trouble(&mut self, path: &Path, what: Trouble) {
        self.problems.push(Located {
            path: PathText::from(path),
            what,
        });
    }

    fn file(&mut self, path: &Path, list: &List) {
        let file = match plugwright_inspect::open(path, Links::Follow) {
            Ok(file) => file,
            Err(error) => return self.trouble(path, Trouble::of_open(&error)),
        };
        let (images, problems) = list.filter.read(&file, path.file_name());
        let foreign = problems
            .iter()
            .any(|problem| problem.code.group() == Group::Foreign);
        if foreign && !walk::claims_to_be_a_library(path) {
            self.passed_over.other_files += 1;
            return;
        }
        let plugins: Vec<Plugin> = images
            .iter()
            .flat_map(|image| Plugin::of(path, image))
            .collect();
        if plugins.is_empty() && problems.is_empty() {
            self.passed_over.libraries += 1;
        }
        let wanted = plugins
            .into_iter()
            .filter(|plugin| !list.problems && list.filter.takes(plugin));
        self.plugins.extend(wanted);
        for problem in &problems {
            self.trouble(path, Trouble::of_problem(problem));
        }
    }

    fn print(&self, output: &mut Output) -> io::Result<()> {
        if !self.plugins.is_empty() {
            let mut table = Table::new(["ID", "VERSION", "PROVIDES", "WHERE", "KEYS"]);
            for plugin in &self.plugins {
                table.row(plugin.row());
            }
            let mut lines = table.lines(output.width()).into_iter();
            if let Some(headings) = lines.next() {
                output.line(&output.styled(Style::Heading, &headings))?;
            }
            for line in lines {
                output.line(&line)?;
            }
        }
        for problem in &self.problems {
            let mark = output.styled(Style::Problem, "problem:");
            output.line(&format!(
                "{mark} {}: {}",
                problem.path.shown(),
                problem.what.line()
            ))?;
        }
        output.line(&output.styled(Style::Dim, &self.summary()))
    }

    fn summary(&self) -> String {
        let PassedOver {
            libraries,
            other_files,
            folder_links,
        } = self.passed_over;
        let counts = [
            (self.plugins.len(), "plugin", "plugins"),
            (self.problems.len(), "problem", "problems"),
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

impl Plugin {
    /// The plugins that an image offers.
    fn of(path: &Path, image: &Image) -> Vec<Self> {
        let new = |kind, keys, says, metadata| Self {
            kind,
            path: PathText::from(path),
            format: image.target.format,
            arch: image.target.machine.to_string(),
            keys,
            says,
            metadata,
        };
        let offered = image
            .records
            .iter()
            .filter(|record| record.role == Role::Root);
        let mut plugins: Vec<Self> = offered
            .map(|record| {
                let provides: Vec<Provides> =
                    record.summary.provides.iter().map(Provides::of).collect();
                let keys = provides
                    .iter()
                    .flat_map(|provided| provided.keys.iter().cloned())
                    .collect();
                let says = Says::Plugwright {
                    id: record.summary.id.to_string(),
                    version: record.summary.version.to_string(),
                    provides,
                };
                new("plugwright", keys, says, filter::metadata_of(record))
            })
            .collect();
        if let Some(qt) = &image.qt {
            let says = Says::Qt {
                iid: qt.iid().map(str::to_owned),
                class: qt.class_name().map(str::to_owned),
                qt_version: qt
                    .qt_version()
                    .map(|(major, minor)| format!("{major}.{minor}")),
                debug: qt.is_debug(),
            };
            let keys = qt.keys().map(str::to_owned).collect();
            let metadata = qt.json().get("MetaData").cloned().into_iter().collect();
            plugins.push(new("qt", keys, says, metadata));
        }
        plugins
    }

    /// The cells of its row, escaped.
    fn row(&self) -> [String; 5] {
        let (id, version, provides) = match &self.says {
            Says::Plugwright {
                id,
                version,
                provides,
            } => {
                let provides: Vec<String> = provides
                    .iter()
                    .map(|provided| format!("{} {}", provided.interface, provided.version))
                    .collect();
                (id.clone(), version.clone(), provides.join(", "))
            }
            Says::Qt {
                iid,
                class,
                qt_version,
                debug,
            } => {
                let version = qt_version.as_deref().unwrap_or("?");
                let debug = if *debug { " debug" } else { "" };
                let class = class.as_deref().unwrap_or("?").to_owned();
                (
                    class,
                    format!("Qt {version}{debug}"),
                    iid.as_deref().unwrap_or("?").to_owned(),
                )
            }
        };
        let keys = self.keys.join(", ");
        [
            escape::text(&id),
            escape::text(&version),
            escape::text(&provides),
            self.path.shown(),
            escape::text(&keys),
        ]
    }
}

impl Provides {
    fn of(provided: &plugwright_manifest::Provided) -> Self {
        Self {
            interface: provided.interface.to_string(),
            version: provided.version.to_string(),
            keys: provided.keys.clone(),
        }
    }
}
