//! The loader from outside, with small libraries that the system's C compiler makes.
//!
//! A loaded library changes the process it is in, so each test that loads one runs in a process of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

#[cfg(all(unix, feature = "explain"))]
mod checked;
#[cfg(unix)]
mod child;
#[cfg(all(unix, feature = "explain"))]
mod errors;
#[cfg(unix)]
mod images;
#[cfg(unix)]
mod library;
#[cfg(unix)]
mod loaded;
#[cfg(unix)]
mod opening;
#[cfg(unix)]
mod qt;
#[cfg(unix)]
mod rename;
mod rows;
#[cfg(all(unix, feature = "derive"))]
mod table;
#[cfg(unix)]
mod traps;
#[cfg(unix)]
mod unloading;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
mod fixtures;

#[cfg(unix)]
use fixtures::{call, in_place, load, marking, numbered, os, seal};
