//! Agreement with Qt's own tools: `qtplugininfo --full-json` of Qt 6 and of Qt 5 on every
//! plugin that is installed, and on plugins made to ask how Qt turns CBOR into JSON.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use plugwright_inspect::{Links, identity, open};
use plugwright_testkit::elf::ElfBuilder;
use serde_json::Value;

struct Qt {
    tool: &'static str,
    plugins: &'static str,
    packages: &'static str,
}

const QT6: Qt = Qt {
    tool: "/usr/lib/qt6/bin/qtplugininfo",
    plugins: "/usr/lib/x86_64-linux-gnu/qt6",
    packages: "qt6-tools-dev-tools libqt6gui6 qt6-image-formats-plugins qt6-wayland",
};

const QT5: Qt = Qt {
    tool: "/usr/lib/qt5/bin/qtplugininfo",
    plugins: "/usr/lib/x86_64-linux-gnu/qt5",
    packages: "qttools5-dev-tools libqt5gui5 kimageformat-plugins",
};

/// Writes past the test harness, which holds back the output of tests that pass.
fn say(text: &str) {
    let mut err = std::io::stderr().lock();
    drop(writeln!(err, "{text}"));
}

/// Whether the tool and plugins are there. Their absence is loud, and fails under CI.
fn installed(qt: &Qt) -> bool {
    let there = |path| fs::metadata(path).is_ok();
    if there(qt.tool) && there(qt.plugins) {
        return true;
    }
    let text = format!("NOT COMPARED with {}: install {}", qt.tool, qt.packages);
    assert!(std::env::var_os("CI").is_none(), "{text}");
    say(&text);
    false
}

pub(crate) fn libraries(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = fs::symlink_metadata(&path).expect("an entry").file_type();
        if kind.is_dir() {
            libraries(&path, found);
        } else if kind.is_file() && path.extension() == Some(OsStr::new("so")) {
            found.push(path);
        }
    }
}

/// What the tool prints for a file, or `None` where it finds no metadata.
fn ask(tool: &str, path: &Path) -> Option<Value> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test asks the tool it compares with"
    )]
    let output = std::process::Command::new(tool)
        .args(["--full-json", "-f", "compact"])
        .arg(path)
        .env("QT_QPA_PLATFORM", "offscreen")
        .output()
        .expect("the tool runs");
    if output.stdout.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

fn read(path: &Path) -> Option<Value> {
    let file = open(path, Links::Follow).expect("a regular file");
    let mut found = identity(&file, path.file_name());
    let qt = found.images.pop()?.qt?;
    Some(serde_json::to_value(qt).expect("JSON"))
}

fn compare_installed(qt: &Qt) {
    if !installed(qt) {
        return;
    }
    let mut files = Vec::new();
    libraries(Path::new(qt.plugins), &mut files);
    files.sort();
    let mut plugins = 0;
    for path in &files {
        let expected = ask(qt.tool, path);
        plugins += usize::from(expected.is_some());
        assert_eq!(read(path), expected, "{}", path.display());
    }
    say(&format!(
        "compared with {}: {} files, {plugins} plugins",
        qt.tool,
        files.len()
    ));
    assert!(plugins > 0, "no plugin below {}", qt.plugins);
}

#[test]
fn installed_plugins_of_qt_6() {
    compare_installed(&QT6);
}

#[test]
fn installed_plugins_of_qt_5() {
    compare_installed(&QT5);
}

/// Equal as JSON: a number that Qt writes as `9223372036854776000` and we as
/// `9.223372036854776e18` is one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if left.is_f64() || right.is_f64() => {
            left.as_f64() == right.as_f64()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

/// A value in `MetaData` and one at the top, as both sides turn it from CBOR into JSON.
fn compare_value(folder: &Path, qt: &Qt, header: &[u8], value: &[u8]) -> Option<String> {
    let map = [
        b"\xbf\x02\x61a\x03\x61B\x61t",
        value,
        b"\x04\xa1\x61v",
        value,
        b"\xff",
    ]
    .concat();
    let payload = [header, &map].concat();
    let builder = ElfBuilder::x86_64().soname("x.so");
    let file = match header {
        [1, ..] => builder.qt_note(&payload),
        _ => builder.qt_section(&payload),
    };
    let path = folder.join("libmade.so");
    fs::write(&path, file.build().bytes()).expect("a file");
    let expected = ask(qt.tool, &path);
    let found = read(&path);
    let of = |json: Option<Value>| {
        json.map(|json| format!("{} {:?}", json["MetaData"]["v"], json.get("t")))
    };
    let agree = match (&found, &expected) {
        (Some(found), Some(expected)) => same(found, expected),
        _ => false,
    };
    (!agree).then(|| format!("{value:02x?}: {:?} but Qt {:?}", of(found), of(expected)))
}

#[test]
fn values_of_every_type() {
    let folder = tempfile::tempdir().expect("a folder");
    for (qt, header) in [(&QT6, b"\x01\x06\x04\x01"), (&QT5, b"\x00\x05\x0f\x00")] {
        if !installed(qt) {
            continue;
        }
        let values = [
            &b"\x00"[..],                            // 0
            b"\x1b\x00\x1f\xff\xff\xff\xff\xff\xff", // 2^53 - 1
            b"\x1b\x00\x20\x00\x00\x00\x00\x00\x01", // 2^53 + 1
            b"\x1b\x7f\xff\xff\xff\xff\xff\xff\xff", // i64::MAX
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", // u64::MAX
            b"\x20",                                 // -1
            b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", // i64::MIN
            b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", // -2^64
            b"\xf9\x3e\x00",                         // 1.5
            b"\xf9\x3c\x00",                         // 1.0
            b"\xf9\x80\x00",                         // -0.0
            b"\xf9\x7c\x00",                         // infinity
            b"\xf9\x7e\x00",                         // not a number
            b"\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a", // 0.1
            b"\xfb\x44\xb5\x2d\x02\xc7\xe1\x4a\xf6", // 1e23
            b"\xfb\x00\x00\x00\x00\x00\x00\x00\x01", // the smallest double
            b"\xf4",
            b"\xf5",
            b"\xf6",
            b"\xf7", // false, true, null, undefined
            b"\xf0",
            b"\xf8\xff", // simple values
            b"\x40",
            b"\x41\xfb",
            b"\x42\xfb\xff",
            b"\x43\xfb\xff\x00",
            b"\x5f\x41\x01\x42\x02\x03\xff", // chunks of bytes
            b"\x60",
            b"\x64\xf0\x9f\x98\x80",
            b"\x61\x00",
            b"\x7f\x61a\x61b\xff", // chunks of text
            b"\x80",
            b"\x83\x01\xf7\xf6",
            b"\x9f\x01\x81\x02\xff",
            b"\xa0",
            b"\xbf\x61a\x01\xff",
            b"\xa2\x61a\x01\x61a\x02",
            b"\xa2\x61a\x01\x61b\xf7",
            b"\xa1\x01\x02",
            b"\xa1\x20\x02",
            b"\xa1\x41\xff\x02",
            b"\xa1\xf5\x02",
            b"\xa1\xf6\x02",
            b"\xa1\xf9\x3e\x00\x02",
            b"\xa1\xf7\x02",
            b"\xd5\x43\xfb\xff\x00",
            b"\xd6\x43\xfb\xff\x00",
            b"\xd7\x43\xfb\xff\x00",
            b"\xd8\x25\x50\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10",
            b"\xd8\x63\x01",          // a tag without meaning
            b"\xd8\x20\x69http://a/", // a URL
        ];
        let compare = |value: &&[u8]| compare_value(folder.path(), qt, header, value);
        let differences: Vec<String> = values.iter().filter_map(compare).collect();
        assert_eq!(differences, Vec::<String>::new(), "{}", qt.tool);
    }
}
