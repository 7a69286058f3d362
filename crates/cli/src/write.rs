//! Files that this program writes: whole or not at all, and how one is called until it is whole.

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

/// What is added to a file's name while its text is written: this, behind the number of the process.
const UNFINISHED: &str = ".new";

/// So many files of killed writers are passed over; then somebody has to clear up.
const MOST_LEFT: u32 = 100;

/// Replaces a file's text in one step, so that no reader sees half of it.
///
/// A process that is killed meanwhile leaves what it wrote beside the file. Nobody removes it: whether its writer still lives, which
/// may be on another machine, cannot be told from a number. The system's files without a name do not help, since none of them can
/// be given a name that something has.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), String> {
    let beside = create_beside(path, text).map_err(|error| unwritable(path, &error))?;
    fs::rename(&beside, path).map_err(|error| {
        drop(fs::remove_file(&beside));
        unwritable(path, &error)
    })
}

/// Writes a text beside a file, under the first number that is free from this process's on: in a container the process that was
/// killed may well have had the same.
fn create_beside(path: &Path, text: &str) -> io::Result<PathBuf> {
    let first = std::process::id();
    let mut number = first;
    loop {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{number}{UNFINISHED}"));
        let beside = PathBuf::from(beside);
        match create(&beside, 0o644, text) {
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && number - first < MOST_LEFT =>
            {
                number += 1;
            }
            created => return created.map(|()| beside),
        }
    }
}

/// The name of the file that [`replace`] writes under this one; any other name as it is.
pub(crate) fn finished(name: &str) -> &str {
    let numbered = name.strip_suffix(UNFINISHED);
    let parts = numbered.and_then(|numbered| numbered.rsplit_once('.'));
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    parts
        .filter(|(_, number)| is_number(number))
        .map_or(name, |(finished, _)| finished)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a container a process often has the number of the one before it.
    #[test]
    fn what_was_left_under_the_same_number_is_in_nobodys_way() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("plugwright.keys");
        for number in 0..3 {
            let number = std::process::id() + number;
            let left = format!("plugwright.keys.{number}.new");
            fs::write(folder.path().join(left), "half").expect("written");
        }
        replace(&path, "whole").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "whole");
        let names = fs::read_dir(folder.path()).expect("readable");
        assert_eq!(names.count(), 4);
    }

    #[test]
    fn names_of_what_is_not_whole() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(finished(name), expected);
        }
        check("plugwright.keys.4711.new", "plugwright.keys");
        check("a/libx.so.minisig.1.new", "a/libx.so.minisig");
        for name in [
            "plugwright.keys",
            "a.new",
            "a.b.new",
            "a..new",
            ".new",
            "4711.new",
        ] {
            check(name, name);
        }
    }
}
