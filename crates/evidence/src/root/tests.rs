//! Opening below a root, with each way of stepping.

use super::*;
use rustix::fs::{CWD, Mode, mknodat};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

/// A folder `root` with a file and something of every kind that is refused, beside a file that is outside.
fn folder() -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("root");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(temp.path().join("outside.so"), "outside").unwrap();
    fs::write(root.join("plain.so"), "plain").unwrap();
    fs::write(root.join("a/b/deep.so"), "deep").unwrap();
    symlink("plain.so", root.join("link.so")).unwrap();
    symlink("../outside.so", root.join("escape.so")).unwrap();
    symlink("nowhere", root.join("dangling.so")).unwrap();
    symlink("a", root.join("linked")).unwrap();
    symlink("/proc/self/cwd", root.join("magic")).unwrap();
    mknodat(CWD, root.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    drop(UnixListener::bind(root.join("socket")).unwrap());
    temp
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const EVERY_WAY: [Steps; 2] = [Steps::Openat2, Steps::Openat];
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EVERY_WAY: [Steps; 1] = [Steps];

#[track_caller]
fn check(relative: &str, expected: Result<&str, OpenErrorKind>) {
    let temp = folder();
    for steps in EVERY_WAY {
        let root = Root::open_with(&temp.path().join("root"), steps).unwrap();
        let read = |opened: Opened| io::read_to_string(opened.file()).unwrap();
        let found = root
            .open_file(Path::new(relative))
            .map(read)
            .map_err(|error| error.kind());
        assert_eq!(
            found.as_deref(),
            expected.as_ref().copied(),
            "{relative} with {steps:?}"
        );
    }
}

#[test]
fn files_below_are_opened() {
    check("plain.so", Ok("plain"));
    check("a/b/deep.so", Ok("deep"));
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    for path in [
        "",
        ".",
        "..",
        "../outside.so",
        "a/../plain.so",
        "./plain.so",
        "a/./b/deep.so",
        "a//b/deep.so",
        "plain.so/",
        "/",
    ] {
        check(path, Err(OpenErrorKind::NotBelow));
    }
    check("/etc/passwd", Err(OpenErrorKind::NotBelow));
}

#[test]
fn links_are_not_followed_at_any_step() {
    for path in [
        "link.so",
        "escape.so",
        "dangling.so",
        "linked",
        "linked/b/deep.so",
        "magic/etc/passwd",
    ] {
        check(path, Err(OpenErrorKind::SymbolicLink));
    }
}

#[test]
fn only_regular_files_are_opened_and_nothing_waits() {
    for path in ["a", "fifo", "socket"] {
        check(path, Err(OpenErrorKind::NotAFile));
    }
    check("plain.so/x", Err(OpenErrorKind::NotAFolder));
    check("fifo/x", Err(OpenErrorKind::NotAFolder));
    check("missing.so", Err(OpenErrorKind::NotFound));
    check("missing/x.so", Err(OpenErrorKind::NotFound));
}

#[test]
fn a_root_is_absolute_and_its_own_links_are_resolved_once() {
    let temp = folder();
    let alias = temp.path().join("alias");
    symlink(temp.path().join("root"), &alias).unwrap();
    for steps in EVERY_WAY {
        let kind = Root::open_with(Path::new("root"), steps)
            .map(|_| ())
            .unwrap_err()
            .kind();
        assert_eq!(kind, OpenErrorKind::NotAbsolute);
        let kind = Root::open_with(&temp.path().join("none"), steps)
            .map(|_| ())
            .unwrap_err()
            .kind();
        assert_eq!(kind, OpenErrorKind::NotFound);
        let root = Root::open_with(&alias, steps).unwrap();
        assert_eq!(
            root.path(),
            fs::canonicalize(temp.path()).unwrap().join("root")
        );
    }
}

#[test]
fn every_folder_up_to_the_top_is_told_as_it_is_now() {
    let temp = folder();
    let root = Root::open(&temp.path().join("root")).unwrap();
    let path = root.path().join("a");
    // After the root was opened: facts are asked for anew with each file.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o2770)).unwrap();
    let opened = root.open_file(Path::new("a/b/deep.so")).unwrap();
    let paths: Vec<&Path> = opened
        .ancestors()
        .iter()
        .map(|folder| Path::new(&folder.path))
        .collect();
    let expected: Vec<&Path> = opened.path().ancestors().skip(1).collect();
    assert_eq!(paths, expected);
    assert_eq!(paths.last(), Some(&Path::new("/")));
    assert_eq!(opened.ancestors()[1].mode & 0o7777, 0o2770);
    for folder in opened.ancestors() {
        let metadata = fs::metadata(&folder.path).unwrap();
        assert_eq!(
            (folder.uid, folder.gid, folder.mode),
            (metadata.uid(), metadata.gid(), metadata.mode())
        );
    }
}

#[test]
fn a_root_stays_the_folder_that_it_was() {
    let temp = folder();
    let root = Root::open(&temp.path().join("root")).unwrap();
    fs::rename(temp.path().join("root"), temp.path().join("moved")).unwrap();
    fs::create_dir(temp.path().join("root")).unwrap();
    fs::write(temp.path().join("root/plain.so"), "another").unwrap();
    let opened = root.open_file(Path::new("plain.so")).unwrap();
    assert_eq!(io::read_to_string(opened.file()).unwrap(), "plain");
}

#[test]
fn facts_are_of_the_bytes_that_are_given_and_of_the_file_that_was_opened() {
    let temp = folder();
    let file = temp.path().join("root/plain.so");
    fs::hard_link(&file, temp.path().join("second")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let root = Root::open(&temp.path().join("root")).unwrap();
    let opened = root.open_file(Path::new("plain.so")).unwrap();
    fs::write(&file, "changed meanwhile").unwrap();
    let copy = b"plain";
    let contents = plugwright_inspect::symbols(&copy[..], None);
    let facts = opened
        .facts(&copy[..], &contents, &Found::default())
        .unwrap();
    assert_eq!(facts.digest.as_bytes(), blake3::hash(b"plain").as_bytes());
    let stat = facts.file.unwrap();
    assert_eq!((stat.mode & 0o7777, stat.links, stat.size), (0o640, 2, 5));
    assert_eq!(facts.origin, root.path().join("plain.so").to_str().unwrap());
    assert_eq!(
        facts.process.unwrap().uid,
        fs::metadata("/proc/self").unwrap().uid()
    );
    assert!(FileExt::read_at(opened.file(), &mut [0; 32], 0).unwrap() > 5);
}

#[test]
fn the_detected_way_is_the_kernels_where_it_has_one() {
    // The machines that run these tests have Linux 5.6 or later; elsewhere there is one way only.
    assert_eq!(Steps::detect(), EVERY_WAY[0]);
}

/// Tells another thread to end, also when the test fails.
struct Done<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_link_all_the_time_never_leads_outside() {
    let temp = folder();
    let (sub, aside) = (temp.path().join("root/a"), temp.path().join("aside"));
    let outside = temp.path().join("outside");
    fs::create_dir_all(outside.join("b")).unwrap();
    fs::write(outside.join("b/deep.so"), "outside").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                fs::rename(&sub, &aside).unwrap();
                symlink(&outside, &sub).unwrap();
                fs::remove_file(&sub).unwrap();
                fs::rename(&aside, &sub).unwrap();
            }
        });
        let _done = Done(&done);
        let mut opened = 0;
        for round in 0..4000 {
            let steps = EVERY_WAY[round % EVERY_WAY.len()];
            let root = Root::open_with(&temp.path().join("root"), steps).unwrap();
            match root.open_file(Path::new("a/b/deep.so")) {
                Ok(file) => {
                    assert_eq!(io::read_to_string(file.file()).unwrap(), "deep");
                    opened += 1;
                }
                Err(error) => {
                    let kind = error.kind();
                    assert!(
                        matches!(
                            kind,
                            OpenErrorKind::NotFound
                                | OpenErrorKind::SymbolicLink
                                | OpenErrorKind::NotAFolder
                        ),
                        "{error}: {:?}",
                        std::error::Error::source(&error)
                    );
                }
            }
        }
        assert!(opened > 0, "the file was never there");
    });
}

#[test]
fn a_path_that_is_no_text_is_shown() {
    use std::os::unix::ffi::OsStrExt as _;
    let temp = tempfile::tempdir().unwrap();
    let name = Path::new(OsStr::from_bytes(b"a\xff\nb.so"));
    fs::write(temp.path().join(name), "bytes").unwrap();
    let root = Root::open(temp.path()).unwrap();
    let opened = root.open_file(name).unwrap();
    let contents = plugwright_inspect::symbols(&b"bytes"[..], None);
    let facts = opened.facts(&b"bytes"[..], &contents, &Found::default());
    let origin = facts.unwrap().origin;
    assert!(origin.ends_with(r"/a\xff\nb.so"), "{origin}");
}
