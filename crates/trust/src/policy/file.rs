//! A policy as a TOML file: a preset, and what differs from it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use plugwright_manifest::{Capability, is_valid_id};
use serde::{Deserialize, Deserializer, de};

use super::{
    Audit, Excess, GroupWrite, HardLinks, Isolation, Owner, PanicAbort, Policy, Signatures,
    StickyFolders, Unlocked, Unpinned,
};
use crate::text::{self, FORMAT, ParseFileError, check_format};
use crate::{Digest, Key, Source};

/// What a policy file may say. `docs/policy.schema.json` says it for editors.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    version: u32,
    preset: Preset,
    owners: Option<BTreeSet<Owner>>,
    group_write: Option<GroupWrite>,
    sticky_folders: Option<StickyFolders>,
    hard_links: Option<HardLinks>,
    #[serde(default)]
    pins: BTreeMap<String, BTreeSet<Digest>>,
    #[serde(default)]
    denied: BTreeSet<Digest>,
    #[serde(default)]
    trusted: BTreeSet<Digest>,
    unpinned: Option<Unpinned>,
    panic_abort: Option<PanicAbort>,
    isolation: Option<Isolation>,
    sources: Option<Vec<Source>>,
    signatures: Option<Signatures>,
    unlocked: Option<Unlocked>,
    #[serde(default)]
    capabilities: BTreeSet<Capability>,
    excess: Option<Excess>,
    audit: Option<Audit>,
    #[serde(default, rename = "key")]
    keys: Vec<Key>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Preset {
    Developer,
    Desktop,
    Server,
    Locked,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeyFile {
    version: u32,
    #[serde(default, rename = "key")]
    keys: Vec<Key>,
}

#[derive(serde::Serialize)]
struct KeyFileOut<'a> {
    version: u32,
    #[serde(rename = "key", skip_serializing_if = "<[Key]>::is_empty")]
    keys: &'a [Key],
}

impl Policy {
    /// Reads a policy file: the name of a preset, and what differs from it. A lock file is given apart, with
    /// [`with_lock`](Self::with_lock).
    ///
    /// ```
    /// use plugwright_trust::{Owner, Policy};
    ///
    /// let policy = Policy::parse(r#"
    ///     version = 1
    ///     preset = "server"
    ///     owners = ["root", 1001]
    ///     signatures = "required"
    ///     capabilities = ["files:read:/usr/share/press"]
    ///
    ///     [pins]
    ///     "org.example.zstd" = ["af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"]
    ///
    ///     [[key]]
    ///     name = "release"
    ///     public = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
    ///     ids = ["org.example.*"]
    ///     until = "2028-01-01"
    /// "#)?;
    /// assert!(policy.owners.contains(&Owner::Uid(1001)));
    /// # Ok::<(), plugwright_trust::ParseFileError>(())
    /// ```
    ///
    /// # Errors
    /// With the line and column, if the text is not a policy: an unknown word is a mistake, never ignored.
    pub fn parse(text: &str) -> Result<Self, ParseFileError> {
        let file: File = text::read(text)?;
        check_format(file.version, "policy")?;
        check_keys(&file.keys)?;
        if let Some(id) = file.pins.keys().find(|id| !is_valid_id(id)) {
            return Err(ParseFileError::new(format_args!(
                "{id:?} is pinned and is not the id of a plugin"
            )));
        }
        let preset = match file.preset {
            Preset::Developer => Self::developer(),
            Preset::Desktop => Self::desktop(),
            Preset::Server => Self::server(),
            Preset::Locked => Self::locked(),
        };
        Ok(Self {
            owners: file.owners.unwrap_or(preset.owners),
            group_write: file.group_write.unwrap_or(preset.group_write),
            sticky_folders: file.sticky_folders.unwrap_or(preset.sticky_folders),
            hard_links: file.hard_links.unwrap_or(preset.hard_links),
            pins: file.pins,
            denied: file.denied,
            trusted: file.trusted,
            unpinned: file.unpinned.unwrap_or(preset.unpinned),
            panic_abort: file.panic_abort.unwrap_or(preset.panic_abort),
            isolation: file.isolation.unwrap_or(preset.isolation),
            sources: file.sources.unwrap_or(preset.sources),
            keys: file.keys,
            signatures: file.signatures.unwrap_or(preset.signatures),
            lock: None,
            unlocked: file.unlocked.unwrap_or(preset.unlocked),
            capabilities: file.capabilities,
            excess: file.excess.unwrap_or(preset.excess),
            audit: file.audit.unwrap_or(preset.audit),
        })
    }
}

impl Key {
    /// Reads a key store: a `version` and tables `[[key]]` as in a policy.
    ///
    /// # Errors
    /// With the line and column, if the text is not one; if two keys have one name or one number.
    pub fn parse_store(text: &str) -> Result<Vec<Self>, ParseFileError> {
        let file: KeyFile = text::read(text)?;
        check_format(file.version, "key store")?;
        check_keys(&file.keys)?;
        Ok(file.keys)
    }

    /// Writes a key store.
    ///
    /// # Errors
    /// If a capability's amount of memory is greater than TOML can say.
    pub fn write_store(keys: &[Self]) -> Result<String, ParseFileError> {
        text::write(&KeyFileOut {
            version: FORMAT,
            keys,
        })
    }
}

/// Which key is meant has to be clear by name and by number.
fn check_keys(keys: &[Key]) -> Result<(), ParseFileError> {
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for key in keys {
        let (name, id) = (&key.name, key.public.id());
        if !names.insert(name) {
            return Err(ParseFileError::new(format_args!(
                "two keys are called {name:?}"
            )));
        }
        if !numbers.insert(id) {
            return Err(ParseFileError::new(format_args!(
                "two keys have the number {id}"
            )));
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Words {
            Number(u32),
            Name(String),
        }
        match Words::deserialize(deserializer) {
            Ok(Words::Number(uid)) => Ok(Self::Uid(uid)),
            Ok(Words::Name(name)) if name == "root" => Ok(Self::Root),
            Ok(Words::Name(name)) if name == "this-user" => Ok(Self::ThisUser),
            _ => Err(de::Error::custom(
                "an owner is \"root\", \"this-user\" or a user's number",
            )),
        }
    }
}
