//! Whether the process runs with privileges that whoever started it does not have.

/// Whether the process has privileges that whoever started it does not have: it is set-user-id or set-group-id, or its
/// file has capabilities. What the environment says then comes from somebody who must not decide which code runs.
///
/// Linux: `AT_SECURE` of getauxval(3), the same that makes the dynamic linker ignore `LD_LIBRARY_PATH`. Elsewhere: the
/// real and the effective user or group differ.
#[must_use]
pub fn is_privileged() -> bool {
    secure()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn secure() -> bool {
    // SAFETY: getauxval has no preconditions; it reads what the kernel handed to the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn secure() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_test_runs_as_who_started_it() {
        assert!(!super::is_privileged());
    }
}
