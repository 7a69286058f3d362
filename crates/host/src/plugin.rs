//! A plugin that a host offers, and one of the interfaces that it provides.

use std::fmt;
use std::sync::Arc;

use plugwright_manifest::{Detail, Id, Provided, Record, Version};

use crate::Origin;
use crate::pipeline::Candidate;
use crate::registration::{Place, Registration};

/// A plugin that a host offers, or offered when this was asked for.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) registration: Arc<Registration>,
}

impl Plugin {
    pub(crate) fn new(registration: &Arc<Registration>) -> Self {
        let registration = Arc::clone(registration);
        Self { registration }
    }

    /// The plugin's id.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.record().summary.id
    }

    /// The plugin's version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.record().summary.version
    }

    /// What it provides.
    #[must_use]
    pub fn provides(&self) -> &[Provided] {
        &self.record().summary.provides
    }

    /// Where it is: a file, or the program itself.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.registration.origin()
    }

    /// Its record as it stood in the file when it was read, without the detail.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.registration.record
    }

    /// Reads texts, schema and application metadata from the file; nothing is run. `None`
    /// when the file no longer has this record.
    #[must_use]
    pub fn detail(&self) -> Option<Detail> {
        self.registration.detail()
    }

    /// Where its own way through the [`pipeline`](crate::pipeline) begins, for who wants to stop
    /// between the steps. `None` for a plugin that is linked into the program.
    #[must_use]
    pub fn candidate(&self) -> Option<&Candidate> {
        match &self.registration.place {
            Place::File(file) => Some(&file.candidate),
            Place::Program(_) => None,
        }
    }

    /// Whether it is loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.registration.plugin.is_full()
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", self.id())
            .field("version", self.version())
            .field("origin", &self.origin())
            .finish()
    }
}

/// That a plugin provides an interface: an answer to a [`Query`](crate::Query).
#[derive(Clone, Debug)]
pub struct Offer {
    plugin: Plugin,
    index: usize,
}

impl Offer {
    /// `None` when the plugin has no such entry.
    pub(crate) fn new(registration: &Arc<Registration>, index: usize) -> Option<Self> {
        let plugin = Plugin::new(registration);
        plugin.provides().get(index)?;
        Some(Self { plugin, index })
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What of it is the answer.
    ///
    /// # Panics
    /// Never: it was there when this was made.
    #[must_use]
    pub fn provided(&self) -> &Provided {
        &self.plugin.provides()[self.index]
    }

    pub(crate) fn registration(&self) -> &Arc<Registration> {
        &self.plugin.registration
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }
}
