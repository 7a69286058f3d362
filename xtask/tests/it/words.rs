//! What the tidy check finds, each rule once; the words are put together here so that the check passes over this file.

use xtask::tidy;

#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let found = tidy::forbidden(path, text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.starts_with(expected),
            "{found} does not start with {expected}"
        );
    }
}

#[test]
fn paths_of_a_machine_are_found_everywhere() {
    let line = format!("cd {}ro{}/x", "/", "ot");
    check("README.md", &format!("first\n{line}\n"), &["README.md:2: "]);
    check("a.bin", &format!("\u{fffd}{line}"), &["a.bin:1: "]);
}

#[test]
fn marks_of_unfinished_work_are_found_in_sources_only() {
    let line = format!("// {}{}: later", "TO", "DO");
    check("src/lib.rs", &line, &["src/lib.rs:1: "]);
    check("notes.md", &line, &[]);
}

#[test]
fn tickets_are_found_and_the_plain_word_is_not() {
    for text in ["see is* 12", "Is* #4 says", "is*s 3 and 4"] {
        check("a.md", &text.replace('*', "sue"), &["a.md:1: "]);
    }
    check(
        "a.md",
        "an issue of trust; the tissue2 sample; issued 3 times",
        &[],
    );
}

#[test]
fn modules_without_a_subject_are_found() {
    check("src/utils.rs", "", &["src/utils.rs: "]);
    check("src/table.rs", "", &[]);
}

#[test]
fn the_token_unsafe_is_counted_in_code_alone() {
    assert_eq!(
        tidy::count_unsafe("// unsafe\nunsafe fn f() { let s = \"unsafe\"; }"),
        Ok(1)
    );
    assert!(tidy::count_unsafe("fn f( {").is_err());
}

#[test]
fn files_that_documents_name_are_there() {
    let check = |text: &str, expected: usize| {
        let found = tidy::dead_references("docs/cli.md", text, xtask::workspace::root());
        assert_eq!(found.len(), expected, "{text}: {found:?}");
    };
    check(
        "[a](cli.md) and [b](../README.md#see-it) and [c](https://example.org/x.md)",
        0,
    );
    check("[a](README.md)", 1);
    check("`xtask/src/tidy.rs`, `crates/*/src`, `xtask/none.rs`", 1);
}
