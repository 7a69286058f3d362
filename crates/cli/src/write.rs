//! Files that this program writes: whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Writes a file that must not be there yet. One that cannot be written whole is removed again.
pub(crate) fn create(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let mut options = fs::File::options();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // The error that counts is the first.
        drop(fs::remove_file(path));
    }
    written
}

pub(crate) fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("{path:?} cannot be written: {error}")
}

/// Replaces a file's text in one step, so that no reader sees half of it.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), String> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    create(&beside, 0o644, text).map_err(|error| unwritable(path, &error))?;
    fs::rename(&beside, path).map_err(|error| {
        drop(fs::remove_file(&beside));
        unwritable(path, &error)
    })
}
