//! The loader on Windows itself, or under wine: opening, the safe search, copies that cannot be changed, unloading, what is told.
//!
//! There is no compiler at hand, so the libraries are copies of one, with other digits in them. No two tests use one file.

use plugwright_dylib::{
    Candidate, CopyFolder, Hints, Image, Library, LoadError, LoadErrorKind, Platform, Request,
    Source, SymbolErrorKind, SymbolName, Unloadable, UnmapToken, Unmapping, Why, candidates,
    image_containing, loaded_images,
};
use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const MARK: &[u8] = b"plugwright-numbered-is-1";

/// A copy of the fixture with another digit in it.
fn numbered(folder: &Path, name: &str, digit: u8) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let mut bytes = fs::read(program.with_file_name("fixture_numbered.dll")).unwrap();
    let at = bytes
        .windows(MARK.len())
        .position(|window| window == MARK)
        .unwrap();
    bytes[at + MARK.len() - 1] = b'0' + digit;
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn temp() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(request: &Request) -> Result<Library, LoadError> {
    // SAFETY: the entry functions of these libraries have no preconditions.
    unsafe { Library::open(request, Hints::new()) }
}

fn unloadable(path: &Path) -> Unloadable {
    // SAFETY: as above.
    unsafe { Unloadable::open(&Request::path(path), Hints::new()) }.unwrap()
}

fn unmap(library: Unloadable) -> Unmapping {
    // SAFETY: nothing of these small libraries is left when this is called.
    library.unmap(unsafe { UnmapToken::new() })
}

#[track_caller]
fn call(library: &Library, name: &std::ffi::CStr) -> i32 {
    // SAFETY: all functions of the fixture have this type.
    unsafe { library.function::<extern "C" fn() -> i32>(name) }.unwrap()()
}

#[track_caller]
fn call_unloadable(library: &Unloadable, name: &std::ffi::CStr) -> i32 {
    // SAFETY: all functions of the fixture have this type.
    unsafe { library.function::<extern "C" fn() -> i32>(name) }.unwrap()()
}

fn is_loaded(path: &Path) -> bool {
    let name = path.file_name().unwrap();
    loaded_images()
        .iter()
        .any(|image| image.soname.as_deref() == Some(name))
}

/// Qt expects the system's own words after the name of the file.
#[test]
fn qt_error_of_a_bad_dll() {
    let temp = temp();
    let path = temp.path().join("invalid.dll");
    fs::write(&path, "this is a text that somebody called a library").unwrap();
    let error = open(&Request::path(&path)).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Refused);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot load {path:?}: the system refused it")),
        "{text}"
    );
    let answer = error.attempts()[0].answer.as_str();
    // ERROR_BAD_EXE_FORMAT, and no place for a path left in the text.
    assert!(
        answer.ends_with("(os error 193)") && !answer.contains("%1"),
        "{answer}"
    );
    assert!(error.source().is_some());
}

/// The file that the system found, however its name was written.
#[test]
fn qt_file_name_of_user32() {
    let library = open(&Request::name("user32")).unwrap();
    assert!(library.path().is_absolute(), "{library:?}");
    let name = library.path().file_name().unwrap();
    assert!(name.eq_ignore_ascii_case("user32.dll"), "{name:?}");
    let system = open(&Request::system("user32")).unwrap();
    assert_eq!(system.identity(), library.identity());
    assert!(library.identity().is_some());
}

#[test]
fn names_are_tried_in_their_order() {
    let tried = |request: Request| -> Vec<String> {
        let all = candidates(&request, Platform::THIS).unwrap();
        let name = |candidate: &Candidate| match candidate {
            Candidate::File(path) => path.to_str().unwrap().to_owned(),
            Candidate::Search(name) => format!("? {}", name.to_str().unwrap()),
            other => format!("{other:?}"),
        };
        all.iter().map(name).collect()
    };
    assert_eq!(
        tried(Request::path(r"C:\d\zz")),
        [r"C:\d\zz", r"C:\d\zz.dll"]
    );
    assert_eq!(tried(Request::path(r"C:\d\ZZ.DLL")), [r"C:\d\ZZ.DLL"]);
    assert_eq!(
        tried(Request::path("zz.dll").relative_to(r"C:\d")),
        [r"C:\d\zz.dll"]
    );
    assert_eq!(
        tried(Request::name("zz").with_version("3")),
        ["? zz.dll", "? zz"]
    );
    for outside in [r"\zz", "C:zz", r"sub\zz"] {
        let error = candidates(&Request::path(outside), Platform::THIS).unwrap_err();
        assert_eq!(error.kind(), LoadErrorKind::NotAbsolute, "{outside}");
    }
    let error = candidates(&Request::name(r"sub\zz"), Platform::THIS).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotAName);
}

#[test]
fn paths_are_opened_however_they_are_written() {
    let temp = temp();
    let path = numbered(temp.path(), "written.dll", 3);
    let first = open(&Request::path(&path)).unwrap();
    assert_eq!((call(&first, c"number"), call(&first, c"count")), (3, 1));
    let slashes = PathBuf::from(path.to_str().unwrap().replace('\\', "/"));
    for request in [
        Request::path(&slashes),
        Request::path(path.with_extension("")),
        Request::path("written").relative_to(temp.path()),
        Request::path("WRITTEN.DLL").relative_to(temp.path()),
    ] {
        let again = open(&request).unwrap();
        assert_eq!(again.identity(), first.identity());
    }
    assert_eq!(call(&first, c"count"), 2);
    // A file without an extension is that file, and not one with `.dll`.
    let bare = numbered(temp.path(), "bare", 4);
    numbered(temp.path(), "bare.dll", 5);
    assert_eq!(call(&open(&Request::path(bare)).unwrap(), c"number"), 4);
}

#[test]
fn what_is_not_there_is_told_with_every_attempt() {
    let temp = temp();
    let error = open(&Request::path(temp.path().join("zz"))).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotFound);
    assert_eq!(error.attempts().len(), 2);
    assert!(error.attempts()[0].answer.as_str().contains("(os error 2)"));
    let error = open(&Request::name("nosuchlib")).unwrap_err();
    // ERROR_MOD_NOT_FOUND.
    let answers = error.attempts().iter();
    assert!(
        answers
            .map(|attempt| attempt.answer.as_str())
            .all(|text| text.contains("126")),
        "{error}"
    );
    assert_eq!(
        open(&Request::path("zz")).unwrap_err().kind(),
        LoadErrorKind::NotAbsolute
    );
}

/// A library that lies where somebody is started is not taken for one of a name: neither the current folder nor `PATH`.
#[test]
fn the_current_folder_is_not_searched() {
    let temp = temp();
    numbered(temp.path(), "onlyhere.dll", 6);
    std::env::set_current_dir(temp.path()).unwrap();
    let found = open(&Request::name("onlyhere"));
    std::env::set_current_dir(std::env::temp_dir()).unwrap();
    assert_eq!(found.unwrap_err().kind(), LoadErrorKind::Refused);
}

#[test]
fn two_versions_of_one_name_are_loaded_at_once() {
    let temp = temp();
    let in_folder = |name: &str, digit| {
        let folder = temp.path().join(name);
        fs::create_dir(&folder).unwrap();
        open(&Request::path(numbered(&folder, "versioned.dll", digit))).unwrap()
    };
    let (one, two) = (in_folder("1", 1), in_folder("2", 2));
    assert_eq!((call(&one, c"number"), call(&two, c"number")), (1, 2));
    assert_ne!(one.identity(), two.identity());
}

#[test]
fn symbols_are_told_and_similar_ones_named() {
    let temp = temp();
    let library = open(&Request::path(numbered(temp.path(), "symbols.dll", 7))).unwrap();
    assert_eq!(call(&library, c"number"), 7);
    let data = library.data::<[u8; 24]>(c"NUMBER").unwrap();
    // SAFETY: that is its type, and nobody writes it.
    assert_eq!(unsafe { data.read() }[..23], MARK[..23]);
    let error = library.address(c"numbers").unwrap_err();
    assert_eq!(error.kind(), SymbolErrorKind::Missing);
    assert_eq!(error.similar(), ["NUMBER", "number"]);
    // ERROR_PROC_NOT_FOUND.
    assert!(error.source().unwrap().to_string().contains("127"));
    assert!(
        library
            .address(SymbolName::versioned(c"number", c"V1"))
            .is_err()
    );
}

#[test]
fn a_private_copy_cannot_be_changed_and_goes_when_it_is_unmapped() {
    let temp = temp();
    let path = numbered(temp.path(), "copied.dll", 8);
    let folder = CopyFolder::below(temp.path()).unwrap();
    let image = Image::private_copy(
        &File::open(&path).unwrap(),
        &folder,
        OsStr::new("copied.dll"),
    );
    let image = image.unwrap();
    assert_eq!(image.source(), Source::PrivateCopy);
    let copy = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert!(OpenOptions::new().write(true).open(&copy).is_err());
    assert!(fs::rename(&copy, temp.path().join("moved.dll")).is_err());
    assert!(fs::remove_file(&copy).is_err());
    #[cfg(feature = "explain")]
    image.check().unwrap();
    fs::write(&path, "gone").unwrap();
    // SAFETY: its entry function has no preconditions.
    let library = unsafe { Unloadable::load(image, Hints::new()) }.unwrap();
    assert_eq!(call_unloadable(&library, c"number"), 8);
    assert_eq!(unmap(library), Unmapping::Unmapped);
    assert!(!copy.exists());
    let place = folder.path().to_owned();
    drop(folder);
    assert!(!place.exists());
}

#[test]
fn there_are_no_sealed_copies() {
    let temp = temp();
    let file = File::open(numbered(temp.path(), "sealed.dll", 1)).unwrap();
    let error = Image::seal(&file, OsStr::new("sealed.dll")).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::SealingUnavailable);
    let folder = CopyFolder::below(temp.path()).unwrap();
    let image = Image::private_copy(&file, &folder, OsStr::new("sealed.dll")).unwrap();
    let error = image
        .renamed(&[("a".into(), "b".into())].into())
        .unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotRenamable);
}

#[test]
fn a_library_is_unmapped_when_nothing_keeps_it() {
    let temp = temp();
    let path = numbered(temp.path(), "unmapped.dll", 2);
    let (first, second) = (unloadable(&path), unloadable(&path));
    assert!(is_loaded(&path));
    let used = Unmapping::StillMapped {
        why: vec![Why::Used { others: 1 }],
    };
    assert_eq!(unmap(first), used);
    assert_eq!(call_unloadable(&second, c"number"), 2);
    assert_eq!(unmap(second), Unmapping::Unmapped);
    assert!(!is_loaded(&path));
    // Dropping one unmaps nothing, and the next one finds it as it was left.
    assert_eq!(call_unloadable(&unloadable(&path), c"count"), 1);
    let third = unloadable(&path);
    assert_eq!(call_unloadable(&third, c"count"), 2);
    assert_eq!(unmap(third), Unmapping::Unmapped);
    fs::remove_file(path).unwrap();
}

#[test]
fn a_pinned_library_stays() {
    let temp = temp();
    let path = numbered(temp.path(), "pinned.dll", 2);
    let first = unloadable(&path);
    let pinned = open(&Request::path(&path)).unwrap();
    let stays = Unmapping::StillMapped {
        why: vec![Why::Pinned],
    };
    assert_eq!(unmap(first), stays);
    drop(pinned);
    assert!(is_loaded(&path));
}

#[test]
fn a_file_that_took_the_path_of_a_loaded_one_is_not_taken_for_it() {
    let temp = temp();
    let path = numbered(temp.path(), "replaced.dll", 1);
    let first = open(&Request::path(&path)).unwrap();
    fs::rename(&path, temp.path().join("old.dll")).unwrap();
    numbered(temp.path(), "replaced.dll", 2);
    let error = open(&Request::path(&path)).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Changed);
    assert!(
        error
            .to_string()
            .contains("load a private copy of the new one"),
        "{error}"
    );
    assert_eq!(call(&first, c"number"), 1);
    let folder = CopyFolder::below(temp.path()).unwrap();
    let copy = Image::private_copy(
        &File::open(&path).unwrap(),
        &folder,
        OsStr::new("replaced.dll"),
    );
    // SAFETY: its entry function has no preconditions.
    let second = unsafe { Library::load(copy.unwrap(), Hints::new()) }.unwrap();
    assert_eq!(call(&second, c"number"), 2);
}

#[test]
fn what_is_loaded_is_listed() {
    let temp = temp();
    let path = numbered(temp.path(), "listed.dll", 2);
    let library = open(&Request::path(&path)).unwrap();
    let address = library.address(c"number").unwrap().unwrap();
    let image = image_containing(address.as_ptr().cast()).unwrap();
    assert_eq!(image.identity, library.identity());
    assert_eq!(image.soname.as_deref(), Some(OsStr::new("listed.dll")));
    assert!(image.segments.iter().any(|segment| segment.executable));
    let images = loaded_images();
    let kernel = images
        .iter()
        .find(|image| image.soname.as_deref() == Some(OsStr::new("kernel32.dll")));
    assert!(image.needs(kernel.unwrap()), "{:?}", image.needed);
    assert_eq!(
        images[0].file.as_deref().and_then(Path::file_name),
        std::env::current_exe().unwrap().file_name()
    );
}

#[test]
fn threads_open_and_let_go_of_one_library() {
    let temp = temp();
    let path = numbered(temp.path(), "threads.dll", 9);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for round in 0..20 {
                    let library = unloadable(&path);
                    assert_eq!(call_unloadable(&library, c"number"), 9);
                    if round % 2 == 0 {
                        drop(unmap(library));
                    }
                }
            });
        }
    });
}
