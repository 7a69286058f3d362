//! The plugin author's crate, and the stable boundary between hosts and plugins.
//!
//! An *interface* is an ordinary trait. A *plugin* is an ordinary type that implements it.
//! Neither contains unsafe code:
//!
//! ```
//! use plugwright_plugin::{CallError, Portable, interface, plugin};
//!
//! // In a crate that the host and the plugins share:
//! #[interface(id = "org.example.codec", version = "1.0")]
//! pub trait Codec: Send + Sync {
//!     fn encode(&self, input: &[u8], level: u32) -> Result<Vec<u8>, CodecError>;
//! }
//!
//! #[derive(Debug, Portable)]
//! pub enum CodecError {
//!     Corrupt { offset: u64 },
//!     Plugin(CallError),
//! }
//!
//! impl From<CallError> for CodecError {
//!     fn from(error: CallError) -> Self {
//!         Self::Plugin(error)
//!     }
//! }
//!
//! // In a plugin, a crate of type `cdylib`:
//! #[plugin(id = "org.example.store", provides(Codec, keys = ["store"]))]
//! #[derive(Default)]
//! pub struct Store;
//!
//! impl Codec for Store {
//!     fn encode(&self, input: &[u8], _level: u32) -> Result<Vec<u8>, CodecError> {
//!         Ok(input.to_vec())
//!     }
//! }
//! ```
//!
//! The host (see `plugwright-host`) gets a [`Handle<dyn Codec>`](Handle), which implements
//! `Codec` itself: a call is one indirect call.
//!
//! What crosses is listed at [`Portable`]. What happens when a plugin panics: the panic is
//! caught on the plugin's side, the object is poisoned, and the host gets a [`CallError`];
//! as the method's own error where that can be made from a `CallError`, from the `try_`
//! form of the method always, and otherwise as a panic on the host's side.

#![warn(clippy::exhaustive_enums)]

extern crate self as plugwright_plugin;

mod arrived;
mod call_error;
mod encoding;
#[cfg(feature = "tracing")]
mod forward;
#[cfg(not(feature = "tracing"))]
#[path = "forward/absent.rs"]
mod forward;
mod future;
mod handle;
mod instance;
mod interface;
mod life;
mod objects;
mod own;
mod portable;
mod vtable;

pub mod abi;
pub mod bind;
pub mod context;
pub mod linked;
pub mod remote;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use call_error::{CallError, CallErrorKind};
pub use context::{Context, Level};
pub use future::{LocalPluginFuture, PluginFuture, Tried};
pub use handle::{Handle, RawHandle};
pub use interface::{Fit, Interface, Provides, Shareable, Upcast, description};
pub use life::{Plugin, PluginError};
pub use plugwright_manifest::schema::InterfaceShape;
pub use plugwright_plugin_macros::{Portable, interface, plugin};
pub use portable::{Buffer, Invalid, Lend, Plain, Portable};
