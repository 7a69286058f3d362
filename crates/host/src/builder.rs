//! Setting a host up: its policy, its folders, its permission.

use std::path::{Path, PathBuf};

use plugwright_dylib::CopyFolder;
use plugwright_trust::{Policy, Source};

use crate::{Host, InProcess};

/// Gathers what a [`Host`] needs. Made by [`Host::builder`] or [`Host::developer`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `scan`"]
pub struct HostBuilder {
    policy: Policy,
    folders: Vec<PathBuf>,
    copies_below: Option<PathBuf>,
    permission: Option<InProcess>,
}

impl HostBuilder {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            folders: Vec::new(),
            copies_below: None,
            permission: None,
        }
    }

    /// Adds a folder behind those added before. An absolute path; its own folders are not
    /// looked into. Of two equal offers, the one in the folder added first is preferred.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(folder.into());
        self
    }

    /// Where private copies are kept, if the policy makes any: an absolute path to a folder
    /// that nobody else can write, or a sticky one like `/tmp`. Below it this process makes
    /// a folder of its own. Plugins are never unloaded, so it is there as long as the
    /// process, and after its end until the next process that makes one removes it.
    pub fn copies_below(mut self, folder: impl Into<PathBuf>) -> Self {
        self.copies_below = Some(folder.into());
        self
    }

    /// Permits plugins to run in this process. Without it the host lists and judges, and
    /// loads nothing.
    pub fn in_process(mut self, permission: InProcess) -> Self {
        self.permission = Some(permission);
        self
    }

    /// Looks through the folders. Nothing is run; a folder that cannot be read is reported
    /// in [`Host::seen`] like everything else.
    #[must_use]
    pub fn scan(self) -> Host {
        let wants_copies = self.policy.sources.contains(&Source::PrivateCopy);
        let copies = self.copies_below.as_deref().filter(|_| wants_copies);
        let copies = copies.map(Path::to_owned);
        Host::scan(self.policy, &self.folders, copies, self.permission)
    }
}

/// The folder for private copies, made when it is first needed.
#[derive(Debug)]
pub(crate) struct Copies {
    below: PathBuf,
    folder: std::sync::OnceLock<CopyFolder>,
}

impl Copies {
    pub(crate) fn new(below: PathBuf) -> Self {
        Self {
            below,
            folder: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn folder(&self) -> Result<&CopyFolder, plugwright_dylib::LoadError> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder);
        }
        // Two threads may both make one: the second is removed again.
        let folder = CopyFolder::below(&self.below)?;
        Ok(self.folder.get_or_init(|| folder))
    }
}
