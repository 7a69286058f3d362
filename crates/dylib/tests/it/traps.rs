//! The ways in which a dynamic linker gives another library than the one that was asked for.

use crate::child::alone;
use crate::{call, in_place, load, marking, numbered, os, seal, unloading};
use plugwright_dylib::{Image, LoadErrorKind, Unmapping};
use plugwright_testkit::cc;
use std::collections::HashSet;
use std::fs::{self, File};

/// glibc matches the string of a path before it opens anything, and descriptor numbers are used again.
#[test]
fn a_descriptor_number_that_is_used_again_gives_the_new_library() {
    alone(
        "traps::a_descriptor_number_that_is_used_again_gives_the_new_library",
        || {
            let (one, two) = (numbered(1), numbered(2));
            let mut identities = HashSet::new();
            // More than the number of descriptors that are kept, so that numbers do come back.
            for round in 0..100 {
                let (path, number) = if round % 3 == 0 { (&two, 2) } else { (&one, 1) };
                let library = load(seal(path)).unwrap();
                assert_eq!(
                    (call(&library, "number"), call(&library, "count")),
                    (number, 1),
                    "round {round}"
                );
                identities.insert(library.identity());
            }
            assert_eq!(identities.len(), 100);
            let open = fs::read_dir("/proc/self/fd").unwrap().count();
            assert!(
                open < 80,
                "{open} descriptors are open: they are kept up to a limit"
            );
        },
    );
}

#[test]
fn a_file_that_replaced_a_loaded_one_is_the_one_that_comes() {
    alone(
        "traps::a_file_that_replaced_a_loaded_one_is_the_one_that_comes",
        || {
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("libx.so");
            let mut libraries = Vec::new();
            for number in 1..=4 {
                let next = temp.path().join("next");
                fs::copy(numbered(number), &next).unwrap();
                fs::rename(&next, &path).unwrap();
                libraries.push(load(in_place(&path).unwrap()).unwrap());
            }
            let numbers: Vec<i32> = libraries
                .iter()
                .map(|library| call(library, "number"))
                .collect();
            assert_eq!(numbers, [1, 2, 3, 4]);
        },
    );
}

/// The path of a library that may be unloaded now leads to another file: opening that one for ever leaves the first as it was.
#[test]
fn the_new_file_is_pinned_and_not_the_one_that_it_replaced() {
    alone(
        "traps::the_new_file_is_pinned_and_not_the_one_that_it_replaced",
        || {
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("libx.so");
            fs::copy(numbered(1), &path).unwrap();
            let old = unloading::open(&path);
            let next = temp.path().join("next");
            fs::copy(numbered(2), &next).unwrap();
            fs::rename(&next, &path).unwrap();
            let new = load(in_place(&path).unwrap()).unwrap();
            assert_eq!(call(&new, "number"), 2);
            assert_eq!(unloading::call(&old, c"number"), 1);
            assert_eq!(unloading::unmap(old), Unmapping::Unmapped);
            assert_eq!(call(&new, "number"), 2);
        },
    );
}

#[test]
fn a_file_that_is_replaced_between_judging_and_loading_does_not_run() {
    alone(
        "traps::a_file_that_is_replaced_between_judging_and_loading_does_not_run",
        || {
            let temp = tempfile::tempdir().unwrap();
            let (path, mark) = (temp.path().join("libx.so"), temp.path().join("mark"));
            fs::copy(numbered(1), &path).unwrap();
            let image = in_place(&path).unwrap();
            let evil = temp.path().join("evil");
            fs::copy(marking(&mark), &evil).unwrap();
            fs::rename(&evil, &path).unwrap();
            assert_eq!(load(image).unwrap_err().kind(), LoadErrorKind::Changed);
            assert!(!mark.try_exists().unwrap());
            // The fixture does leave its mark when it is loaded.
            load(in_place(&path).unwrap()).unwrap();
            assert!(mark.try_exists().unwrap());
        },
    );
}

/// The SONAME of a loaded library is compared with every later name, with paths too.
#[test]
fn a_soname_that_is_a_path_captures_nothing() {
    alone("traps::a_soname_that_is_a_path_captures_nothing", || {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("libvictim.so");
        fs::copy(numbered(1), &path).unwrap();
        let soname = format!("-Wl,-soname,{}", path.display());
        let spoof = cc::shared(
            "libspoof.so",
            "int number(void) { return 666; }",
            &[os(&soname)],
        );
        assert_eq!(call(&load(seal(&spoof)).unwrap(), "number"), 666);
        assert_eq!(call(&load(in_place(&path).unwrap()).unwrap(), "number"), 1);
    });
}

/// A debugger opens the path that the dynamic linker remembers, in its own process: it must not find *its* descriptor there.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a debugger is another process, and this is the simplest one that opens a file"
)]
fn another_process_finds_the_bytes_of_a_sealed_copy_by_its_path() {
    alone(
        "traps::another_process_finds_the_bytes_of_a_sealed_copy_by_its_path",
        || {
            let path = numbered(1);
            let library = load(seal(&path)).unwrap();
            let process = format!("/proc/{}/", std::process::id());
            assert!(library.path().starts_with(process), "{library:?}");
            let seen = std::process::Command::new("cat")
                .arg(library.path())
                .output()
                .unwrap();
            assert_eq!(seen.stdout, fs::read(path).unwrap());
        },
    );
}

/// `$ORIGIN` of a sealed copy is a folder in `/proc`. The error says what is missing.
#[test]
fn what_is_needed_through_origin_has_to_be_loaded_before_a_copy() {
    alone(
        "traps::what_is_needed_through_origin_has_to_be_loaded_before_a_copy",
        || {
            let temp = tempfile::tempdir().unwrap();
            let needed = cc::shared(
                "libneeded.so",
                "int needed(void) { return 7; }",
                &[os("-Wl,-soname,libneeded.so")],
            );
            let source = "int needed(void); int number(void) { return needed(); }";
            let arguments = [needed.as_os_str(), os("-Wl,-rpath,$ORIGIN")];
            let path = temp.path().join("libneeds.so");
            fs::copy(cc::shared("libneeds.so", source, &arguments), &path).unwrap();
            fs::copy(&needed, temp.path().join("libneeded.so")).unwrap();

            let error = load(seal(&path)).unwrap_err();
            assert_eq!(error.kind(), LoadErrorKind::Refused);
            assert!(
                error
                    .to_string()
                    .contains("libneeded.so: cannot open shared object file"),
                "{error}"
            );

            let needed = Image::seal(&File::open(&needed).unwrap(), os("libneeded.so")).unwrap();
            load(needed).unwrap();
            assert_eq!(call(&load(seal(&path)).unwrap(), "number"), 7);
        },
    );
}

/// Two plugins bring different libraries under one SONAME: the second one gets the first one's. It is told before.
#[cfg(feature = "explain")]
#[test]
fn a_needed_library_that_another_is_taken_for_is_told_before() {
    use plugwright_dylib::clashes;

    alone(
        "traps::a_needed_library_that_another_is_taken_for_is_told_before",
        || {
            let temp = tempfile::tempdir().unwrap();
            let plugin = |number: u32| {
                let folder = temp.path().join(number.to_string());
                fs::create_dir(&folder).unwrap();
                let source = format!("int shared(void) {{ return {number}; }}");
                let shared =
                    cc::shared("libshared.so", &source, &[os("-Wl,-soname,libshared.so.1")]);
                fs::copy(&shared, folder.join("libshared.so.1")).unwrap();
                let source = "int shared(void); int number(void) { return shared(); }";
                let arguments = [shared.as_os_str(), os("-Wl,-rpath,$ORIGIN")];
                let path = folder.join("libplugin.so");
                fs::copy(cc::shared("libplugin.so", source, &arguments), &path).unwrap();
                path
            };
            let (one, two) = (plugin(1), plugin(2));
            assert_eq!((clashes(&one), clashes(&two)), (Vec::new(), Vec::new()));
            assert_eq!(call(&load(in_place(&one).unwrap()).unwrap(), "number"), 1);
            assert_eq!(clashes(&one), []);
            let told = clashes(&two);
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].name.to_str(), Some("libshared.so.1"));
            assert_eq!(told[0].wanted, two.with_file_name("libshared.so.1"));
            assert_eq!(told[0].loaded, one.with_file_name("libshared.so.1"));
            // This is what is told.
            assert_eq!(call(&load(in_place(&two).unwrap()).unwrap(), "number"), 1);
        },
    );
}
