//! Qt's own checks of its plugin loader, factory loader and plugins, asked of this host.
//!
//! Names of Qt's tests on the left; those that only read metadata are tests of `plugwright-inspect`.
//!
//! | Qt | here |
//! |---|---|
//! | `tst_qpluginloader` errorString, default | [`a_host_without_folders_finds_nothing`] |
//! | errorString, not a plugin; no such file | [`what_is_no_plugin_or_not_there_says_so`] |
//! | errorString, almostplugin | [`a_plugin_with_an_undefined_symbol_is_refused`] |
//! | errorString, valid ×2 | [`a_valid_plugin_tells_loads_and_answers`] |
//! | loadHints | hints are the loader's: `plugwright-dylib`; a plugin is never unloaded ([`reloading_keeps_what_is_loaded`]) |
//! | deleteinstanceOnUnload ×2 | [`an_instance_ends_once_when_the_last_user_lets_go`] |
//! | loadDebugObj | [`a_file_of_debugging_symbols_is_refused`] |
//! | archSpecificVersion | [`a_variant_for_newer_processors_is_no_duplicate`]; choosing one is the loader's: `plugwright-dylib` |
//! | loadCorruptElf, loadMachO | `plugwright-inspect`; that a host refuses them is `bad_input` |
//! | relativePath | [`a_bare_name_is_found_in_the_paths`] |
//! | absolutePath | [`an_absolute_name_is_found`] |
//! | reloadPlugin | [`reloading_keeps_what_is_loaded`] |
//! | loadSectionTableStrippedElf | `survival::no_section_headers` |
//! | preloadedPlugin ×4 | [`a_library_that_is_loaded_already_stays`] |
//! | staticPlugins, reregisteredStaticPlugins | `qt_static_plugins` and `qt_reregistered_static_plugins` of `fixtures/linked`; [`a_linked_plugin_is_found_beside_files`] |
//! | `tst_qfactoryloader` usingTwoFactoriesFromSameDir | [`two_interfaces_in_one_folder_each_find_their_own`] |
//! | extraSearchPath | [`a_path_that_is_added_and_removed`] |
//! | multiplePaths | [`one_folder_under_two_names_gives_one_plugin`] |
//! | staticPlugin ×2 | [`a_linked_plugin_is_found_beside_files`] |
//! | `tst_qplugin` loadDebugPlugin, loadReleasePlugin | [`debug_and_release_mix_unless_the_host_forbids_it`] |

use std::fs;
use std::os::unix::fs::symlink;

use fixture_ensemble_interface::Player;
use fixture_greeter::Greeter;
use plugwright_host::{FileError, Host, Profiles, Query, RefusalKind, SearchPaths};

use crate::{Folder, fixture, permitted};

#[test]
fn every_test_that_the_table_names_is_there() {
    let text = include_str!("qt.rs");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("//! |"))
        .collect();
    let mut named = 0;
    for (_, rest) in rows
        .iter()
        .flat_map(|row| row.match_indices("[`").map(|(at, _)| row.split_at(at + 2)))
    {
        let name = rest.split('`').next().unwrap_or_default();
        assert!(text.contains(&format!("#[test]\nfn {name}()")), "{name}");
        named += 1;
    }
    assert!(named >= 17, "{named} in {} rows", rows.len());
}

#[test]
fn a_variant_for_newer_processors_is_no_duplicate() {
    let folder = Folder::with(&["hello"]);
    let mut bytes = fs::read(fixture("hello")).expect("readable");
    bytes.push(0);
    for name in ["libhello.so.avx2", "libhello.so.avx512"] {
        folder.write(name, &bytes);
    }
    let host = folder.host();
    assert_eq!(host.plugins().count(), 1, "{:?}", crate::outcomes(&host));
    assert!(host.create::<dyn Greeter>("en").is_ok());
    let file = host.file("libhello.so.avx2");
    assert!(file.is_err_and(|error| error.to_string().contains("for newer processors")));
}

#[test]
fn a_host_without_folders_finds_nothing() {
    let host = permitted(Host::developer()).scan();
    assert_eq!(host.plugins().count(), 0);
    let error = host
        .create::<dyn Greeter>("en")
        .expect_err("there is nothing");
    assert!(error.to_string().contains("in 0 folders"), "{error}");
}

#[test]
fn what_is_no_plugin_or_not_there_says_so() {
    let folder = Folder::new();
    folder.write("text.so", b"no library");
    let host = folder.host();
    match host.file("text.so") {
        Err(FileError::Refused(refusal)) => {
            assert!(
                matches!(refusal.kind(), RefusalKind::Foreign(_)),
                "{refusal}"
            );
        }
        other => panic!("{other:?}"),
    }
    match host.file("nobody") {
        Err(FileError::NotLocated(missing)) => assert_eq!(missing.tried().len(), 4),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_valid_plugin_tells_loads_and_answers() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    // Twice, as Qt does: the second asks what is loaded already.
    for _ in 0..2 {
        let plugin = host.file("hello").expect("there").remove(0);
        let detail = plugin.detail().expect("it is in the file");
        assert_eq!(detail.metadata.pointer("/language"), Some(&"en".into()));
        let greeter = host.create_from::<dyn Greeter>(&plugin).expect("it loads");
        assert!(greeter.greet("Ada").contains("Ada"));
        assert!(plugin.is_loaded());
    }
    let plugin = host.file("hello").expect("there").remove(0);
    let other = host
        .create_from::<dyn Player>(&plugin)
        .expect_err("it is no player");
    assert!(
        matches!(other.kind(), RefusalKind::NotProvided { .. }),
        "{other}"
    );
}

#[test]
fn a_bare_name_is_found_in_the_paths() {
    let (first, second) = (Folder::new(), Folder::with(&["hello"]));
    fs::create_dir(second.join("codecs")).expect("made");
    fs::copy(fixture("bonjour"), second.join("codecs/libbonjour.so")).expect("copied");
    let host = first.builder().folder(second.path()).scan();
    for (name, id) in [
        ("hello", "org.example.hello"),
        ("libhello", "org.example.hello"),
        ("libhello.so", "org.example.hello"),
        ("codecs/bonjour", "org.example.bonjour"),
    ] {
        let plugin = host.file(name).expect(name).remove(0);
        assert_eq!(plugin.id().as_str(), id, "{name}");
        assert!(host.create_from::<dyn Greeter>(&plugin).is_ok(), "{name}");
    }
    assert!(host.file("../hello").is_err());
}

#[test]
fn an_absolute_name_is_found() {
    let folder = Folder::with(&["hello"]);
    let host = permitted(Host::developer()).scan();
    let plugin = host
        .file(folder.join("libhello.so"))
        .expect("there")
        .remove(0);
    assert!(host.create_from::<dyn Greeter>(&plugin).is_ok());
    assert_eq!(host.plugins().count(), 0, "it is offered to nobody else");
    let again = host.file(folder.join("hello")).expect("there").remove(0);
    assert!(again.is_loaded(), "one file is one plugin");
}

#[test]
fn reloading_keeps_what_is_loaded() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let first = host.create::<dyn Greeter>("en").expect("it loads");
    drop(first);
    host.refresh();
    let plugin = host.plugins().next().expect("there");
    assert!(plugin.is_loaded(), "nothing is unloaded");
    assert!(host.create::<dyn Greeter>("en").is_ok());
}

#[test]
fn an_instance_ends_once_when_the_last_user_lets_go() {
    let folder = Folder::with(&["ensemble"]);
    let (one, other) = (folder.host(), folder.host());
    // Each host has its own copy, and its own instance.
    for host in [one, other] {
        let (first, second) = (
            host.create::<dyn Player>("conductor"),
            host.create::<dyn Player>("conductor"),
        );
        drop(first.expect("it fits"));
        assert!(second.expect("it fits").play() > 0, "it lives on");
        assert!(host.close().is_empty());
    }
}

#[test]
fn a_file_of_debugging_symbols_is_refused() {
    let folder = Folder::new();
    let path = folder.join("libhello.so.debug");
    let done = cc_tool(
        "objcopy",
        &["--only-keep-debug"],
        &[&fixture("hello"), &path],
    );
    if !done {
        return;
    }
    // It has the record, and other bytes than the library beside it.
    folder.add("hello", "libhello.so");
    let host = folder.host();
    assert_eq!(host.plugins().count(), 1, "{:?}", crate::outcomes(&host));
    assert!(host.create::<dyn Greeter>("en").is_ok());
    let file = host.file("libhello.so.debug");
    assert!(file.is_err_and(|error| error.to_string().contains("debugging symbols")));
}

fn cc_tool(tool: &str, arguments: &[&str], files: &[&std::path::Path]) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tool makes the file under test"
    )]
    let status = std::process::Command::new(tool)
        .args(arguments)
        .args(files)
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_plugin_with_an_undefined_symbol_is_refused() {
    let folder = Folder::new();
    let mut bytes = fs::read(fixture("hello")).expect("readable");
    // A function that it takes from the C library gets a name that nobody has.
    let name = b"\0malloc\0";
    let at = bytes
        .windows(name.len())
        .position(|window| window == name)
        .expect("it allocates");
    bytes[at + 1..at + 7].copy_from_slice(b"mallox");
    folder.write("libalmost.so", &bytes);
    let host = folder.host();
    assert_eq!(host.plugins().count(), 1, "its record is whole");
    let error = host
        .create::<dyn Greeter>("en")
        .expect_err("it cannot be loaded");
    assert!(error.to_string().contains("mallox"), "{error}");
}

#[test]
fn a_library_that_is_loaded_already_stays() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let first = host.create::<dyn Greeter>("en").expect("it loads");
    // Another host over the same file, which comes and goes.
    let other = folder.host();
    assert!(other.create::<dyn Greeter>("en").is_ok());
    drop(other);
    assert!(first.greet("Ada").contains("Ada"));
}

#[test]
fn two_interfaces_in_one_folder_each_find_their_own() {
    let folder = Folder::with(&["hello", "ensemble"]);
    let host = folder.host();
    assert_eq!(host.keys::<dyn Greeter>(), ["en", "english"]);
    let mut players = host.keys::<dyn Player>();
    players.sort_unstable();
    assert_eq!(players, ["chorister", "conductor", "soloist"]);
    assert!(host.create::<dyn Greeter>("conductor").is_err());
    assert!(host.create::<dyn Player>("conductor").is_ok());
}

#[test]
fn a_path_that_is_added_and_removed() {
    let folder = Folder::with(&["hello"]);
    let mut paths = SearchPaths::new();
    let ids = |paths: &SearchPaths| {
        let host = permitted(Host::developer()).paths(paths.clone()).scan();
        host.plugins().count()
    };
    assert_eq!(ids(&paths), 0);
    paths.add(folder.path());
    assert_eq!(ids(&paths), 1);
    assert!(paths.remove(folder.path()));
    assert_eq!(ids(&paths), 0);
}

#[test]
fn one_folder_under_two_names_gives_one_plugin() {
    let folder = Folder::with(&["hello"]);
    let beside = Folder::new();
    let link = beside.join("link");
    symlink(folder.path(), &link).expect("linked");
    let host = folder.builder().folder(&link).scan();
    assert_eq!(host.paths().list().count(), 1);
    assert_eq!(host.seen().len(), 1);
    assert!(host.create::<dyn Greeter>("en").is_ok());
}

#[test]
fn a_linked_plugin_is_found_beside_files() {
    // This program links none; one that does is `fixtures/linked`.
    let folder = Folder::with(&["hello"]);
    let host = folder
        .builder()
        .linked(plugwright_host::Linked::only(["org.example.absent"]))
        .scan();
    let absent = host
        .seen()
        .iter()
        .any(|seen| seen.origin == plugwright_host::Origin::Program);
    assert!(absent, "a linked plugin that is not there is told");
    assert_eq!(host.query(&Query::of::<dyn Greeter>()).len(), 1);
}

#[test]
fn debug_and_release_mix_unless_the_host_forbids_it() {
    let folder = Folder::with(&["hello"]);
    let host = folder.host();
    let built = host
        .plugins()
        .next()
        .expect("there")
        .record()
        .summary
        .build
        .profile
        .clone();
    assert!(host.create::<dyn Greeter>("en").is_ok());
    let same = folder.builder().profiles(Profiles::Same).scan();
    assert!(
        same.create::<dyn Greeter>("en").is_ok(),
        "this program and its plugins are built alike"
    );

    // The same plugin, as if it were built the other way.
    let other = if built == "debug" { "relea" } else { "debugxx" };
    let mut bytes = fs::read(fixture("hello")).expect("readable");
    let at = bytes
        .windows(built.len())
        .position(|window| window == built.as_bytes());
    let at = at.expect("the record names its profile");
    bytes[at..at + built.len()].copy_from_slice(other.as_bytes());
    folder.write("libhello.so", &bytes);
    assert!(
        folder.host().create::<dyn Greeter>("en").is_ok(),
        "any build goes"
    );
    let same = folder.builder().profiles(Profiles::Same).scan();
    let error = same.create::<dyn Greeter>("en").expect_err("another build");
    assert!(error.to_string().contains("build both alike"), "{error}");
    let explained = same.explain(&Query::of::<dyn Greeter>().with_key("en"));
    assert!(!explained.is_found());
    assert!(
        explained.to_string().contains("build both alike"),
        "{explained}"
    );
}
