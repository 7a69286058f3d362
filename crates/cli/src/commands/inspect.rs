//! `plugwright inspect`: what a library is, and what is wrong with it.

mod hardening;
mod views;

use std::io;
use std::path::{Path, PathBuf};

use plugwright_inspect::{
    ImageHeaders, Kind, Links, PluginKind, QtMetadata, Recognised, Symbol, Symbols, Untrusted,
};
use plugwright_manifest::{Record, Role};
use serde::Serialize;

use super::report::{self, PathText, Trouble};
use crate::exit::Exit;
use crate::output::{self, Output, Style, escape};
use views::QtPart;

const EXAMPLES: &str = "\
Examples:
  plugwright inspect libthing.so
  plugwright inspect --format json libthing.so | jq '.images[0].needed'
  plugwright inspect --select elf.build_id libthing.so
  plugwright inspect --exports libthing.so
  plugwright inspect -p iid -p userdata libqjpeg.so
  plugwright inspect --format jsonl /usr/lib/app/plugins/*.so";

/// The width of the names before the facts.
const NAME_WIDTH: usize = 14;

/// Tell what libraries are and what is wrong with them
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("names").args(["exports", "imports"]).multiple(true))]
pub(crate) struct Inspect {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// A page for people; JSON as docs/cli.md describes it: an object for one file, an array for several; or always a
    /// line per file
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Only what it defines for others, a line each; with a JSON format, the member `exports` besides all else
    #[arg(long, conflicts_with_all = ["needed", "select", "print"])]
    exports: bool,

    /// Only what it needs of others, a line each; with a JSON format, the member `imports` besides all else, and
    /// besides `exports` if that is asked for
    #[arg(long, conflicts_with_all = ["needed", "select", "print"])]
    imports: bool,

    /// Only the libraries that it needs, a line each
    #[arg(long, group = "view")]
    needed: bool,

    /// Names of symbols as they stand in the file, not as they were written
    #[arg(long, requires = "names")]
    raw: bool,

    /// Only what an image has under this key in JSON, for scripts: a text as it is, an array's values in a line each
    #[arg(long, value_name = "KEY", group = "view", conflicts_with = "format")]
    select: Option<String>,

    /// Only these parts of a Qt plugin's metadata, laid out as by qtplugininfo
    #[arg(
        long,
        short,
        value_name = "PART",
        group = "view",
        conflicts_with = "format"
    )]
    print: Vec<QtPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Jsonl,
}

/// The result for one file, as JSON has it.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    path: PathText,
    images: Vec<ImageReport>,
    problems: Vec<Trouble>,
}

/// An image, as JSON has it.
#[derive(Debug, Serialize)]
struct ImageReport {
    #[serde(flatten)]
    headers: ImageHeaders,
    kinds: Vec<Recognised>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exports: Option<Vec<Symbol>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imports: Option<Vec<Symbol>>,
}

impl Inspect {
    /// Reads and prints. Text and lines appear file by file; an array needs its end.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        if self.exports && self.imports && self.format == Format::Text {
            output::complain(
                "--exports and --imports at once take --format json or jsonl: of lines nobody could tell which are which",
            );
            return Ok(Exit::Usage);
        }
        let mut exit = Exit::Good;
        let reports = self
            .files
            .iter()
            .map(|path| self.report(path))
            .inspect(|report| {
                if !report.problems.is_empty() {
                    exit = Exit::Problems;
                }
            });
        match self.format {
            Format::Text => {
                let mut missing = false;
                for (number, report) in reports.enumerate() {
                    missing |= !self.print(number, &report, output)?;
                }
                if missing {
                    exit = Exit::Problems;
                }
            }
            Format::Jsonl => {
                for report in reports {
                    output.json_line(&report)?;
                }
            }
            Format::Json => {
                let reports: Vec<Report> = reports.collect();
                match reports.as_slice() {
                    [report] => output.json(report)?,
                    reports => output.json(&reports)?,
                }
            }
        }
        Ok(exit)
    }
}

impl Inspect {
    fn report(&self, path: &Path) -> Report {
        // `--select` may ask for any member.
        let all = self.select.is_some();
        let (images, problems) = match plugwright_inspect::open(path, Links::Follow) {
            Ok(file) => {
                let Symbols {
                    images,
                    mut problems,
                    ..
                } = plugwright_inspect::symbols(&file, path.file_name());
                let beside = plugwright_inspect::beside(path);
                if !images.is_empty() {
                    problems.extend(beside.problems);
                }
                let images = images.into_iter().map(|image| ImageReport {
                    headers: image.headers,
                    kinds: image
                        .kinds
                        .into_iter()
                        .chain(beside.kinds.iter().cloned())
                        .collect(),
                    exports: (self.exports || all).then_some(image.exports),
                    imports: (self.imports || all).then_some(image.imports),
                });
                let problems = problems.iter().map(Trouble::of_problem).collect();
                (images.collect(), problems)
            }
            Err(error) => (Vec::new(), vec![Trouble::of_open(&error)]),
        };
        Report {
            path: PathText::from(path),
            images,
            problems,
        }
    }

    /// Prints the page of the file that comes at `number`, or the view of it. Returns whether it has what is asked for.
    fn print(&self, number: usize, report: &Report, output: &mut Output) -> io::Result<bool> {
        let names = self.exports || self.imports || self.needed;
        if !names && self.print.is_empty() && self.select.is_none() {
            if number > 0 {
                output.line("")?;
            }
            report.print(output)?;
            return Ok(true);
        }
        // A view is the output's only content, so what is wrong with the file goes to the errors.
        for problem in &report.problems {
            output::complain(&format!("{}: {}", report.path.shown(), problem.line()));
        }
        let single = self.files.len() == 1;
        if !self.print.is_empty() {
            let prefix = format!("{}: ", report.path.shown());
            let prefix = if single { "" } else { &prefix };
            return views::qt(report, &self.print, prefix, output);
        }
        if let Some(key) = &self.select {
            return views::select(report, key, output);
        }
        if !single {
            output.line(&output.styled(Style::Heading, &report.path.shown()))?;
        }
        for image in &report.images {
            let symbols = image.exports.iter().chain(&image.imports);
            for symbols in symbols {
                views::symbols(symbols, self.raw, output)?;
            }
            for name in image.headers.needed.iter().filter(|_| self.needed) {
                output.line(&name.to_string())?;
            }
        }
        Ok(true)
    }
}

impl Report {
    fn print(&self, output: &mut Output) -> io::Result<()> {
        output.line(&output.styled(Style::Heading, &self.path.shown()))?;
        for (number, image) in (1..).zip(&self.images) {
            // A universal file has one for each processor.
            if self.images.len() > 1 {
                let place = &image.headers.image;
                let slice = format!(
                    "{number} of {}, {} bytes at byte {:#x}",
                    self.images.len(),
                    place.size,
                    place.offset
                );
                Facts { output }.line("slice", &slice)?;
            }
            print_image(image, output)?;
        }
        for problem in &self.problems {
            let name = format!("  {:NAME_WIDTH$}", "problem");
            let fatal = if problem.is_fatal_to_loader() {
                "; loading it would end the process"
            } else {
                ""
            };
            output.line(&format!(
                "{}{}{fatal}",
                output.styled(Style::Problem, &name),
                problem.line()
            ))?;
        }
        Ok(())
    }
}

fn print_image(report: &ImageReport, output: &mut Output) -> io::Result<()> {
    let headers = &report.headers;
    let image = &headers.image;
    let mut facts = Facts { output };
    let target = &image.target;
    facts.line(
        "format",
        &format!(
            "{}, {} bits, {}",
            report::format(target.format),
            target.class.bits(),
            target.byte_order
        ),
    )?;
    facts.line("architecture", &target.machine.to_string())?;
    let pie = headers
        .elf()
        .is_some_and(|elf| elf.flags.pie && image.kind == Kind::SharedLibrary);
    let kind = if pie {
        "program, position-independent".to_owned()
    } else {
        report::kind(image.kind)
    };
    facts.line("type", &kind)?;
    facts.optional("soname", headers.name.as_ref())?;
    facts.list("needed", &headers.needed)?;
    facts.optional("run path", headers.run_path.as_ref())?;
    if let Some(elf) = headers.elf() {
        facts.optional("old run path", elf.rpath.as_ref())?;
        facts.optional("interpreter", elf.interpreter.as_ref())?;
        if let Some(id) = &elf.build_id {
            facts.line("build id", id)?;
        }
        facts.optional("debug file", elf.debug_link.as_ref())?;
        if elf.constructors + elf.destructors > 0 {
            let (loaded, unloaded) = (elf.constructors, elf.destructors);
            let functions = if loaded == 1 { "function" } else { "functions" };
            let runs = format!("{loaded} {functions} when loaded, {unloaded} when unloaded");
            facts.line("runs", &runs)?;
        }
    }
    // What is no library or program yet has none of it.
    if !matches!(image.kind, Kind::Relocatable | Kind::Core)
        && let Some(line) = hardening::line(&headers.facts)
    {
        facts.line("hardening", &line)?;
    }
    for kind in &report.kinds {
        // Plugwright's and Qt's own words follow below.
        if matches!(kind.kind, PluginKind::Plugwright | PluginKind::Qt) {
            continue;
        }
        let mut told = kind.kind.as_str().to_owned();
        if let Some(name) = &kind.name {
            told = format!("{told} {name}");
        }
        if let Some(evidence) = &kind.evidence {
            told = format!("{told} (by {evidence})");
        }
        facts.line("plugin kind", &told)?;
        facts.list("  says", &kind.says)?;
    }
    let crates = headers.crates.iter().map(|listed| {
        let only: &[u8] = if listed.build_only {
            b", only to build)"
        } else {
            b")"
        };
        let (name, version, from) = (&listed.name, &listed.version, &listed.source);
        let parts = [
            name.as_bytes(),
            b" ",
            version.as_bytes(),
            b" (",
            from.as_bytes(),
            only,
        ];
        Untrusted::from(parts.concat().as_slice())
    });
    facts.list("crates", &crates.collect::<Vec<_>>())?;
    for record in &image.records {
        print_record(record, &mut facts)?;
    }
    match &image.qt {
        Some(qt) => print_qt(qt, &mut facts),
        None => Ok(()),
    }
}

fn print_record(record: &Record, facts: &mut Facts<'_>) -> io::Result<()> {
    let summary = &record.summary;
    let embedded = match record.role {
        Role::Embedded => " (embedded: linked in, not offered)",
        _ => "",
    };
    let id = escape::text(summary.id.as_str());
    facts.line("plugin", &format!("{id} {}{embedded}", summary.version))?;
    for provided in &summary.provides {
        let keys: Vec<String> = provided.keys.iter().map(|key| escape::text(key)).collect();
        let interface = escape::text(provided.interface.as_str());
        let mut provides = format!("{interface} {}", provided.version);
        if provided.rank != 0 {
            provides = format!("{provides}, rank {}", provided.rank);
        }
        if !keys.is_empty() {
            provides = format!("{provides}, keys {}", keys.join(", "));
        }
        facts.line("  provides", &provides)?;
    }
    let instances = match (summary.singleton, summary.configurable) {
        (true, true) => "one for all who ask, with a configuration",
        (true, false) => "one for all who ask",
        (false, true) => "with a configuration",
        (false, false) => "",
    };
    if !instances.is_empty() {
        facts.line("  instances", instances)?;
    }
    if !summary.capabilities.is_empty() {
        let asked: Vec<String> = summary
            .capabilities
            .iter()
            .map(ToString::to_string)
            .collect();
        facts.line("  asks for", &escape::text(&asked.join(", ")))?;
    }
    if let Some(detail) = &record.detail {
        for (name, text) in [
            ("  name", &detail.name),
            ("  about", &detail.description),
            ("  licence", &detail.license),
            ("  homepage", &detail.homepage),
        ] {
            if !text.is_empty() {
                facts.line(name, &escape::text(text))?;
            }
        }
        if !detail.authors.is_empty() {
            facts.line("  authors", &escape::text(&detail.authors.join(", ")))?;
        }
        if !detail.metadata.is_null() {
            facts.line("  metadata", &escape::text(&detail.metadata.to_string()))?;
        }
    }
    let build = &summary.build;
    let panics = if build.panic_abort {
        "a panic ends the process"
    } else {
        "panics are caught"
    };
    let built = format!(
        "{}, {}, {}, SDK ABI {}; {panics}",
        build.target, build.profile, build.rustc, build.abi
    );
    facts.line("  built", &escape::text(&built))
}

fn print_qt(qt: &QtMetadata, facts: &mut Facts<'_>) -> io::Result<()> {
    let version = qt
        .qt_version()
        .map_or_else(String::new, |(major, minor)| format!(" {major}.{minor}"));
    let debug = if qt.is_debug() { ", debug" } else { "" };
    facts.line("Qt plugin", &format!("Qt{version}{debug}"))?;
    facts.line("  interface", &escape::text(qt.iid().unwrap_or("not said")))?;
    facts.line(
        "  class",
        &escape::text(qt.class_name().unwrap_or("not said")),
    )?;
    let keys: Vec<String> = qt.keys().map(escape::text).collect();
    if !keys.is_empty() {
        facts.line("  keys", &keys.join(", "))?;
    }
    Ok(())
}

/// Lines of a name and a fact.
struct Facts<'a> {
    output: &'a mut Output,
}

impl Facts<'_> {
    /// `fact` is escaped already.
    fn line(&mut self, name: &str, fact: &str) -> io::Result<()> {
        self.output.line(&format!("  {name:NAME_WIDTH$}{fact}"))
    }

    fn optional(&mut self, name: &str, fact: Option<&Untrusted>) -> io::Result<()> {
        fact.map_or(Ok(()), |fact| self.line(name, &fact.to_string()))
    }

    fn list(&mut self, name: &str, facts: &[Untrusted]) -> io::Result<()> {
        let facts: Vec<String> = facts.iter().map(Untrusted::to_string).collect();
        if facts.is_empty() {
            Ok(())
        } else {
            self.line(name, &facts.join(", "))
        }
    }
}
