//! What an image knows of itself: a plugin's library, or the host's program.
//!
//! Each image has its own copy of these statics, since each links its own copy of the SDK.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU8;

use crate::abi::{KeepAlive, RawKeep};

/// Its address tells this image from every other. It can be changed, so that no linker
/// lays it together with anything else.
static MARK: AtomicU8 = AtomicU8::new(0);

static OWN: OnceLock<Own> = OnceLock::new();

struct Own {
    keep: RawKeep,
    plugin: &'static str,
}

/// The address that only this image has.
#[must_use]
pub(crate) const fn mark() -> *const u8 {
    (&raw const MARK).cast()
}

/// Remembers what the host said when it entered this library's first plugin.
pub(crate) fn enter(keep: RawKeep, plugin: &'static str) {
    // A library that is entered through several of its plugins is still one library.
    OWN.get_or_init(|| Own { keep, plugin });
}

/// A reference that keeps this image loaded.
pub(crate) fn keep() -> KeepAlive {
    match OWN.get() {
        // SAFETY: code of this library is running, on behalf of somebody who keeps it.
        Some(own) => unsafe { KeepAlive::retained(own.keep) },
        None => KeepAlive::forever(),
    }
}

/// The same, without a reference: what somebody else keeps meanwhile.
pub(crate) fn lend() -> RawKeep {
    OWN.get()
        .map_or_else(|| KeepAlive::forever().lend(), |own| own.keep)
}

/// Whether this image is a library that a host entered, and not the host's own.
#[cfg(feature = "tracing")]
pub(crate) fn is_library() -> bool {
    OWN.get().is_some()
}

/// The id of the plugin that this library is; empty in a host.
pub(crate) fn plugin() -> &'static str {
    OWN.get().map_or("", |own| own.plugin)
}
