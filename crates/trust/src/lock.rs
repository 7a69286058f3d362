//! The lock file: which versions and bytes of which plugins an application was released with.

mod drift;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugwright_manifest::{Version, is_valid_id};
use serde::{Deserialize, Serialize};

use crate::text::{self, FORMAT, ParseFileError, check_format};
use crate::{Digest, InterfaceFacts, KeyId};

pub use drift::{Drift, DriftKind};

/// What may run, plugin by plugin, for all platforms at once. The file is usually called `plugwright.lock` and lies beside
/// the application.
///
/// ```
/// use plugwright_trust::Lock;
///
/// let lock = Lock::parse(r#"
///     version = 1
///
///     [[plugin]]
///     id = "org.example.zstd"
///     version = "1.2.0"
///     signer = "E7620F1842B4E81F"
///
///     [[plugin.file]]
///     target = "x86_64-unknown-linux-gnu"
///     name = "libzstd.so"
///     size = 321456
///     digest = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
/// "#)?;
/// assert_eq!(lock.plugins[0].files[0].name, "libzstd.so");
/// # Ok::<(), plugwright_trust::ParseFileError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lock {
    /// The plugins, sorted by id and version.
    pub plugins: Vec<LockedPlugin>,
}

/// One version of a plugin in a lock file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct LockedPlugin {
    /// The plugin's id.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// The key that has to have signed it, if it was signed when it was locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<KeyId>,
    /// What it provides.
    #[serde(default, rename = "interface", skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<InterfaceFacts>,
    /// Its files, one for each platform.
    #[serde(default, rename = "file", skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<LockedFile>,
}

impl LockedPlugin {
    /// A version of a plugin, without files.
    #[must_use]
    pub fn new(id: impl Into<String>, version: Version) -> Self {
        Self {
            id: id.into(),
            version,
            signer: None,
            interfaces: Vec::new(),
            files: Vec::new(),
        }
    }
}

/// A plugin's file for one platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct LockedFile {
    /// The platform, as Rust's target triple.
    pub target: String,
    /// The file's name, for people: the digest decides.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: Digest,
}

impl LockedFile {
    /// A file for a platform.
    #[must_use]
    pub fn new(
        target: impl Into<String>,
        name: impl Into<String>,
        size: u64,
        digest: Digest,
    ) -> Self {
        Self {
            target: target.into(),
            name: name.into(),
            size,
            digest,
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, rename = "plugin", skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<LockedPlugin>,
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// With the line and column, if the text is not one; if it names an id and version twice.
    pub fn parse(text: &str) -> Result<Self, ParseFileError> {
        let file: File = text::read(text)?;
        check_format(file.version, "lock file")?;
        let mut seen = BTreeSet::new();
        for plugin in &file.plugins {
            let (id, version) = (&plugin.id, &plugin.version);
            if !is_valid_id(id) {
                return Err(ParseFileError::new(format_args!(
                    "{id:?} is not the id of a plugin"
                )));
            }
            if !seen.insert((id, version)) {
                return Err(ParseFileError::new(format_args!(
                    "{id} {version} is locked twice"
                )));
            }
        }
        let mut lock = Self {
            plugins: file.plugins,
        };
        lock.sort();
        Ok(lock)
    }

    /// Writes a lock file: sorted, so that the same plugins give the same text.
    ///
    /// # Errors
    /// If a file's size is greater than TOML can say.
    pub fn write(&self) -> Result<String, ParseFileError> {
        let mut sorted = self.clone();
        sorted.sort();
        let text = text::write(&File {
            version: FORMAT,
            plugins: sorted.plugins,
        })?;
        let head = "# The plugins of this application: written by `plugwright lock`, checked by `plugwright lock --check`.\n";
        Ok(format!("{head}{text}"))
    }

    fn sort(&mut self) {
        for plugin in &mut self.plugins {
            plugin
                .files
                .sort_by(|a, b| (&a.target, &a.name).cmp(&(&b.target, &b.name)));
            plugin.interfaces.sort();
        }
        self.plugins
            .sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
    }

    /// The locked versions of a plugin, the lowest first.
    pub fn versions(&self, id: &str) -> impl Iterator<Item = &LockedPlugin> {
        self.plugins.iter().filter(move |plugin| plugin.id == id)
    }
}
