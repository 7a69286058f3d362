//! Steps with `openat2`, where the kernel itself promises that the step stays below and follows nothing; with `openat`
//! on kernels before 5.6 and where a filter of system calls forbids it.

use super::unix;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{self, Errno};
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::LazyLock;

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

/// Whether this process has rights that who started it has not: what the kernel told it when it was started (`AT_SECURE` of
/// getauxval(3)), which knows setuid, setgid, file capabilities and what security modules say.
///
/// It is read from `/proc/self/auxv`, since the C library's function is unsafe to call. The kernel hides that file from a
/// process that is not dumpable, as such programs are: what cannot be read counts as yes, and so does a system without
/// `/proc`.
pub(crate) fn is_privileged() -> bool {
    static SECURE: LazyLock<bool> =
        LazyLock::new(|| fs::read("/proc/self/auxv").map_or(true, |table| is_secure(&table)));
    // The numbers may change later in the life of a process; the table does not.
    unix::is_privileged() || *SECURE
}

/// What a table of pairs (type, value) of the machine's words says; without the entry: yes.
fn is_secure(table: &[u8]) -> bool {
    /// `AT_SECURE` of `<linux/auxvec.h>`.
    const AT_SECURE: usize = 23;
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| {
        let mut word = [0; WORD];
        word.copy_from_slice(bytes);
        #[expect(clippy::host_endian_bytes, reason = "the kernel writes its own words")]
        usize::from_ne_bytes(word)
    };
    let mut pairs = table.chunks_exact(2 * WORD);
    let value = pairs.find_map(|pair| {
        let (kind, value) = pair.split_at(WORD);
        (word(kind) == AT_SECURE).then(|| word(value))
    });
    value != Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: &[usize], expected: bool) {
        let bytes: Vec<u8> = table.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(is_secure(&bytes), expected);
    }

    #[test]
    fn the_kernels_word_counts_and_its_silence_is_a_yes() {
        check(&[6, 4096, 23, 0, 0, 0], false);
        check(&[6, 23, 23, 1, 0, 0], true);
        check(&[6, 4096, 0, 0], true);
        check(&[], true);
    }

    #[test]
    fn tests_run_with_the_rights_of_who_runs_them() {
        assert!(!is_privileged());
    }
}
