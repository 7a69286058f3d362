//! `plugwright find`: why a plugin for an interface is found, or none is.

use std::io;

use plugwright_host::{
    Consideration, Considered, Explanation, InterfaceRange, KeyCase, LookedAtOutcome, Origin, Query,
};
use serde::Serialize;

use super::metadata::Wanted;
use super::places::Places;
use super::report::PathText;
use crate::exit::Exit;
use crate::output::{Output, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright find org.example.codec:zstd /opt/press/plugins
  plugwright find org.example.codec:ZSTD --ignore-case --app press
  plugwright find org.example.codec --versions '^1.2' --app press
  plugwright find org.example.codec --metadata /streaming=true .
  plugwright find org.example.codec --format json . | jq '.candidates[].id'";

/// Say why a plugin for an interface is found, or none is: every folder, every candidate, every reason
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, override_usage = "plugwright find [OPTIONS] <INTERFACE[:KEY]> [DIR]...")]
pub(crate) struct Find {
    /// The interface's id and, behind a colon, the key
    #[arg(value_name = "INTERFACE[:KEY]")]
    wanted: String,

    #[command(flatten)]
    places: Places,

    /// Only these versions of the interface, such as ^1.2
    #[arg(long, value_name = "RANGE")]
    versions: Option<InterfaceRange>,

    /// Take keys that differ in case only for the same
    #[arg(long)]
    ignore_case: bool,

    /// Only plugins whose own metadata have this value at this JSON pointer; the value is JSON or a text
    #[arg(long, value_name = "POINTER=VALUE", value_parser = Wanted::parse)]
    metadata: Vec<Wanted>,

    /// Lines for people, or one JSON object as docs/cli.md describes it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Find {
    /// Looks, and prints the explanation.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let host = self.places.host();
        let (interface, key) = match self.wanted.split_once(':') {
            Some((interface, key)) => (interface, Some(key)),
            None => (self.wanted.as_str(), None),
        };
        let mut query = Query::new(interface);
        if let Some(key) = key {
            query = query.with_key(key);
        }
        if let Some(versions) = &self.versions {
            query = query.with_versions(versions.clone());
        }
        if self.ignore_case {
            query = query.with_key_case(KeyCase::Ignored);
        }
        for wanted in &self.metadata {
            query = query.with_metadata(&wanted.pointer, wanted.value.clone());
        }
        let explanation = host.explain(&query);
        match self.format {
            Format::Text => {
                for line in explanation.to_string().lines() {
                    output.line(&escape::sentence(line))?;
                }
            }
            Format::Json => output.json(&Answer::of(&explanation))?,
        }
        Ok(if explanation.is_found() {
            Exit::Good
        } else {
            Exit::Problems
        })
    }
}

/// The result as JSON has it.
#[derive(Debug, Serialize)]
struct Answer {
    query: String,
    found: bool,
    candidates: Vec<Candidate>,
    folders: Vec<Folder>,
    remarks: Vec<String>,
    refused: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Candidate {
    id: String,
    version: String,
    #[serde(flatten)]
    path: Option<PathText>,
    outcome: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Folder {
    #[serde(flatten)]
    path: PathText,
    origin: String,
    outcome: &'static str,
    text: String,
}

impl Answer {
    fn of(explanation: &Explanation) -> Self {
        Self {
            query: explanation.query.clone(),
            found: explanation.is_found(),
            candidates: explanation.candidates.iter().map(Candidate::of).collect(),
            folders: explanation.folders.iter().map(Folder::of).collect(),
            remarks: explanation
                .remarks
                .iter()
                .map(ToString::to_string)
                .collect(),
            refused: explanation
                .refused
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

impl Candidate {
    fn of(candidate: &Considered) -> Self {
        Self {
            id: candidate.id.to_string(),
            version: candidate.version.to_string(),
            path: match &candidate.origin {
                Origin::File(path) => Some(PathText::from(path.as_path())),
                _ => None,
            },
            outcome: match &candidate.consideration {
                Consideration::Taken { .. } => "taken",
                Consideration::Shadowed { .. } => "shadowed",
                Consideration::Version { .. } => "version",
                Consideration::Methods { .. } => "methods",
                Consideration::Keys { .. } => "key",
                Consideration::Metadata { .. } => "metadata",
                Consideration::Interface { .. } => "interface",
                _ => "refused",
            },
            text: candidate.consideration.to_string(),
        }
    }
}

impl Folder {
    fn of(looked_at: &plugwright_host::LookedAt) -> Self {
        Self {
            path: PathText::from(looked_at.folder.as_path()),
            origin: looked_at.origin.to_string(),
            outcome: match looked_at.outcome {
                LookedAtOutcome::Read { .. } => "read",
                LookedAtOutcome::Missing => "missing",
                _ => "refused",
            },
            text: looked_at.to_string(),
        }
    }
}
