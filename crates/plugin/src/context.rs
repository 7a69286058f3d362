//! What the host offers to a plugin: a place in the host's log, a folder of its own, and who
//! the host is.
//!
//! The services are an interface like any other, so they grow as one, and a panic in either
//! side is contained. They may be used from the first line of the constructor on, from any
//! thread, and after the host is gone: what it can no longer do is an error then.

use std::fmt;
use std::path::PathBuf;

use plugwright_plugin_macros::{Portable, interface};

use crate::abi::{KeepAlive, RawInterface};
use crate::portable::Invalid;
use crate::{CallError, Handle, arrived, objects};

/// What a host does for one plugin. Hosts implement it; a plugin has it as a [`Context`]. One call
/// that panics is one thing that was not done: the next is tried all the same.
#[interface(id = "org.plugwright.host", version = "1.0", poisons = false)]
pub trait HostServices: Send + Sync {
    /// The application that the plugin runs in.
    fn application(&self) -> Application;

    /// Whether anybody wants to read events of this level.
    fn logs(&self, level: Level) -> bool;

    /// Adds an event to the host's log.
    fn log(&self, event: Event<'_>);

    /// The folder for the plugin's own data, which is made when it is not there yet.
    ///
    /// # Errors
    /// When the host has no place for it, cannot make it, or is closed.
    fn data_folder(&self) -> Result<PathBuf, ContextError>;
}

/// A host that offers nothing: for who binds plugins without the rest of Plugwright.
impl HostServices for () {
    fn application(&self) -> Application {
        Application::default()
    }

    fn logs(&self, _: Level) -> bool {
        false
    }

    fn log(&self, _: Event<'_>) {}

    fn data_folder(&self) -> Result<PathBuf, ContextError> {
        Err(ContextError::NotOffered)
    }
}

/// The application that a plugin runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Portable)]
#[expect(clippy::exhaustive_structs, reason = "its fields are what crosses")]
pub struct Application {
    /// Its name; empty when it does not say.
    pub name: String,
    /// Its version, in the form that it has; empty when it does not say.
    pub version: String,
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Portable)]
#[expect(clippy::exhaustive_enums, reason = "its variants are what crosses")]
pub enum Level {
    /// Something failed.
    Error,
    /// Something may fail.
    Warn,
    /// Something happened that people may want to know.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Every step.
    Trace,
}

impl Level {
    /// All, what matters most first.
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];
}

/// An event for the host's log.
#[derive(Clone, Copy, Debug, Portable)]
#[expect(clippy::exhaustive_structs, reason = "its fields are what crosses")]
pub struct Event<'a> {
    /// How much it matters.
    pub level: Level,
    /// The part of the plugin that it comes from: a module's path, as a rule.
    pub target: &'a str,
    /// What happened.
    pub message: &'a str,
    /// Further facts, as `name=value` separated by spaces; may be empty.
    pub fields: &'a str,
    /// The source file; empty when it is not known.
    pub file: &'a str,
    /// The line in it, from 1; 0 when it is not known.
    pub line: u32,
}

/// Why a host did not do what its plugin asked for.
#[derive(Clone, Debug, PartialEq, Eq, Portable)]
#[non_exhaustive]
pub enum ContextError {
    /// The application has no place for it.
    NotOffered,
    /// The host was closed.
    Closed,
    /// It failed: the host says how.
    Failed(String),
    /// The call of the host failed.
    Call(CallError),
}

impl From<CallError> for ContextError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("the host does not offer this to plugins"),
            Self::Closed => f.write_str("the host was closed"),
            Self::Failed(text) => f.write_str(text),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ContextError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Call(error) => Some(error),
            _ => None,
        }
    }
}

/// The host as one of its plugins sees it. A clone is the same host.
#[derive(Clone, Debug)]
pub struct Context {
    services: Handle<dyn HostServices>,
    application: Application,
    plugin: &'static str,
}

impl Context {
    /// A context of the services that a host lends.
    ///
    /// # Safety
    /// `lent` is an object with its vtable, referenced during the call.
    pub(crate) unsafe fn lent(lent: RawInterface, plugin: &'static str) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        let head = unsafe { arrived::head(lent.object.vtable) }?;
        if lent.object.object.is_null() || !lent.keep.is_whole() {
            return Err(Invalid::new(&"the host's services, whole"));
        }
        // SAFETY: by this function's contract.
        unsafe { head.retain(lent.object.object) };
        // SAFETY: the host keeps a reference while it lends.
        let keep = unsafe { KeepAlive::retained(lent.keep) };
        let own = RawInterface {
            object: lent.object,
            keep: keep.into_raw(),
        };
        // SAFETY: the references were taken just now, and are given up here.
        let services = unsafe { objects::receive::<dyn HostServices>(own) }?;
        let application = services.try_application().unwrap_or_default();
        Ok(Self {
            services,
            application,
            plugin,
        })
    }

    /// The plugin's own id.
    #[must_use]
    pub fn plugin(&self) -> &str {
        self.plugin
    }

    /// The name of the application that the plugin runs in; empty when it does not say.
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.application.name
    }

    /// The version of that application, in the form that it has; empty when it does not say.
    #[must_use]
    pub fn host_version(&self) -> &str {
        &self.application.version
    }

    /// Whether anybody wants to read events of this level: what is dear to gather for an event
    /// need not be gathered otherwise.
    #[must_use]
    pub fn logs(&self, level: Level) -> bool {
        self.services.try_logs(level).unwrap_or(false)
    }

    /// Adds a line to the host's log, under the plugin's id. With the feature `tracing`, the
    /// plugin's own events arrive there too.
    #[track_caller]
    pub fn log(&self, level: Level, message: &str) {
        let place = std::panic::Location::caller();
        self.event(Event {
            level,
            target: self.plugin,
            message,
            fields: "",
            file: place.file(),
            line: place.line(),
        });
    }

    /// Adds an event to the host's log, under the plugin's id.
    pub fn event(&self, event: Event<'_>) {
        // A log that fails has no place to say so.
        let _ = self.services.try_log(event);
    }

    /// The folder for the plugin's own data. The host makes it at the first call.
    ///
    /// # Errors
    /// When the host has no place for it, cannot make it, or is closed.
    pub fn data_folder(&self) -> Result<PathBuf, ContextError> {
        self.services.data_folder()
    }
}
