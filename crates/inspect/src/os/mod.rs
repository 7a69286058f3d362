//! What differs between systems: opening a file and reading at an offset.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::open_at;
#[cfg(unix)]
pub(crate) use unix::{
    FileIdentity, identity, is_not_a_folder, kind_of, kind_of_error, open, path, read_at,
};
#[cfg(windows)]
pub(crate) use windows::{
    FileIdentity, identity, is_not_a_folder, kind_of, kind_of_error, open, path, read_at,
};
