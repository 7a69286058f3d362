//! One plugin of a host: its record, where its code is, and how far its loading has come.
//!
//! A library is loaded once, whichever of its plugins is asked for first; a plugin is bound
//! once; the instance of a singleton is made once.

use std::fmt;
use std::sync::Arc;

use plugwright_manifest::Record;
use plugwright_plugin::bind::SharedInstance;

use crate::pipeline::{Candidate, Loaded, Started};
use crate::slot::Slot;

/// A plugin that a host offers.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) record: Record,
    pub(crate) file: Arc<LibraryFile>,
    /// JSON.
    pub(crate) configuration: Option<String>,
    pub(crate) plugin: Slot<Started>,
    /// The instance that all share, when the plugin is a singleton.
    pub(crate) instance: Slot<Arc<SharedInstance>>,
}

/// A library with the plugins that it offers.
pub(crate) struct LibraryFile {
    pub(crate) candidate: Candidate,
    pub(crate) records: Vec<Record>,
    pub(crate) loaded: Slot<Loaded>,
}

impl LibraryFile {
    pub(crate) fn new(candidate: Candidate, records: Vec<Record>) -> Self {
        Self {
            candidate,
            records,
            loaded: Slot::new(),
        }
    }
}

impl fmt::Debug for LibraryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LibraryFile")
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

impl Registration {
    pub(crate) fn new(file: Arc<LibraryFile>, record: Record) -> Self {
        Self {
            record,
            file,
            configuration: None,
            plugin: Slot::new(),
            instance: Slot::new(),
        }
    }
}
