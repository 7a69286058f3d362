//! Steps with `openat2`, where the kernel itself promises that the step stays below and follows nothing; with `openat`
//! on kernels before 5.6 and where a filter of system calls forbids it.

use super::unix;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{self, Errno};
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};

/// How steps are made on this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    /// With `openat2`.
    Openat2,
    /// With `openat`.
    Openat,
}

impl Steps {
    /// Asks the kernel what it has, with a step that every kernel that knows the call can make.
    pub(crate) fn detect() -> Self {
        match openat2(
            CWD,
            "/",
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::NO_MAGICLINKS,
        ) {
            // ENOSYS: an old kernel. EPERM: a filter of system calls that knows no openat2 (old container runtimes).
            Err(Errno::NOSYS | Errno::PERM) => Self::Openat,
            _ => Self::Openat2,
        }
    }

    /// Opens the entry `name`, which is one component and neither `.` nor `..`, of `folder`. A symbolic link is an error.
    pub(crate) fn step(
        self,
        folder: BorrowedFd<'_>,
        name: &OsStr,
        flags: OFlags,
    ) -> io::Result<OwnedFd> {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match self {
            // EAGAIN: something was renamed at the same time, so that the kernel could not be sure. One further try
            // settles it in practice; who renames in a loop gets the error.
            Self::Openat2 => match openat2(folder, name, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => openat2(folder, name, flags, Mode::empty(), resolve),
                other => other,
            },
            Self::Openat => unix::step(folder, name, flags),
        }
    }
}
