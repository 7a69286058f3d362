//! What a listing tells of a plugin, whatever system it is for.

use std::path::Path;

use plugwright_inspect::{Image, PluginKind, QtMetadata, Recognised};
use plugwright_manifest::{Provided, Record, Role};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::read::Reading;
use crate::commands::report::PathText;
use crate::output::escape;

/// A plugin in a file.
#[derive(Debug, Serialize)]
pub(super) struct Plugin {
    pub(super) kind: PluginKind,
    #[serde(flatten)]
    path: PathText,
    #[serde(flatten)]
    pub(super) said: Said,
    /// What the application's own metadata are, for the filter; `inspect` tells them.
    #[serde(skip)]
    pub(super) metadata: Vec<Value>,
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
pub(super) struct Unplaced {
    #[serde(deserialize_with = "kind")]
    pub(super) kind: PluginKind,
    said: Said,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<Value>,
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

/// The headings of [`Plugin::row`].
pub(super) const HEADINGS: [&str; 6] = ["KIND", "ID", "VERSION", "PROVIDES", "WHERE", "KEYS"];

impl Unplaced {
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
}

impl Plugin {
    /// A plugin of the file at `path`.
    pub(super) fn at(path: &Path, found: Unplaced) -> Self {
        Self {
            kind: found.kind,
            path: PathText::from(path),
            said: found.said,
            metadata: found.metadata,
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

    /// The cells of its row, escaped.
    pub(super) fn row(&self) -> [String; 6] {
        let shown = |text: &Option<String>| escape::text(text.as_deref().unwrap_or("?"));
        let (id, version, provides) = match &self.said.says {
            Says::Plugwright {
                id,
                version,
                provides,
            } => {
                let provides: Vec<String> = provides
                    .iter()
                    .map(|provided| format!("{} {}", provided.interface, provided.version))
                    .collect();
                let provides = escape::text(&provides.join(", "));
                (escape::text(id), escape::text(version), provides)
            }
            Says::Qt {
                iid,
                class,
                qt_version,
                debug,
            } => {
                let debug = if *debug { " debug" } else { "" };
                let version = format!("Qt {}{debug}", shown(qt_version));
                (shown(class), version, shown(iid))
            }
            Says::Other { name, .. } => {
                let name = name.as_deref().map_or_else(String::new, escape::text);
                (name, String::new(), String::new())
            }
        };
        [
            self.kind.as_str().to_owned(),
            id,
            version,
            provides,
            self.path.shown(),
            escape::text(&self.said.keys.join(", ")),
        ]
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
