//! Real dependencies between the crates against the tables of ARCHITECTURE.md.

use xtask::arrows::{Graph, Rules};
use xtask::workspace;

#[test]
fn the_workspace_has_the_arrows_of_the_architecture() {
    let rules = Rules::read(&workspace::read("ARCHITECTURE.md").unwrap()).unwrap();
    let graph = Graph::of(&workspace::metadata().unwrap()).unwrap();
    let differences = rules.differences(&graph);
    assert!(
        differences.is_empty(),
        "ARCHITECTURE.md and the manifests disagree:\n{}\n",
        differences.join("\n")
    );
}

const DOCUMENT: &str = "\
<!-- begin arrows -->
| crate | may depend on |
|---|---|
| `low` | – |
| `mid` | low |
| `top` | low, mid |
| `tool` | anything |
| `later` (not made yet) | low |
<!-- end arrows -->
<!-- begin never -->
| from | never reaches | why |
|---|---|---|
| low, mid | danger | looking never executes |
| any library | logger | the application chooses |
| any crate | tool | tools are used by nothing |
<!-- end never -->
";

/// `a → b` per line; the part before a `:` lists the rooms, those with a `*` are no libraries.
#[track_caller]
fn check(rooms: &str, edges: &[(&str, &str)], expected: &[&str]) {
    let mut graph = Graph::default();
    for room in rooms.split(' ') {
        let name = room.trim_end_matches('*');
        graph.rooms.insert(name.to_owned());
        if name == room {
            graph.libraries.insert(name.to_owned());
        }
    }
    for (from, to) in edges {
        graph
            .edges
            .entry((*from).to_owned())
            .or_default()
            .insert((*to).to_owned());
    }
    assert_eq!(
        Rules::read(DOCUMENT)
            .expect("the document has both tables")
            .differences(&graph),
        expected
    );
}

const ROOMS: &str = "low mid top tool*";

#[test]
fn fewer_arrows_than_allowed_are_fine() {
    check(ROOMS, &[], &[]);
    check(
        ROOMS,
        &[
            ("mid", "low"),
            ("top", "mid"),
            ("tool", "top"),
            ("low", "serde"),
            ("tool", "logger"),
        ],
        &[],
    );
}

#[test]
fn an_arrow_that_is_not_in_the_table_is_named() {
    check(
        ROOMS,
        &[("low", "mid")],
        &["low → mid: is a dependency in Cargo.toml and no arrow in the table"],
    );
}

#[test]
fn a_crate_needs_a_row_and_a_row_its_crate() {
    check(
        "low mid top tool* new",
        &[],
        &["new: is in the workspace and has no row in the table"],
    );
    check(
        "low mid tool*",
        &[],
        &["top: has a row in the table and is not in the workspace"],
    );
    check(
        "low mid top tool* later",
        &[],
        &["later: is in the workspace; its row says (not made yet)"],
    );
}

#[test]
fn what_must_never_be_is_found_through_other_packages() {
    check(
        ROOMS,
        &[
            ("mid", "bridge"),
            ("bridge", "island"),
            ("island", "danger"),
        ],
        &["mid → bridge → island → danger: must never be (looking never executes)"],
    );
    check(
        ROOMS,
        &[("low", "serde"), ("serde", "logger")],
        &["low → serde → logger: must never be (the application chooses)"],
    );
}

#[test]
fn a_cycle_among_foreign_packages_ends() {
    check(ROOMS, &[("low", "a"), ("a", "b"), ("b", "a")], &[]);
}

#[test]
fn a_tool_is_used_by_nothing() {
    check(
        ROOMS,
        &[("top", "tool")],
        &[
            "top → tool: is a dependency in Cargo.toml and no arrow in the table",
            "top → tool: must never be (tools are used by nothing)",
        ],
    );
}
