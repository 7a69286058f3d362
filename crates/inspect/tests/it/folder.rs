//! Folders that are listed and read without going by paths again.

use std::fs;
use std::io;

use plugwright_inspect::{EntryKind, Folder};

#[test]
fn entries_are_sorted_and_say_what_they_are() {
    let place = tempfile::tempdir().expect("a folder");
    for name in ["b.so", "B.so", "line\nbreak", ".hidden"] {
        fs::write(place.path().join(name), "").expect("a file");
    }
    fs::create_dir(place.path().join("below")).expect("a folder");
    let (_, entries) = Folder::open(place.path()).expect("a folder");
    let names: Vec<_> = entries
        .iter()
        .map(|(name, kind)| (name.to_str().expect("text"), *kind))
        .collect();
    let expected = [
        (".hidden", EntryKind::Other),
        ("B.so", EntryKind::Other),
        ("b.so", EntryKind::Other),
        ("below", EntryKind::Folder),
        ("line\nbreak", EntryKind::Other),
    ];
    assert_eq!(names, expected);
}

#[test]
fn more_entries_than_are_asked_for_at_once() {
    let place = tempfile::tempdir().expect("a folder");
    for number in 0..1_000 {
        fs::write(place.path().join(format!("libplugin{number:04}.so")), "").expect("a file");
    }
    let (_, entries) = Folder::open(place.path()).expect("a folder");
    assert_eq!(entries.len(), 1_000);
    assert!(entries.is_sorted_by_key(|(name, _)| name));
}

#[test]
fn what_is_no_folder() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("file"), "").expect("a file");
    let kind = |result: io::Result<_>| result.map(|_: (Folder, _)| ()).unwrap_err().kind();
    let file = Folder::open(&place.path().join("file"));
    assert_eq!(kind(file), io::ErrorKind::NotADirectory);
    let none = Folder::open(&place.path().join("none"));
    assert_eq!(kind(none), io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn a_folder_stays_the_one_that_was_listed() {
    use std::ffi::OsStr;

    use plugwright_inspect::{Links, OpenErrorKind};

    let place = tempfile::tempdir().expect("a folder");
    let (first, second) = (place.path().join("first"), place.path().join("second"));
    fs::create_dir_all(first.join("below")).expect("folders");
    fs::write(first.join("file"), "first").expect("a file");
    std::os::unix::fs::symlink("below", first.join("link")).expect("a link");
    let (folder, entries) = Folder::open(&first).expect("a folder");
    let kinds: Vec<EntryKind> = entries.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(
        kinds,
        [EntryKind::Folder, EntryKind::Other, EntryKind::Link]
    );

    fs::rename(&first, &second).expect("renamed");
    fs::create_dir(&first).expect("another in its place");
    let file = folder.open_file(OsStr::new("file"), Links::Refuse);
    assert_eq!(file.expect("the same file").metadata().len(), 5);
    let none = folder.open_file(OsStr::new("none"), Links::Follow);
    assert_eq!(none.unwrap_err().kind(), OpenErrorKind::NotFound);
    let below = folder.open_folder(OsStr::new("below"));
    assert_eq!(below.expect("a folder").1, []);
    assert!(
        folder.open_folder(OsStr::new("link")).is_err(),
        "links are not followed"
    );
}
