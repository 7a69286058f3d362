//! An interface saved out of a plugin, and a plugin in C made of it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use plugwright_testkit::cc;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, run};

/// A folder with the greeting plugin, and its interface saved as `greeter.json`.
fn saved() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let test = std::env::current_exe().expect("a test has a path");
    let plugin = test.with_file_name("libfixture_hello.so");
    fs::copy(plugin, folder.path().join("libhello.so")).expect("copied");
    let run = run(folder.path(), ["interface", "save", "libhello.so"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    fs::write(folder.path().join("greeter.json"), run.out).expect("written");
    folder
}

const FIXED: [&str; 5] = [
    "--id",
    "org.example.in-c",
    "--plugin-version",
    "1.2.3",
    "greeter.json",
];

fn header(folder: &Path, further: &[&str]) -> Run {
    let arguments = [&["interface", "c"], &FIXED[..], further].concat();
    run(folder, arguments)
}

#[test]
fn an_interface_is_saved_for_people_and_programs() {
    let folder = saved();
    let text = fs::read_to_string(folder.path().join("greeter.json")).expect("readable");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    let schema = value["schema"].take();
    assert!(schema.as_str().expect("digits").len() > 100);
    insta::assert_json_snapshot!(value, @r#"
    {
      "abi": 1,
      "interface": "org.example.greeter",
      "methods": [
        "fn greet(&self, name: &str) -> String",
        "fn try_hard(&self, how: Outcome) -> Result<u32, Refusal>",
        "fn count(&self) -> u64"
      ],
      "plugwright-interface": 1,
      "requires": "Send + Sync",
      "schema": null,
      "version": "1.1"
    }
    "#);
}

/// With the interfaces that it requires, of which the C compiler gets tables too.
#[test]
fn an_interface_that_requires_another_is_saved_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let test = std::env::current_exe().expect("a test has a path");
    let plugin = test.with_file_name("libfixture_marker.so");
    fs::copy(plugin, folder.path().join("libmarker.so")).expect("copied");
    let save = [
        "interface",
        "save",
        "--interface",
        "org.example.tagged",
        "libmarker.so",
    ];
    let saved = run(folder.path(), save);
    assert_eq!((saved.code, saved.err.as_str()), (Some(0), ""));
    let mut value: Value = serde_json::from_str(&saved.out).expect("JSON");
    value["schema"].take();
    insta::assert_json_snapshot!(value, @r#"
    {
      "abi": 1,
      "interface": "org.example.tagged",
      "methods": [
        "requires org.example.tag 1",
        "const LONGEST: u32 = 64"
      ],
      "plugwright-interface": 1,
      "required": [
        "org.example.tag 1.1: Send + Sync",
        "org.example.tag 1.1: fn tag(&self) -> String"
      ],
      "requires": "Send + Sync",
      "schema": null,
      "version": "1.0"
    }
    "#);
    fs::write(folder.path().join("greeter.json"), &saved.out).expect("written");
    let made = header(folder.path(), &[]);
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""));
    // The tables have what each interface has: its own id, version, bounds and fingerprints.
    insta::assert_snapshot!(without_record(&made.out));
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/include");
    let tables = "const pw_interface_table *tables[] = {&plugin_interface_0, &plugin_interface_0_required_0};
                  const pw_slice *texts[] = {&plugin_id, &plugin_version};";
    let source = format!("#include \"plugwright_plugin.h\"\n{}\n{tables}", made.out);
    let arguments = [OsStr::new("-I"), include.as_os_str()];
    assert!(cc::shared("libtagged.so", &source, &arguments).is_file());
    // What it says to people is what its digits say.
    let changed = saved.out.replace("fn tag", "fn tug");
    fs::write(folder.path().join("greeter.json"), changed).expect("written");
    let made = header(folder.path(), &[]);
    assert_eq!(made.code, Some(1), "{}", made.out);
    assert!(
        made.err.contains("its member `required` says"),
        "{}",
        made.err
    );
}

/// A header without the bytes of its record.
fn without_record(header: &str) -> String {
    let is_of_record = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let lines: Vec<&str> = header.lines().filter(|line| !is_of_record(line)).collect();
    lines.join("\n")
}

/// The header of a plugin in C, but for the bytes of its record: with types for all that crosses.
#[test]
fn a_header_has_the_types_of_the_interface() {
    let folder = saved();
    let made = header(folder.path(), &["--key", "c"]);
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(without_record(&made.out));
}

/// Several interfaces of one plugin, and one whose objects it gives or gets.
#[test]
fn a_plugin_in_c_can_have_several_interfaces() {
    let folder = saved();
    let test = std::env::current_exe().expect("a test has a path");
    let plugin = test.with_file_name("libfixture_ensemble.so");
    fs::copy(plugin, folder.path().join("libensemble.so")).expect("copied");
    for (id, file) in [
        ("org.example.player", "player.json"),
        ("org.example.listener", "listener.json"),
    ] {
        // Several of its plugins provide it.
        let save = ["interface", "save", "--interface", id, "libensemble.so"];
        let saved = run(folder.path(), save);
        assert_eq!((saved.code, saved.err.as_str()), (Some(0), ""));
        fs::write(folder.path().join(file), saved.out).expect("written");
    }
    let made = header(
        folder.path(),
        &["listener.json", "--uses", "player.json", "--key", "k"],
    );
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""));
    for name in [
        "plugin_interface_0 ",
        "plugin_interface_1 ",
        "plugin_interface_uses_0 ",
        "plugin_vtable_uses_0;",
    ] {
        assert!(made.out.contains(name), "{name}: {}", made.out);
    }
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/include");
    let used = "const void *used[] = {&plugin_interface_0, &plugin_interface_1, \
                &plugin_interface_uses_0, &plugin_id, &plugin_version};";
    let source = format!("#include \"plugwright_plugin.h\"\n{}\n{used}", made.out);
    let arguments = [OsStr::new("-I"), include.as_os_str()];
    let library = cc::shared("libseveral.so", &source, &arguments);
    fs::copy(library, folder.path().join("libseveral.so")).expect("copied");
    let inspected = run(
        folder.path(),
        ["inspect", "--format", "json", "libseveral.so"],
    )
    .json();
    let provides = &inspected["images"][0]["plugwright"][0]["provides"];
    let ids: Vec<_> = provides
        .as_array()
        .expect("a list")
        .iter()
        .map(|provided| (&provided["interface"], &provided["keys"][0]))
        .collect();
    assert_eq!(ids.len(), 2, "{inspected}");
    assert_eq!(ids[0].0, "org.example.greeter");
    assert_eq!(ids[1].0, "org.example.listener");
    assert!(ids.iter().all(|(_, key)| **key == "k"), "{inspected}");
    // All have to be for one binary interface.
    let player = folder.path().join("player.json");
    let other = fs::read_to_string(&player).expect("readable");
    fs::write(&player, other.replace("\"abi\": 1", "\"abi\": 2")).expect("written");
    let refused = header(folder.path(), &["--uses", "player.json"]);
    check_refused(
        &refused,
        "player.json: it is for the binary interface 2, the first for 1",
    );
}

/// What the program prints compiles, and the program reads the plugin that comes out of it.
#[test]
fn a_plugin_in_c_is_a_plugin() {
    let folder = saved();
    let run = header(
        folder.path(),
        &[
            "--key",
            "c",
            "--key",
            "see",
            "--rank",
            "-3",
            "--name",
            "In C",
            "--singleton",
            "--configurable",
            "--capability",
            "threads:2",
        ],
    );
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(here.join("../../fixtures/c/hello.c")).expect("readable");
    let include = here.join("../plugin/include").into_os_string();
    let source = format!("#include \"plugwright_plugin.h\"\n{}\n{source}", run.out);
    let arguments = ["-Wextra", "-pedantic", "-I"].map(OsStr::new);
    let arguments = [&arguments[..], &[include.as_os_str()]].concat();
    let library = cc::shared("libin_c.so", &source, &arguments);
    fs::copy(library, folder.path().join("libin_c.so")).expect("copied");
    let inspected =
        crate::program::run(folder.path(), ["inspect", "--format", "json", "libin_c.so"]);
    let inspected = inspected.json();
    let text = inspected.to_string();
    assert!(text.contains("\"id\":\"org.example.in-c\""), "{text}");
    assert!(text.contains("\"keys\":[\"c\",\"see\"]"), "{text}");
    assert!(text.contains("\"rank\":-3"), "{text}");
    assert!(text.contains("\"singleton\":true"), "{text}");
    assert!(text.contains("\"configurable\":true"), "{text}");
    assert!(text.contains("threads:2"), "{text}");
    assert!(
        text.contains("fn try_hard(&self, how: Outcome) -> Result<u32, Refusal>"),
        "{text}"
    );
    // The interface is the same as that of the plugin which it was saved from.
    let again = crate::program::run(folder.path(), ["interface", "save", "libin_c.so"]);
    let first = fs::read_to_string(folder.path().join("greeter.json")).expect("readable");
    assert_eq!(again.out, first);
}

#[track_caller]
fn check_refused(run: &Run, what: &str) {
    assert!(run.err.contains(what), "{}", run.err);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
}

#[test]
fn what_cannot_be_used_is_told() {
    let folder = saved();
    let file = folder.path().join("greeter.json");
    let saved = fs::read_to_string(&file).expect("readable");
    let refused = |text: &str, what: &str| {
        fs::write(&file, text).expect("written");
        check_refused(&header(folder.path(), &[]), what);
    };
    refused("", "greeter.json: not a saved interface: EOF");
    refused(
        &saved.replace("name: &str", "name: String"),
        "changed by hand: its member `methods` says",
    );
    refused(
        &saved.replace("\"1.1\"", "\"1.2\""),
        "changed by hand: its member `version` says",
    );
    refused(
        &saved.replace("plugwright-interface\": 1", "plugwright-interface\": 2"),
        "of format 2; this version reads format 1",
    );
    refused(
        &saved.replace("\"schema\": \"85", "\"schema\": \"+4"),
        "hexadecimal",
    );
    refused(
        &saved.replace("\"schema\": \"85", "\"schema\": \"8500"),
        "schema is none",
    );
    fs::write(&file, &saved).expect("written");
    check_refused(&header(folder.path(), &["--key", "a\nb"]), "is no key");
    let long = "k".repeat(2100);
    check_refused(&header(folder.path(), &["--key", &long]), "summary has");
    let save =
        |arguments: &[&str]| run(folder.path(), [&["interface", "save"], arguments].concat());
    check_refused(
        &save(&["--interface", "org.example.other", "libhello.so"]),
        "it does not provide org.example.other; its interfaces are org.example.greeter 1.1",
    );
    check_refused(&save(&["greeter.json"]), "it holds no plugin");
    check_refused(&save(&["."]), "it is a folder");
}
