//! Plugins that were built in other ways than their host, which is a debug build with unwinding by the compiler of the tests.
//!
//! | plugin | optimisation | LTO | panics | symbols | compiler | allocator |
//! |---|---|---|---|---|---|---|
//! | polyglot, matrix | none | none | unwind | kept | of the tests | the system's |
//! | polyglot, depot, matrix | 3 | fat | unwind | stripped | of the tests | the system's |
//! | polyglot, depot, matrix | 3 | fat | unwind | stripped | another version, where there is one | the system's |
//! | marker, matrix-aborting | 3 | fat | abort | stripped | of the tests | the system's |
//! | mimalloc, other-allocator | none | none | unwind | kept | of the tests | their own |
//!
//! Every type crosses to each of these and back, called and as a callback, at once and awaited: the matrix.

use std::path::Path;

use fixture_greeter::{Greeter, Outcome, Refusal};
use fixture_marker_interface::Marker;
use fixture_matrix_interface::checks::{self, awaited_and_awaiting, called_and_calling};
use fixture_matrix_interface::{Later, Matrix};
use plugwright_host::{CallErrorKind, Handle, Host, Policy};
use plugwright_inspect::headers;
use plugwright_manifest::Role;
use plugwright_testkit::cargo::{library, library_by, other_compiler};
use plugwright_trust::PanicAbort;

use crate::refusals::{in_child, is_child};
use crate::{Folder, fixture, permitted, skipped};

/// A folder with a copy of the library at `path` in it.
fn folder_with(path: &Path, file_name: &str) -> Folder {
    let folder = Folder::new();
    folder.write(file_name, &std::fs::read(path).expect("readable"));
    folder
}

/// Everything that crosses in the calls of the polyglot at `path`.
#[track_caller]
fn check_calls(path: &Path) {
    // Neither record's crate has this name, so the name tells nothing about the roles.
    let folder = folder_with(path, "renamed.so");
    let handle: Handle<dyn Greeter> = folder.host().create("*").expect("it fits");
    let long = "x".repeat(100_000);
    assert_eq!(handle.greet(&long), format!("Bonjour, {long}! Hallo!"));
    assert_eq!(handle.count(), 1);
    assert_eq!(handle.try_hard(Outcome::Succeed), Ok(7));
    let refused = handle.try_hard(Outcome::Refuse);
    assert!(
        matches!(&refused, Err(Refusal::Unwilling { because }) if because == "pas aujourd'hui"),
        "{refused:?}"
    );
    let Err(Refusal::Call(error)) = handle.try_hard(Outcome::Panic) else {
        panic!("the panic did not arrive");
    };
    assert_eq!(error.kind(), CallErrorKind::Panicked);
    assert_eq!(error.plugin(), "org.example.polyglot");
    assert_eq!(error.message(), "pas de voix");
}

/// Every type, in both directions, in calls of the matrix that this host has.
#[track_caller]
fn check_types(host: &Host) {
    let matrix: Handle<dyn Matrix> = host.create("matrix").expect("it fits");
    called_and_calling(&matrix, checks::all);
    called_and_calling(&matrix, checks::buffers_are_not_copied);
    let later: Handle<dyn Later> = host.create("matrix").expect("it fits");
    awaited_and_awaiting(Box::new(later), checks::all);
}

/// As [`check_types`], of the library at `path`.
#[track_caller]
fn check_types_of(path: &Path) {
    check_types(&folder_with(path, "renamed.so").host());
}

/// A value with a part of each kind, and what is answered later.
#[track_caller]
fn check_values(path: &Path) {
    let folder = folder_with(path, "renamed.so");
    crate::futures::check(&folder.host().create("depot").expect("it fits"));
}

#[test]
fn optimisations_of_the_plugin_do_not_matter() {
    check_calls(&fixture("polyglot"));
    check_calls(&library("fixture-polyglot"));
    check_values(&library("fixture-depot"));
    check_types_of(&fixture("matrix"));
    check_types_of(&library("fixture-matrix"));
}

#[test]
fn the_record_says_how_it_was_built() {
    let build = |path: &Path| {
        let folder = folder_with(path, "renamed.so");
        let host = folder.host();
        let plugin = host.plugins().next().expect("it is found");
        plugin.record().summary.build.clone()
    };
    let ordinary = build(&fixture("polyglot"));
    let optimised = build(&library("fixture-polyglot"));
    let aborting = build(&library("fixture-marker"));
    assert_eq!(
        [&ordinary, &optimised, &aborting].map(|build| (build.profile.as_str(), build.panic_abort)),
        [("debug", false), ("release", false), ("release", true)]
    );
}

/// Nothing of a compiler's own crosses: not its layouts, nor its copy of std.
#[test]
fn the_compiler_of_the_plugin_does_not_matter() {
    let Some(compiler) = other_compiler() else {
        return skipped(
            "another compiler: there is none; Debian's packages are rustc and rustc-web",
        );
    };
    let library = library_by(&compiler, "fixture-polyglot");
    check_calls(&library);
    check_values(&library_by(&compiler, "fixture-depot"));
    check_types_of(&library_by(&compiler, "fixture-matrix"));
    let rustc = |path: &Path| {
        let folder = folder_with(path, "renamed.so");
        let host = folder.host();
        let plugin = host.plugins().next().expect("it is found");
        plugin.record().summary.build.rustc.clone()
    };
    assert_ne!(rustc(&library), rustc(&fixture("polyglot")));
}

/// The policy for a host that no plugin may end.
#[test]
fn a_plugin_that_aborts_is_refused_before_constructors_run() {
    if is_child() {
        let folder = folder_with(&library("fixture-marker"), "libmarker.so");
        let policy = Policy::developer().with_panic_abort(PanicAbort::Refused);
        let host = permitted(Host::builder(policy))
            .copies_below(folder.path())
            .folder(folder.path())
            .scan();
        let error = host.create::<dyn Marker>("marker").expect_err("it aborts");
        assert!(error.to_string().contains("CWE-248"), "{error}");
        return;
    }
    let folder = Folder::new();
    let mark = folder.join("mark");
    in_child(
        "build_flags::a_plugin_that_aborts_is_refused_before_constructors_run",
        &mark,
    );
    assert!(!mark.try_exists().expect("readable"), "a constructor ran");
}

/// The control of the test above, and that calls work as long as nothing panics.
#[test]
fn a_developers_host_takes_a_plugin_that_aborts() {
    if is_child() {
        let folder = folder_with(&library("fixture-marker"), "libmarker.so");
        let handle: Handle<dyn Marker> = folder.host().create("marker").expect("it fits");
        assert!(handle.is_loaded());
        return;
    }
    let folder = Folder::new();
    let mark = folder.join("mark");
    in_child(
        "build_flags::a_developers_host_takes_a_plugin_that_aborts",
        &mark,
    );
    assert!(mark.try_exists().expect("readable"), "no constructor ran");
}

/// Nothing panics in these calls: they cross a boundary on one side of which nothing unwinds.
#[test]
fn panics_of_the_plugin_do_not_matter_while_nothing_panics() {
    check_types_of(&library("fixture-matrix-aborting"));
}

/// The linker puts all crates into one object here, and throws away what nothing refers to.
#[test]
fn records_survive_fat_lto_and_stripping() {
    let bytes = std::fs::read(library("fixture-polyglot")).expect("readable");
    let mut found: Vec<(String, Role)> = headers(bytes.as_slice(), None).images[0]
        .image
        .records
        .iter()
        .map(|record| (record.summary.id.to_string(), record.role))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        found,
        [
            ("org.example.bonjour".to_owned(), Role::Embedded),
            ("org.example.polyglot".to_owned(), Role::Root),
        ]
    );
}

/// An allocator that is not the system's, and that knows nothing of the host's blocks.
#[test]
fn a_plugin_with_mimalloc_is_called() {
    let folder = Folder::with(&["mimalloc"]);
    let host = folder.host();
    check_types(&host);
    let handle: Handle<dyn Greeter> = host.create("mimalloc").expect("it fits");
    let long = "x".repeat(1 << 20);
    assert_eq!(handle.greet(&long), format!("Hello, {long}!"));
    assert!(matches!(
        handle.try_hard(Outcome::Refuse),
        Err(Refusal::Unwilling { .. })
    ));
    assert!(matches!(
        handle.try_hard(Outcome::Panic),
        Err(Refusal::Call(_))
    ));
}

/// The plugin's allocator ends the process when it is handed foreign memory, and counts its
/// own: what crosses is freed, and by the side that allocated it.
#[test]
fn memory_goes_back_to_the_plugins_own_allocator() {
    let folder = Folder::with(&["other_allocator"]);
    let host = folder.host();
    let handle: Handle<dyn Greeter> = host.create("other").expect("it fits");
    let round = || {
        let long = "x".repeat(10_000);
        assert!(handle.greet(&long).ends_with(&format!("{long}!")));
        assert!(matches!(
            handle.try_hard(Outcome::Refuse),
            Err(Refusal::Unwilling { .. })
        ));
        assert_eq!(handle.try_hard(Outcome::Succeed), Ok(7));
        check_types(&host);
        let other: Handle<dyn Greeter> = host.create("other").expect("it fits");
        assert!(matches!(
            other.try_hard(Outcome::Panic),
            Err(Refusal::Call(_))
        ));
    };
    // What the library keeps for good (its copy of std, say) is allocated by the first round.
    round();
    let before = handle.count();
    for _ in 0..10 {
        round();
    }
    assert_eq!(handle.count(), before);
}
