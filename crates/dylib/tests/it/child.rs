//! Tests in processes of their own.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// The variable that tells a child which test it is to run.
const CHILD: &str = "PLUGWRIGHT_TEST_CHILD";

/// Runs `body`, the whole test named `test` (its path in this program), in a new process, and fails if that process does:
/// by a panic, by a signal, or after a minute.
#[track_caller]
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    alone_with(test, &[], body);
}

/// As [`alone`], with further variables in the new process's environment.
#[track_caller]
pub(crate) fn alone_with(test: &str, variables: &[(&str, &OsStr)], body: impl FnOnce()) {
    if let Some(output) = spawn(test, variables, body) {
        let text = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "the process of {test} ended with {}:\n{text}\n{error}",
            output.status
        );
        assert!(
            text.contains("1 passed"),
            "there is no test {test}:\n{text}"
        );
    }
}

/// As [`alone`], without a judgement about how the process ends; `None` in the child itself.
#[expect(
    clippy::disallowed_methods,
    reason = "a test that could end its process needs another one"
)]
pub(crate) fn spawn(
    test: &str,
    variables: &[(&str, &OsStr)],
    body: impl FnOnce(),
) -> Option<Output> {
    if std::env::var_os(CHILD).is_some_and(|name| name == test) {
        // SAFETY: no handler is involved; the alarm ends the process if the test hangs.
        unsafe { libc::alarm(60) };
        body();
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, test)
        .envs(variables.iter().copied());
    Some(command.output().unwrap())
}
