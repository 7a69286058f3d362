//! What the host does for one plugin: its log, its folder, who the host is.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plugwright_manifest::Id;
use plugwright_plugin::context::{Application, ContextError, Event, HostServices, Level};

use crate::{log, os};

/// What all plugins of a host have in common. Plugins keep it when the host is gone.
#[derive(Debug)]
pub(crate) struct Surroundings {
    application: Application,
    data_below: Option<PathBuf>,
    pub(crate) is_closed: AtomicBool,
}

/// The services for one plugin.
pub(crate) struct Services {
    plugin: Id,
    around: Arc<Surroundings>,
}

impl Surroundings {
    pub(crate) fn new(application: Application, data_below: Option<PathBuf>) -> Self {
        Self {
            application,
            data_below,
            is_closed: AtomicBool::new(false),
        }
    }
}

impl Services {
    pub(crate) fn new(plugin: Id, around: &Arc<Surroundings>) -> Self {
        let around = Arc::clone(around);
        Self { plugin, around }
    }
}

impl HostServices for Services {
    fn application(&self) -> Application {
        self.around.application.clone()
    }

    fn logs(&self, level: Level) -> bool {
        log::is_enabled(level)
    }

    fn log(&self, event: Event<'_>) {
        log::emit(self.plugin.as_str(), event);
    }

    fn data_folder(&self) -> Result<PathBuf, ContextError> {
        if self.around.is_closed.load(Ordering::Acquire) {
            return Err(ContextError::Closed);
        }
        let below = self.around.data_below.as_deref();
        let below = below.ok_or(ContextError::NotOffered)?;
        let folder = below.join(folder_name(&self.plugin));
        make(below, &folder).map_err(|error| {
            let what = format!("the folder {folder:?} for the plugin's data: {error}");
            ContextError::Failed(what)
        })?;
        Ok(folder)
    }
}

/// The name of a plugin's folder: its id, which has nothing in it that a system gives a
/// meaning to, but for the names of Windows' devices, which are devices with any extension.
fn folder_name(id: &Id) -> String {
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let first = id.as_str().split('.').next().unwrap_or_default();
    let numbered = first
        .strip_suffix(|last: char| last.is_ascii_digit())
        .is_some_and(|kind| ["com", "lpt"].contains(&kind));
    if numbered || DEVICES.contains(&first) {
        format!("_{id}")
    } else {
        id.to_string()
    }
}

/// Makes the folder and those above it, for the host's user alone. What is there already is
/// taken when it is a folder that nobody else can write, and no link to one.
fn make(below: &Path, folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    os::for_this_user(&mut builder);
    builder.recursive(true).create(below)?;
    match builder.recursive(false).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = folder.symlink_metadata()?;
            check(&found).map_or(Ok(()), |what| Err(io::Error::other(what)))
        }
        made => made,
    }
}

fn check(found: &Metadata) -> Option<&'static str> {
    if found.is_symlink() {
        Some("there is a link in its place")
    } else if !found.is_dir() {
        Some("something that is no folder is in its place")
    } else if os::is_writable_by_others(found) {
        Some("others can write it")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Application, HostServices, Id, Level, Services, Surroundings, folder_name};

    #[track_caller]
    fn check(id: &str, expected: &str) {
        let id = Id::new(id).expect("a valid id");
        assert_eq!(folder_name(&id), expected);
    }

    /// A plugin need not put together what nobody reads.
    #[test]
    fn nothing_is_logged_without_a_subscriber() {
        let around = Arc::new(Surroundings::new(Application::default(), None));
        let id = Id::new("org.example.quiet").expect("a valid id");
        let services = Services::new(id, &around);
        for level in Level::ALL {
            assert!(!services.logs(level), "{level:?}");
        }
    }

    #[test]
    fn ids_are_names_of_folders() {
        check("org.example.zstd", "org.example.zstd");
        check("nul.example.zstd", "_nul.example.zstd");
        check("com1.example", "_com1.example");
        check("com.example", "com.example");
        check("console.example", "console.example");
    }
}
