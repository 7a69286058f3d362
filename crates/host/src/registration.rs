//! One plugin of a host: its record, where its code is, and how far its loading has come.
//!
//! A library is loaded once, whichever of its plugins is asked for first; a plugin is bound
//! once; the instance of a singleton is made once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use plugwright_manifest::{Detail, Record};
use plugwright_plugin::bind::SharedInstance;
use plugwright_plugin::linked::LinkedPlugin;

use crate::pipeline::{Candidate, Loaded, Started};
use crate::slot::Slot;
use crate::{Origin, Refusal, RefusalKind};

/// A plugin that a host offers.
#[derive(Debug)]
pub(crate) struct Registration {
    /// The same as in the library's, since a folder may have very many plugins.
    pub(crate) record: Arc<Record>,
    pub(crate) place: Place,
    /// What the host makes its instances with: JSON.
    pub(crate) configuration: OnceLock<String>,
    pub(crate) plugin: Slot<Started>,
    /// The instance that all share, when the plugin is a singleton.
    pub(crate) instance: Slot<Arc<SharedInstance>>,
}

/// Where a plugin's code is.
#[derive(Debug)]
pub(crate) enum Place {
    File(Arc<LibraryFile>),
    Program(LinkedPlugin),
}

/// A library with the plugins that it offers.
pub(crate) struct LibraryFile {
    pub(crate) candidate: Candidate,
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) loaded: Slot<Loaded>,
}

impl LibraryFile {
    pub(crate) fn new(candidate: Candidate, records: Vec<Arc<Record>>) -> Self {
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
    pub(crate) fn new(place: Place, record: Arc<Record>) -> Self {
        Self {
            record,
            place,
            configuration: OnceLock::new(),
            plugin: Slot::new(),
            instance: Slot::new(),
        }
    }

    pub(crate) fn origin(&self) -> Origin {
        match &self.place {
            Place::File(file) => file.candidate.path().into(),
            Place::Program(_) => Origin::Program,
        }
    }

    pub(crate) fn refuse(&self, kind: RefusalKind) -> Refusal {
        Refusal::new(self.origin(), kind)
    }

    /// The detail of the record: as it is in the file now, or in the program.
    pub(crate) fn detail(&self) -> Option<Detail> {
        match &self.place {
            Place::File(file) => file.candidate.detail(&self.record),
            Place::Program(_) => self.record.detail.clone(),
        }
    }
}
