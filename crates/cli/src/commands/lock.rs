//! `plugwright lock`: writes down which plugins belong to an application, and compares.

use std::io;
use std::path::PathBuf;

use plugwright_evidence::{Signatures, manifest, read_lock};
use plugwright_manifest::Record;
use plugwright_trust::{DriftKind, Facts, Lock, LockedFile, LockedPlugin, Policy, accepted};

use super::judged::{Examined, Folder, Looked, Rules, absolute, examine};
use super::key::is_there;
use crate::exit::Exit;
use crate::output::{self, Output, escape};
use crate::write::replace;

const EXAMPLES: &str = "\
Examples:
  plugwright lock plugins/                   writes plugwright.lock
  plugwright lock --check plugins/           tells what differs, ends with 1
  plugwright lock --keys press.keys plugins/ also locks who signed them
  plugwright lock --allow-downgrade plugins/ going back to older ones is wanted";

/// Write down which plugins an application has, version by version and byte by byte, or compare
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct LockCommand {
    /// The folders with the application's plugins
    #[arg(required = true)]
    folders: Vec<PathBuf>,

    /// Compare the folders with the lock file, and write nothing
    #[arg(long)]
    check: bool,

    /// Accept a plugin that is older than the locked one
    #[arg(long, conflicts_with = "check")]
    allow_downgrade: bool,

    /// The lock file
    #[arg(long, value_name = "FILE", default_value = "plugwright.lock")]
    file: PathBuf,

    /// A policy file whose keys tell who signed, or a preset
    #[arg(long, value_name = "POLICY", default_value = "desktop")]
    policy: PathBuf,

    /// A key store that tells who signed
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

impl LockCommand {
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        match self.work() {
            Ok((lines, exit)) => {
                for line in lines {
                    output.line(&escape::sentence(&line))?;
                }
                Ok(exit)
            }
            Err(error) => {
                output::complain(&escape::sentence(&error));
                Ok(Exit::Problems)
            }
        }
    }

    fn work(&self) -> Result<(Vec<String>, Exit), String> {
        let rules = Rules::new(self.policy.clone(), self.keys.clone());
        let policy = rules.policy()?;
        let path = absolute(&self.file)?;
        let old = match is_there(&path)? {
            true => read_lock(&path).map_err(|error| error.to_string())?,
            false if self.check => return Err(format!("there is no {path:?} to compare with")),
            false => Lock::default(),
        };
        let found = self.found(&policy)?;
        let drift = old.drift(&found);
        let mut lines: Vec<String> = drift.iter().map(ToString::to_string).collect();
        if self.check {
            // Other platforms' files lie elsewhere, so that nothing differs where nothing is.
            let exit = if found.plugins.is_empty() && !old.plugins.is_empty() {
                let locked = count(old.plugins.len());
                lines.push(format!("there is no plugin, and {path:?} has {locked}"));
                Exit::Problems
            } else if drift.is_empty() {
                lines.push(format!("{} as locked", count(found.plugins.len())));
                Exit::Good
            } else {
                Exit::Problems
            };
            return Ok((lines, exit));
        }
        let back = drift
            .iter()
            .find(|drift| drift.kind == DriftKind::Downgrade);
        if let Some(back) = back.filter(|_| !self.allow_downgrade) {
            return Err(format!(
                "{back}; nothing was written. If going back is wanted, say --allow-downgrade"
            ));
        }
        let lock = old.updated(found);
        replace(&path, &lock.write().map_err(|error| error.to_string())?)?;
        lines.push(format!("wrote {path:?} with {}", count(lock.plugins.len())));
        Ok((lines, Exit::Good))
    }

    /// The plugins of the folders, as a lock file would have them.
    fn found(&self, policy: &Policy) -> Result<Lock, String> {
        let mut lock = Lock::default();
        for folder in &self.folders {
            let folder = Folder::open(folder)?;
            let mut signatures = Signatures::new(&folder.root, &policy.keys);
            for name in &folder.names {
                match examine(&folder.root, &mut signatures, policy, name) {
                    Looked::Library(library) => {
                        for record in &library.records {
                            lock.add(locked(&library, record, policy));
                        }
                    }
                    Looked::Other => {}
                    Looked::Unreadable(error) => return Err(error),
                }
            }
        }
        Ok(lock)
    }
}

fn count(plugins: usize) -> String {
    match plugins {
        1 => "1 plugin".to_owned(),
        many => format!("{many} plugins"),
    }
}

fn locked(library: &Examined, record: &Record, policy: &Policy) -> LockedPlugin {
    let facts: Facts = library.facts_of(Some(record));
    let summary = &record.summary;
    let mut plugin = LockedPlugin::new(summary.id.to_string(), summary.version.clone());
    plugin.interfaces = manifest(record).interfaces;
    plugin.signer = accepted(&facts, policy)
        .next()
        .map(|(key, _)| key.public.id());
    let name = library.path.file_name().unwrap_or_default();
    let size = facts.file.as_ref().map_or(0, |file| file.size);
    let target = summary.build.target.clone();
    plugin.files.push(LockedFile::new(
        target,
        name.to_string_lossy(),
        size,
        facts.digest,
    ));
    plugin
}
