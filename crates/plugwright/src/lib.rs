//! Plugins for Rust programs: discovered without running, checked before loading, called through ordinary traits.
//!
//! This is the crate that an application depends on; a plugin, and the crate with the interface that both share, depend
//! on `plugwright-plugin`. The README of the repository shows all three; here is the application's side:
//!
//! ```no_run
//! use plugwright::{Handle, Host, InProcess};
//! use plugwright_plugin::interface;
//!
//! // In reality this stands in a crate that the application and its plugins share.
//! #[interface(id = "org.example.codec", version = "1.0")]
//! pub trait Codec: Send + Sync {
//!     fn encode(&self, input: &[u8], level: u32) -> Vec<u8>;
//! }
//!
//! // SAFETY (this is where one signs): the plugins in this folder are our own.
//! let permission = unsafe { InProcess::trust_plugins() };
//! let host = Host::developer().folder("/opt/press/codecs").in_process(permission).scan();
//! let codec: Handle<dyn Codec> = host.create("zstd")?;
//! let packed = codec.encode(b"some bytes", 3);
//! # Ok::<(), plugwright::CreateError>(())
//! ```
//!
//! 1. **Look**: [`Host::developer`] or [`Host::builder`] with a [`Policy`] gathers folders, and
//!    [`scan`](HostBuilder::scan) reads what each file says of itself. Nothing runs. [`Host::plugins`] is what can be had,
//!    [`Host::seen`] what became of every file.
//! 2. **Ask**: [`Host::create`] takes the best plugin that provides the interface under a key. Its bytes are copied where
//!    nobody can change them, read strictly, judged by the policy, and only then loaded.
//! 3. **Call**: a [`Handle`] implements the interface's own trait, and keeps the library loaded as long as it lives. A plugin
//!    that panics is a [`CallError`].
//!
//! The steps of a load are types of their own in [`pipeline`], for whoever needs to stop between them.
#![forbid(unsafe_code)]

pub use plugwright_host::*;

/// The code in the README is compiled by the tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// So is the code in the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide.md")]
struct Guide;
