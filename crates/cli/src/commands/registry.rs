//! `plugwright registry`: what a host kept of its last start.

use std::io;
use std::path::{Path, PathBuf};

use plugwright_host::{Registry as File, RegistryEntry, RegistryError, read_keys};
use serde::Serialize;

use super::key::Passphrase;
use super::places::app_name;
use super::report::PathText;
use super::sign;
use crate::exit::Exit;
use crate::output::{self, Output, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright registry show --app press
  plugwright registry verify --file ~/.cache/press/plugins-0123.registry
  plugwright registry clear --app press
  plugwright registry export --app press --sign release.key press.registry
  plugwright registry import --app press --keys press.keys press.registry";

/// Show, check, remove, ship or take over what a host kept of its plugins from its last start
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Registry {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print every file that it tells of, with its plugins or the reason why it is not used
    Show {
        #[command(flatten)]
        which: Which,
        /// Lines for people, or one JSON object as docs/cli.md describes it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Say whether it is whole and of this version: format, checksum, tables
    Verify(Which),
    /// Remove it: the next start reads every plugin
    Clear(Which),
    /// Write a copy that holds wherever the application is, for folders below the copy's own
    Export {
        #[command(flatten)]
        which: Which,
        /// The copy, to be shipped
        to: PathBuf,
        /// Sign it with this secret key: beside it, as `plugwright sign` does with any file
        #[arg(long, value_name = "FILE")]
        sign: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Take over what a shipped one says of the files below its folder
    Import {
        #[command(flatten)]
        which: Which,
        /// The one that was shipped
        from: PathBuf,
        /// Only if a key of this key store signed it, or the bundle manifest of its folder that lists it
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
}

/// Which registry.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// This user's of an application
    #[arg(long, value_name = "NAME", value_parser = app_name)]
    app: Option<String>,
    /// The one in this file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    path: PathText,
    files: Vec<ShownFile>,
}

#[derive(Debug, Serialize)]
struct ShownFile {
    #[serde(flatten)]
    path: PathText,
    plugins: Vec<ShownPlugin>,
    reason: Option<String>,
    read_again: bool,
}

#[derive(Debug, Serialize)]
struct ShownPlugin {
    id: String,
    version: String,
    interfaces: Vec<ShownInterface>,
}

#[derive(Debug, Serialize)]
struct ShownInterface {
    id: String,
    version: String,
    keys: Vec<String>,
    rank: i32,
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Which {
    fn registry(&self) -> Option<File> {
        match (&self.file, &self.app) {
            (Some(file), _) => Some(File::at(absolute(file))),
            (None, Some(app)) => File::for_user(app),
            (None, None) => None,
        }
    }
}

impl Registry {
    /// Does what was asked for.
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let (What::Show { which, .. }
        | What::Verify(which)
        | What::Clear(which)
        | What::Export { which, .. }
        | What::Import { which, .. }) = &self.what;
        let Some(registry) = which.registry() else {
            output::complain("this user has no folder for caches: name the registry with --file");
            return Ok(Exit::Problems);
        };
        let problem = |what: &str| {
            output::complain(&escape::sentence(what));
            Ok(Exit::Problems)
        };
        let done = match &self.what {
            What::Show { format, .. } => match registry.entries() {
                Ok(entries) => return show(&registry, &entries, *format, output),
                Err(error) => Err(error),
            },
            What::Verify(_) => registry.verify().map(|()| "is whole"),
            What::Clear(_) => registry
                .clear()
                .map(|was| if was { "was removed" } else { "was not there" }),
            What::Export {
                to,
                sign: key,
                passphrase,
                ..
            } => {
                let (to, key) = (absolute(to), key.as_deref());
                let key = match key.map(|key| passphrase.unlock(key)).transpose() {
                    Ok(key) => key,
                    Err(error) => return problem(&error),
                };
                let done = registry.export(&to).map(|()| "was exported");
                if let (Ok(_), Some(key)) = (&done, key) {
                    match sign::file(&to, &key, None) {
                        Ok(line) => output.line(&escape::sentence(&line))?,
                        Err(error) => return problem(&error),
                    }
                }
                done
            }
            What::Import { from, keys, .. } => {
                let mut registry = registry.clone();
                if let Some(keys) = keys {
                    match read_keys(&absolute(keys)) {
                        Ok(keys) => registry = registry.with_signers(keys),
                        Err(error) => return problem(&error.to_string()),
                    }
                }
                registry.import(&absolute(from)).map(|()| "was written")
            }
        };
        tell(&registry, done, output)
    }
}

fn tell(
    registry: &File,
    done: Result<&'static str, RegistryError>,
    output: &mut Output,
) -> io::Result<Exit> {
    match done {
        Ok(what) => {
            output.line(&format!("{} {what}", escape::path(registry.path())))?;
            Ok(Exit::Good)
        }
        Err(error) => {
            output::complain(&escape::sentence(&error.to_string()));
            Ok(Exit::Problems)
        }
    }
}

fn show(
    registry: &File,
    entries: &[RegistryEntry],
    format: Format,
    output: &mut Output,
) -> io::Result<Exit> {
    if format == Format::Json {
        let shown = Shown {
            path: PathText::from(registry.path()),
            files: entries.iter().map(shown_file).collect(),
        };
        output.json(&shown)?;
        return Ok(Exit::Good);
    }
    for entry in entries {
        let again = if entry.is_read_again {
            " (is read again)"
        } else {
            ""
        };
        output.line(&format!("{}{again}", escape::path(&entry.path)))?;
        for plugin in &entry.plugins {
            output.line(&format!("  {} {}", plugin.id, plugin.version))?;
            for provided in &plugin.provides {
                let keys = escape::text(&provided.keys.join(", "));
                output.line(&format!(
                    "    {} {} {keys}",
                    provided.interface, provided.version
                ))?;
            }
        }
        if !entry.reason.is_empty() {
            output.line(&format!("  {}", escape::sentence(&entry.reason)))?;
        }
    }
    Ok(Exit::Good)
}

fn shown_file(entry: &RegistryEntry) -> ShownFile {
    let plugins = entry.plugins.iter().map(|plugin| ShownPlugin {
        id: plugin.id.to_string(),
        version: plugin.version.to_string(),
        interfaces: plugin
            .provides
            .iter()
            .map(|provided| ShownInterface {
                id: provided.interface.to_string(),
                version: provided.version.to_string(),
                keys: provided.keys.clone(),
                rank: provided.rank,
            })
            .collect(),
    });
    ShownFile {
        path: PathText::from(entry.path.as_path()),
        plugins: plugins.collect(),
        reason: Some(entry.reason.clone()).filter(|reason| !reason.is_empty()),
        read_again: entry.is_read_again,
    }
}
