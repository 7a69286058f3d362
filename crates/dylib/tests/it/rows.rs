//! Qt's own tests of `QLibrary` (`tst_qlibrary`), and where the test for each row is.

/// The rows that make sense for a loader in Rust.
const ROWS: &[(&str, &[&str])] = &[
    ("load ok00", &["qt::load_ok00"]),
    ("load notexist", &["qt::load_notexist"]),
    ("load badlibrary", &["qt::load_badlibrary"]),
    ("load ok01", &["qt::load_ok01"]),
    ("load ok02", &["qt::load_ok02"]),
    ("load ok03", &["qt::load_ok03"]),
    ("load (macOS) without suffix", &["qt::load_without_suffix"]),
    ("unload mylib, ok01", &["qt::unload"]),
    (
        "unload_after_implicit_load",
        &["qt::unload_after_implicit_load"],
    ),
    (
        "resolve ok00, bad00, bad01, and a second object",
        &[
            "qt::resolve_ok00",
            "qt::resolve_bad00",
            "qt::resolve_bad01",
            "qt::resolve_second_object",
        ],
    ),
    ("version v1, v2, none", &["qt::version"]),
    ("loadTwoVersions", &["qt::load_two_versions"]),
    ("archSpecificVersion x4", &["qt::arch_specific_version"]),
    (
        "setFileNameAndVersionTwice",
        &["qt::another_version_while_the_first_is_loaded"],
    ),
    (
        "setFilenameAfterFailedLoad, setFileNameAndVersionAfterFailedLoad x3",
        &["qt::another_name_after_failed_loads"],
    ),
    ("loadAfterFailedLoad", &["qt::load_after_failed_load"]),
    ("isLibrary x12", &["qt::is_library"]),
    (
        "isLibrary macOS x5, Windows x1",
        &["qt::is_library_elsewhere"],
    ),
    ("errorString bad load()", &["qt::error_of_a_bad_load"]),
    ("errorString without a name", &["qt::error_without_a_name"]),
    (
        "errorString bad and good resolve",
        &["qt::error_of_a_resolve"],
    ),
    (
        "errorString invalid file",
        &["qt::error_of_an_invalid_file"],
    ),
    ("loadHints x3", &["qt::hints_are_each_objects_own"]),
    ("fileName ok02", &["qt::file_name"]),
    (
        "multipleInstancesForOneLibrary",
        &["qt::several_objects_for_one_library"],
    ),
    ("errorString Windows", &["windows::qt_error_of_a_bad_dll"]),
    (
        "fileName ok03 Windows",
        &["windows::qt_file_name_of_user32"],
    ),
];

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the names of the tests are known to the test program only"
)]
fn every_row_of_the_table_is_a_test() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .arg("--list")
        .output()
        .unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    // Rows that need Windows itself are tests there, and those that need a compiler at hand everywhere else.
    let here = |test: &&str| test.starts_with("windows::") == cfg!(windows);
    let mut tests = 0;
    for (row, named) in ROWS {
        for test in named.iter().copied().filter(|test| here(test)) {
            assert!(
                list.lines().any(|line| line == format!("{test}: test")),
                "{row}: there is no test {test}"
            );
            tests += 1;
        }
    }
    let rows = |line: &&str| line.starts_with("qt::") || line.starts_with("windows::qt_");
    assert_eq!(list.lines().filter(rows).count(), tests);
}
