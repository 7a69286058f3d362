//! What a scan finds different from the one before, and who is told.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Plugin;

/// A difference between two scans of a host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// It is offered, and was not.
    Added(Plugin),
    /// The file is another one. Handles that exist stay with the plugin before.
    Changed {
        /// As it was.
        before: Plugin,
        /// As it is.
        after: Plugin,
    },
    /// It is not offered any more. Handles that exist work on.
    Removed(Plugin),
}

impl Change {
    /// The plugin, as it is if there is one now.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        match self {
            Self::Added(plugin) | Self::Removed(plugin) | Self::Changed { after: plugin, .. } => {
                plugin
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plugin = self.plugin();
        let (id, version, origin) = (plugin.id(), plugin.version(), plugin.origin());
        match self {
            Self::Added(_) => write!(f, "added {id} {version} in {origin}"),
            Self::Removed(_) => write!(f, "removed {id} {version} in {origin}"),
            Self::Changed { before, .. } if before.version() == version => {
                write!(f, "changed {id} {version} in {origin}")
            }
            Self::Changed { before, .. } => {
                write!(
                    f,
                    "changed {id} {} to {version} in {origin}",
                    before.version()
                )
            }
        }
    }
}

type Listener = Arc<dyn Fn(&Change) + Send + Sync>;

/// Who is told.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<(u64, Listener)>>);

/// Names a listener, to take it off again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

impl Listeners {
    pub(crate) fn add(&self, listener: Listener) -> ListenerId {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = all.last().map_or(0, |(id, _)| id.wrapping_add(1));
        all.push((id, listener));
        ListenerId(id)
    }

    pub(crate) fn remove(&self, id: ListenerId) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|(own, _)| *own != id.0);
        all.len() < before
    }

    /// Tells all. No lock is held meanwhile: a listener may add and remove listeners.
    pub(crate) fn tell(&self, changes: &[Change]) {
        let all = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for change in changes {
            for (_, listener) in &all {
                listener(change);
            }
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").finish_non_exhaustive()
    }
}
