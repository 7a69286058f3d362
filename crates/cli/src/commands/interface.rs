//! `plugwright interface`: an interface out of a plugin into a file, and from there what a plugin in C needs.

use std::io;
use std::path::{Path, PathBuf};

use plugwright_inspect::{Links, ReadAt, headers, open};
use plugwright_manifest::embed::{BuildDef, Linkage, ProvidedDef, RecordDef};
use plugwright_manifest::{Capability, Description, Id, Record, Version, c, note};

use super::report::Trouble;
use crate::exit::Exit;
use crate::output::{self, Output, escape};

const EXAMPLES: &str = "\
Examples:
  plugwright interface save libzstd.so > codec.json
  plugwright interface c codec.json --id org.example.zstd \\
      --plugin-version 1.0.0 --key zstd > plugin.h";

const SAVE_EXAMPLES: &str = "\
Examples:
  plugwright interface save libzstd.so > codec.json
  plugwright interface save --interface org.example.codec libzstd.so";

const C_EXAMPLES: &str = "\
Examples:
  plugwright interface c codec.json --id org.example.zstd \\
      --plugin-version 1.0.0 --key zstd > plugin.h
  plugwright interface c codec.json --uses sink.json \\
      --id org.example.zstd --plugin-version 1.0.0 > plugin.h
  cc -shared -fPIC -I crates/plugin/include -include plugwright_plugin.h \\
      -include plugin.h zstd.c -o libzstd.so";

/// The largest saved interface that is read: a detail in hexadecimal digits, and its methods as text.
const LARGEST: u64 = 8 * note::MAX_DETAIL as u64;

/// Save an interface of a plugin in a file, and make of it what a plugin in C needs
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Interface {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Save(Save),
    C(C),
}

/// Print an interface as a plugin was built with it, for a file of its own
#[derive(Debug, clap::Args)]
#[command(before_help = SAVE_EXAMPLES)]
struct Save {
    /// A plugin that provides the interface
    plugin: PathBuf,

    /// The interface's id, when the plugin provides several
    #[arg(long, value_name = "ID")]
    interface: Option<String>,
}

/// Print the header with the record and the tables of a plugin in C
#[derive(Debug, clap::Args)]
#[command(before_help = C_EXAMPLES)]
struct C {
    /// The saved interfaces that the plugin provides, each under all of its keys
    #[arg(required = true, value_name = "DESCRIPTION")]
    descriptions: Vec<PathBuf>,

    /// A saved interface whose objects it gives or gets, such as a callback's; may be repeated
    #[arg(long, value_name = "DESCRIPTION")]
    uses: Vec<PathBuf>,

    /// The plugin's id
    #[arg(long, value_parser = |text: &str| Id::new(text))]
    id: Id,

    /// The plugin's version, in semver's form
    #[arg(long, value_name = "VERSION")]
    plugin_version: Version,

    /// A name under which it is found; give it again for further names
    #[arg(long)]
    key: Vec<String>,

    /// Which of several providers of a key is preferred: the greater
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    rank: i32,

    /// The plugin's name for people
    #[arg(long, default_value = "")]
    name: String,

    /// All who ask for it share one instance
    #[arg(long)]
    singleton: bool,

    /// Its instances take a configuration
    #[arg(long)]
    configurable: bool,

    /// What it asks its host to be allowed, such as threads:2; may be repeated
    #[arg(long)]
    capability: Vec<Capability>,
}

impl Interface {
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let text = match &self.command {
            Command::Save(save) => save.text(),
            Command::C(c) => c.text(),
        };
        match text {
            Ok(text) => {
                output.text(text.as_bytes())?;
                Ok(Exit::Good)
            }
            Err(problem) => {
                output::complain(&problem);
                Ok(Exit::Problems)
            }
        }
    }
}

/// A file's name as it is shown in front of what is wrong with it.
fn at(path: &Path, problem: impl std::fmt::Display) -> String {
    format!("{}: {problem}", escape::path(path))
}

impl Save {
    fn text(&self) -> Result<String, String> {
        let file = open(&self.plugin, Links::Follow)
            .map_err(|error| at(&self.plugin, Trouble::of_open(&error).line()))?;
        let headers = headers(&file, self.plugin.file_name());
        let records = headers
            .images
            .into_iter()
            .flat_map(|image| image.image.records);
        // Several plugins of a library may provide the same one.
        let mut provided: Vec<_> = Vec::new();
        for found in records.flat_map(self::provided) {
            if !provided.contains(&found) {
                provided.push(found);
            }
        }
        let wanted = self.interface.as_deref();
        let mut matching = provided
            .iter()
            .filter(|found| wanted.is_none_or(|id| found.schema.interface.as_str() == id));
        match (matching.next(), matching.next()) {
            (Some(found), None) => Ok(found.to_json()),
            (None, _) if provided.is_empty() => Err(at(&self.plugin, "it holds no plugin")),
            (found, _) => {
                let ids: Vec<String> = provided
                    .iter()
                    .map(|found| format!("{} {}", found.schema.interface, found.schema.version))
                    .collect();
                let ids = ids.join(", ");
                let problem = match wanted.filter(|_| found.is_none()) {
                    Some(wanted) => {
                        let wanted = escape::text(wanted);
                        format!("it does not provide {wanted}; its interfaces are {ids}")
                    }
                    None => format!("choose one of its interfaces with --interface: {ids}"),
                };
                Err(at(&self.plugin, problem))
            }
        }
    }
}

/// The interfaces that a record has, each with the number of the binary interface.
fn provided(record: Record) -> Vec<Description> {
    let abi = record.summary.build.abi;
    let schemas = record.detail.map_or_else(Vec::new, |detail| detail.schemas);
    let described = schemas
        .into_iter()
        .map(|schema| Description::new(abi, schema));
    described.collect()
}

impl C {
    fn text(&self) -> Result<String, String> {
        let provided = described(&self.descriptions)?;
        let others = described(&self.uses)?;
        let abi = provided.first().map_or(0, |first| first.abi);
        let files = self.descriptions.iter().chain(&self.uses);
        for (path, other) in files.zip(provided.iter().chain(&others)) {
            if other.abi != abi {
                let other = other.abi;
                let problem =
                    format!("it is for the binary interface {other}, the first for {abi}");
                return Err(at(path, problem));
            }
        }
        if let Some(key) = self
            .key
            .iter()
            .find(|key| key.is_empty() || key.chars().any(char::is_control))
        {
            return Err(format!(
                "{key:?} is no key: it has characters, and no control characters"
            ));
        }
        let keys: &'static [&'static str] = self
            .key
            .iter()
            .map(|key| leaked(key))
            .collect::<Vec<_>>()
            .leak();
        let provides = provided.iter().map(|description| ProvidedDef {
            interface: description.schema.to_shape(),
            keys,
            rank: self.rank,
            metadata: &[],
        });
        let capabilities = self.capability.iter();
        let capabilities: Vec<&str> = capabilities
            .map(|asked| leaked(&asked.to_string()))
            .collect();
        let def = RecordDef {
            entry: leaked(&entry(&self.id)),
            id: leaked(self.id.as_str()),
            version: leaked(&self.plugin_version.to_string()),
            crate_name: "c",
            linkage: Linkage::Cdylib,
            provides: provides.collect::<Vec<_>>().leak(),
            singleton: self.singleton,
            configurable: self.configurable,
            capabilities: capabilities.leak(),
            build: BuildDef {
                abi,
                target: leaked(&format!(
                    "{}-{}",
                    std::env::consts::ARCH,
                    std::env::consts::OS
                )),
                profile: "release",
                rustc: "a compiler for C",
                panic_abort: false,
                unloadable: false,
            },
            name: leaked(&self.name),
            description: "",
            license: "",
            authors: "",
            homepage: "",
            metadata: &[],
        };
        let others: Vec<_> = others.iter().map(|other| other.schema.to_shape()).collect();
        c::header(&def, &others).map_err(|(what, size, limit)| {
            format!("the plugin's {what} has {size} bytes, and {limit} are the most: give it fewer or shorter keys")
        })
    }
}

fn described(paths: &[PathBuf]) -> Result<Vec<Description>, String> {
    let one =
        |path: &PathBuf| Description::from_json(&read(path)?).map_err(|error| at(path, error));
    paths.iter().map(one).collect()
}

/// A saved interface's text. Anything but a regular file is refused, and none is read for ever.
fn read(path: &Path) -> Result<String, String> {
    let file =
        open(path, Links::Follow).map_err(|error| at(path, Trouble::of_open(&error).line()))?;
    let length = file.size();
    if length > LARGEST {
        return Err(at(path, format_args!("it has more than {LARGEST} bytes")));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) => return Err(at(path, error)),
        }
    }
    bytes.truncate(filled);
    String::from_utf8(bytes).map_err(|error| at(path, error))
}

/// A record is made of constants. The program ends as soon as it has printed them.
fn leaked(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// The entry function's name: the id, as C can write it.
fn entry(id: &Id) -> String {
    format!("plugwright_entry_{}", id.as_str().replace(['.', '-'], "_"))
}
