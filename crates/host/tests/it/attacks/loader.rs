//! What the system's loader does on a plugin's behalf, or because the environment says so.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fixture_greeter::Greeter;
use plugwright_dylib::{Hints, Library, LoadErrorKind, Request, images_named};
use plugwright_host::{CreateError, Handle, Host, Policy, RefusalKind};
use plugwright_testkit::cc;
use plugwright_trust::Code;

use super::{digest, in_child_of, in_child_with, policy, steps};
use crate::{Folder, c_plugin, permitted};

/// C that appends a word to the mark: for constructors, and for what runs before them.
const MARK: &str = "\n#include <stdio.h>\n#include <stdlib.h>\n\
    static void leave(const char *word) {\n\
    const char *path = getenv(\"PLUGWRIGHT_FIXTURE_MARK\");\n\
    FILE *mark = path ? fopen(path, \"a\") : 0;\n\
    if (mark) { fprintf(mark, \"%s \", word); fclose(mark); } }\n";

/// A plugin with more code and more options for the linker, as `libplugin.so` in a folder of its own.
fn plugin(more: &str, options: &[&OsStr]) -> Folder {
    let folder = Folder::new();
    let built = c_plugin::plugin("org.example.attack", more, options);
    fs::copy(built, folder.join("libplugin.so")).expect("copied");
    folder
}

/// A library with this name whose constructor leaves a mark.
fn evil(name: &str) -> PathBuf {
    let constructor = "__attribute__((constructor)) static void run(void) { leave(\"evil\"); }\n";
    cc::shared(
        name,
        &format!("{MARK}{constructor}int evil(void) {{ return 666; }}\n"),
        &[],
    )
}

fn create(folder: &Folder, policy: Policy) -> Result<Handle<dyn Greeter>, CreateError> {
    let host = permitted(Host::builder(policy))
        .copies_below(std::env::temp_dir())
        .folder(folder.path())
        .scan();
    host.create::<dyn Greeter>("c")
}

/// That the judge refuses the plugin, and for this among other reasons.
#[track_caller]
fn refused(folder: &Folder, policy: Policy, expected: Code) {
    let error = create(folder, policy).expect_err("refused");
    let refusal = error.attempts().first().expect("one attempt");
    let RefusalKind::Judged(reasons) = refusal.refusal.kind() else {
        panic!("refused by the judge: {error}");
    };
    let codes: Vec<Code> = reasons.iter().map(|reason| reason.code).collect();
    assert!(codes.contains(&expected), "{error}");
}

/// Runs the attempt in a child, and compares what was left in the mark.
#[track_caller]
fn check(name: &str, expected: &str, attempt: impl FnOnce()) {
    in_child_with(&format!("loader::{name}"), attempt, |mark| {
        let found = mark.unwrap_or_default();
        assert_eq!(found.trim(), expected, "what ran");
    });
}

/// Plugins that name a further library for the loader, by the linker's options that do so. It lies beside them.
fn naming(name: &str) -> Folder {
    let file = format!("lib{name}.so");
    let named = OsString::from(format!("-Wl,--{name}={file}"));
    let folder = plugin("", &[&named, OsStr::new("-Wl,-rpath,$ORIGIN")]);
    fs::copy(evil(&file), folder.join(&file)).expect("copied");
    folder
}

#[test]
fn a_library_that_audits_all_that_the_loader_does() {
    check("a_library_that_audits_all_that_the_loader_does", "", || {
        for name in ["audit", "depaudit"] {
            refused(&naming(name), policy(), Code::HazardAuditor);
        }
    });
}

#[test]
fn a_library_whose_symbols_are_taken_for_the_plugins_own() {
    let name = "a_library_whose_symbols_are_taken_for_the_plugins_own";
    check(name, "", || {
        for name in ["filter", "auxiliary"] {
            refused(&naming(name), policy(), Code::HazardFilter);
        }
    });
}

/// The control of the test above: it is the loader that runs such a library.
#[test]
fn a_filter_runs_where_nobody_looks() {
    check("a_filter_runs_where_nobody_looks", "evil evil", || {
        for name in ["filter", "auxiliary"] {
            let folder = naming(name);
            let request = Request::path(folder.join("libplugin.so"));
            // SAFETY: what its constructors do is what this test is about.
            let loaded = unsafe { Library::open(&request, Hints::new()) };
            assert!(loaded.is_ok(), "{loaded:?}");
        }
    });
}

/// A function that the loader asks another one for while it relocates, before any constructor.
fn with_ifunc() -> Folder {
    let more = "typedef int (*number)(void);\nstatic int one(void) { return 1; }\n\
        static number choose(void) { leave(\"ifunc\"); return one; }\n\
        int chosen(void) __attribute__((ifunc(\"choose\")));\n\
        int use_chosen(void);\nint use_chosen(void) { return chosen(); }\n";
    // Its own calls go through entries that are relocated before.
    plugin(&format!("{MARK}{more}"), &[OsStr::new("-fno-plt")])
}

#[test]
fn an_ifunc_of_a_plugin_that_is_refused() {
    check("an_ifunc_of_a_plugin_that_is_refused", "", || {
        let folder = with_ifunc();
        let denied = policy().with_denied(digest(&folder.join("libplugin.so")));
        refused(&folder, denied, Code::DigestDenied);
    });
}

/// The control of the test above.
#[test]
fn an_ifunc_of_a_plugin_that_is_allowed_runs() {
    in_child_with(
        "loader::an_ifunc_of_a_plugin_that_is_allowed_runs",
        || assert!(create(&with_ifunc(), policy()).is_ok()),
        |mark| assert!(mark.unwrap_or_default().contains("ifunc")),
    );
}

/// The constructor calls a function of another library, which is bound only then and not when the plugin is loaded; that
/// library is exchanged after it was judged.
#[test]
fn a_constructor_whose_calls_are_bound_lazily() {
    check("a_constructor_whose_calls_are_bound_lazily", "7", || {
        let library = |number: u32| {
            let source = format!("int lazy_number(void) {{ return {number}; }}");
            cc::shared(
                "liblazy.so.1",
                &source,
                &[OsStr::new("-Wl,-soname,liblazy.so.1")],
            )
        };
        let needed = library(7);
        let more = "extern int lazy_number(void);\n\
            __attribute__((constructor)) static void run(void) {\n\
            char word[16]; snprintf(word, sizeof word, \"%d\", lazy_number()); leave(word); }\n";
        let options = [
            OsStr::new("-Wl,-z,lazy"),
            OsStr::new("-Wl,--enable-new-dtags,-rpath,$ORIGIN"),
            OsStr::new("-L"),
            needed.parent().expect("a folder").as_os_str(),
            OsStr::new("-l:liblazy.so.1"),
        ];
        let folder = plugin(&format!("{MARK}{more}"), &options);
        let put = |number| {
            fs::copy(library(number), folder.join("liblazy.so.1")).expect("copied");
        };
        put(7);
        let exchange = || put(666);
        let loaded = steps::walk(
            folder.path(),
            &steps::sealed(),
            steps::After::Judge,
            exchange,
        );
        loaded.expect("what was held is loaded");
    });
}

/// Where both users of the suite can read them: a library for the environment, and one that it puts in the plugin's place.
fn poison(source: &str) -> (Folder, PathBuf, PathBuf) {
    let folder = Folder::readable();
    let (library, other) = (folder.join("libpoison.so"), folder.join("libother.so"));
    let source = ["#define _GNU_SOURCE\n", source].concat();
    fs::copy(cc::shared("libpoison.so", &source, &[]), &library).expect("copied");
    let other_source = "int other(void) { return 666; }\n";
    fs::copy(cc::shared("libother.so", other_source, &[]), &other).expect("copied");
    for path in [&library, &other] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    (folder, library, other)
}

/// That a host notices that another library came than the one that it judged, and hands nothing out.
fn alarm() {
    let error = create(&plugin("", &[]), steps::sealed()).expect_err("another library came");
    let refusal = error.attempts().first().expect("one attempt");
    let RefusalKind::Load(load) = refusal.refusal.kind() else {
        panic!("noticed after loading: {error}");
    };
    assert_eq!(load.kind(), LoadErrorKind::IdentityMismatch, "{error}");
}

/// Whoever sets `LD_PRELOAD` has code in the process already. A host still does not take what it gets for what it judged.
#[test]
fn a_preloaded_library_that_exchanges_what_is_opened() {
    let (_folder, library, other) = poison(
        "#include <dlfcn.h>\n#include <stdlib.h>\n#include <string.h>\n\
         void *dlopen(const char *path, int flags) {\n\
         void *(*real)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, \"dlopen\");\n\
         return real(path && strstr(path, \"/fd/\") ? getenv(\"PLUGWRIGHT_TEST_OTHER\") : path, flags); }\n",
    );
    in_child_of(
        "loader::a_preloaded_library_that_exchanges_what_is_opened",
        &[
            ("LD_PRELOAD", library.as_os_str()),
            ("PLUGWRIGHT_TEST_OTHER", other.as_os_str()),
        ],
        alarm,
        |_| (),
    );
}

/// The same with `LD_AUDIT`, whose libraries the loader asks where to find each file.
#[test]
fn an_auditing_library_that_exchanges_what_is_opened() {
    let (_folder, library, other) = poison(
        "#include <link.h>\n#include <stdint.h>\n#include <stdlib.h>\n#include <string.h>\n\
         unsigned la_version(unsigned version) { return version; }\n\
         char *la_objsearch(const char *name, uintptr_t *cookie, unsigned flag) {\n\
         (void)cookie; (void)flag;\n\
         return strstr(name, \"/fd/\") ? getenv(\"PLUGWRIGHT_TEST_OTHER\") : (char *)(uintptr_t)name; }\n",
    );
    in_child_of(
        "loader::an_auditing_library_that_exchanges_what_is_opened",
        &[
            ("LD_AUDIT", library.as_os_str()),
            ("PLUGWRIGHT_TEST_OTHER", other.as_os_str()),
        ],
        alarm,
        |_| (),
    );
}

/// The control of the two tests above: in the same way, without anything in the environment.
#[test]
fn nothing_in_the_environment_is_no_alarm() {
    check("nothing_in_the_environment_is_no_alarm", "", || {
        assert!(create(&plugin("", &[]), steps::sealed()).is_ok());
    });
}

/// What a distribution installed, and only root can change, is loaded from where it lies, under its own name.
#[test]
fn a_library_of_the_distribution_comes_from_where_it_lies() {
    let name = "a_library_of_the_distribution_comes_from_where_it_lies";
    check(name, "", || {
        // A part of glibc that hardly any program has loaded.
        let soname = OsStr::new("libanl.so.1");
        assert_eq!(images_named(&[soname]), [], "not yet");
        let needs = [
            OsStr::new("-Wl,--no-as-needed"),
            OsStr::new("-l:libanl.so.1"),
        ];
        assert!(create(&plugin("", &needs), steps::sealed()).is_ok());
        let loaded = images_named(&[soname]);
        let [library] = loaded.as_slice() else {
            panic!("one of this name: {loaded:?}");
        };
        let file = library.file.as_deref().expect("a file of the system's");
        let (metadata, identity) = (fs::metadata(file), library.identity);
        assert_eq!(
            identity.map(|identity| identity.inode),
            metadata.ok().map(|metadata| metadata.ino())
        );
        assert!(
            ["/lib", "/usr/lib"]
                .iter()
                .any(|above| file.starts_with(above)),
            "{}",
            file.display()
        );
    });
}

fn in_place() -> Policy {
    policy().with_sources([plugwright_trust::Source::InPlace])
}

#[test]
fn a_file_in_place_that_its_owner_can_change() {
    check("a_file_in_place_that_its_owner_can_change", "", || {
        refused(&plugin("", &[]), in_place(), Code::NotFrozen);
    });
}

/// Each of the conditions of loading from where a file lies: what only root can change satisfies them, and the slightest change
/// does not.
#[test]
fn a_file_in_place_that_somebody_else_could_change() {
    use std::os::unix::fs::chown;
    let skip = |why: &str| crate::skipped(&format!("a file in place: {why}"));
    if !rustix::process::geteuid().is_root() {
        return skip("only root can make files that nobody else can change");
    }
    // A folder for everybody's temporary files is no such place.
    let Ok(folder) = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")) else {
        return skip("the folder of the build is not there");
    };
    let mut above = Path::new(env!("CARGO_TARGET_TMPDIR")).ancestors();
    let is_roots = |folder: &Path| {
        fs::metadata(folder)
            .is_ok_and(|metadata| metadata.uid() == 0 && metadata.mode() & 0o022 == 0)
    };
    if !above.all(is_roots) {
        return skip("somebody else can write a folder above that of the build");
    }
    let attempt = |expected: &[Code], change: &dyn Fn(&Path, &Path)| {
        let place = tempfile::tempdir_in(&folder).expect("a folder");
        let path = place.path().join("libplugin.so");
        fs::copy(plugin("", &[]).join("libplugin.so"), &path).expect("copied");
        change(place.path(), &path);
        let host = permitted(Host::builder(in_place()))
            .folder(place.path())
            .scan();
        let codes: Vec<Code> = match host.create::<dyn Greeter>("c") {
            Ok(_) => Vec::new(),
            Err(error) => {
                let attempt = error.attempts().first().expect("one attempt");
                let RefusalKind::Judged(reasons) = attempt.refusal.kind() else {
                    panic!("refused by the judge: {error}");
                };
                reasons.iter().map(|reason| reason.code).collect()
            }
        };
        assert_eq!(codes.contains(&Code::NotFrozen), !expected.is_empty());
        for code in expected {
            assert!(codes.contains(code), "{codes:?}");
        }
    };
    let set_mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    };
    attempt(&[], &|_, _| ());
    attempt(&[Code::NotFrozen], &|_, file| set_mode(file, 0o775));
    attempt(&[Code::NotFrozen], &|_, file| set_mode(file, 0o757));
    attempt(&[Code::NotFrozen], &|folder, _| set_mode(folder, 0o775));
    attempt(&[Code::NotFrozen], &|folder, _| set_mode(folder, 0o1777));
    let nobody = Some(super::NOBODY);
    attempt(&[Code::NotFrozen], &|_, file| {
        chown(file, nobody, None).expect("root may");
    });
    attempt(&[Code::NotFrozen], &|folder, _| {
        chown(folder, nobody, None).expect("root may");
    });
}
