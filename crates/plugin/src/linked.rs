//! Plugins that are linked into the program, and not loaded into it.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use plugwright_manifest::{DecodeError, Detail, Record, Summary};

use crate::abi::{Entry, KeepAlive};
use crate::bind::{BindError, BoundPlugin};
use crate::context::HostServices;

/// A plugin that is part of the program: what its record would say, and its entry.
#[derive(Clone, Copy, Debug)]
pub struct LinkedPlugin {
    summary: &'static [u8],
    detail: &'static [u8],
    entry: Entry,
}

impl LinkedPlugin {
    /// A plugin with these contents of its notes.
    ///
    /// # Safety
    /// `entry` is the entry function that `#[plugin]` made together with the record.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new(summary: &'static [u8], detail: &'static [u8], entry: Entry) -> Self {
        Self {
            summary,
            detail,
            entry,
        }
    }

    /// What the plugin says of itself, read from the program's own memory.
    ///
    /// # Errors
    /// When the SDK that the plugin was compiled with wrote what this one does not read.
    pub fn record(&self) -> Result<Record, DecodeError> {
        let summary = Summary::decode(self.summary)?;
        let detail = Detail::decode(self.detail)?;
        Ok(Record::new(summary, Some(detail)))
    }

    /// Enters the plugin, as [`BoundPlugin::bind`] does for one that was loaded. That it obeys
    /// the binary interface is what the compiler saw to.
    ///
    /// # Errors
    /// As [`BoundPlugin::bind`].
    pub fn bind(
        &self,
        summary: &Summary,
        services: Arc<dyn HostServices>,
    ) -> Result<BoundPlugin, BindError> {
        // SAFETY: a function pointer is an address that is not null.
        let entry: NonNull<c_void> = unsafe { std::mem::transmute(self.entry) };
        // SAFETY: by the contract of `new` this is the entry of the record, in the program
        // itself, which is never unloaded. A summary that is not its own is refused.
        unsafe { BoundPlugin::bind(entry, KeepAlive::forever(), summary, services) }
    }
}

/// A type with `#[plugin]`: a program can have it without loading anything.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plugin",
    label = "a type without #[plugin]",
    note = "name the type that #[plugwright_plugin::plugin(…)] stands at"
)]
pub trait Linkable {
    /// The plugin, as part of the program.
    const LINKED: LinkedPlugin;
}
