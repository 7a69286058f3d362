//! The bundle manifest: every file of a folder with its digest, to be signed once for all.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use plugwright_manifest::{Version, is_valid_id};
use serde::{Deserialize, Serialize};

use crate::text::{self, FORMAT, ParseFileError, check_format};
use crate::{Digest, Subject, Timestamp};

/// The files that belong together, for all platforms at once. One signature over its text stands for all of them, and costs
/// one pass over a small file instead of one over each library.
///
/// ```
/// use plugwright_trust::Bundle;
///
/// let bundle = Bundle::parse(r#"
///     version = 1
///     expires = "2028-01-01"
///
///     [[file]]
///     path = "libzstd.so"
///     size = 321456
///     digest = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
///     plugin = { id = "org.example.zstd", version = "1.2.0" }
/// "#)?;
/// let digest = bundle.files[0].digest;
/// assert_eq!(bundle.subjects(digest).next().unwrap().id.as_deref(), Some("org.example.zstd"));
/// # Ok::<(), plugwright_trust::ParseFileError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bundle {
    /// From this time on the bundle counts for nothing.
    pub expires: Option<Timestamp>,
    /// The files, sorted by path.
    pub files: Vec<BundledFile>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct BundledFile {
    /// Where it lies below the bundle's folder, with `/` between the steps. For people: the digest decides.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: Digest,
    /// The plugins in it; none for a library that plugins need.
    #[serde(
        default,
        rename = "plugin",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "one_or_more"
    )]
    pub plugins: Vec<BundledPlugin>,
}

/// A plugin in a file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct BundledPlugin {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: Version,
}

impl BundledFile {
    /// A file without plugins.
    #[must_use]
    pub fn new(path: impl Into<String>, size: u64, digest: Digest) -> Self {
        Self {
            path: path.into(),
            size,
            digest,
            plugins: Vec::new(),
        }
    }

    /// Adds a plugin that is in it.
    #[must_use]
    pub fn with_plugin(mut self, id: impl Into<String>, version: Version) -> Self {
        let id = id.into();
        self.plugins.push(BundledPlugin { id, version });
        self
    }
}

/// One table, as for most files, or several.
fn one_or_more<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<BundledPlugin>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Plugins {
        One(BundledPlugin),
        More(Vec<BundledPlugin>),
    }
    Ok(match Plugins::deserialize(deserializer)? {
        Plugins::One(plugin) => Vec::from([plugin]),
        Plugins::More(plugins) => plugins,
    })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(default, rename = "file", skip_serializing_if = "Vec::is_empty")]
    files: Vec<BundledFile>,
}

impl Bundle {
    /// Reads a bundle manifest.
    ///
    /// # Errors
    /// With the line and column, if the text is not one; if it names a path twice, or one that leads out of the folder.
    pub fn parse(text: &str) -> Result<Self, ParseFileError> {
        let file: File = text::read(text)?;
        check_format(file.version, "bundle manifest")?;
        let mut seen = BTreeSet::new();
        for file in &file.files {
            let path = &file.path;
            if path.split('/').any(|step| matches!(step, "" | "." | "..")) {
                return Err(ParseFileError::new(format_args!(
                    "{path:?} is not a plain path below the bundle's folder"
                )));
            }
            if !seen.insert(path) {
                return Err(ParseFileError::new(format_args!(
                    "{path:?} is listed twice"
                )));
            }
            if let Some(plugin) = file.plugins.iter().find(|plugin| !is_valid_id(&plugin.id)) {
                let id = &plugin.id;
                return Err(ParseFileError::new(format_args!(
                    "{id:?} is not the id of a plugin"
                )));
            }
        }
        let mut bundle = Self {
            expires: file.expires,
            files: file.files,
        };
        bundle.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(bundle)
    }

    /// Writes a bundle manifest: sorted, so that the same files give the same text.
    ///
    /// # Errors
    /// If a file's size is greater than TOML can say.
    pub fn write(&self) -> Result<String, ParseFileError> {
        let mut files = self.files.clone();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        text::write(&File {
            version: FORMAT,
            expires: self.expires,
            files,
        })
    }

    /// What the bundle says of the plugins in the file with these bytes. A listed file without plugins has one subject
    /// without an id; a file that is not listed has none.
    pub fn subjects(&self, digest: Digest) -> impl Iterator<Item = Subject> {
        let listed = self.files.iter().filter(move |file| file.digest == digest);
        listed.flat_map(|file| {
            let bare = Subject {
                expires: self.expires,
                ..Subject::default()
            };
            let mut subjects: Vec<Subject> = Vec::new();
            for plugin in &file.plugins {
                let (id, version) = (Some(plugin.id.clone()), Some(plugin.version.clone()));
                subjects.push(Subject {
                    id,
                    version,
                    ..bare.clone()
                });
            }
            if subjects.is_empty() {
                subjects.push(bare);
            }
            subjects
        })
    }
}
