//! The tables of names, one request a line.

use super::*;

#[track_caller]
fn check(request: &Request, platform: Platform, expected: &[&str]) {
    let found: Vec<String> = candidates(request, platform)
        .unwrap()
        .into_iter()
        .map(|candidate| match candidate {
            Candidate::File(path) => path.to_str().unwrap().to_owned(),
            Candidate::Search(name) => format!("? {}", name.to_str().unwrap()),
        })
        .collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn refused(request: &Request, expected: LoadErrorKind) {
    assert_eq!(
        candidates(request, Platform::Linux).unwrap_err().kind(),
        expected,
        "{request:?}"
    );
}

#[test]
fn names_on_linux_are_tried_as_qt_tries_them() {
    let check = |request: &Request, expected: &[&str]| check(request, Platform::Linux, expected);
    check(
        &Request::name("zz"),
        &["? libzz.so", "? libzz", "? zz.so", "? zz"],
    );
    check(&Request::name("libzz"), &["? libzz.so", "? libzz"]);
    check(&Request::name("libzz.so"), &["? libzz.so"]);
    check(&Request::name("zz.so"), &["? libzz.so", "? zz.so"]);
    // Qt also tries libzz and zz, which may be any version.
    check(
        &Request::name("zz").with_version("3.1"),
        &["? libzz.so.3.1", "? zz.so.3.1"],
    );
    check(
        &Request::name("libzz.so.3.1").with_version("3.1"),
        &["? libzz.so.3.1"],
    );
}

#[test]
fn paths_on_linux_are_tried_as_written_first() {
    let check = |request: &Request, expected: &[&str]| check(request, Platform::Linux, expected);
    check(
        &Request::path("/d/zz"),
        &["/d/zz", "/d/zz.so", "/d/libzz", "/d/libzz.so"],
    );
    // Qt goes on with liblibzz and liblibzz.so.
    check(&Request::path("/d/libzz"), &["/d/libzz", "/d/libzz.so"]);
    check(&Request::path("/d/libzz.so"), &["/d/libzz.so"]);
    check(
        &Request::path("/d/libzz.so2"),
        &["/d/libzz.so2", "/d/libzz.so2.so"],
    );
    check(
        &Request::path("/d/a.b.zz.so"),
        &["/d/a.b.zz.so", "/d/liba.b.zz.so"],
    );
    check(
        &Request::path("/d/zz").with_version("1"),
        &["/d/zz.so.1", "/d/libzz.so.1"],
    );
    check(
        &Request::path("/d/libzz.so.1").with_version("1"),
        &["/d/libzz.so.1"],
    );
    check(
        &Request::path("/d/libzz.so").with_version("1"),
        &["/d/libzz.so.1"],
    );
    let relative = Request::path("sub/zz").relative_to("/d");
    check(
        &relative,
        &[
            "/d/sub/zz",
            "/d/sub/zz.so",
            "/d/sub/libzz",
            "/d/sub/libzz.so",
        ],
    );
    check(
        &Request::path("/e/zz.so").relative_to("/d"),
        &["/e/zz.so", "/e/libzz.so"],
    );
}

#[test]
fn variants_for_the_processor_come_before_each_file_and_never_for_a_search() {
    let mut request = Request::path("/d/libzz.so");
    request.variants = vec!["x86-64-v3", "x86-64-v2"];
    let expected = [
        "/d/glibc-hwcaps/x86-64-v3/libzz.so",
        "/d/glibc-hwcaps/x86-64-v2/libzz.so",
        "/d/libzz.so.avx2",
        "/d/libzz.so",
    ];
    check(&request, Platform::Linux, &expected);
    request.wanted = Wanted::Name("libzz.so".into());
    check(&request, Platform::Linux, &["? libzz.so"]);
}

#[test]
fn names_on_macos() {
    let check = |request: &Request, expected: &[&str]| check(request, Platform::MacOs, expected);
    check(
        &Request::name("zz"),
        &[
            "? libzz.dylib",
            "? libzz.bundle",
            "? libzz.so",
            "? libzz",
            "? zz.dylib",
            "? zz.bundle",
            "? zz.so",
            "? zz",
        ],
    );
    check(
        &Request::name("libzz").with_version("1"),
        &["? libzz.1.dylib", "? libzz.1.bundle", "? libzz.so.1"],
    );
    check(
        &Request::path("/d/libzz"),
        &[
            "/d/libzz",
            "/d/libzz.dylib",
            "/d/libzz.bundle",
            "/d/libzz.so",
            "/d/libzz/Contents/MacOS/libzz",
            "/d/libzz/libzz",
        ],
    );
    check(
        &Request::path("/d/zz.bundle"),
        &[
            "/d/zz.bundle",
            "/d/libzz.bundle",
            "/d/zz.bundle/Contents/MacOS/zz",
            "/d/zz.bundle/zz",
        ],
    );
}

#[test]
fn names_on_windows() {
    let check = |request: &Request, expected: &[&str]| check(request, Platform::Windows, expected);
    check(&Request::name("zz"), &["? zz.dll", "? zz"]);
    check(&Request::name("ZZ.DLL"), &["? ZZ.DLL"]);
    check(
        &Request::name("zz").with_version("3"),
        &["? zz.dll", "? zz"],
    );
    check(&Request::path("/d/zz"), &["/d/zz", "/d/zz.dll"]);
}

#[test]
fn the_systems_own_libraries_come_from_its_own_folders_only() {
    for candidate in candidates(&Request::system("z").with_version("1"), Platform::Linux).unwrap() {
        let Candidate::File(path) = candidate else {
            panic!("{candidate:?} is searched for")
        };
        assert!(
            path.starts_with("/lib") || path.starts_with("/lib64") || path.starts_with("/usr"),
            "{path:?}"
        );
    }
}

#[test]
fn what_could_lead_elsewhere_is_refused() {
    for name in ["", ".", "..", "a/b", "/a", "../a"] {
        refused(&Request::name(name), LoadErrorKind::NotAName);
        refused(&Request::system(name), LoadErrorKind::NotAName);
    }
    for path in ["a", "a/b", "./a", ""] {
        refused(&Request::path(path), LoadErrorKind::NotAbsolute);
        refused(
            &Request::path("a").relative_to(path),
            LoadErrorKind::NotAbsolute,
        );
    }
    for path in ["/", "/a/.."] {
        refused(&Request::path(path), LoadErrorKind::NotAName);
    }
    for version in ["", "1/../../evil", "/1", "1\0"] {
        refused(
            &Request::name("a").with_version(version),
            LoadErrorKind::InvalidVersion,
        );
    }
    refused(&Request::name("a\0b"), LoadErrorKind::ContainsNul);
    refused(&Request::path("/a\0b"), LoadErrorKind::ContainsNul);
}

#[track_caller]
fn library(platform: Platform, yes: &[&str], no: &[&str]) {
    for (names, expected) in [(yes, true), (no, false)] {
        for name in names {
            assert_eq!(
                is_library_name(OsStr::new(name), platform),
                expected,
                "{name}"
            );
        }
    }
}

#[test]
fn names_of_libraries_are_known_by_their_text() {
    library(
        Platform::Linux,
        &[
            "mylib.so",
            "mylib.so.0",
            "libc-2.7.so",
            "liboil-0.3.so.0.1.0",
            "libfoo-0.3.so.0.3.0",
            "libfoo.so.0.3",
        ],
        &[
            "mylib.bad",
            "mylib.a",
            "mylib.bundle",
            "mylib.dll",
            "mylib.dl2",
            "mylib.dylib",
            "mylib.sl",
            "mylib.so.bak",
            "foo.so2",
            "MYLIB.SO",
            "so",
        ],
    );
    library(
        Platform::MacOs,
        &[
            "libmylib.1.0.0.dylib",
            "libmylib.dylib",
            "libmylib.so",
            "libmylib.so.1.0.0",
            "mylib.bundle",
        ],
        &["libmylib.1.0.0.foo", "mylib.dll", "mylib.bad"],
    );
    library(
        Platform::Windows,
        &["mylib.dll", "mylib.DLL", "my.many.dots.dll"],
        &["mylib.so", "mylib.dl2", "dll", "mylib.dll.bak"],
    );
}
