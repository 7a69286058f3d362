//! What a listing tells of a plugin, whatever system it is for.

use plugwright_inspect::{Image, PluginKind, QtMetadata, Recognised};
use plugwright_manifest::{Provided, Record, Role};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::read::Reading;
use crate::commands::report::PathText;
use crate::output::escape;
use crate::output::table::Table;

/// A plugin as a listing in JSON has it.
#[derive(Debug, Serialize)]
pub(super) struct Listed<'a> {
    kind: PluginKind,
    #[serde(flatten)]
    path: &'a PathText,
    #[serde(flatten)]
    said: &'a Said,
}

/// What is told of any plugin.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said {
    format: plugwright_inspect::Format,
    arch: String,
    pub(super) keys: Vec<String>,
    #[serde(flatten)]
    says: Says,
}

/// What a file tells of a plugin, wherever the file is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plugin {
    #[serde(deserialize_with = "kind")]
    pub(super) kind: PluginKind,
    pub(super) said: Said,
    /// What the application's own metadata are, for the filter; `inspect` tells them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) metadata: Vec<Value>,
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PluginKind, D::Error> {
    let name = String::deserialize(deserializer)?;
    let mut kinds = PluginKind::ALL.iter().copied();
    kinds
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| D::Error::custom("an unknown kind"))
}

/// What a plugin says of itself, by its system.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Says {
    Plugwright {
        id: String,
        version: String,
        provides: Vec<Provides>,
    },
    Qt {
        iid: Option<String>,
        class: Option<String>,
        qt_version: Option<String>,
        debug: bool,
    },
    /// Of other systems' plugins what they export, which says little.
    Other {
        name: Option<String>,
        evidence: Option<String>,
    },
}

/// An interface that a plugin provides.
#[derive(Debug, Serialize, Deserialize)]
struct Provides {
    interface: String,
    version: String,
    keys: Vec<String>,
}

/// The headings of [`Plugin::add_row`].
pub(super) const HEADINGS: [&str; 6] = ["KIND", "ID", "VERSION", "PROVIDES", "WHERE", "KEYS"];

impl Plugin {
    /// Adds the plugins that an image offers; of other systems' those that are recognised as `kinds`. Of Qt's the
    /// application's own metadata are told only where everything is `read`.
    pub(super) fn add(
        image: &Image,
        kinds: Vec<Recognised>,
        read: Reading,
        plugins: &mut Vec<Self>,
    ) {
        let new = |kind, keys, says, metadata| Self {
            kind,
            said: Said {
                format: image.target.format,
                arch: image.target.machine.to_string(),
                keys,
                says,
            },
            metadata,
        };
        let offered = image
            .records
            .iter()
            .filter(|record| record.role == Role::Root);
        plugins.extend(offered.map(|record| {
            let says = Says::of_record(record);
            let provides = record.summary.provides.iter();
            let keys = provides.flat_map(|provided| provided.keys.iter().cloned());
            let metadata = metadata_of(record);
            new(PluginKind::Plugwright, keys.collect(), says, metadata)
        }));
        if let Some(qt) = &image.qt {
            let keys = qt.keys().map(str::to_owned).collect();
            // Made only for who asks: of some plugins they are forty kilobytes of names in all languages.
            let metadata = match read {
                Reading::Headers => qt.json().get("MetaData").cloned(),
                Reading::Identity | Reading::Kinds => None,
            };
            let metadata = metadata.into_iter().collect();
            plugins.push(new(PluginKind::Qt, keys, Says::of_qt(qt), metadata));
        }
        // The first two are told by their metadata, above.
        let others = kinds
            .into_iter()
            .filter(|found| !matches!(found.kind, PluginKind::Plugwright | PluginKind::Qt));
        plugins.extend(others.map(|found| {
            let says = Says::Other {
                name: found.name.map(|name| name.to_string_lossy().into_owned()),
                evidence: found
                    .evidence
                    .map(|text| text.to_string_lossy().into_owned()),
            };
            new(found.kind, Vec::new(), says, Vec::new())
        }));
    }

    /// As JSON has it, of the file at `path`.
    pub(super) fn listed<'a>(&'a self, path: &'a PathText) -> Listed<'a> {
        Listed {
            kind: self.kind,
            path,
            said: &self.said,
        }
    }

    /// The interfaces that it provides, by their ids.
    pub(super) fn interfaces(&self) -> Vec<&str> {
        match &self.said.says {
            Says::Plugwright { provides, .. } => {
                let interfaces = provides.iter().map(|provided| provided.interface.as_str());
                interfaces.collect()
            }
            Says::Qt { iid, .. } => iid.as_deref().into_iter().collect(),
            Says::Other { .. } => Vec::new(),
        }
    }

    /// Adds its row; `path` is its file's, escaped.
    pub(super) fn add_row(&self, path: &str, table: &mut Table<{ HEADINGS.len() }>) {
        fn add(text: &mut String, part: &str) {
            text.push_str(&escape::shown(part));
        }
        let add_known = |text: &mut String, part: &Option<String>| {
            add(text, part.as_deref().unwrap_or("?"));
        };
        table.cell(|text| text.push_str(self.kind.as_str()));
        match &self.said.says {
            Says::Plugwright {
                id,
                version,
                provides,
            } => {
                table.cell(|text| add(text, id));
                table.cell(|text| add(text, version));
                table.cell(|text| {
                    for (number, provided) in provides.iter().enumerate() {
                        text.push_str(if number > 0 { ", " } else { "" });
                        add(text, &provided.interface);
                        text.push(' ');
                        add(text, &provided.version);
                    }
                });
            }
            Says::Qt {
                iid,
                class,
                qt_version,
                debug,
            } => {
                table.cell(|text| add_known(text, class));
                table.cell(|text| {
                    text.push_str("Qt ");
                    add_known(text, qt_version);
                    text.push_str(if *debug { " debug" } else { "" });
                });
                table.cell(|text| add_known(text, iid));
            }
            Says::Other { name, .. } => {
                table.cell(|text| add(text, name.as_deref().unwrap_or_default()));
                table.cell(|_| {});
                table.cell(|_| {});
            }
        }
        table.cell(|text| text.push_str(path));
        table.cell(|text| {
            for (number, key) in self.said.keys.iter().enumerate() {
                text.push_str(if number > 0 { ", " } else { "" });
                add(text, key);
            }
        });
    }
}

impl Says {
    fn of_record(record: &Record) -> Self {
        Self::Plugwright {
            id: record.summary.id.to_string(),
            version: record.summary.version.to_string(),
            provides: record.summary.provides.iter().map(Provides::of).collect(),
        }
    }

    fn of_qt(qt: &QtMetadata) -> Self {
        Self::Qt {
            iid: qt.iid().map(str::to_owned),
            class: qt.class_name().map(str::to_owned),
            qt_version: qt
                .qt_version()
                .map(|(major, minor)| format!("{major}.{minor}")),
            debug: qt.is_debug(),
        }
    }
}

impl Provides {
    fn of(provided: &Provided) -> Self {
        Self {
            interface: provided.interface.to_string(),
            version: provided.version.to_string(),
            keys: provided.keys.clone(),
        }
    }
}

/// The application's own metadata in a record: of the plugin, and of each interface that it provides.
fn metadata_of(record: &Record) -> Vec<Value> {
    let detail = record.detail.as_ref();
    let values = detail.into_iter().flat_map(|detail| {
        let of_interfaces = detail.provided_metadata.iter();
        std::iter::once(&detail.metadata).chain(of_interfaces)
    });
    values.cloned().collect()
}
