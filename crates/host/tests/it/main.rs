//! Discovery, refusal, loading and use of real plugins.

mod advice;
mod attacks;
mod bad_input;
mod build_flags;
mod c_objects;
mod c_plugin;
mod debugging;
mod discovery;
mod futures;
mod instances;
mod keep_alive;
mod killed;
mod loading;
mod log;
mod objects;
mod privileges;
mod qt;
mod queries;
mod refresh;
mod refusals;
mod registry;
mod survival;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use plugwright_host::{Host, HostBuilder, InProcess, Seen, Status};
use tempfile::TempDir;

/// The library that cargo built of a fixture, beside this test program.
pub(crate) fn fixture(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("the test program has a path");
    let folder = program.parent().expect("a folder");
    let path = folder.join(format!("libfixture_{name}.so"));
    assert!(
        path.is_file(),
        "{} is built as a dev-dependency",
        path.display()
    );
    path
}

/// Says that something was not tried: past what keeps the output of tests that succeed.
pub(crate) fn skipped(what: &str) {
    drop(writeln!(std::io::stderr(), "SKIPPED: {what}"));
}

/// A plugin folder of one test's own.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder that every user can read.
    pub(crate) fn readable() -> Self {
        let folder = Self::new();
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), everybody).expect("ours");
        folder
    }

    /// A folder with these fixtures in it.
    pub(crate) fn with(fixtures: &[&str]) -> Self {
        let folder = Self::new();
        for name in fixtures {
            folder.add(name, &format!("lib{name}.so"));
        }
        folder
    }

    /// Copies a fixture into the folder under `file_name`.
    pub(crate) fn add(&self, name: &str, file_name: &str) -> PathBuf {
        let path = self.join(file_name);
        fs::copy(fixture(name), &path).expect("copied");
        path
    }

    pub(crate) fn write(&self, file_name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.join(file_name);
        fs::write(&path, bytes).expect("written");
        path
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A developer's host over this folder, which may load.
    pub(crate) fn host(&self) -> Host {
        self.builder().scan()
    }

    pub(crate) fn builder(&self) -> HostBuilder {
        permitted(Host::developer()).folder(self.path())
    }
}

pub(crate) fn permitted(builder: HostBuilder) -> HostBuilder {
    // SAFETY: the tests' folders hold this project's own fixtures only, which are built
    // with its SDK in safe code, or files that no loader accepts.
    builder.in_process(unsafe { InProcess::trust_plugins() })
}

fn path(seen: &Seen) -> &Path {
    seen.origin.path().expect("these tests link no plugins")
}

/// What became of each file, as `name: outcome`.
pub(crate) fn outcomes(host: &Host) -> Vec<String> {
    let outcome = |seen: &Seen| match &seen.status {
        Status::Offered(id, version) => format!("offered as {id} {version}"),
        Status::SameAs(path) => format!("same as {}", file_name(path)),
        Status::Refused(refusal) => {
            let folder = path(seen).parent().unwrap_or_else(|| Path::new("/"));
            let folder = format!("{}/", folder.display());
            refusal.to_string().replace(&folder, "")
        }
        _ => "unknown".to_owned(),
    };
    let line = |seen: &Seen| format!("{}: {}", file_name(path(seen)), outcome(seen));
    host.seen().iter().map(line).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
