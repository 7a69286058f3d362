//! `plugwright audit`: its forms, its exit codes, and what it leaves out because somebody said so.

use std::fs;
use std::path::Path;

use plugwright_testkit::elf::ElfBuilder;

use crate::program::run;

/// A folder with a clean library and one with findings, high ones among them.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, builder: ElfBuilder| {
        fs::write(folder.path().join(name), builder.build().bytes()).expect("written");
    };
    // Bound at once and relocated read-only, as the rules would have it.
    write(
        "bad.so",
        ElfBuilder::x86_64().soname("bad.so").runpath("lib:"),
    );
    write(
        "worse\u{1b}[2J<b>.so",
        ElfBuilder::x86_64().soname("a\u{1b}[31m").needed("./b.so"),
    );
    folder
}

#[track_caller]
fn check(folder: &Path, arguments: &[&str], code: i32) -> String {
    let run = run(folder, [&["audit"], arguments].concat());
    assert_eq!(run.code, Some(code), "{}\n{}", run.out, run.err);
    run.out + &run.err
}

#[test]
fn every_form_ends_alike_and_lets_nothing_through() {
    let folder = folder();
    for form in ["text", "json", "sarif", "html", "markdown", "junit"] {
        let out = check(folder.path(), &["--format", form, "."], 1);
        assert!(!out.contains('\u{1b}'), "{form}: {out}");
        let markup = matches!(form, "html" | "junit");
        assert!(!markup || !out.contains("<b>.so"), "{form}: {out}");
        assert!(out.contains("B01") && out.contains("B05"), "{form}: {out}");
    }
    for form in ["json", "sarif"] {
        let out = check(
            folder.path(),
            &["--format", form, "--fail-on", "critical", "."],
            0,
        );
        serde_json::from_str::<serde_json::Value>(&out).expect("JSON");
    }
}

#[test]
fn the_exit_code_follows_the_severity_that_is_asked_for() {
    let folder = folder();
    check(folder.path(), &["bad.so"], 1);
    check(folder.path(), &["--fail-on", "critical", "bad.so"], 0);
    check(folder.path(), &["--fail-on", "info", "bad.so"], 1);
    check(folder.path(), &["--fail-on", "awful", "bad.so"], 2);
    // Nothing bad was found in it, and nothing was looked at: a mistyped name is no good answer.
    check(folder.path(), &["--fail-on", "critical", "absent.so"], 1);
    check(
        folder.path(),
        &["--fail-on", "critical", "bad.so", "absent.so"],
        1,
    );
    check(folder.path(), &["--against", "absent.so", "bad.so"], 2);
}

#[test]
fn only_what_is_new_since_an_earlier_report() {
    let folder = folder();
    let earlier = run(folder.path(), ["audit", "--format", "json", "bad.so"]);
    fs::write(folder.path().join("earlier.json"), &earlier.out).expect("written");
    let out = check(folder.path(), &["--baseline", "earlier.json", "bad.so"], 0);
    assert!(out.contains("Nothing new was found."), "{out}");
    let changed = ElfBuilder::x86_64()
        .soname("bad.so")
        .runpath("lib:")
        .needed("./c.so");
    fs::write(folder.path().join("bad.so"), changed.build().bytes()).expect("written");
    let again = run(
        folder.path(),
        [
            "audit",
            "--format",
            "json",
            "--baseline",
            "earlier.json",
            "bad.so",
        ],
    );
    let report = again.json();
    let rules: Vec<&str> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    // The name is a path, and nothing is there.
    assert_eq!(rules, ["B05", "B27"]);
    // What is left out of one report would be new in the next.
    fs::write(folder.path().join("reduced.json"), &again.out).expect("written");
    let out = check(folder.path(), &["--baseline", "reduced.json", "bad.so"], 2);
    assert!(out.contains("it leaves out"), "{out}");
    fs::write(folder.path().join("broken.json"), "{\"findings\": [\n7]}").expect("written");
    let out = check(folder.path(), &["--baseline", "broken.json", "bad.so"], 2);
    assert!(
        out.contains("--baseline broken.json: ") && out.contains("line 2 column 1"),
        "{out}"
    );
    check(folder.path(), &["--baseline", "absent.json", "bad.so"], 2);
}

#[test]
fn waivers_accept_for_a_time_and_say_when_they_are_not_needed() {
    let folder = folder();
    let with = |waivers: &str, code| {
        fs::write(folder.path().join("waivers.toml"), waivers).expect("written");
        check(
            folder.path(),
            &["--waivers", "waivers.toml", "bad.so"],
            code,
        )
    };
    let waiver = |rule: &str, until: &str| {
        format!(
            "[[waiver]]\nrule = \"{rule}\"\ntarget = \"bad.so\"\nreason = \"tried here\"\nexpires = \"{until}\"\n"
        )
    };
    let both = waiver("B01", "9999-01-01") + &waiver("B02", "9999-01-01");
    let out = with(&format!("version = 1\n{both}"), 0);
    assert!(
        out.contains("ACCEPTED by waivers (2)") && out.contains("tried here"),
        "{out}"
    );
    let out = with(
        &format!("version = 1\n{both}{}", waiver("B06", "9999-01-01")),
        0,
    );
    assert!(
        out.contains("the waiver at line 12 accepts no finding: remove it"),
        "{out}"
    );
    let out = with(
        &format!(
            "version = 1\n{}{}",
            waiver("B01", "2020-01-01"),
            waiver("B02", "9999-01-01")
        ),
        1,
    );
    assert!(out.contains("the waiver at line 2 expired on 2020-01-01T00:00:00Z: what it accepted is reported again"), "{out}");
    let out = with("version = 1\n\n  [[waivers]]\n", 2);
    assert!(
        out.contains("--waivers waivers.toml: line 3, column 5: unknown field"),
        "{out}"
    );
}

#[test]
fn rules_are_explained() {
    let folder = folder();
    let out = check(folder.path(), &["explain", "b01"], 0);
    assert!(out.starts_with("# B01: "), "{out}");
    let out = check(folder.path(), &["explain"], 0);
    assert!(out.contains("B01   CWE-427"), "{out}");
    let out = check(folder.path(), &["explain", "B99"], 2);
    assert!(out.contains("there is no rule B99"), "{out}");
}
