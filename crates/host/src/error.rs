//! Why an interface was not to be had: every plugin that was considered, with its reason.

use std::fmt;

use plugwright_manifest::{Id, InterfaceVersion, Version};
use plugwright_plugin::CallError;

use crate::{NotLocated, Refusal};

/// Why [`Host::create`](crate::Host::create) has no handle to give.
#[derive(Debug)]
pub struct CreateError {
    pub(crate) kind: CreateErrorKind,
    pub(crate) interface: &'static str,
    pub(crate) version: InterfaceVersion,
    pub(crate) key: Option<String>,
    pub(crate) attempts: Vec<Attempt>,
    /// Lines for people: folders that could not be read, and what is offered instead.
    pub(crate) remarks: Vec<String>,
    pub(crate) folders: usize,
    pub(crate) refused: usize,
}

/// The kinds of [`CreateError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateErrorKind {
    /// No plugin offers the interface, or none under this key.
    NotFound,
    /// Plugins offer it, but none could be used: see the attempts.
    AllRefused,
}

/// A plugin that was considered and not used.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The plugin.
    pub id: Id,
    /// Its version.
    pub version: Version,
    /// Why it is not used.
    pub refusal: Refusal,
}

/// Why a file has no plugins to offer: see [`Host::file`](crate::Host::file).
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// There is no such file.
    NotLocated(NotLocated),
    /// It is not used.
    Refused(Refusal),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLocated(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotLocated(error) => Some(error),
            Self::Refused(refusal) => Some(refusal),
        }
    }
}

/// An instance that was not stopped in an orderly way. It is stopped all the same.
#[derive(Clone, Debug)]
pub struct StopError {
    plugin: Id,
    version: Version,
    error: CallError,
}

impl StopError {
    pub(crate) fn new(plugin: Id, version: Version, error: CallError) -> Self {
        Self {
            plugin,
            version,
            error,
        }
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Id {
        &self.plugin
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// What it failed with.
    #[must_use]
    pub fn error(&self) -> &CallError {
        &self.error
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            plugin,
            version,
            error,
        } = self;
        write!(f, "{plugin} {version} was not stopped in order: {error}")
    }
}

impl std::error::Error for StopError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl CreateError {
    /// What went wrong, for decisions.
    #[must_use]
    pub fn kind(&self) -> CreateErrorKind {
        self.kind
    }

    /// The interface's id.
    #[must_use]
    pub fn interface(&self) -> &str {
        self.interface
    }

    /// The key that was asked for.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Every plugin that was considered, best first.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no plugin for {} {}", self.interface, self.version)?;
        if let Some(key) = &self.key {
            write!(f, " with key {key:?}")?;
        }
        match self.kind {
            CreateErrorKind::NotFound => {
                write!(
                    f,
                    ": none of the plugins in {} {} offers it",
                    self.folders,
                    if self.folders == 1 {
                        "folder"
                    } else {
                        "folders"
                    }
                )?;
                for remark in &self.remarks {
                    write!(f, "\n  {remark}")?;
                }
                if self.refused > 0 {
                    write!(
                        f,
                        "\n  {} not used at all: `Host::seen` says why",
                        match self.refused {
                            1 => "1 file was".to_owned(),
                            many => format!("{many} files were"),
                        }
                    )?;
                }
            }
            CreateErrorKind::AllRefused => f.write_str(": each that offers it was refused")?,
        }
        for attempt in &self.attempts {
            write!(
                f,
                "\n  {} {}: {}",
                attempt.id, attempt.version, attempt.refusal
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.attempts.as_slice() {
            [only] => Some(&only.refusal),
            _ => None,
        }
    }
}
