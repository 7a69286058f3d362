//! A program with privileges that its caller does not have takes nothing from the caller's environment.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use plugwright_host::{Registry, SearchPaths};

/// Runs the body of `test` as a user whom permissions bind: as this one, or, if that is root, as nobody, in a child that
/// is a copy of this program with these fixtures beside it.
#[track_caller]
pub(crate) fn as_ordinary_user(test: &str, fixtures: &[&str], body: impl FnOnce()) {
    if !rustix::process::geteuid().is_root() {
        return body();
    }
    let place = tempfile::tempdir().expect("a folder");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
    };
    mode(place.path(), 0o755);
    let program = place.path().join("program");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    mode(&program, 0o755);
    for name in fixtures {
        let from = crate::fixture(name);
        let to = place.path().join(from.file_name().expect("a name"));
        fs::copy(from, &to).expect("copied");
        mode(&to, 0o755);
    }
    #[expect(clippy::disallowed_methods, reason = "who runs is a process's own")]
    let output = Command::new(&program)
        .args(["--exact", test])
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("it starts");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}"
    );
}

/// Of nobody: the program changes to this user.
const NOBODY: u32 = 65_534;

#[test]
fn a_set_user_id_program_ignores_the_environment_and_says_so() {
    let folder = tempfile::tempdir_in(std::env::temp_dir()).expect("a folder");
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    if chown(&program, Some(NOBODY), None).is_err() {
        return eprintln!("SKIPPED: only root can give a file to another user");
    }
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("set");
    #[expect(clippy::disallowed_methods, reason = "privileges are a process's own")]
    let told = Command::new(&program)
        .args(["--exact", "privileges::told_in_child", "--nocapture"])
        .env("PLUGWRIGHT_TEST_PRIVILEGES", "1")
        .env("PRESS_PLUGIN_PATH", "/somebody/elses")
        .env("XDG_DATA_HOME", "/somebody/elses")
        .env("XDG_CACHE_HOME", "/somebody/elses")
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    if told.contains("no privileges") {
        return eprintln!("SKIPPED: the file system of temporary files gives no privileges");
    }
    assert!(
        told.contains("PRESS_PLUGIN_PATH: ignored, since this program runs with privileges"),
        "{told}"
    );
    assert!(
        told.contains("the user's folders of press: ignored"),
        "{told}"
    );
    assert!(told.contains("registry None"), "{told}");
    assert!(!told.contains("/somebody/elses"), "{told}");
}

#[test]
fn told_in_child() {
    if std::env::var_os("PLUGWRIGHT_TEST_PRIVILEGES").is_none() {
        return;
    }
    let paths = SearchPaths::standard("press").with_environment("PRESS_PLUGIN_PATH");
    for remark in paths.remarks() {
        println!("{remark}");
    }
    for folder in paths.list() {
        println!("{}", folder.display());
    }
    println!("registry {:?}", Registry::for_user("press"));
    if paths.remarks().is_empty() {
        println!("no privileges");
    }
}
