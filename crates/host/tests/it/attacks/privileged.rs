//! A host that has rights that who started it has not.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use fixture_marker_interface::Marker;
use plugwright_host::Host;
use plugwright_trust::Owner;

use super::{NOBODY, marker, policy};
use crate::{Folder, permitted};

const FOLDER: &str = "PLUGWRIGHT_TEST_SETUID_FOLDER";

/// A copy of this very program that is root's and setuid is started by somebody else, with that person's plugin folder, under a
/// policy that trusts that person, and with that person's libraries in the environment.
#[test]
fn a_setuid_host() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return attempt(&PathBuf::from(folder));
    }
    if !rustix::process::geteuid().is_root() {
        return crate::skipped("only root can make a setuid program");
    }
    let (folder, place) = (marker(), Folder::new());
    for path in [folder.path().to_owned(), folder.join("libmarker.so")] {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    let program = place.join("host");
    fs::copy(std::env::current_exe().expect("a path"), &program).expect("copied");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).expect("ours");
    let mark = folder.join("mark");
    #[expect(
        clippy::disallowed_methods,
        reason = "a setuid program is one that somebody else starts"
    )]
    let mut command = std::process::Command::new(&program);
    let output = command
        .args(["attacks::privileged::a_setuid_host", "--exact"])
        .env(FOLDER, folder.path())
        .env("PLUGWRIGHT_FIXTURE_MARK", &mark)
        .env("LD_PRELOAD", folder.join("libmarker.so"))
        .env("LD_AUDIT", folder.join("libmarker.so"))
        .env("LD_LIBRARY_PATH", OsStr::new(folder.path()))
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert!(!mark.exists_or_fails(), "a constructor ran as root");
}

trait ExistsOrFails {
    fn exists_or_fails(&self) -> bool;
}

impl ExistsOrFails for PathBuf {
    fn exists_or_fails(&self) -> bool {
        self.try_exists().expect("readable")
    }
}

fn attempt(folder: &PathBuf) {
    assert!(
        rustix::process::geteuid().is_root(),
        "the file system honours setuid"
    );
    assert!(!rustix::process::getuid().is_root());
    let lax = policy().with_owner(Owner::Uid(NOBODY));
    let host = permitted(Host::builder(lax))
        .copies_below("/tmp")
        .folder(folder)
        .scan();
    let error = host
        .create::<dyn Marker>("marker")
        .expect_err("somebody else's plugin");
    let text = error.to_string();
    assert!(text.contains("ownership.file-owner"), "{text}");
    assert!(text.contains("ownership.folder-owner"), "{text}");
}
