//! `plugwright inspect`: what a library is, and what is wrong with it.

use std::io;
use std::path::{Path, PathBuf};

use plugwright_inspect::{Headers, ImageHeaders, Links, QtMetadata, Untrusted};
use plugwright_manifest::{Record, Role};
use serde::Serialize;

use super::report::{self, PathText, Trouble};
use crate::exit::Exit;
use crate::output::{Output, Style, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright inspect libthing.so
  plugwright inspect --format json libthing.so | jq '.images[0].needed'
  plugwright inspect --format jsonl /usr/lib/app/plugins/*.so";

/// The width of the names before the facts.
const NAME_WIDTH: usize = 14;

/// Tell what libraries are and what is wrong with them
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// A page for people; JSON as docs/cli.md describes it: an object for one file, an array for several; or always a
    /// line per file
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
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
    images: Vec<ImageHeaders>,
    problems: Vec<Trouble>,
}

impl Inspect {
    /// Reads and prints. Text and lines appear file by file; an array needs its end.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let mut exit = Exit::Good;
        let reports = self
            .files
            .iter()
            .map(|path| Report::of(path))
            .inspect(|report| {
                if !report.problems.is_empty() {
                    exit = Exit::Problems;
                }
            });
        match self.format {
            Format::Text => {
                for (number, report) in reports.enumerate() {
                    if number > 0 {
                        output.line("")?;
                    }
                    report.print(output)?;
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

impl Report {
    fn of(path: &Path) -> Self {
        let (images, problems) = match plugwright_inspect::open(path, Links::Follow) {
            Ok(file) => {
                let Headers {
                    images, problems, ..
                } = plugwright_inspect::headers(&file, path.file_name());
                (images, problems.iter().map(Trouble::of_problem).collect())
            }
            Err(error) => (Vec::new(), vec![Trouble::of_open(&error)]),
        };
        Self {
            path: PathText::from(path),
            images,
            problems,
        }
    }

    fn print(&self, output: &mut Output) -> io::Result<()> {
        output.line(&output.styled(Style::Heading, &self.path.shown()))?;
        for image in &self.images {
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

fn print_image(headers: &ImageHeaders, output: &mut Output) -> io::Result<()> {
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
    facts.line("type", &report::kind(image.kind))?;
    facts.optional("soname", headers.name.as_ref())?;
    facts.list("needed", &headers.needed)?;
    facts.optional("run path", headers.run_path.as_ref())?;
    if let Some(elf) = headers.elf() {
        facts.optional("old run path", elf.rpath.as_ref())?;
        facts.optional("interpreter", elf.interpreter.as_ref())?;
        if let Some(id) = &elf.build_id {
            facts.line("build id", id)?;
        }
    }
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
        facts.line(
            "  provides",
            &format!("{interface} {}, keys {}", provided.version, keys.join(", ")),
        )?;
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
