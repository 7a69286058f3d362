//! Small shared objects, compiled from C with the system's compiler.
//!
//! A build is keyed by everything that goes into it and kept in a folder of this user's below the system's folder for
//! temporary files, so that tests in many processes, and the next run, compile each object once. What is returned is
//! never to be changed: a test that damages or replaces a file copies it first.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `source` to the shared object `name`, with further arguments for the compiler, and returns its path. The
/// folder that holds it holds nothing else.
///
/// # Panics
/// If there is no `cc`, or if it refuses the source: its messages are in the panic's text.
#[must_use]
#[track_caller]
pub fn shared(name: &str, source: &str, arguments: &[&OsStr]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (name, source, arguments).hash(&mut hasher);
    let folder = cache().join(format!("{:016x}", hasher.finish()));
    let object = folder.join(name);
    if object.is_file() {
        return object;
    }
    // Built beside and moved into place, so that another process never sees half a file.
    let building = cache().join(format!(
        "{:016x}.{}.{:?}",
        hasher.finish(),
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir_all(&building).expect("a folder to build in");
    compile(&building, name, source, arguments);
    if fs::rename(&building, &folder).is_err() {
        // Another process was faster.
        fs::remove_dir_all(&building).expect("the own folder can be removed");
    }
    assert!(object.is_file(), "{} was not built", object.display());
    object
}

#[expect(
    clippy::disallowed_methods,
    reason = "building fixtures with the system's compiler is what this module is for"
)]
#[track_caller]
fn compile(folder: &Path, name: &str, source: &str, arguments: &[&OsStr]) {
    let input = folder.join("source.c");
    fs::write(&input, source).expect("the source can be written");
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-g0", "-Wall", "-Werror", "-o"])
        .arg(folder.join(name))
        .arg(&input)
        .args(arguments)
        .output()
        .expect("a C compiler named cc");
    assert!(
        output.status.success(),
        "cc refused {name}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::remove_file(input).expect("the source can be removed");
}

/// The folder of all builds; nobody else may have made it, since tests load what is in it.
#[track_caller]
fn cache() -> PathBuf {
    let me = fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid());
    let folder = std::env::temp_dir().join(format!("plugwright-testkit-{me}"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .expect("a folder for the builds");
    let metadata = fs::symlink_metadata(&folder).expect("the folder for the builds");
    let private =
        metadata.is_dir() && metadata.uid() == me && metadata.permissions().mode() & 0o077 == 0;
    assert!(private, "{} was made by somebody else", folder.display());
    folder
}
