//! What `inspect` says of Qt's plugins against Qt's own tool, on every plugin that this machine has.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program;

/// Set where the plugins have to be there, so that finding none is a failure.
const REQUIRED: &str = "PLUGWRIGHT_REQUIRE_QT";

#[test]
fn qt_6_plugins_read_as_qt_reads_them() {
    eprintln!(
        "{}",
        check("qt6", "qt6-tools-dev-tools and qt6-image-formats-plugins")
    );
}

#[test]
fn qt_5_plugins_read_as_qt_reads_them() {
    eprintln!(
        "{}",
        check("qt5", "qttools5-dev-tools and kimageformat-plugins")
    );
}

/// Compares the `qt` object of every plugin of one major version with the tool's output, value by value,
/// and says how many there were.
#[track_caller]
fn check(qt: &str, packages: &str) -> String {
    let tool = PathBuf::from(format!("/usr/lib/{qt}/bin/qtplugininfo"));
    let plugins = plugins(qt);
    if plugins.is_empty() || !tool.is_file() {
        let missing = format!(
            "NOT COMPARED with {qt}: no plugins or no {} (Debian: {packages})",
            tool.display()
        );
        assert!(
            std::env::var_os(REQUIRED).is_none(),
            "{missing}; {REQUIRED} is set"
        );
        return missing;
    }
    let expected = told_by_qt(&tool, &plugins);
    let run = program::run(
        Path::new("/"),
        ["inspect", "--format", "jsonl"]
            .map(PathBuf::from)
            .iter()
            .chain(&plugins),
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let mut differences = Vec::new();
    for (line, path) in run.out.lines().zip(&plugins) {
        let report: Value = serde_json::from_str(line).expect("a line is an object");
        let path = path.to_str().expect("paths of packages are UTF-8");
        assert_eq!(report["path"], path);
        let (found, expected) = (&report["images"][0]["qt"], &expected[path]);
        if found != expected {
            differences.push(format!("{path}\n  Qt:   {expected}\n  ours: {found}"));
        }
    }
    assert_eq!(run.out.lines().count(), plugins.len());
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        plugins.len(),
        differences.join("\n")
    );
    let printed = check_parts(&tool, &plugins, &expected);
    format!(
        "{qt}: {} plugins, all as Qt reads them; {printed} printed as Qt prints them",
        plugins.len()
    )
}

/// Compares what `-p` prints with what the tool prints without options, letter by letter, and says of how many. Of
/// plugins without user data the tool says that these are invalid, and no more.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "the test compares with another program"
)]
fn check_parts(tool: &Path, plugins: &[PathBuf], told: &BTreeMap<String, Value>) -> usize {
    let has_data = |path: &&PathBuf| {
        let metadata = path.to_str().and_then(|path| told.get(path));
        metadata.is_some_and(|metadata| metadata["MetaData"].is_object())
    };
    let plugins: Vec<&PathBuf> = plugins.iter().filter(has_data).collect();
    let output = Command::new(tool).args(&plugins).output();
    let expected = output.expect("Qt's tool starts").stdout;
    let parts = ["inspect", "-p", "iid", "-p", "qtinfo", "-p", "userdata"];
    let mut command = program::command(Path::new("/"));
    let found = command.args(parts).args(&plugins).output();
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(text(found.expect("it starts").stdout), text(expected));
    plugins.len()
}

/// Every `.so` below the folders where distributions put Qt's plugins, sorted.
fn plugins(qt: &str) -> Vec<PathBuf> {
    let library_folders = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = library_folders
        .chain([PathBuf::from("/usr/lib"), PathBuf::from("/usr/lib64")])
        .collect();
    for folder in &mut folders {
        folder.push(qt);
        folder.push("plugins");
    }
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "so") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What Qt's tool prints for each plugin; it begins a line with the path when it is given several.
#[expect(
    clippy::disallowed_methods,
    reason = "the test compares with another program"
)]
fn told_by_qt(tool: &Path, plugins: &[PathBuf]) -> BTreeMap<String, Value> {
    let mut command = Command::new(tool);
    command
        .args(["--full-json", "-f", "compact"])
        .args(plugins)
        .stdin(Stdio::null());
    let output = command.output().expect("Qt's tool starts");
    let text = String::from_utf8(output.stdout).expect("Qt's tool writes UTF-8");
    let lines = text.lines().map(|line| {
        line.split_once(": ")
            .expect("a line is a path and an object")
    });
    let told: BTreeMap<String, Value> = lines
        .map(|(path, object)| {
            (
                path.to_owned(),
                serde_json::from_str(object).expect("Qt's tool writes JSON"),
            )
        })
        .collect();
    assert_eq!(
        told.len(),
        plugins.len(),
        "Qt's tool refused some: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    told
}
