//! What differs between systems: listing a folder, opening a file and reading at an offset.

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod listing;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
#[path = "other_unix.rs"]
mod listing;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::open_at;
#[cfg(unix)]
pub(crate) use unix::{
    Folder, identity, is_not_a_folder, kind_of, kind_of_error, open, path, read_at,
};
#[cfg(windows)]
pub(crate) use windows::{
    Folder, identity, is_not_a_folder, kind_of, kind_of_error, open, path, read_at,
};

/// What tells two files apart, whatever they are called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity(Identity);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    Numbers(u64, u64),
    #[cfg(windows)]
    Path(std::path::PathBuf),
}

impl FileIdentity {
    /// The file number `file` on the device `device`; any two numbers that no other file of
    /// the tree has.
    #[must_use]
    pub fn new(device: u64, file: u64) -> Self {
        Self(Identity::Numbers(device, file))
    }

    #[cfg(windows)]
    fn of_path(path: std::path::PathBuf) -> Self {
        Self(Identity::Path(path))
    }
}
