//! `plugwright audit`: the security review, and the pages of its rules.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use plugwright_audit::{
    Advisories, Baseline, Options, RULES, Report, Severity, Stage, Target, TargetReport, Tier,
    Waivers, review_watched, rule,
};
use plugwright_evidence::read_keys;

use super::judged::{absolute, now};
use crate::exit::Exit;
use crate::output::progress::Progress;
use crate::output::table::Table;
use crate::output::{self, Output, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright audit libthing.so
  plugwright audit /usr/lib/app/plugins             all files below the folder
  plugwright audit --fail-on medium --format json . for a script
  plugwright audit --format html app > review.html  to read in a browser
  plugwright audit --baseline last.json .           what is new since then
  plugwright audit --pid 4711                       a process, what it executes
  plugwright audit --against old/libthing.so libthing.so
  plugwright audit explain B01                      what a rule looks for";

/// Review libraries, plugins and folders for weaknesses, by the ten pillars of CWE's view 1000
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Option<Command>,

    /// Libraries, programs and folders; programs are reviewed with all that they bring in, folders with all that lies below
    #[arg(required_unless_present_any = ["pid", "all"])]
    targets: Vec<PathBuf>,

    /// Also reviews a live process, by its number, with the files that it executes; may be given several times
    #[arg(long, value_name = "NUMBER")]
    pid: Vec<u32>,

    /// Also reviews every live process that may be looked at
    #[arg(long)]
    all: bool,

    /// How deep to look: files by themselves and as they are installed, or also all that each brings in
    #[arg(long, value_name = "TIER", default_value = "closure")]
    tier: Tier,

    /// An older version of the library, or of the folder: also tells what is new since then in what runs by itself
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,

    /// Known weak versions of Rust crates: a file in the format of rustsec.org, or a copy of its database
    #[arg(long, value_name = "PATH")]
    advisories: Option<PathBuf>,

    /// A user, by its number, who may own what is loaded, besides root and who asks; may be given several times
    #[arg(long, value_name = "NUMBER")]
    trust_user: Vec<u32>,

    /// A group, by its number, that may write what is loaded, besides root's; may be given several times
    #[arg(long, value_name = "NUMBER")]
    trust_group: Vec<u32>,

    /// A key store: signatures of its keys count, others and those of revoked keys are findings
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Asks for signatures also where nothing says that there are any
    #[arg(long)]
    want_signatures: bool,

    /// Folders of `LD_LIBRARY_PATH`, separated by colons; the variable itself is not read
    #[arg(long, value_name = "FOLDERS", value_delimiter = ':')]
    library_path: Vec<PathBuf>,

    /// Where the system's own configuration and its processes are read from: the top of an unpacked image
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    system_root: PathBuf,

    /// The exit code is 1 if there is a finding as bad as this, or worse: critical, high, medium, low or info
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: Severity,

    /// The form of the report; json follows docs/audit.schema.json, sarif the standard 2.1.0
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Report only what this earlier report, made with --format json, does not have
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Accept the findings that this file names with a reason and an end; docs/cli.md shows its form
    #[arg(long, value_name = "FILE")]
    waivers: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the page of a rule, or the list of all
    Explain {
        /// Its id, such as B01
        id: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Html,
    Markdown,
    Junit,
}

impl Audit {
    /// Reviews the targets and prints the report, or prints a rule's page.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        if let Some(Command::Explain { id }) = &self.command {
            return match id {
                Some(id) => explain(id, output),
                None => list(output),
            };
        }
        // Mistakes in what the user wrote are told before a long review, and not after it.
        let settings = self
            .waivers()
            .and_then(|waivers| Ok((waivers, self.baseline()?, self.options()?)));
        let (waivers, baseline, options) = match settings {
            Ok(settings) => settings,
            Err(mistake) => {
                output::complain(&mistake);
                return Ok(Exit::Usage);
            }
        };
        let mut report = self.review(&options);
        if let Some(waivers) = &waivers {
            report.waive(waivers, now());
        }
        if let Some(baseline) = &baseline {
            report.leave_out_known(baseline);
        }
        if self.format != Format::Text {
            for warning in &report.warnings {
                output::complain(&escape::sentence(warning));
            }
        }
        match self.format {
            Format::Text => output.text(report.to_string().as_bytes())?,
            Format::Json => output.json(&report)?,
            Format::Sarif => output.json(&report.sarif())?,
            Format::Html => output.text(report.html().to_string().as_bytes())?,
            Format::Markdown => output.text(report.markdown().to_string().as_bytes())?,
            Format::Junit => output.text(report.junit(self.fail_on).to_string().as_bytes())?,
        }
        let worst = report.assessment.worst;
        let bad = worst.is_some_and(|worst| worst >= self.fail_on)
            || report.targets.iter().any(TargetReport::is_unexamined);
        Ok(if bad { Exit::Problems } else { Exit::Good })
    }

    fn options(&self) -> Result<Options, String> {
        let mut options = Options::new(self.tier)
            .with_trusted_users(self.trust_user.clone())
            .with_trusted_groups(self.trust_group.clone())
            .with_library_path(self.library_path.clone())
            .with_system_root(self.system_root.clone());
        if let Some(path) = &self.advisories {
            let advisories = Advisories::read(path).map_err(|error| {
                let cause = std::error::Error::source(&error);
                let cause = cause.map(|cause| format!(": {cause}"));
                format!("--advisories: {error}{}", cause.unwrap_or_default())
            })?;
            options = options.with_advisories(advisories);
        }
        if let Some(path) = &self.keys {
            let keys =
                absolute(path).and_then(|path| read_keys(&path).map_err(|error| error.to_string()));
            options = options.with_keys(keys.map_err(|error| format!("--keys: {error}"))?);
        }
        if let Some(old) = &self.against {
            let there = fs::metadata(old);
            there.map_err(|error| format!("--against {}: {error}", escape::path(old)))?;
            options = options.with_against(old.clone());
        }
        if self.want_signatures {
            options = options.with_signatures_wanted();
        }
        Ok(options)
    }

    fn review(&self, options: &Options) -> Report {
        let paths = self.targets.iter().cloned().map(Target::from);
        let processes = self.pid.iter().copied().map(Target::Process);
        let mut targets: Vec<Target> = paths.chain(processes).collect();
        targets.extend(self.all.then_some(Target::Processes));
        let progress = Progress::start(true);
        review_watched(&targets, options, &|state| {
            let stage = Path::new(state.stage.as_str());
            if state.stage == Stage::Listing || state.total == 0 {
                progress.looking(state.done, stage);
            } else {
                progress.reading(state.done, state.total, || stage.to_owned());
            }
        })
    }

    fn waivers(&self) -> Result<Option<Waivers>, String> {
        let read = |path: &PathBuf| {
            let told = |error: &dyn std::fmt::Display| {
                format!("--waivers {}: {error}", escape::path(path))
            };
            let text = fs::read_to_string(path).map_err(|error| told(&error))?;
            Waivers::parse(&text).map_err(|error| told(&error))
        };
        self.waivers.as_ref().map(read).transpose()
    }

    fn baseline(&self) -> Result<Option<Baseline>, String> {
        let read = |path: &PathBuf| {
            let told = |error: &dyn std::fmt::Display| {
                format!("--baseline {}: {error}", escape::path(path))
            };
            let json = fs::read(path).map_err(|error| told(&error))?;
            Baseline::parse(&json).map_err(|error| told(&error))
        };
        self.baseline.as_ref().map(read).transpose()
    }
}

/// Every rule in a line.
fn list(output: &mut Output) -> io::Result<Exit> {
    let mut table = Table::new(["rule", "weakness", "severity", "what a finding says"]);
    for rule in RULES {
        let weakness = format!("CWE-{}", rule.cwe);
        let severity = rule.severity.to_string();
        for cell in [rule.id, &weakness, &severity, rule.title] {
            table.cell(|text| text.push_str(cell));
        }
    }
    table.print(output.width(), |line| output.line(line))?;
    Ok(Exit::Good)
}

fn explain(id: &str, output: &mut Output) -> io::Result<Exit> {
    if let Some(rule) = rule(id) {
        output.text(rule.page().as_bytes())?;
        return Ok(Exit::Good);
    }
    let known: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    output::complain(&format!(
        "there is no rule {}; there are {}",
        escape::text(id),
        known.join(" ")
    ));
    Ok(Exit::Usage)
}
