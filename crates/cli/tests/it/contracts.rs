//! The JSON that scripts rely on, against its description in docs/cli.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plugwright_testkit::macho::MachOBuilder;
use plugwright_testkit::pe::PeBuilder;
use serde_json::Value;

use crate::program::run;

/// Every name of a member in `value`, without those inside `qt` and `metadata`, whose contents are other people's.
fn members(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| members(value, names)),
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                if !["qt", "metadata", "provided_metadata"].contains(&name.as_str()) {
                    members(value, names);
                }
            }
        }
        _ => {}
    }
}

/// Members of `json` that the document does not name in backquotes.
#[track_caller]
pub(crate) fn check_documented(json: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let document = fs::read_to_string(path).expect("docs/cli.md is there");
    // The last part of `images[].elf.build_id` is the member's name.
    let quoted = document.split('`').skip(1).step_by(2);
    let documented: BTreeSet<&str> = quoted
        .flat_map(|code| code.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))))
        .collect();
    let mut found = BTreeSet::new();
    members(json, &mut found);
    let missing: Vec<&String> = found
        .iter()
        .filter(|name| !documented.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in docs/cli.md: {missing:?}");
}

#[test]
fn every_member_is_documented() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::copy(
        std::env::current_exe().expect("a test has a path"),
        folder.path().join("a.so"),
    )
    .unwrap();
    fs::write(folder.path().join("b.so"), "text").unwrap();
    fs::write(folder.path().join("d.dylib"), MachOBuilder::arm64().build()).unwrap();
    let dll = PeBuilder::amd64().export("f").build();
    fs::write(folder.path().join("e.dll"), dll).unwrap();
    let files = ["a.so", "b.so", "c.so", "d.dylib", "e.dll"];
    let arguments = ["inspect", "--format", "json"].into_iter().chain(files);
    let json = run(folder.path(), arguments).json();
    for (at, format) in [(0, "elf"), (3, "mach-o"), (4, "pe")] {
        let image = &json[at]["images"][0];
        assert_eq!(image["format"], format);
        assert!(image[format].is_object(), "{image}");
    }
    check_documented(&json);
    check_documented(&run(folder.path(), ["list", "--format", "json"]).json());
}

#[test]
fn one_file_is_an_object_and_several_are_an_array() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("a.so"), "text").unwrap();
    let one = run(folder.path(), ["inspect", "--format", "json", "a.so"]);
    insta::assert_snapshot!(one.out, @r#"
    {
      "path": "a.so",
      "images": [],
      "problems": [
        {
          "code": "not-a-library",
          "text": "not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)",
          "offset": 0,
          "expected": "a library in ELF, Mach-O or PE",
          "found": "text",
          "loader": "refuses"
        }
      ]
    }
    "#);
    let two = run(
        folder.path(),
        ["inspect", "--format", "json", "a.so", "a.so"],
    )
    .json();
    assert_eq!(two, serde_json::json!([one.json(), one.json()]));
    let line = run(folder.path(), ["inspect", "--format", "jsonl", "a.so"]).out;
    assert_eq!(line.lines().count(), 1);
    assert_eq!(
        serde_json::from_str::<Value>(&line).expect("a line is an object"),
        one.json()
    );
}
