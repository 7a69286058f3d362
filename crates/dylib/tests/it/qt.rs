//! Qt's own tests of `QLibrary` (`tst_qlibrary`), row by row, as far as they make sense here: same situation, and either the
//! same outcome or a better one that the test's comment names.
//!
//! Qt's object may be empty, be given a name, load, fail, be given another name, and unload; here an object exists only
//! while the library is loaded, so that several rows are true by construction and their tests show the nearest thing.
//!
//! Which row is where says the table in `rows.rs`.

use crate::child::alone;
use crate::unloading::{call, unmap};
use crate::{in_place, numbered, os};
use plugwright_dylib::{
    Binding, Hints, Library, LoadError, LoadErrorKind, Platform, Request, SymbolErrorKind,
    Unloadable, Unmapping, Visibility, Why, is_library_name, resolve,
};
use plugwright_testkit::cc;
use std::ffi::{OsStr, c_int};
use std::fs;
use std::path::{Path, PathBuf};

/// Qt's fixtures: the same library in two versions under many names, and a text that is called a library.
struct Fixtures(tempfile::TempDir);

impl Fixtures {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let copies = [
            (1, "libmylib.so.1"),
            (2, "libmylib.so.2"),
            (2, "libmylib.so"),
            (2, "libmylib.so2"),
            (2, "system.qt.test.mylib.so"),
        ];
        for (version, name) in copies {
            fs::copy(numbered(version), temp.path().join(name)).unwrap();
        }
        fs::write(
            temp.path().join("invalid.so"),
            "this is a text that somebody called a library",
        )
        .unwrap();
        Self(temp)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn request(&self, name: &str) -> Request {
        Request::path(self.path(name))
    }

    fn open(&self, name: &str) -> Result<Unloadable, LoadError> {
        open(&self.request(name))
    }
}

fn open(request: &Request) -> Result<Unloadable, LoadError> {
    // SAFETY: no library of these tests has a constructor.
    unsafe { Unloadable::open(request, Hints::new()) }
}

/// Opens it, calls it and unmaps it.
#[track_caller]
fn loads(request: &Request, number: c_int) {
    let library = open(request).unwrap();
    assert_eq!(call(&library, c"number"), number);
    assert_eq!(unmap(library), Unmapping::Unmapped);
}

#[test]
fn load_ok00() {
    alone("qt::load_ok00", || {
        loads(&Fixtures::new().request("mylib"), 2);
    });
}

#[test]
fn load_notexist() {
    let error = Fixtures::new().open("nolib").unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotFound);
}

#[test]
fn load_badlibrary() {
    alone("qt::load_badlibrary", || {
        assert_eq!(
            Fixtures::new().open("invalid.so").unwrap_err().kind(),
            LoadErrorKind::Refused
        );
    });
}

#[test]
fn load_ok01() {
    alone("qt::load_ok01", || {
        loads(&Fixtures::new().request("libmylib.so"), 2);
    });
}

#[test]
fn load_ok02() {
    alone("qt::load_ok02", || {
        loads(&Fixtures::new().request("libmylib.so2"), 2);
    });
}

#[test]
fn load_ok03() {
    alone("qt::load_ok03", || {
        loads(&Fixtures::new().request("system.qt.test.mylib.so"), 2);
    });
}

#[test]
fn load_without_suffix() {
    alone("qt::load_without_suffix", || {
        loads(&Fixtures::new().request("libmylib"), 2);
    });
}

/// Unloading what failed to load cannot be asked for: there is no object.
#[test]
fn unload() {
    alone("qt::unload", || {
        let fixtures = Fixtures::new();
        loads(&fixtures.request("mylib"), 2);
        loads(&fixtures.request("libmylib.so"), 2);
        assert!(fixtures.open("nolib").is_err());
    });
}

/// Nothing is loaded implicitly; what is opened is loaded, and gone after it was unmapped.
#[test]
fn unload_after_implicit_load() {
    alone("qt::unload_after_implicit_load", || {
        let fixtures = Fixtures::new();
        let library = fixtures.open("mylib").unwrap();
        assert!(library.address(c"number").unwrap().is_some());
        assert_eq!(unmap(library), Unmapping::Unmapped);
        let again = fixtures.open("mylib").unwrap();
        assert_eq!(call(&again, c"count"), 1);
    });
}

type Number = extern "C" fn() -> c_int;

#[test]
fn resolve_ok00() {
    alone("qt::resolve_ok00", || {
        // SAFETY: the library has no constructor, and this is the function's type.
        let number =
            unsafe { resolve::<Number>(&Fixtures::new().request("mylib"), c"number".into()) };
        assert_eq!(number.unwrap()(), 2);
    });
}

#[test]
fn resolve_bad00() {
    alone("qt::resolve_bad00", || {
        let error = Fixtures::new()
            .open("mylib")
            .unwrap()
            .address(c"nosym")
            .unwrap_err();
        assert_eq!(error.kind(), SymbolErrorKind::Missing);
    });
}

#[test]
fn resolve_bad01() {
    // SAFETY: nothing is loaded.
    let error = unsafe { resolve::<Number>(&Fixtures::new().request("nolib"), c"number".into()) }
        .unwrap_err();
    assert!(error.to_string().starts_with("cannot find "), "{error}");
}

/// A second object has nothing to do with what the first one loaded, and cannot unload it.
#[test]
fn resolve_second_object() {
    alone("qt::resolve_second_object", || {
        let fixtures = Fixtures::new();
        // SAFETY: the library has no constructor, and this is the function's type.
        let number =
            unsafe { resolve::<Number>(&fixtures.request("mylib"), c"number".into()) }.unwrap();
        let second = fixtures.open("mylib").unwrap();
        assert_eq!(
            unmap(second),
            Unmapping::StillMapped {
                why: vec![Why::Pinned]
            }
        );
        assert_eq!(number(), 2);
    });
}

#[test]
fn version() {
    alone("qt::version", || {
        let fixtures = Fixtures::new();
        loads(&fixtures.request("mylib").with_version("1"), 1);
        loads(&fixtures.request("mylib").with_version("2"), 2);
        loads(&fixtures.request("mylib"), 2);
    });
}

#[test]
fn load_two_versions() {
    alone("qt::load_two_versions", || {
        let fixtures = Fixtures::new();
        let one = open(&fixtures.request("mylib").with_version("1")).unwrap();
        let two = open(&fixtures.request("mylib").with_version("2")).unwrap();
        assert_eq!((call(&one, c"number"), call(&two, c"number")), (1, 2));
    });
}

/// Only a request that asks for them gets variants: a file that was judged must be the file that is loaded.
#[test]
fn arch_specific_version() {
    alone("qt::arch_specific_version", || {
        if !cfg!(target_arch = "x86_64") {
            eprintln!("SKIPPED: processor variants are those of x86-64");
            return;
        }
        let fixtures = Fixtures::new();
        let folder = fixtures.path("glibc-hwcaps/x86-64-v2");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(numbered(12), folder.join("libmylib.so.1")).unwrap();
        for name in ["mylib", "libmylib", "mylib.so.1", "libmylib.so.1"] {
            let request = fixtures.request(name).with_version("1");
            assert_eq!(call(&open(&request).unwrap(), c"number"), 1, "{name}");
            assert_eq!(
                call(
                    &open(&request.with_processor_variants()).unwrap(),
                    c"number"
                ),
                12,
                "{name}"
            );
        }
    });
}

#[test]
fn another_version_while_the_first_is_loaded() {
    alone("qt::another_version_while_the_first_is_loaded", || {
        let fixtures = Fixtures::new();
        let request = |version| fixtures.request("mylib").with_version(version);
        // The first object goes without unloading: its library stays.
        assert_eq!(call(&open(&request("1")).unwrap(), c"count"), 1);
        let two = open(&request("2")).unwrap();
        assert_eq!(call(&two, c"number"), 2);
        assert_eq!(unmap(two), Unmapping::Unmapped);
        // A new object for the first version finds it as it was left, and is one that can unload it (Qt's cannot).
        let one = open(&request("1")).unwrap();
        assert_eq!(call(&one, c"count"), 2);
        assert_eq!(unmap(one), Unmapping::Unmapped);
    });
}

#[test]
fn another_name_after_failed_loads() {
    alone("qt::another_name_after_failed_loads", || {
        let fixtures = Fixtures::new();
        for _ in 0..2 {
            assert!(fixtures.open("nolib").is_err());
            assert!(open(&fixtures.request("mylib").with_version("9")).is_err());
        }
        loads(&fixtures.request("mylib"), 2);
        loads(&fixtures.request("mylib").with_version("1"), 1);
    });
}

#[test]
fn load_after_failed_load() {
    alone("qt::load_after_failed_load", || {
        let fixtures = Fixtures::new();
        for _ in 0..2 {
            assert_eq!(
                fixtures.open("later").unwrap_err().kind(),
                LoadErrorKind::NotFound
            );
        }
        fs::copy(numbered(3), fixtures.path("liblater.so")).unwrap();
        loads(&fixtures.request("later"), 3);
    });
}

#[track_caller]
fn named(platform: Platform, rows: &[(&str, bool)]) {
    for (name, expected) in rows {
        assert_eq!(
            is_library_name(OsStr::new(name), platform),
            *expected,
            "{name}"
        );
    }
}

#[test]
fn is_library() {
    named(
        Platform::Linux,
        &[
            ("mylib.bad", false),
            ("mylib.a", false),
            ("mylib.bundle", false),
            ("mylib.dll", false),
            ("MYLIB.DLL", false),
            ("mylib.dl2", false),
            ("mylib.dylib", false),
            ("mylib.sl", false),
            ("mylib.so", true),
            ("mylib.so.0", true),
            ("libc-2.7.so", true),
            ("liboil-0.3.so.0.1.0", true),
        ],
    );
}

#[test]
fn is_library_elsewhere() {
    named(
        Platform::MacOs,
        &[
            ("libmylib.1.0.0.dylib", true),
            ("libmylib.dylib", true),
            ("libmylib.so", true),
            ("libmylib.so.1.0.0", true),
            ("libmylib.1.0.0.foo", false),
            ("mylib.bundle", true),
        ],
    );
    named(
        Platform::Windows,
        &[
            ("my.lib.with.many.dots.dll", true),
            ("MYLIB.DLL", true),
            ("mylib.so", false),
        ],
    );
}

#[test]
fn error_of_a_bad_load() {
    let error = open(&Request::name("nosuchlib")).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot load \"nosuchlib\""),
        "{error}"
    );
}

/// Qt says "Unknown error".
#[test]
fn error_without_a_name() {
    assert_eq!(
        open(&Request::name("")).unwrap_err().kind(),
        LoadErrorKind::NotAName
    );
    assert_eq!(
        open(&Request::path("")).unwrap_err().kind(),
        LoadErrorKind::NotAbsolute
    );
}

/// Qt says "Unknown error" after a good and after a bad one.
#[test]
fn error_of_a_resolve() {
    alone("qt::error_of_a_resolve", || {
        let library = Fixtures::new().open("mylib").unwrap();
        assert!(library.address(c"number").is_ok());
        let text = library.address(c"nosuchsymbol").unwrap_err().to_string();
        assert!(text.ends_with("has no symbol \"nosuchsymbol\""), "{text}");
    });
}

#[test]
fn error_of_an_invalid_file() {
    alone("qt::error_of_an_invalid_file", || {
        let text = Fixtures::new().open("invalid.so").unwrap_err().to_string();
        assert!(
            text.starts_with("cannot load ") && text.contains("file too short"),
            "{text}"
        );
    });
}

/// Hints are arguments: no object's hints are another's, nothing resets them, and what one got the next one does not lose.
#[test]
fn hints_are_each_objects_own() {
    alone("qt::hints_are_each_objects_own", || {
        let provides = cc::shared("libprovides.so", "int provided(void) { return 8; }", &[]);
        let wants = cc::shared(
            "libwants.so",
            "int provided(void); int number(void) { return provided(); }",
            &[os("-Wl,-z,lazy")],
        );
        let with = |path: &Path, hints: Hints| {
            // SAFETY: neither has a constructor.
            unsafe { Library::open(&Request::path(path), hints) }
        };
        let global = Hints::new().with_visibility(Visibility::Global);
        let lazy = Hints::new().with_binding(Binding::Lazy);
        assert_ne!(global, lazy);
        let first = with(&provides, global).unwrap();
        // A second object with other hints for the same library, which in Qt 6.4 reset the first one's.
        let second = with(&provides, lazy).unwrap();
        assert_eq!(first.identity(), second.identity());
        drop((first, second));
        assert_eq!(
            crate::call(&with(&wants, Hints::new()).unwrap(), "number"),
            8
        );
    });
}

#[test]
fn file_name() {
    alone("qt::file_name", || {
        let fixtures = Fixtures::new();
        assert_eq!(
            fixtures.open("libmylib.so2").unwrap().path(),
            fixtures.path("libmylib.so2")
        );
        assert_eq!(
            fixtures.open("mylib").unwrap().path(),
            fixtures.path("libmylib.so")
        );
    });
}

#[test]
fn several_objects_for_one_library() {
    alone("qt::several_objects_for_one_library", || {
        let fixtures = Fixtures::new();
        let (first, second) = (
            fixtures.open("mylib").unwrap(),
            fixtures.open("mylib").unwrap(),
        );
        assert_eq!(
            unmap(first),
            Unmapping::StillMapped {
                why: vec![Why::Used { others: 1 }]
            }
        );
        assert_eq!(call(&second, c"number"), 2);
        assert_eq!(unmap(second), Unmapping::Unmapped);
        // An object that goes leaves the library where it is, and the next one may unload it.
        drop(fixtures.open("mylib").unwrap());
        let third = fixtures.open("mylib").unwrap();
        assert_eq!(unmap(third), Unmapping::Unmapped);
        // One path spelled differently, or through a link, is one library (Qt takes two).
        let link = fixtures.path("link.so");
        std::os::unix::fs::symlink("libmylib.so", &link).unwrap();
        let (first, second) = (
            fixtures.open("libmylib.so").unwrap(),
            open(&Request::path(&link)).unwrap(),
        );
        assert_eq!(
            unmap(first),
            Unmapping::StillMapped {
                why: vec![Why::Used { others: 1 }]
            }
        );
        assert_eq!(unmap(second), Unmapping::Unmapped);
        drop(in_place(&link).unwrap());
    });
}
