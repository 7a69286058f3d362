//! Opening by name and path.

use crate::child::{alone, alone_with};
use crate::{call, numbered, os};
use plugwright_dylib::{
    Binding, Hints, Library, LoadError, LoadErrorKind, Request, SymbolErrorKind, SymbolName,
    Visibility, resolve,
};
use plugwright_testkit::cc;
use std::error::Error;
use std::ffi::c_int;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn open(request: &Request) -> Result<Library, LoadError> {
    // SAFETY: every library in these tests has harmless constructors or none.
    unsafe { Library::open(request, Hints::new()) }
}

#[test]
fn the_first_name_that_is_there_is_opened() {
    alone("opening::the_first_name_that_is_there_is_opened", || {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        let number = |request: &Request| call(&open(request).unwrap(), "number");
        fs::copy(numbered(1), folder.join("libmylib.so")).unwrap();
        // A folder that has the base name of the library.
        fs::create_dir(folder.join("mylib")).unwrap();
        assert_eq!(number(&Request::path(folder.join("mylib"))), 1);
        assert_eq!(number(&Request::path("mylib").relative_to(folder)), 1);
        fs::copy(numbered(2), folder.join("mylib.so")).unwrap();
        assert_eq!(number(&Request::path(folder.join("mylib"))), 2);
        assert_eq!(number(&Request::path(folder.join("libmylib"))), 1);
    });
}

#[test]
fn what_is_wrong_with_the_first_file_that_is_there_is_told() {
    alone(
        "opening::what_is_wrong_with_the_first_file_that_is_there_is_told",
        || {
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("zz");
            fs::write(path.with_extension("so"), "text, and not a library").unwrap();
            fs::copy(numbered(1), temp.path().join("libzz.so")).unwrap();
            let error = open(&Request::path(&path)).unwrap_err();
            assert_eq!(error.kind(), LoadErrorKind::Refused);
            let base = path.display();
            let expected = format!(
                "cannot load \"{base}.so\": the system refused it\n  tried \"{base}\": No such file or directory (os error 2)\n  \
             tried \"{base}.so\": {base}.so: file too short"
            );
            let text = error.to_string();
            assert!(text.starts_with(&expected), "{text}");
        },
    );
}

#[test]
fn every_name_that_was_tried_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let error = open(&Request::path("zz").relative_to(temp.path())).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::NotFound);
    let tried: Vec<&Path> = error
        .attempts()
        .iter()
        .map(|attempt| attempt.candidate.as_path())
        .collect();
    let expected = ["zz", "zz.so", "libzz", "libzz.so"].map(|name| temp.path().join(name));
    assert_eq!(tried, expected);
    let error = open(&Request::name("nosuchlib")).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Refused);
    assert_eq!(error.attempts().len(), 4);
    assert!(
        error.attempts()[0]
            .answer
            .as_str()
            .starts_with("libnosuchlib.so: cannot open shared object file")
    );
}

#[test]
fn the_real_file_behind_a_bare_name_is_told() {
    alone("opening::the_real_file_behind_a_bare_name_is_told", || {
        // libc is loaded already, libm may not be.
        for name in ["libc.so.6", "libm.so.6"] {
            let library = open(&Request::name("x").with_version("1"));
            assert!(library.is_err());
            let library = open(&Request::path(format!("/{name}"))).map(drop);
            assert_eq!(library.unwrap_err().kind(), LoadErrorKind::NotFound);
            let stem = name
                .strip_prefix("lib")
                .unwrap()
                .strip_suffix(".so.6")
                .unwrap();
            let library = open(&Request::name(stem).with_version("6")).unwrap();
            assert!(
                library.path().is_absolute() && library.path().ends_with(name),
                "{library:?}"
            );
            assert!(library.identity().is_some());
            let system = open(&Request::system(stem).with_version("6")).unwrap();
            assert_eq!(system.identity(), library.identity());
        }
    });
}

#[test]
fn the_systems_own_library_comes_whatever_the_environment_says() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().as_os_str();
    fs::copy(numbered(9), temp.path().join("libutil.so.1")).unwrap();
    let test = "opening::the_systems_own_library_comes_whatever_the_environment_says";
    alone_with(
        test,
        &[
            ("LD_LIBRARY_PATH", folder),
            ("PLUGWRIGHT_TEST_PATH", folder),
        ],
        || {
            let evil = std::env::var_os("PLUGWRIGHT_TEST_PATH").unwrap();
            let system = open(&Request::system("util").with_version("1")).unwrap();
            assert!(!system.path().starts_with(&evil), "{system:?}");
            // The search by name does follow the environment.
            let named = open(&Request::name("numbered")).map(drop);
            assert!(named.is_err());
            fs::copy(numbered(9), Path::new(&evil).join("libonlythere.so")).unwrap();
            let found = open(&Request::name("onlythere")).unwrap();
            assert!(found.path().starts_with(&evil));
            crate::unloading::close_often(found.path());
            assert_eq!(call(&found, "number"), 9);
        },
    );
}

#[test]
fn symbolic_and_hard_links_are_the_same_library_and_a_copy_is_another() {
    alone(
        "opening::symbolic_and_hard_links_are_the_same_library_and_a_copy_is_another",
        || {
            let temp = tempfile::tempdir().unwrap();
            let path = |name: &str| temp.path().join(name);
            fs::copy(numbered(1), path("real.so")).unwrap();
            symlink("real.so", path("soft.so")).unwrap();
            fs::hard_link(path("real.so"), path("hard.so")).unwrap();
            fs::copy(path("real.so"), path("copy.so")).unwrap();
            let library = |name: &str| open(&Request::path(path(name))).unwrap();
            let (real, soft, hard, copy) = (
                library("real.so"),
                library("soft.so"),
                library("hard.so"),
                library("copy.so"),
            );
            assert_eq!(
                [&real, &soft, &hard, &copy].map(|library| call(library, "count")),
                [1, 2, 3, 1]
            );
            assert_eq!(real.identity(), hard.identity());
            assert_ne!(real.identity(), copy.identity());
        },
    );
}

#[test]
fn an_object_that_asks_for_more_gets_it_and_others_keep_what_they_have() {
    alone(
        "opening::an_object_that_asks_for_more_gets_it_and_others_keep_what_they_have",
        || {
            let provides = cc::shared("libprovides.so", "int provided(void) { return 8; }", &[]);
            let source = "int provided(void); int number(void) { return provided(); }";
            let wants = cc::shared("libwants.so", source, &[os("-Wl,-z,lazy")]);
            let request = Request::path(&provides);
            open(&request).unwrap();
            // Its symbols are local: the other library does not see them.
            assert!(
                open(&Request::path(&wants))
                    .unwrap_err()
                    .to_string()
                    .contains("undefined symbol: provided")
            );
            let lazy = Hints::new().with_binding(Binding::Lazy);
            // SAFETY: it has no constructors, and nothing of it is called before what it needs is there.
            let wanting = unsafe { Library::open(&Request::path(&wants), lazy) }.unwrap();
            // SAFETY: it has no constructors, and nobody else has a symbol of that name.
            unsafe { Library::open(&request, Hints::new().with_visibility(Visibility::Global)) }
                .unwrap();
            assert_eq!(call(&wanting, "number"), 8);
            // A later object that asks for less takes nothing away.
            open(&request).unwrap();
            assert_eq!(call(&open(&Request::path(&wants)).unwrap(), "number"), 8);
        },
    );
}

#[test]
fn one_function_is_resolved_in_one_go() {
    alone("opening::one_function_is_resolved_in_one_go", || {
        type Number = extern "C" fn() -> c_int;
        let path = numbered(6);
        // SAFETY: it has no constructors, and this is the function's type.
        let number = unsafe { resolve::<Number>(&Request::path(&path), c"number".into()) }.unwrap();
        assert_eq!(number(), 6);
        // SAFETY: as above.
        let error =
            unsafe { resolve::<Number>(&Request::path(&path), c"numbers".into()) }.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{path:?} has no symbol \"numbers\"; did you mean \"number\"")
        );
        assert!(error.source().is_some());
    });
}

#[test]
fn versions_of_symbols_are_told_apart() {
    alone("opening::versions_of_symbols_are_told_apart", || {
        let temp = tempfile::tempdir().unwrap();
        let map = temp.path().join("map");
        fs::write(
            &map,
            "V1 { global: number; local: *; }; V2 { global: number; } V1;",
        )
        .unwrap();
        let source = "__asm__(\".symver one, number@V1\"); __asm__(\".symver two, number@@V2\");\n\
                      int one(void) { return 1; } int two(void) { return 2; }";
        let script = format!("-Wl,--version-script={}", map.display());
        let library = open(&Request::path(cc::shared(
            "libversions.so",
            source,
            &[os(&script)],
        )))
        .unwrap();
        let number = |symbol: SymbolName<'_>| {
            // SAFETY: this is the function's type.
            unsafe { library.function::<extern "C" fn() -> c_int>(symbol) }.map(|number| number())
        };
        assert_eq!(number(c"number".into()).unwrap(), 2);
        assert_eq!(number(SymbolName::versioned(c"number", c"V1")).unwrap(), 1);
        assert_eq!(number(SymbolName::versioned(c"number", c"V2")).unwrap(), 2);
        let error = number(SymbolName::versioned(c"number", c"V3")).unwrap_err();
        assert_eq!(error.kind(), SymbolErrorKind::Missing);
        let text = error.to_string();
        assert!(text.ends_with("has no symbol \"number\" of version \"V3\"; did you mean \"number@V1\" or \"number@V2\""), "{text}");
    });
}

#[test]
fn a_constructor_can_open_libraries_itself_and_nobody_waits() {
    /// Opens another library, and the one that is just being loaded.
    extern "C" fn hook() -> c_int {
        let path = std::env::var_os("PLUGWRIGHT_TEST_PATH").unwrap();
        let other = open(&Request::path(numbered(4))).unwrap();
        let itself = open(&Request::path(path)).unwrap();
        call(&other, "number") + call(&itself, "number")
    }

    let source = "#include <stdlib.h>\nstatic int got; int number(void) { return 3; } int seen(void) { return got; }\n\
                  __attribute__((constructor)) static void begin(void) {\n\
                  int (*hook)(void) = (int (*)(void))strtoul(getenv(\"PLUGWRIGHT_TEST_HOOK\"), 0, 0); got = hook(); }";
    let path = cc::shared("libconstructs.so", source, &[]);
    alone(
        "opening::a_constructor_can_open_libraries_itself_and_nobody_waits",
        || {
            let hook = format!("{:p}", hook as extern "C" fn() -> c_int);
            for (name, value) in [
                (c"PLUGWRIGHT_TEST_HOOK", hook),
                (c"PLUGWRIGHT_TEST_PATH", path.to_str().unwrap().into()),
            ] {
                let value = std::ffi::CString::new(value).unwrap();
                // SAFETY: both are strings, and this child process has no other thread that looks at the environment.
                unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) };
            }
            let library = open(&Request::path(&path)).unwrap();
            assert_eq!(call(&library, "seen"), 7);
        },
    );
}

#[test]
fn threads_open_resolve_and_let_go_of_the_same_and_of_different_libraries() {
    alone(
        "opening::threads_open_resolve_and_let_go_of_the_same_and_of_different_libraries",
        || {
            let paths: Vec<_> = (1..=4).map(numbered).collect();
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let paths = &paths;
                    scope.spawn(move || {
                        for round in 0..50 {
                            let number = (thread + round) % 4;
                            let path = &paths[number];
                            let expected = c_int::try_from(number).unwrap() + 1;
                            let library = crate::unloading::open(path);
                            assert_eq!(crate::unloading::call(&library, c"number"), expected);
                            match round % 3 {
                                0 => drop(library),
                                1 => drop(crate::unloading::unmap(library)),
                                _ => {
                                    let sealed = crate::unloading::load(crate::seal(path));
                                    assert_eq!(crate::unloading::call(&sealed, c"count"), 1);
                                    drop(crate::unloading::unmap(sealed));
                                    assert_eq!(
                                        crate::unloading::call(&library, c"number"),
                                        expected
                                    );
                                }
                            }
                        }
                    });
                }
            });
        },
    );
}

#[test]
fn a_file_that_may_not_be_read_is_told_and_not_passed_over() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("zz");
    fs::copy(numbered(1), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        // Root may read everything; then this is no test of anything.
        eprintln!("SKIPPED: this user may read files without any permission");
        return;
    }
    let error = open(&Request::path(&path)).unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (LoadErrorKind::Refused, 1)
    );
}
