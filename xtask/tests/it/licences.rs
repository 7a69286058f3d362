//! The licences of all dependencies against the table of ARCHITECTURE.md.

use xtask::{licences, table, workspace};

/// What may be linked into a program under MIT OR Apache-2.0 without asking its author for more than a notice.
const PERMISSIVE: [&str; 10] = [
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    "BSL-1.0",
];

#[test]
fn the_table_is_what_cargo_resolved() {
    let document = workspace::read("ARCHITECTURE.md").unwrap();
    let written = table::section(&document, "licences").unwrap();
    let found = licences::table(&workspace::metadata().unwrap());
    assert_eq!(
        written, found,
        "write it anew with `cargo xtask bless`, and look at what changed"
    );
}

#[test]
fn every_dependency_can_be_had_under_a_permissive_licence() {
    let found = licences::table(&workspace::metadata().unwrap());
    for row in table::rows(&found) {
        let [licence, packages] = row.as_slice() else {
            panic!("a row with two columns: {row:?}")
        };
        assert!(is_permissive(licence), "{licence}: {packages}");
    }
}

/// One choice of an expression is permissive in all its parts. Parentheses are read as spaces: good enough for the
/// expressions that occur, and wrong only towards refusing.
fn is_permissive(licence: &str) -> bool {
    let parts = licence
        .split(" AND ")
        .map(|part| part.replace(['(', ')'], " "));
    parts.into_iter().all(|part| {
        part.split(" OR ")
            .any(|choice| PERMISSIVE.contains(&choice.trim()))
    })
}

#[test]
fn a_licence_that_asks_for_more_is_seen() {
    for (licence, expected) in [
        ("MIT OR Apache-2.0", true),
        ("GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-2.0-only", false),
        ("(not said)", false),
    ] {
        assert_eq!(is_permissive(licence), expected, "{licence}");
    }
}
