//! What differs between systems: opening a file and reading at an offset.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::open_at;
#[cfg(unix)]
pub(crate) use unix::{kind_of, kind_of_error, open, read_at};
#[cfg(windows)]
pub(crate) use windows::{kind_of, kind_of_error, open, read_at};
