//! Events of plugins, and of the host itself, on their way into the application's log.

#[cfg(feature = "tracing")]
mod facade;
#[cfg(not(feature = "tracing"))]
mod silent;

#[cfg(feature = "tracing")]
pub(crate) use facade::{developer, emit, is_enabled};
#[cfg(not(feature = "tracing"))]
pub(crate) use silent::{developer, emit, is_enabled};
