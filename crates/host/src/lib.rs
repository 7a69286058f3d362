//! Discovery, judgement, loading and binding of plugins: the application's crate.
//!
//! A [`Host`] looks through folders without running anything, reads what each file says of
//! itself, and indexes it by interface and key. Asked for an interface, it takes the best
//! plugin that fits and walks it through the [`pipeline`]: the bytes that will be loaded are
//! copied so that nobody can change them, parsed strictly, judged by the host's policy, and
//! only then loaded. What comes back is a [`Handle`] that implements the interface's trait.
//!
//! ```no_run
//! use plugwright_host::{Handle, Host, InProcess};
//! use plugwright_plugin::interface;
//!
//! #[interface(id = "org.example.codec", version = "1.0")]
//! pub trait Codec: Send + Sync {
//!     fn encode(&self, input: &[u8], level: u32) -> Vec<u8>;
//! }
//!
//! // SAFETY (this is where one signs): the plugins in this folder are our own.
//! let token = unsafe { InProcess::trust_plugins() };
//! let host = Host::developer()
//!     .folder("/opt/press/codecs")
//!     .in_process(token)
//!     .scan();
//! for plugin in host.plugins() {
//!     println!("{} {} in {}", plugin.id(), plugin.version(), plugin.origin());
//! }
//! let codec: Handle<dyn Codec> = host.create("zstd")?;
//! let packed = codec.encode(b"some bytes", 3);
//! # Ok::<(), plugwright_host::CreateError>(())
//! ```
//!
//! Nothing is ever unloaded: closing an ordinary Rust library can crash the process later.

#![deny(unsafe_code)]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod advice;
mod builder;
mod catalog;
mod change;
mod discovery;
mod error;
mod explain;
mod host;
mod linked;
mod log;
mod needs;
mod os;
mod paths;
pub mod pipeline;
mod plugin;
mod query;
mod refusal;
mod registration;
mod registry;
mod services;
mod slot;
mod token;
#[cfg(feature = "watch")]
mod watch;

pub use advice::Advice;
pub use builder::{HostBuilder, Profiles};
pub use change::{Change, ListenerId};
pub use error::{Attempt, CreateError, CreateErrorKind, FileError, StopError};
pub use explain::{Consideration, Considered, Explanation, LookedAt, LookedAtOutcome};
pub use host::Host;
pub use linked::Linked;
pub use paths::{NotLocated, PathOrigin, PathRemark, PathRemarkKind, SearchPath, SearchPaths};
pub use plugin::{Offer, Plugin};
pub use plugwright_evidence::{ReadError, read_keys, read_lock, read_policy};
pub use plugwright_manifest::{Id, InterfaceVersion, Provided, Version};
pub use plugwright_plugin::{CallError, CallErrorKind, Handle, Interface};
/// All that a [`Policy`] is made of, and what a [`Verdict`] says.
pub use plugwright_trust as trust;
pub use plugwright_trust::{Key, Policy, Verdict};
pub use query::{InterfaceRange, InvalidRange, KeyCase, Query};
pub use refusal::{Origin, Refusal, RefusalKind, Seen, Status};
pub use registry::{
    Answer, AnsweredFolder, Answers, Registry, RegistryEntry, RegistryError, RegistryState,
};
pub use token::InProcess;
#[cfg(feature = "watch")]
pub use watch::{Watch, WatchError};

/// What `link_plugin!` names. Nothing here is for people.
#[doc(hidden)]
pub mod __private {
    pub use linkme;
    pub use plugwright_plugin::linked::{Linkable, LinkedPlugin};

    pub use crate::linked::LINKED;
}
