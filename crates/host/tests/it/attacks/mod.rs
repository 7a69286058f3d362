//! The attacker's suite: each test is named after what it tries, and holds when nothing of the plugin ran.
//!
//! What is tried is tried in a child process: as the user who runs the suite, and where that is root, as another user before. The
//! plugin is one whose constructor leaves a mark; the parent looks for it.

mod capabilities;
mod files;
mod loader;
mod locks;
mod needed;
mod privileged;
mod signatures;
mod steps;

use std::ffi::OsStr;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use fixture_marker_interface::Marker;
use minisign::KeyPair;
use plugwright_evidence::{BUNDLE, SIGNATURE_SUFFIX};
use plugwright_host::{CreateError, Handle, Host, Policy, RefusalKind};
use plugwright_trust::{Bundle, BundledFile, Code, Digest, IdPattern, Key};

use crate::{Folder, permitted};

/// The id of the plugin that leaves a mark.
pub(crate) const ID: &str = "org.example.marking";

/// Somebody who is not root; Debian's `nobody`.
const NOBODY: u32 = 65_534;

/// Whether a mark was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    No,
    Yes,
}

/// Runs `attempt`, which is the body of the test called `name`, in a child process, and looks whether the plugin's
/// constructor ran there.
#[track_caller]
pub(crate) fn in_child(name: &str, expected: Ran, attempt: impl FnOnce()) {
    in_child_with(name, attempt, |mark| {
        assert_eq!(
            mark.is_some(),
            expected == Ran::Yes,
            "whether a constructor ran"
        );
    });
}

/// The same, and `judge` is told what was written into the mark.
#[track_caller]
pub(crate) fn in_child_with(name: &str, attempt: impl FnOnce(), judge: impl Fn(Option<String>)) {
    in_child_of(name, &[], attempt, judge);
}

/// The same with a changed environment.
#[track_caller]
pub(crate) fn in_child_of(
    name: &str,
    environment: &[(&str, &OsStr)],
    attempt: impl FnOnce(),
    judge: impl Fn(Option<String>),
) {
    if is_child() {
        return attempt();
    }
    for who in users() {
        let folder = Folder::new();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("ours");
        let mark = folder.join("mark");
        #[expect(
            clippy::disallowed_methods,
            reason = "constructors read the environment, which a test must not change for others"
        )]
        let mut command = std::process::Command::new(std::env::current_exe().expect("a path"));
        command
            .args([&format!("attacks::{name}"), "--exact"])
            .env(MARK, &mark)
            .envs(environment.iter().copied())
            .current_dir("/");
        if let Some(uid) = who {
            command.uid(uid).gid(uid);
        }
        let output = match (command.output(), who) {
            (Ok(output), _) => output,
            (Err(error), Some(uid)) => {
                let what = format!("user {uid} cannot start the test program: {error}");
                assert!(std::env::var_os(REQUIRED).is_none(), "{what}");
                crate::skipped(&format!("{name} as another user, since {what}"));
                continue;
            }
            (Err(error), None) => panic!("the child runs: {error}"),
        };
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"),
            "as {who:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        judge(fs::read_to_string(mark).ok());
    }
}

/// Where the fixture leaves its mark; only the children of this suite have it in their environment.
const MARK: &str = "PLUGWRIGHT_FIXTURE_MARK";

/// With this in the environment it is a failure if root cannot make an attempt as another user.
const REQUIRED: &str = "PLUGWRIGHT_REQUIRE_OTHER_USER";

/// Whether this is the child process of a test.
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// As whom each attempt is made: by somebody who is not root in any case, and where the suite runs as root, also by root.
fn users() -> Vec<Option<u32>> {
    if rustix::process::geteuid().is_root() {
        vec![Some(NOBODY), None]
    } else {
        vec![None]
    }
}

/// A folder with the plugin in it, as `libmarker.so`.
pub(crate) fn marker() -> Folder {
    Folder::with(&["marker"])
}

/// A policy that takes files of this user below `/tmp`, and otherwise keeps to the strict side.
pub(crate) fn policy() -> Policy {
    Policy::developer()
}

pub(crate) fn create(folder: &Folder, policy: Policy) -> Result<Handle<dyn Marker>, CreateError> {
    let host = permitted(Host::builder(policy))
        .copies_below(std::env::temp_dir())
        .folder(folder.path())
        .scan();
    host.create::<dyn Marker>("marker")
}

/// That the plugin is refused, for exactly these reasons.
#[track_caller]
pub(crate) fn check(folder: &Folder, policy: Policy, expected: &[Code]) {
    match create(folder, policy) {
        Ok(_) => assert_eq!(expected, [], "it was loaded"),
        Err(error) => {
            let [attempt] = error.attempts() else {
                panic!("one attempt: {error}");
            };
            let RefusalKind::Judged(reasons) = attempt.refusal.kind() else {
                panic!("refused by the judge: {error}");
            };
            let codes: Vec<Code> = reasons.iter().map(|reason| reason.code).collect();
            assert_eq!(codes, expected, "{error}");
        }
    }
}

/// Somebody with a secret key.
pub(crate) struct Signer(KeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().expect("random numbers"))
    }

    /// The key, as a policy knows it.
    pub(crate) fn key(&self, ids: &str) -> Key {
        let ids: IdPattern = ids.parse().expect("a pattern");
        let public = self.0.pk.to_base64().parse().expect("minisign's form");
        Key::new("release", public, [ids])
    }

    pub(crate) fn sign(&self, bytes: &[u8], comment: &str) -> String {
        let signed = minisign::sign(None, &self.0.sk, Cursor::new(bytes), Some(comment), None);
        signed.expect("signed").to_string()
    }

    /// Lays a signature beside a file.
    pub(crate) fn sign_file(&self, path: &Path, comment: &str) {
        let bytes = fs::read(path).expect("readable");
        fs::write(signature_of(path), self.sign(&bytes, comment)).expect("written");
    }

    /// Lays a signed bundle manifest into a folder.
    pub(crate) fn sign_bundle(&self, folder: &Folder, bundle: &Bundle, comment: &str) {
        let text = bundle.write().expect("small numbers");
        let path = folder.write(BUNDLE, text.as_bytes());
        self.sign_file(&path, comment);
    }
}

pub(crate) fn signature_of(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIGNATURE_SUFFIX);
    name.into()
}

pub(crate) fn digest(path: &Path) -> Digest {
    let bytes = fs::read(path).expect("readable");
    plugwright_evidence::digest(&bytes).expect("memory")
}

/// A bundle manifest that lists the plugin as it is.
pub(crate) fn bundle(folder: &Folder, version: &str) -> Bundle {
    let path = folder.join("libmarker.so");
    let size = fs::metadata(&path).expect("there").len();
    let version = version.parse().expect("a version");
    let mut bundle = Bundle::default();
    bundle
        .files
        .push(BundledFile::new("libmarker.so", size, digest(&path)).with_plugin(ID, version));
    bundle
}

/// The version of the plugin: that of all fixtures.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
