//! SECURITY.md's review by the ten pillars: whole, and resting on tests that there are.

use std::collections::BTreeSet;
use std::fs;

use xtask::{table, workspace};

const PILLARS: [&str; 10] = [
    "CWE-284", "CWE-435", "CWE-664", "CWE-682", "CWE-691", "CWE-693", "CWE-697", "CWE-703",
    "CWE-707", "CWE-710",
];

/// The names of all tests of the workspace: of functions below an attribute `#[test]`.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let files = workspace::files(workspace::root()).expect("the tree can be listed");
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
    {
        let text = fs::read_to_string(file).expect("a source is text");
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            if line == "#[test]" {
                marked = true;
            } else if let Some(name) = line.strip_prefix("fn ").filter(|_| marked) {
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
                tests.insert(name[..end.unwrap_or(name.len())].to_owned());
                marked = false;
            }
        }
    }
    tests
}

/// What stands between backticks.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_review_goes_through_all_pillars_and_names_tests_that_there_are() {
    let document = workspace::read("SECURITY.md").expect("it is there");
    let rows = table::rows(table::section(&document, "pillars").expect("it has the table"));
    let found: Vec<&str> = rows
        .iter()
        .filter_map(|row| row[0].split(' ').next())
        .collect();
    assert_eq!(found, PILLARS);
    let tests = tests();
    for row in &rows {
        let [pillar, answer, shown, remains] = row.as_slice() else {
            panic!("a row has four cells: {row:?}");
        };
        // A review that finds nothing left to say has not looked.
        assert!(answer.len() > 40 && remains.len() > 40, "{pillar}");
        let named = named(shown);
        assert!(named.len() >= 3, "{pillar}");
        for name in named {
            assert!(tests.contains(name), "{pillar}: there is no test {name}");
        }
    }
}
