//! `plugwright audit`: the security review, and the pages of its rules.

use std::io;
use std::path::PathBuf;

use plugwright_audit::{Options, RULES, Severity, Target, Tier, review, rule};

use crate::exit::Exit;
use crate::output::{self, Output, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright audit libthing.so
  plugwright audit /usr/lib/app/plugins                 all files below the folder
  plugwright audit --fail-on medium --format json .     for a script
  plugwright audit explain B01                          what a rule looks for, and why";

/// Review libraries, plugins and folders for weaknesses, by the ten pillars of CWE's view 1000
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Option<Command>,

    /// Libraries, programs and folders; folders are reviewed with all that lies below them
    #[arg(required = true)]
    targets: Vec<PathBuf>,

    /// The exit code is 1 if there is a finding as bad as this, or worse: critical, high, medium, low or info
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: Severity,

    /// The form of the report; json follows docs/audit.schema.json, sarif the standard 2.1.0
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the page of a rule
    Explain {
        /// Its id, such as B01
        id: String,
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
            return explain(id, output);
        }
        let targets: Vec<Target> = self.targets.iter().cloned().map(Target::from).collect();
        let report = review(&targets, &Options::new(Tier::Files));
        match self.format {
            Format::Text => output.text(report.to_string().as_bytes())?,
            Format::Json => output.json(&report)?,
            Format::Sarif => output.json(&report.sarif())?,
            Format::Html => output.text(report.html().to_string().as_bytes())?,
            Format::Markdown => output.text(report.markdown().to_string().as_bytes())?,
            Format::Junit => output.text(report.junit(self.fail_on).to_string().as_bytes())?,
        }
        let worst = report.assessment.worst;
        let bad = worst.is_some_and(|worst| worst >= self.fail_on);
        Ok(if bad { Exit::Problems } else { Exit::Good })
    }
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
