//! What is asked for: an interface, a range of its versions, a key, application metadata.

use std::fmt;

use plugwright_manifest::schema::InterfaceShape;
use plugwright_manifest::{InterfaceVersion, Provided, Version};
use plugwright_plugin::Interface;
use semver::VersionReq;
use serde_json::Value;

use crate::registration::Registration;
use crate::registry::same_but_for_case;

/// Whether keys that differ in case only are the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyCase {
    /// They are two keys.
    #[default]
    Exact,
    /// They are one, as for names of file formats.
    Ignored,
}

/// Which versions of an interface are wanted: `^1.2`, `1`, `>=1.0, <3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceRange(VersionReq);

/// That a text is no range of versions.
#[derive(Debug)]
pub struct InvalidRange {
    text: String,
    error: semver::Error,
}

impl fmt::Display for InvalidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, error } = self;
        write!(
            f,
            "{text:?} is no range of versions, as ^1.2 or >=1.0, <3 is: {error}"
        )
    }
}

impl std::error::Error for InvalidRange {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl std::str::FromStr for InterfaceRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        VersionReq::parse(text)
            .map(Self)
            .map_err(|error| InvalidRange {
                text: text.to_owned(),
                error,
            })
    }
}

impl fmt::Display for InterfaceRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl InterfaceRange {
    /// Whether a version is in the range.
    #[must_use]
    pub fn contains(&self, version: InterfaceVersion) -> bool {
        let version = Version::new(version.major.into(), version.minor.into(), 0);
        self.0.matches(&version)
    }
}

/// What is asked for.
///
/// ```
/// use plugwright_host::{Host, KeyCase, Query};
///
/// let host = Host::developer().folder("/opt/press/plugins").scan();
/// let query = Query::new("org.example.codec")
///     .with_versions("^1.2".parse()?)
///     .with_key("ZSTD")
///     .with_key_case(KeyCase::Ignored)
///     .with_metadata("/streaming", true);
/// for offer in host.query(&query) {
///     println!("{} {}", offer.plugin().id(), offer.provided().version);
/// }
/// # Ok::<(), plugwright_host::InvalidRange>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Query {
    pub(crate) interface: String,
    pub(crate) shape: Option<&'static InterfaceShape>,
    pub(crate) versions: Option<InterfaceRange>,
    pub(crate) key: Option<String>,
    pub(crate) case: KeyCase,
    pub(crate) metadata: Vec<(String, Value)>,
}

impl Query {
    /// Asks for the interface with this id, in any version.
    pub fn new(interface: impl Into<String>) -> Self {
        Self {
            interface: interface.into(),
            shape: None,
            versions: None,
            key: None,
            case: KeyCase::Exact,
            metadata: Vec::new(),
        }
    }

    /// Asks for an interface that this program was compiled with.
    pub fn of<T: ?Sized + Interface>() -> Self {
        let mut query = Self::new(T::SHAPE.id);
        query.shape = Some(T::SHAPE);
        query
    }

    /// Only these versions of the interface.
    pub fn with_versions(mut self, versions: InterfaceRange) -> Self {
        self.versions = Some(versions);
        self
    }

    /// Only plugins that provide the interface under this key.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What counts as the same key: the exact one, unless this says otherwise.
    pub fn with_key_case(mut self, case: KeyCase) -> Self {
        self.case = case;
        self
    }

    /// Only plugins whose application metadata has `value` at `pointer`, a JSON pointer such as `/formats/0`: in what
    /// they say of this interface or, failing that, of themselves. Where there is a list, `value` is one of it. The
    /// plugins' files are read for this.
    pub fn with_metadata(mut self, pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.push((pointer.into(), value.into()));
        self
    }

    /// What is wanted of the version, for people: the range, or the version that this program was compiled with (which
    /// a plugin of an earlier minor version fits, too).
    pub(crate) fn wanted_version(&self) -> Option<String> {
        let own = self.shape.map(|shape| shape.version.to_string());
        self.versions.as_ref().map(ToString::to_string).or(own)
    }

    pub(crate) fn allows_version(&self, version: InterfaceVersion) -> bool {
        self.versions
            .as_ref()
            .is_none_or(|range| range.contains(version))
    }

    /// Whether one of these keys is the one.
    pub(crate) fn allows_keys(&self, keys: &[String]) -> bool {
        let Some(wanted) = &self.key else {
            return true;
        };
        keys.iter().any(|key| match self.case {
            KeyCase::Exact => key == wanted,
            KeyCase::Ignored => same_but_for_case(key, wanted),
        })
    }

    /// The first part of the metadata that a plugin does not have as it is wanted.
    pub(crate) fn missing_metadata(
        &self,
        plugin: &Registration,
        provided: usize,
    ) -> Option<&(String, Value)> {
        if self.metadata.is_empty() {
            return None;
        }
        let detail = plugin.detail();
        self.metadata.iter().find(|(pointer, wanted)| {
            let found = detail.as_ref().and_then(|detail| {
                let own = detail.provided_metadata.get(provided);
                own.and_then(|own| own.pointer(pointer))
                    .or_else(|| detail.metadata.pointer(pointer))
            });
            match found {
                Some(Value::Array(values)) => !values.contains(wanted) && found != Some(wanted),
                found => found != Some(wanted),
            }
        })
    }

    pub(crate) fn allows(&self, plugin: &Registration, index: usize, provided: &Provided) -> bool {
        self.allows_version(provided.version)
            && self.allows_keys(&provided.keys)
            && self.missing_metadata(plugin, index).is_none()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.interface)?;
        if let Some(version) = self.wanted_version() {
            write!(f, " {version}")?;
        }
        if let Some(key) = &self.key {
            write!(f, " with key {key:?}")?;
        }
        for (pointer, value) in &self.metadata {
            write!(f, " with {pointer:?} = {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, version: &str, expected: bool) {
        let range: InterfaceRange = range.parse().expect("a range");
        let version = version.parse().expect("a version");
        assert_eq!(range.contains(version), expected, "{range} {version}");
    }

    #[test]
    fn ranges_are_semvers() {
        check("^1.2", "1.2", true);
        check("^1.2", "1.9", true);
        check("^1.2", "1.1", false);
        check("^1.2", "2.0", false);
        check("1", "1.7", true);
        check(">=1.1, <3", "2.4", true);
        check(">=1.1, <3", "3.0", false);
        check("*", "7.0", true);
    }

    #[test]
    fn what_is_no_range_is_told() {
        let error = "one".parse::<InterfaceRange>().expect_err("no range");
        assert!(
            error
                .to_string()
                .starts_with("\"one\" is no range of versions"),
            "{error}"
        );
    }
}
