//! What the program says of real plugins.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::contracts::check_documented;
use crate::program::{self, run};

/// A folder with these fixtures, under the names that cargo gives them.
fn folder(fixtures: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for fixture in fixtures {
        let path = built(fixture);
        let name = path.file_name().expect("a library has a name");
        fs::copy(&path, folder.path().join(name)).expect("a copy of a fixture");
    }
    folder
}

/// The library that cargo built because this crate depends on it, beside this test.
fn built(fixture: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let path = test.with_file_name(format!("libfixture_{fixture}.so"));
    assert!(
        path.is_file(),
        "{} is built as a dev-dependency",
        path.display()
    );
    path
}

#[test]
fn plugins_are_a_table() {
    let folder = folder(&["hello", "polyglot"]);
    fs::write(folder.path().join("libcut.so"), "text").unwrap();
    let run = run(folder.path(), ["list", "."]);
    insta::assert_snapshot!(run.out, @r"
    KIND        ID                    VERSION  PROVIDES                 WHERE                     KEYS
    plugwright  org.example.hello     0.1.0    org.example.greeter 1.1  ./libfixture_hello.so     en, english
    plugwright  org.example.polyglot  0.1.0    org.example.greeter 1.1  ./libfixture_polyglot.so  *
    problem: ./libcut.so: not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)
    2 plugins; 1 problem
    ");
    assert_eq!(run.code, Some(1));
}

#[test]
fn plugins_are_json() {
    let folder = folder(&["hello"]);
    let listing = run(folder.path(), ["list", "--format", "json"]).json();
    check_documented(&listing);
    assert_eq!(
        listing,
        json!({
            "plugins": [{
                "kind": "plugwright",
                "path": "./libfixture_hello.so",
                "format": "elf",
                "arch": std::env::consts::ARCH,
                "keys": ["en", "english"],
                "id": "org.example.hello",
                "version": "0.1.0",
                "provides": [{"interface": "org.example.greeter", "version": "1.1", "keys": ["en", "english"]}],
            }],
            "passed_over": {"libraries": 0, "other_files": 0, "folder_links": 0, "folders_below": 0},
            "problems": [],
        })
    );
}

/// The files of the plugins that `list ARGUMENTS` shows, and how many problems it has.
#[track_caller]
fn check_filter(folder: &TempDir, arguments: &[&str], expected: &[&str], problems: usize) {
    let run = run(
        folder.path(),
        ["list", "--recursive", "--format", "json"]
            .iter()
            .chain(arguments),
    );
    let json = run.json();
    let plugins = json["plugins"].as_array().expect("an array");
    let paths: Vec<&str> = plugins
        .iter()
        .filter_map(|plugin| plugin["path"].as_str())
        .collect();
    assert_eq!(paths, expected, "{arguments:?}");
    assert_eq!(
        json["problems"].as_array().map(Vec::len),
        Some(problems),
        "{arguments:?}"
    );
    assert_eq!(run.code, Some(i32::from(problems > 0)));
}

#[test]
fn filters_choose_plugins() {
    let folder = folder(&["hello", "polyglot"]);
    let (hello, polyglot) = ("./libfixture_hello.so", "./libfixture_polyglot.so");
    fs::create_dir(folder.path().join("old")).expect("a folder");
    fs::write(folder.path().join("old/cut.so"), "text").expect("a file");
    let check = |arguments: &[&str], expected: &[&str], problems| {
        check_filter(&folder, arguments, expected, problems);
    };
    check(&[], &[hello, polyglot], 1);
    check(&["--kind", "plugwright"], &[hello, polyglot], 1);
    check(&["--kind", "qt"], &[], 1);
    check(
        &["--kind", "qt", "--kind", "plugwright"],
        &[hello, polyglot],
        1,
    );
    check(
        &["--interface", "org.example.greeter"],
        &[hello, polyglot],
        1,
    );
    check(&["--interface", "org.example"], &[], 1);
    check(&["--key", "english"], &[hello], 1);
    check(&["--key", "english", "--key", "*"], &[hello, polyglot], 1);
    check(&["--key", "english", "--kind", "qt"], &[], 1);
    check(&["--metadata", "/no/such=1"], &[], 1);
    check(&["--metadata", "/language=en"], &[hello], 1);
    check(&["--metadata", "/weight=1.5", "--key", "en"], &[hello], 1);
    check(&["--metadata", "/since=1066"], &[hello], 1);
    check(
        &["--metadata", "/language=de", "--metadata", "/since=1067"],
        &[],
        1,
    );
    check(&["--problems"], &[], 1);
    check(&["--exclude", "old"], &[hello, polyglot], 0);
    check(&["--exclude", "*.so"], &[], 0);
    check(
        &["--exclude", "./*hello*", "--exclude", "./*/cut.so"],
        &[polyglot],
        0,
    );
    for arguments in [
        ["--exclude", "a[b"],
        ["--metadata", "a"],
        ["--metadata", "language=en"],
        ["--kind", "other"],
    ] {
        assert_eq!(
            run(folder.path(), ["list"].iter().chain(&arguments)).code,
            Some(2)
        );
    }
}

#[test]
fn metadata_of_qt_plugins_are_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    // CBOR: class Gif (3), interface g (2), keys of the application (4).
    let data = b"\xa3\x02\x61g\x03\x63Gif\x04\xa1\x64Keys\x82\x63gif\x63png";
    let payload = [&[1, 6, 4, 0][..], data].concat();
    let plugin = plugwright_testkit::elf::ElfBuilder::x86_64().qt_note(&payload);
    fs::write(folder.path().join("libgif.so"), plugin.build().bytes()).expect("a file");
    let shown: &[&str] = &["./libgif.so"];
    check_filter(&folder, &["--metadata", "/Keys=png"], shown, 0);
    check_filter(&folder, &["--metadata", "/Keys=jpg"], &[], 0);
    check_filter(&folder, &["--kind", "qt", "--interface", "g"], shown, 0);
}

#[test]
fn plugins_of_other_systems_are_listed_when_asked_for() {
    use plugwright_testkit::elf::ElfBuilder;
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, library: ElfBuilder| {
        fs::write(folder.path().join(name), library.build().bytes()).expect("a file");
    };
    put(
        "a.so",
        ElfBuilder::x86_64().export("gst_plugin_tee_get_desc"),
    );
    put(
        "b.so",
        ElfBuilder::x86_64()
            .export("clap_entry")
            .export("lv2_descriptor"),
    );
    put("c.so", ElfBuilder::x86_64().export("nothing"));
    let (a, b) = ("./a.so", "./b.so");
    check_filter(&folder, &[], &[], 0);
    check_filter(&folder, &["--kind", "gstreamer"], &[a], 0);
    check_filter(&folder, &["--kind", "clap", "--kind", "qt"], &[b], 0);
    check_filter(&folder, &["--kind", "all"], &[a, b, b], 0);
    let json = run(folder.path(), ["list", "--kind", "all", "--format", "json"]).json();
    check_documented(&json);
    assert_eq!(json["plugins"][0]["name"], "tee");
    assert_eq!(json["plugins"][0]["evidence"], "gst_plugin_tee_get_desc");
    assert_eq!(json["passed_over"]["libraries"], 1);
    insta::assert_snapshot!(run(folder.path(), ["list", "--kind", "all"]).out, @r"
    KIND       ID   VERSION  PROVIDES  WHERE   KEYS
    gstreamer  tee                     ./a.so
    lv2                                ./b.so
    clap                               ./b.so
    3 plugins; 0 problems; 1 library without a plugin
    ");
}

#[test]
fn any_number_of_threads_gives_the_same_listing() {
    let place = folder(&["hello", "polyglot"]);
    for number in 0..300 {
        let name = |ending| place.path().join(format!("{number:03}.{ending}"));
        fs::write(name("so"), "text").expect("a file");
        fs::hard_link(built("hello"), name("link.so"))
            .or_else(|_| fs::copy(built("hello"), name("link.so")).map(drop))
            .expect("a plugin");
    }
    for format in ["table", "json", "jsonl"] {
        let on = |threads| {
            let arguments = ["list", "--format", format, "--threads", threads];
            run(place.path(), arguments).out
        };
        let one = on("1");
        assert_eq!(one.matches("org.example.hello").count(), 301, "{format}");
        assert_eq!(on("2"), one, "{format}");
        assert_eq!(on("7"), one, "{format}");
    }
}

#[test]
fn lines_are_the_same_as_the_object() {
    let folder = folder(&["hello", "polyglot"]);
    fs::write(folder.path().join("cut.so"), "text").expect("a file");
    let object = run(folder.path(), ["list", "--format", "json"]).json();
    let run = run(folder.path(), ["list", "--format", "jsonl"]);
    let lines: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect();
    assert_eq!(run.code, Some(1));
    let with = |member: &str| -> Vec<Value> {
        lines
            .iter()
            .filter(|line| line.get(member).is_some())
            .cloned()
            .collect()
    };
    assert_eq!(Value::from(with("kind")), object["plugins"]);
    assert_eq!(Value::from(with("code")), object["problems"]);
    assert_eq!(lines[3]["passed_over"], object["passed_over"]);
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_record_is_told_with_its_detail() {
    let folder = folder(&["hello"]);
    let report = run(
        folder.path(),
        ["inspect", "--format", "json", "libfixture_hello.so"],
    )
    .json();
    check_documented(&report);
    let image = &report["images"][0];
    assert_eq!(
        (&image["type"], &image["qt"]),
        (&json!("shared-library"), &Value::Null)
    );
    let record = &image["plugwright"][0];
    assert_eq!(
        (&record["id"], &record["role"]),
        (&json!("org.example.hello"), &json!("root"))
    );
    assert_eq!(record["provides"][0]["rank"], 5);
    assert_eq!(
        record["detail"]["metadata"],
        json!({"formal": false, "language": "en", "weight": 1.5})
    );
    assert_eq!(
        record["detail"]["provided_metadata"],
        json!([{"since": 1066}])
    );
}

#[test]
fn an_embedded_plugin_is_inspected_and_not_listed() {
    let folder = folder(&["polyglot"]);
    let report = run(
        folder.path(),
        ["inspect", "--format", "json", "libfixture_polyglot.so"],
    )
    .json();
    let records = report["images"][0]["plugwright"]
        .as_array()
        .expect("records are an array");
    let mut told: Vec<String> = records
        .iter()
        .map(|record| format!("{} {}", record["id"], record["role"]))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            r#""org.example.bonjour" "embedded""#,
            r#""org.example.polyglot" "root""#
        ]
    );
    let listing = run(folder.path(), ["list", "--format", "json"]).json();
    assert_eq!(listing["plugins"].as_array().map(Vec::len), Some(1));
    assert_eq!(listing["plugins"][0]["id"], "org.example.polyglot");
}

#[test]
fn the_page_of_a_plugin_names_everything_that_people_ask_for() {
    let folder = folder(&["hello"]);
    let page = run(folder.path(), ["inspect", "libfixture_hello.so"]).out;
    for line in [
        "libfixture_hello.so\n",
        "  format        ELF, ",
        "  type          shared library\n",
        "  needed        ",
        "  plugin        org.example.hello 0.1.0\n",
        "    provides    org.example.greeter 1.1, rank 5, keys en, english\n",
        "    name        Hello\n",
        "    metadata    {\"formal\":false,\"language\":\"en\",\"weight\":1.5}\n",
    ] {
        assert!(page.contains(line), "{line:?} is not in\n{page}");
    }
}

#[test]
fn looking_executes_nothing() {
    let folder = folder(&["marker"]);
    let mark = folder.path().join("mark");
    let marked = |arguments: &[&str]| {
        let mut command = program::command(folder.path());
        let output = command
            .args(arguments)
            .env("PLUGWRIGHT_FIXTURE_MARK", &mark)
            .output()
            .expect("the program starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        mark.try_exists().expect("the folder can be read")
    };
    assert!(!marked(&["list"]));
    assert!(!marked(&["inspect", "libfixture_marker.so"]));
}

#[test]
fn the_page_of_a_universal_file_tells_its_slices_apart() {
    use plugwright_testkit::macho::{MachOBuilder, universal};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let slice = MachOBuilder::arm64().build();
    let bytes = universal(&[slice.clone(), slice], false);
    fs::write(folder.path().join("two.dylib"), bytes).expect("written");
    let page = run(folder.path(), ["inspect", "two.dylib"]).out;
    for line in ["  slice         1 of 2, ", "  slice         2 of 2, "] {
        assert!(page.contains(line), "{line:?} is not in\n{page}");
    }
    let first = MachOBuilder::arm64().build();
    fs::write(folder.path().join("one.dylib"), first).expect("written");
    let page = run(folder.path(), ["inspect", "one.dylib"]).out;
    assert!(!page.contains("slice"), "{page}");
}

#[test]
fn programs_and_objects_are_told_as_what_they_are() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = std::env::current_exe().expect("this test");
    let page = run(folder.path(), ["inspect".as_ref(), program.as_os_str()]);
    assert!(page.out.contains("  type          program"), "{}", page.out);
}
