//! Steps with `openat` alone: one component at a time, `O_NOFOLLOW`.

use rustix::fs::{Mode, OFlags, openat};
use rustix::io;
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};

/// How steps are made on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Steps {
    /// The only way there is.
    pub(crate) fn detect() -> Self {
        Self
    }

    /// Opens the entry `name` of `folder`.
    pub(crate) fn step(
        self,
        folder: BorrowedFd<'_>,
        name: &OsStr,
        flags: OFlags,
    ) -> io::Result<OwnedFd> {
        step(folder, name, flags)
    }
}

/// Whether the numbers of user or group say that this process has rights that who started it has not: a setuid or setgid
/// program.
pub(crate) fn is_privileged() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    geteuid() != getuid() || getegid() != getgid()
}

/// Opens the entry `name`, which is one component and neither `.` nor `..`, of `folder`. A symbolic link is an error.
pub(super) fn step(folder: BorrowedFd<'_>, name: &OsStr, flags: OFlags) -> io::Result<OwnedFd> {
    openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty())
}
