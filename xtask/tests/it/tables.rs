//! Reading and writing the generated tables of a document.

use xtask::table;

const DOCUMENT: &str = "head\n<!-- begin t -->\n| a | b |\n|---|---|\n| `x` | y, `z` |\n| – | |\n<!-- end t -->\ntail\n";

#[test]
fn rows_come_without_the_head() {
    let rows = table::rows(table::section(DOCUMENT, "t").unwrap());
    assert_eq!(rows, [["`x`", "y, `z`"], ["–", ""]]);
    assert_eq!(table::names(rows[0][1]).collect::<Vec<_>>(), ["y", "z"]);
    assert_eq!(table::names(rows[1][0]).count(), 0);
}

#[test]
fn replacing_leaves_the_rest_alone() {
    let replaced = table::replace(DOCUMENT, "t", "new\n").unwrap();
    assert_eq!(
        replaced,
        "head\n<!-- begin t -->\nnew\n<!-- end t -->\ntail\n"
    );
    assert_eq!(table::section(&replaced, "t").unwrap(), "new\n");
}

#[test]
fn a_missing_marker_is_named() {
    assert_eq!(
        table::section(DOCUMENT, "other").unwrap_err(),
        "the marker <!-- begin other --> is missing"
    );
    assert_eq!(
        table::section("<!-- begin t -->\n", "t").unwrap_err(),
        "the marker <!-- end t --> is missing"
    );
}
