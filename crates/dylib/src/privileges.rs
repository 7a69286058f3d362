//! Whether the process runs with privileges that whoever started it does not have.

use crate::os;

/// Whether the process has privileges that whoever started it does not have: it is set-user-id or set-group-id, or its
/// file has capabilities. What the environment says then comes from somebody who must not decide which code runs.
///
/// Linux: `AT_SECURE` of getauxval(3), the same that makes the dynamic linker ignore `LD_LIBRARY_PATH`. Other Unix systems: the
/// real and the effective user or group differ. Windows: never, since its programs run with the rights of who starts them.
#[must_use]
pub fn is_privileged() -> bool {
    os::is_privileged()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_test_runs_as_who_started_it() {
        assert!(!super::is_privileged());
    }
}
