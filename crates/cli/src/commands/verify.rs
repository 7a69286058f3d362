//! `plugwright verify`: what a policy says of plugins, and why.

mod text;

use std::io;
use std::path::PathBuf;

use plugwright_evidence::Signatures;
use plugwright_manifest::Record;
use plugwright_trust::{Facts, Placement, Policy, Reason, Verdict};
use serde::Serialize;

use super::judged::{Folder, Looked, Needs, Rules, examine};
use super::report::PathText;
use crate::exit::Exit;
use crate::output::{self, Output, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright verify libzstd.so                  under the preset for a desktop
  plugwright verify --explain plugins/          with reasons and advice
  plugwright verify --policy app.policy --keys plugwright.keys plugins/
  plugwright verify --policy locked --lock plugwright.lock plugins/
  plugwright verify --format json plugins/      for a script";

/// Say whether a policy would let plugins run, and why; nothing of them is executed. What they bring in is judged too, as for a
/// process that has nothing of it loaded
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Verify {
    /// Plugins, and folders of plugins; folders below them are not looked into
    #[arg(required = true)]
    targets: Vec<PathBuf>,

    #[command(flatten)]
    rules: Rules,

    /// Also tell what was expected and found, what to do, and what speaks for those that are allowed
    #[arg(long)]
    explain: bool,

    /// For people, or one JSON array as docs/cli.md describes it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What is said of one plugin, or of a file that has none.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    path: PathText,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    allowed: bool,
    digest: Option<String>,
    /// How the bytes would be held.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    granted: Vec<String>,
    /// Who spoke well for it, in words.
    signed: Vec<String>,
    reasons: Vec<Why>,
    remarks: Vec<Why>,
    /// Why there is no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

/// A reason or a remark.
#[derive(Debug, Serialize)]
struct Why {
    code: &'static str,
    cwe: u32,
    what: String,
    expected: String,
    found: String,
    advice: String,
}

impl From<&Reason> for Why {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.as_str(),
            cwe: reason.cwe,
            what: reason.what.clone(),
            expected: reason.expected.clone(),
            found: reason.found.clone(),
            advice: reason.advice.clone(),
        }
    }
}

impl Verify {
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let policy = match self.rules.policy() {
            Ok(policy) => policy,
            Err(error) => {
                output::complain(&escape::sentence(&error));
                return Ok(Exit::Problems);
            }
        };
        let (mut answers, mut good, mut others) = (Vec::new(), true, 0);
        let mut needs = Needs::new();
        for target in &self.targets {
            let folder = match Folder::open(target) {
                Ok(folder) => folder,
                Err(error) => {
                    output::complain(&escape::sentence(&error));
                    good = false;
                    continue;
                }
            };
            let mut signatures = Signatures::new(&folder.root, &policy.keys);
            for name in &folder.names {
                match examine(&folder.root, &mut signatures, &policy, name) {
                    Looked::Library(mut library) => {
                        library.facts.needed = needs.of(&library.path, &policy);
                        let verdicts = library.verdicts(&policy);
                        answers.extend(verdicts.into_iter().map(|(record, facts, verdict)| {
                            Answer::new(&library.path, record, &facts, &verdict, &policy)
                        }));
                    }
                    Looked::Other if folder.names.len() > 1 || target.is_dir() => others += 1,
                    Looked::Other => answers.push(Answer::unreadable(
                        &folder.root.path().join(name),
                        "it is no library".to_owned(),
                    )),
                    Looked::Unreadable(error) => {
                        answers.push(Answer::unreadable(&folder.root.path().join(name), error));
                    }
                }
            }
        }
        good &= answers.iter().all(|answer| answer.allowed);
        match self.format {
            Format::Json => output.json(&answers)?,
            Format::Text => text::print(&answers, others, self.explain, output)?,
        }
        Ok(if good { Exit::Good } else { Exit::Problems })
    }
}

impl Answer {
    fn unreadable(path: &std::path::Path, error: String) -> Self {
        Self {
            path: PathText::from(path),
            id: None,
            version: None,
            allowed: false,
            digest: None,
            source: None,
            granted: Vec::new(),
            signed: Vec::new(),
            reasons: Vec::new(),
            remarks: Vec::new(),
            unreadable: Some(error),
        }
    }

    fn new(
        path: &std::path::Path,
        record: Option<&Record>,
        facts: &Facts,
        verdict: &Verdict,
        policy: &Policy,
    ) -> Self {
        let (mut source, mut granted, mut remarks) = (None, Vec::new(), Vec::new());
        if let Verdict::Allow {
            placement,
            grants,
            remarks: told,
        } = verdict
        {
            if let Placement::InProcess { source: held } = placement {
                source = Some(held.to_string());
            }
            granted = grants
                .capabilities
                .iter()
                .map(ToString::to_string)
                .collect();
            remarks = told.iter().map(Why::from).collect();
        }
        let signed = plugwright_trust::accepted(facts, policy).map(|(key, signature)| {
            let subject = signature.subject.to_string();
            let said = if subject.is_empty() {
                String::new()
            } else {
                format!(" ({subject})")
            };
            format!(
                "by {:?} ({}) over the {}{said}",
                key.name,
                key.public.id(),
                signature.over
            )
        });
        Self {
            path: PathText::from(path),
            id: record.map(|record| record.summary.id.to_string()),
            version: record.map(|record| record.summary.version.to_string()),
            allowed: verdict.is_allowed(),
            digest: Some(facts.digest.to_string()),
            source,
            granted,
            signed: signed.collect(),
            reasons: verdict.reasons().iter().map(Why::from).collect(),
            remarks,
            unreadable: None,
        }
    }
}
