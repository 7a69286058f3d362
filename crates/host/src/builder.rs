//! Setting a host up: its policy, its folders, its permission.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use plugwright_dylib::CopyFolder;
use plugwright_manifest::Build;
use plugwright_plugin::context::Application;
use plugwright_trust::{Policy, Source};
use serde_json::Value;

use crate::{Host, InProcess, Linked, RefusalKind, Registry, SearchPaths};

/// Gathers what a [`Host`] needs. Made by [`Host::builder`] or [`Host::developer`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `scan`"]
pub struct HostBuilder {
    pub(crate) policy: Policy,
    pub(crate) paths: SearchPaths,
    pub(crate) sub_folder: PathBuf,
    pub(crate) copies_below: Option<PathBuf>,
    pub(crate) permission: Option<InProcess>,
    pub(crate) application: Application,
    pub(crate) data_below: Option<PathBuf>,
    pub(crate) configurations: HashMap<String, Value>,
    pub(crate) linked: Linked,
    pub(crate) registry: Option<Registry>,
    pub(crate) priorities: HashMap<String, i32>,
    pub(crate) profiles: Profiles,
}

/// Which plugins a host takes by how they were built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profiles {
    /// Any: the boundary is the same for all.
    #[default]
    Any,
    /// Those that were built like the host, for debugging or for release: an application whose plugins are built along
    /// with it notices when one was not.
    Same,
}

impl Profiles {
    /// Why a plugin that was built like this is not taken.
    pub(crate) fn refuses(self, build: &Build) -> Option<RefusalKind> {
        let host = if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        };
        (self == Self::Same && build.profile != host).then(|| RefusalKind::Profile {
            plugin: build.profile.clone(),
            host,
        })
    }
}

impl HostBuilder {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            paths: SearchPaths::new(),
            sub_folder: PathBuf::new(),
            copies_below: None,
            permission: None,
            application: Application::default(),
            data_below: None,
            configurations: HashMap::new(),
            linked: Linked::all(),
            registry: None,
            priorities: HashMap::new(),
            profiles: Profiles::Any,
        }
    }

    /// Adds a folder behind those added before. An absolute path; its own folders are not
    /// looked into. Of two equal offers, the one in the folder added first is preferred.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.paths.append(folder.into());
        self
    }

    /// Looks into these folders instead of those added before.
    pub fn paths(mut self, paths: SearchPaths) -> Self {
        self.paths = paths;
        self
    }

    /// Looks into the folder `below` of every folder instead of the folder itself: an
    /// application with several kinds of plugins has a host for each. A plain relative path,
    /// such as `codecs`; of any other, what is not a plain name is left out.
    pub fn sub_folder(mut self, below: impl AsRef<Path>) -> Self {
        let parts = below.as_ref().components();
        let is_plain = |part: &Component<'_>| matches!(part, Component::Normal(_));
        self.sub_folder = parts.filter(is_plain).collect();
        self
    }

    /// Which of the plugins that [`link_plugin!`](crate::link_plugin) linked into the program
    /// are offered: all, unless this says otherwise. They stand behind those in folders, need
    /// no permission to run, and are not judged: whoever linked the program decided.
    pub fn linked(mut self, linked: Linked) -> Self {
        self.linked = linked;
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

    /// Says to plugins which application they run in. Without it they are told nothing.
    pub fn application(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.application = Application {
            name: name.into(),
            version: version.into(),
        };
        self
    }

    /// Where plugins keep data of their own: an absolute path to a folder that this user alone
    /// can write. For a plugin that asks, a folder with its id as its name is made below it.
    /// Without it plugins are told that there is no place.
    pub fn data_below(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_below = Some(folder.into());
        self
    }

    /// What every instance of the plugin with this id is made with, unless it is asked for
    /// with a configuration of its own. The plugin says what it takes; what it cannot use is
    /// the error of whoever asks for an instance. There need be no such plugin.
    pub fn configuration(mut self, plugin: impl Into<String>, value: impl Into<Value>) -> Self {
        self.configurations.insert(plugin.into(), value.into());
        self
    }

    /// Keeps what is found from one start to the next, so that a start reads what is new only.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Prefers the plugin with this id, whatever ranks say: of several providers the one with the greatest priority is
    /// taken, and then rank decides. A plugin has 0 unless this says otherwise; there need be no such plugin.
    pub fn priority(mut self, plugin: impl Into<String>, priority: i32) -> Self {
        self.priorities.insert(plugin.into(), priority);
        self
    }

    /// Which plugins are taken by how they were built: any, unless this says otherwise.
    pub fn profiles(mut self, profiles: Profiles) -> Self {
        self.profiles = profiles;
        self
    }

    /// Looks through the folders. Nothing is run; a folder that cannot be read is reported
    /// in [`Host::seen`] like everything else.
    #[must_use]
    pub fn scan(mut self) -> Host {
        if !self.policy.sources.contains(&Source::PrivateCopy) {
            self.copies_below = None;
        }
        Host::scan(self)
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
