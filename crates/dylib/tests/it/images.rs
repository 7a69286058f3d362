//! Images: the bytes are those of the file, they are held as promised, and they can be read.

use crate::{in_place, numbered, os, seal};
use plugwright_dylib::{CopyFolder, Image, LoadErrorKind, Source};
use rustix::fs::SealFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

#[track_caller]
fn check(image: &Image, source: Source, bytes: &[u8]) {
    assert_eq!(image.source(), source);
    assert_eq!(image.size(), bytes.len() as u64);
    let mut read = vec![0; bytes.len() + 1];
    let mut count = 0;
    loop {
        match image.read_at(&mut read[count..], count as u64).unwrap() {
            0 => break,
            more => count += more,
        }
    }
    assert_eq!(&read[..count], bytes);
}

#[test]
fn every_source_holds_the_bytes_whatever_the_descriptors_position_is() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.so");
    // More than one chunk, not a multiple of one.
    let bytes: Vec<u8> = (0..700_001u32).map(|number| (number % 251) as u8).collect();
    fs::write(&path, &bytes).unwrap();
    let mut file = File::open(&path).unwrap();
    file.seek(SeekFrom::Start(17)).unwrap();
    check(
        &Image::seal(&file, os("x.so")).unwrap(),
        Source::Sealed,
        &bytes,
    );
    let folder = CopyFolder::below(temp.path()).unwrap();
    check(
        &Image::private_copy(&file, &folder, os("x.so")).unwrap(),
        Source::PrivateCopy,
        &bytes,
    );
    check(&in_place(&path).unwrap(), Source::InPlace, &bytes);
    assert_eq!(file.stream_position().unwrap(), 17);
}

#[test]
fn an_empty_file_is_an_empty_image() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.so");
    fs::write(&path, "").unwrap();
    check(&seal(&path), Source::Sealed, b"");
}

#[test]
fn sealed_bytes_cannot_be_changed_by_this_process_either() {
    let path = numbered(1);
    let image = Image::seal(&File::open(&path).unwrap(), os("sealed-test.so")).unwrap();
    let descriptor: PathBuf = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            fs::read_link(path).is_ok_and(|to| to.starts_with("/memfd:sealed-test.so (deleted)"))
        })
        .unwrap();
    let writer = OpenOptions::new().write(true).open(descriptor).unwrap();
    let permission =
        |result: io::Result<()>| result.unwrap_err().kind() == io::ErrorKind::PermissionDenied;
    assert!(permission(writer.write_all_at(b"x", 0)));
    assert!(permission(writer.set_len(0)));
    assert!(permission(writer.set_len(image.size() + 1)));
    assert!(rustix::fs::fcntl_add_seals(&writer, SealFlags::FUTURE_WRITE).is_err());
    check(&image, Source::Sealed, &fs::read(path).unwrap());
}

#[test]
fn a_change_of_the_file_after_sealing_changes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.so");
    fs::write(&path, "before").unwrap();
    let image = seal(&path);
    fs::write(&path, "after, and longer").unwrap();
    check(&image, Source::Sealed, b"before");
}

#[test]
fn a_private_copy_is_readable_by_its_owner_and_goes_when_it_is_not_loaded() {
    let temp = tempfile::tempdir().unwrap();
    let folder = CopyFolder::below(temp.path()).unwrap();
    let image =
        Image::private_copy(&File::open(numbered(1)).unwrap(), &folder, os("a b.so")).unwrap();
    let copies: Vec<PathBuf> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(copies, [folder.path().join("0-a_b.so")]);
    assert_eq!(
        fs::metadata(&copies[0]).unwrap().permissions().mode() & 0o7777,
        0o400
    );
    drop(image);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn only_regular_files_become_images() {
    let temp = tempfile::tempdir().unwrap();
    let folder = CopyFolder::below(temp.path()).unwrap();
    let not_a_file = || File::open(temp.path()).unwrap();
    let kinds = [
        Image::seal(&not_a_file(), os("x")).unwrap_err().kind(),
        Image::private_copy(&not_a_file(), &folder, os("x"))
            .unwrap_err()
            .kind(),
        Image::in_place(temp.path(), not_a_file())
            .unwrap_err()
            .kind(),
    ];
    assert_eq!(kinds, [LoadErrorKind::NotAFile; 3]);
}

#[test]
fn a_file_in_place_has_an_absolute_path_that_leads_to_it() {
    let temp = tempfile::tempdir().unwrap();
    let (one, two) = (temp.path().join("one"), temp.path().join("two"));
    File::create(&one).unwrap().write_all(b"1").unwrap();
    File::create(&two).unwrap().write_all(b"2").unwrap();
    let kind = |path: &Path| {
        Image::in_place(path, File::open(&one).unwrap())
            .map_err(|error| error.kind())
            .err()
    };
    assert_eq!(kind(&one), None);
    assert_eq!(kind(&two), Some(LoadErrorKind::Changed));
    assert_eq!(kind(Path::new("one")), Some(LoadErrorKind::NotAbsolute));
}

#[test]
fn a_file_that_ends_before_its_size_is_refused() {
    // Files of sysfs say that they have a page and have less: what a file looks like that is cut short at that moment.
    let path = Path::new("/sys/kernel/uevent_seqnum");
    let Ok(file) = File::open(path) else {
        eprintln!("SKIPPED: there is no {path:?}");
        return;
    };
    let temp = tempfile::tempdir().unwrap();
    let folder = CopyFolder::below(temp.path()).unwrap();
    assert_eq!(
        Image::seal(&file, os("x")).unwrap_err().kind(),
        LoadErrorKind::Changed
    );
    assert_eq!(
        Image::private_copy(&file, &folder, os("x"))
            .unwrap_err()
            .kind(),
        LoadErrorKind::Changed
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
