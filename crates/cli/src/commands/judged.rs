//! What `verify`, `lock` and `sign` share: the policy that is asked, and a file with all that is known of it.

mod needs;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use plugwright_audit::audited;
use plugwright_evidence::{Opened, Root, Signatures, manifest, read_keys, read_lock, read_policy};
use plugwright_inspect::{Symbols, Target, symbols};
use plugwright_manifest::{Record, Role};
use plugwright_trust::{Facts, Policy, Timestamp, Verdict, judge};

pub(crate) use needs::Needs;

/// Whose rules are asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    /// A policy file, or one of the presets: developer, desktop, server, locked
    #[arg(long, value_name = "POLICY", default_value = "desktop")]
    policy: PathBuf,

    /// A key store: its keys count in addition to the policy's
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// The lock file that plugins are held to
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
}

impl Rules {
    /// Rules without a lock file.
    pub(crate) const fn new(policy: PathBuf, keys: Option<PathBuf>) -> Self {
        Self {
            policy,
            keys,
            lock: None,
        }
    }

    /// Puts the policy together; the error is a sentence.
    pub(crate) fn policy(&self) -> Result<Policy, String> {
        let mut policy = match self.policy.to_str() {
            Some("developer") => Policy::developer(),
            Some("desktop") => Policy::desktop(),
            Some("server") => Policy::server(),
            Some("locked") => Policy::locked(),
            _ => read_policy(&absolute(&self.policy)?).map_err(|error| error.to_string())?,
        };
        if let Some(store) = &self.keys {
            let keys = read_keys(&absolute(store)?).map_err(|error| error.to_string())?;
            for key in keys {
                let known = |known: &plugwright_trust::Key| known.public.id() == key.public.id();
                if !policy.keys.iter().any(known) {
                    policy = policy.with_key(key);
                }
            }
        }
        if let Some(lock) = &self.lock {
            let lock = read_lock(&absolute(lock)?).map_err(|error| error.to_string())?;
            policy = policy.with_lock(lock);
        }
        Ok(policy)
    }
}

/// A path that does not depend on the current folder any more.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{path:?}: {error}"))
}

/// The time of the system's clock; its first second if that is set before 1970.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// A folder that was opened, with the library files in it.
pub(crate) struct Folder {
    pub(crate) root: Root,
    /// Sorted.
    pub(crate) names: Vec<PathBuf>,
}

impl Folder {
    /// The folder at `path` with all its files, or the folder of the file at `path` with that file alone.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let path = absolute(path)?;
        let failed = |error: &dyn std::fmt::Display| format!("{path:?} cannot be read: {error}");
        if !path.is_dir() {
            let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(format!("{path:?} names no file"));
            };
            let root = Root::open(folder).map_err(|error| error.to_string())?;
            let names = vec![name.into()];
            return Ok(Self { root, names });
        }
        let root = Root::open(&path).map_err(|error| error.to_string())?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(root.path()).map_err(|error| failed(&error))? {
            let entry = entry.map_err(|error| failed(&error))?;
            if entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
                names.push(PathBuf::from(entry.file_name()));
            }
        }
        names.sort_unstable();
        Ok(Self { root, names })
    }
}

/// A library with what is known of it.
pub(crate) struct Examined {
    pub(crate) path: PathBuf,
    pub(crate) facts: Facts,
    /// The plugins that it offers.
    pub(crate) records: Vec<Record>,
}

/// A file that was looked at.
pub(crate) enum Looked {
    Library(Box<Examined>),
    /// No library at all.
    Other,
    /// It cannot be opened or read; a sentence.
    Unreadable(String),
}

/// Gathers the facts about a file; nothing of it is executed.
pub(crate) fn examine(
    folder: &Root,
    signatures: &mut Signatures<'_>,
    policy: &Policy,
    name: &Path,
) -> Looked {
    let opened = match folder.open_file(name) {
        Ok(opened) => opened,
        Err(error) => return Looked::Unreadable(error.to_string()),
    };
    let contents = symbols(opened.file(), name.file_name());
    if contents.images.is_empty() && is_foreign(&contents) {
        return Looked::Other;
    }
    match gather(&opened, &contents, signatures, policy, name) {
        Ok(facts) => Looked::Library(Box::new(Examined {
            path: opened.path().to_owned(),
            facts,
            records: offered(&contents),
        })),
        Err(error) => Looked::Unreadable(format!("{:?} cannot be read: {error}", opened.path())),
    }
}

fn gather(
    opened: &Opened,
    contents: &Symbols,
    signatures: &mut Signatures<'_>,
    policy: &Policy,
    name: &Path,
) -> std::io::Result<Facts> {
    let file = opened.file();
    let found = signatures.of(name);
    let facts = opened.facts(file, contents, &found)?;
    Ok(audited(facts, policy, file, opened.path()))
}

/// Whether a file does not even claim to be a library.
fn is_foreign(contents: &Symbols) -> bool {
    let mut problems = contents.problems.iter();
    problems.any(|problem| problem.code.group() == plugwright_inspect::Group::Foreign)
}

/// The plugins that a library offers to this system, else to the first that it is for.
fn offered(contents: &Symbols) -> Vec<Record> {
    let image = Target::host().and_then(|host| contents.image_for(&host));
    let image = image.or_else(|| contents.images.first());
    let records = image.map(|image| image.headers.image.records.clone());
    let mut records = records.unwrap_or_default();
    records.retain(|record| record.role == Role::Root);
    records
}

impl Examined {
    /// The facts with what the plugin says of itself, if the library is one.
    pub(crate) fn facts_of(&self, record: Option<&Record>) -> Facts {
        let facts = self.facts.clone();
        match record {
            Some(record) => facts.with_manifest(manifest(record)),
            None => facts,
        }
    }

    /// The verdict on each plugin; on the file itself if it has none.
    pub(crate) fn verdicts(&self, policy: &Policy) -> Vec<(Option<&Record>, Facts, Verdict)> {
        let mut records: Vec<Option<&Record>> = self.records.iter().map(Some).collect();
        if records.is_empty() {
            records.push(None);
        }
        let verdicts = records.into_iter().map(|record| {
            let facts = self.facts_of(record);
            let verdict = judge(&facts, policy);
            (record, facts, verdict)
        });
        verdicts.collect()
    }
}
