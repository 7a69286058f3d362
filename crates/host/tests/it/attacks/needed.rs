//! Libraries that a plugin brings in: taken for others, exchanged, or found where nobody looked.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use fixture_greeter::Greeter;
use plugwright_host::{Handle, Host, Policy, RefusalKind};
use plugwright_testkit::cc;
use plugwright_trust::{Code, Signatures, Source};

use super::{Signer, in_child_with, policy};
use crate::{Folder, c_plugin, permitted};

/// A library with this SONAME, whose function returns a number.
fn library(soname: &str, number: u32) -> PathBuf {
    let option = OsString::from(format!("-Wl,-soname,{soname}"));
    let source = format!("int needed_number(void) {{ return {number}; }}");
    cc::shared("libneeded.so.1", &source, &[&option])
}

/// A plugin in C that needs `libneeded.so.1` beside it, and whose constructor adds that library's number to the mark.
fn plugin(id: &'static str, run_path: &str) -> PathBuf {
    let needed = library("libneeded.so.1", 0);
    let told = "\n#include <stdio.h>\nextern int needed_number(void);\n\
        __attribute__((constructor)) static void tell(void) {\n\
        const char *path = getenv(\"PLUGWRIGHT_FIXTURE_MARK\");\n\
        FILE *mark = path ? fopen(path, \"a\") : 0;\n\
        if (mark) { fprintf(mark, \"%d \", needed_number()); fclose(mark); } }\n";
    let run_path = OsString::from(format!("-Wl,--enable-new-dtags,-rpath,{run_path}"));
    let beside = needed.parent().expect("a folder").as_os_str();
    let arguments = [
        OsStr::new("-L"),
        beside,
        OsStr::new("-l:libneeded.so.1"),
        &run_path,
    ];
    c_plugin::plugin(id, told, &arguments)
}

/// A folder with a plugin and the library with this number that it needs.
fn folder(id: &'static str, number: u32) -> Folder {
    let folder = Folder::new();
    fs::copy(plugin(id, "$ORIGIN"), folder.join("libplugin.so")).expect("copied");
    put(&folder, number);
    folder
}

fn put(folder: &Folder, number: u32) {
    let path = folder.join("libneeded.so.1");
    fs::copy(library("libneeded.so.1", number), path).expect("copied");
}

fn host(folder: &Path, policy: Policy) -> Host {
    permitted(Host::builder(policy))
        .copies_below(std::env::temp_dir())
        .folder(folder)
        .scan()
}

fn load(host: &Host) -> Result<Handle<dyn Greeter>, Vec<Code>> {
    host.create::<dyn Greeter>("c").map_err(|error| {
        let Some(attempt) = error.attempts().first() else {
            panic!("{error}");
        };
        match attempt.refusal.kind() {
            RefusalKind::Judged(reasons) => reasons.iter().map(|reason| reason.code).collect(),
            _ => panic!("refused by the judge: {error}"),
        }
    })
}

/// What the plugins' constructors wrote, in their order.
#[track_caller]
fn check(name: &str, expected: &str, attempt: impl FnOnce()) {
    in_child_with(&format!("needed::{name}"), attempt, |mark| {
        assert_eq!(
            mark.unwrap_or_default().trim(),
            expected,
            "whose number it was"
        );
    });
}

#[test]
fn what_lies_beside_a_plugin_is_loaded_with_it() {
    check("what_lies_beside_a_plugin_is_loaded_with_it", "7", || {
        let folder = folder("org.example.needs", 7);
        assert!(load(&host(folder.path(), policy())).is_ok());
    });
}

/// From sealed copies, in which the loader finds nothing through `$ORIGIN`.
#[test]
fn sealed_copies_find_what_they_need() {
    check("sealed_copies_find_what_they_need", "7", || {
        let folder = folder("org.example.needs", 7);
        let sealed = policy().with_sources([Source::Sealed]);
        assert!(load(&host(folder.path(), sealed)).is_ok());
    });
}

#[test]
fn two_plugins_that_bring_different_libraries_of_one_name() {
    check(
        "two_plugins_that_bring_different_libraries_of_one_name",
        "7 8 7",
        || {
            let (one, other) = (folder("org.example.one", 7), folder("org.example.other", 8));
            let third = folder("org.example.third", 7);
            for folder in [one, other, third] {
                assert!(load(&host(folder.path(), policy())).is_ok());
            }
        },
    );
}

/// A library whose SONAME is that of the one that is needed is in the process already.
#[test]
fn a_library_that_took_the_name_before() {
    check("a_library_that_took_the_name_before", "7", || {
        let folder = folder("org.example.needs", 7);
        let spoof = library("libneeded.so.1", 666);
        let image = plugwright_dylib::Image::seal(
            &fs::File::open(spoof).expect("built"),
            OsStr::new("libneeded.so.1"),
        );
        // SAFETY: it has no constructors.
        let loaded = unsafe {
            plugwright_dylib::Library::load(image.expect("sealed"), plugwright_dylib::Hints::new())
        };
        assert!(loaded.is_ok());
        assert!(load(&host(folder.path(), policy())).is_ok());
    });
}

/// The library is exchanged after it was read, and before it is loaded.
#[test]
fn a_needed_library_that_is_exchanged_after_the_verdict() {
    check(
        "a_needed_library_that_is_exchanged_after_the_verdict",
        "7",
        || {
            let folder = folder("org.example.needs", 7);
            let sealed = super::steps::sealed();
            let exchange = || put(&folder, 666);
            super::steps::walk(folder.path(), &sealed, super::steps::After::Judge, exchange)
                .expect("what was held is loaded");
        },
    );
}

#[test]
fn an_unsigned_library_beside_a_signed_plugin() {
    check("an_unsigned_library_beside_a_signed_plugin", "", || {
        let folder = folder("org.example.needs", 666);
        let signer = Signer::new();
        signer.sign_file(&folder.join("libplugin.so"), "");
        let signed = policy()
            .with_key(signer.key("*"))
            .with_signatures(Signatures::Required);
        let refused = load(&host(folder.path(), signed)).expect_err("unsigned");
        assert_eq!(refused, [Code::SignatureMissing]);
    });
}

#[test]
fn a_needed_library_that_the_policy_denies() {
    check("a_needed_library_that_the_policy_denies", "", || {
        let folder = folder("org.example.needs", 666);
        let denied = policy().with_denied(super::digest(&folder.join("libneeded.so.1")));
        let refused = load(&host(folder.path(), denied)).expect_err("denied");
        assert_eq!(refused, [Code::DigestDenied]);
    });
}

#[test]
fn a_needed_library_that_everybody_can_write() {
    check("a_needed_library_that_everybody_can_write", "", || {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("org.example.needs", 666);
        let path = folder.join("libneeded.so.1");
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("ours");
        let refused = load(&host(folder.path(), policy())).expect_err("writable");
        assert_eq!(refused, [Code::WritableFile]);
    });
}

#[test]
fn a_needed_library_that_is_not_there() {
    check("a_needed_library_that_is_not_there", "", || {
        let folder = folder("org.example.needs", 7);
        fs::remove_file(folder.join("libneeded.so.1")).expect("ours");
        let refused = load(&host(folder.path(), policy())).expect_err("missing");
        assert_eq!(refused, [Code::NeededMissing]);
    });
}

#[test]
fn a_damaged_needed_library() {
    check("a_damaged_needed_library", "", || {
        let folder = folder("org.example.needs", 7);
        let path = folder.join("libneeded.so.1");
        let mut bytes = fs::read(&path).expect("ours");
        // The size in the file of the first segment: 2^64 - 1, on which the loader crashes.
        let table = usize::try_from(u64::from_le_bytes(bytes[32..40].try_into().expect("eight")))
            .expect("small");
        bytes[table + 32..table + 40].fill(0xff);
        fs::write(&path, bytes).expect("written");
        let refused = load(&host(folder.path(), policy())).expect_err("damaged");
        assert!(!refused.is_empty());
    });
}

/// A library without a SONAME is not found by the loader under the name by which it is needed.
#[test]
fn a_needed_library_that_has_no_name() {
    check("a_needed_library_that_has_no_name", "", || {
        let folder = folder("org.example.needs", 7);
        let nameless = cc::shared(
            "libneeded.so.1",
            "int needed_number(void) { return 666; }",
            &[],
        );
        fs::copy(nameless, folder.join("libneeded.so.1")).expect("copied");
        let refused = load(&host(folder.path(), policy())).expect_err("no name");
        assert_eq!(refused, [Code::HazardNameClash]);
    });
}

#[test]
fn a_run_path_that_is_empty_or_relative() {
    check("a_run_path_that_is_empty_or_relative", "", || {
        for run_path in [".", "lib", "$ORIGIN:", "/usr/lib::/opt"] {
            let folder = Folder::new();
            fs::copy(
                plugin("org.example.needs", run_path),
                folder.join("libplugin.so"),
            )
            .expect("copied");
            put(&folder, 666);
            std::env::set_current_dir(folder.path()).expect("ours");
            let refused = load(&host(folder.path(), policy())).expect_err(run_path);
            assert!(
                refused.contains(&Code::HazardRunPath),
                "{run_path}: {refused:?}"
            );
        }
    });
}

/// The environment names a folder with another library of that name.
#[test]
fn a_poisoned_environment() {
    let poison = Folder::readable();
    put(&poison, 666);
    super::in_child_of(
        "needed::a_poisoned_environment",
        &[
            ("LD_LIBRARY_PATH", poison.path().as_os_str()),
            ("PLUGWRIGHT_PLUGIN_PATH", poison.path().as_os_str()),
            ("QT_PLUGIN_PATH", poison.path().as_os_str()),
        ],
        || {
            let folder = folder("org.example.needs", 7);
            assert!(load(&host(folder.path(), policy())).is_ok());
        },
        |mark| assert_eq!(mark.unwrap_or_default().trim(), "7"),
    );
}
