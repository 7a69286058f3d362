//! Files and folders as they should not be: each gives a clear line, and nothing hangs, crashes or is passed over.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::program::{self, run};

/// A real library or program of this machine: the test itself.
fn a_program() -> Vec<u8> {
    fs::read(std::env::current_exe().expect("a test has a path")).expect("a test can read itself")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The problems of a listing as `path code`, sorted as printed.
#[track_caller]
fn problems(folder: &Path) -> Vec<String> {
    let run = run(folder, ["list", "--recursive", "--format", "json", "."]);
    let json = run.json();
    let problems = json["problems"].as_array().expect("problems are an array");
    assert_eq!(
        run.code,
        Some(i32::from(!problems.is_empty())),
        "{}",
        run.err
    );
    assert_eq!(run.err, "");
    let text = |value: &serde_json::Value| value.as_str().expect("a string").to_owned();
    problems
        .iter()
        .map(|problem| format!("{} {}", text(&problem["path"]), text(&problem["code"])))
        .collect()
}

#[test]
fn an_empty_folder_is_no_problem() {
    let folder = folder();
    let run = run(folder.path(), ["list"]);
    assert_eq!(
        (run.out.as_str(), run.err.as_str(), run.code),
        ("0 plugins; 0 problems\n", "", Some(0))
    );
}

#[test]
fn files_that_claim_to_be_libraries_are_told() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("empty.so"), "").unwrap();
    fs::write(path.join("text.so"), "once upon a time\n").unwrap();
    fs::write(path.join("script.so"), "#!/bin/sh\n").unwrap();
    fs::write(path.join("cut.so"), &a_program()[..40]).unwrap();
    fs::write(path.join("readme.txt"), "fine\n").unwrap();
    assert_eq!(
        problems(path),
        [
            "./cut.so header-truncated",
            "./empty.so empty-file",
            "./script.so not-a-library",
            "./text.so not-a-library"
        ]
    );
    let told = run(path, ["list"]).out;
    assert!(
        told.ends_with("0 plugins; 4 problems; 1 other file\n"),
        "{told}"
    );
}

#[test]
fn a_library_without_a_plugin_is_counted() {
    let folder = folder();
    fs::write(folder.path().join("test.so"), a_program()).unwrap();
    let run = run(folder.path(), ["list"]);
    assert_eq!(
        (run.out.as_str(), run.code),
        (
            "0 plugins; 0 problems; 1 library without a plugin\n",
            Some(0)
        )
    );
}

#[test]
fn every_truncation_of_a_program_is_answered() {
    let folder = folder();
    let program = a_program();
    // Every length of the headers, then ever larger steps: the listing reads all of them in one run.
    let mut lengths: Vec<usize> = (0..600).collect();
    lengths.extend(
        (10..)
            .map(|power| 1 << power)
            .take_while(|length| *length < program.len()),
    );
    for length in &lengths {
        fs::write(
            folder.path().join(format!("{length:09}.so")),
            &program[..*length],
        )
        .unwrap();
    }
    let run = run(folder.path(), ["list", "--format", "json"]);
    let json = run.json();
    let told = json["problems"].as_array().map_or(0, Vec::len);
    let passed = json["passed_over"]["libraries"].as_u64().expect("a count");
    assert!(
        told as u64 + passed >= lengths.len() as u64,
        "{told} problems and {passed} libraries for {}",
        lengths.len()
    );
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_told_and_not_waited_for() {
    use std::os::unix::fs::symlink;
    let folder = folder();
    let path = folder.path();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        path.join("pipe"),
        rustix::fs::Mode::from_raw_mode(0o644),
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
    symlink("nowhere", path.join("dangling")).unwrap();
    symlink("round", path.join("round")).unwrap();
    symlink("/dev/zero", path.join("zero.so")).unwrap();
    assert_eq!(
        problems(path),
        [
            "./dangling dangling-link",
            "./pipe fifo",
            "./round link-loop",
            "./socket socket",
            "./zero.so device"
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_name_one_library_once_and_lead_in_no_circle() {
    use std::os::unix::fs::symlink;
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("liba.so.1.2"), a_program()).unwrap();
    symlink("liba.so.1.2", path.join("liba.so.1")).unwrap();
    symlink("liba.so.1", path.join("liba.so")).unwrap();
    fs::create_dir(path.join("below")).unwrap();
    symlink("..", path.join("below/up")).unwrap();
    let told = run(path, ["list", "--recursive"]).out;
    assert_eq!(
        told,
        "0 plugins; 0 problems; 1 library without a plugin; 1 link to a folder, not followed\n"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        eprintln!("NOT TESTED: this user may read every folder");
    } else {
        assert_eq!(problems(folder.path()), ["./closed permission-denied"]);
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(unix)]
#[test]
fn hostile_names_do_not_reach_the_terminal() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder();
    let names: [&[u8]; 5] = [
        b"a\x1b]0;owned\x07.so",
        b"b\nproblem: forged.so",
        "c\u{202e}os.txt.so".as_bytes(),
        b"d\xff\xfe.so",
        "e\u{9b}31m.so".as_bytes(),
    ];
    for name in names {
        fs::write(folder.path().join(OsStr::from_bytes(name)), "text").unwrap();
    }
    let listed = run(folder.path(), ["list"]);
    insta::assert_snapshot!(listed.out, @r"
    problem: ./a\u{1b}]0;owned\u{7}.so: not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)
    problem: ./b\nproblem: forged.so: not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)
    problem: ./c\u{202e}os.txt.so: not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)
    problem: ./d\xff\xfe.so: not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)
    problem: ./e\u{9b}31m.so: not-a-library: expected a library in ELF, Mach-O or PE, found text (at byte 0x0)
    0 plugins; 5 problems
    ");
    let inspected = run(
        folder.path(),
        std::iter::once(OsStr::new("inspect")).chain(names.map(OsStr::from_bytes)),
    );
    for format in ["json", "jsonl"] {
        let arguments = ["inspect", "--format", format].map(OsStr::new);
        let json = run(
            folder.path(),
            arguments.into_iter().chain(names.map(OsStr::from_bytes)),
        )
        .out;
        check_harmless(&json);
    }
    check_harmless(&listed.out);
    check_harmless(&inspected.out);
    assert_eq!((listed.code, inspected.code), (Some(1), Some(1)));
}

/// Nothing but printable text and line ends.
#[track_caller]
fn check_harmless(text: &str) {
    let harmful = text
        .chars()
        .find(|c| *c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(c)));
    assert_eq!(harmful, None, "{text:?}");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_exact_in_json() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder();
    fs::write(folder.path().join(OsStr::from_bytes(b"d\xff.so")), "text").unwrap();
    let json = run(
        folder.path(),
        [
            OsStr::new("inspect"),
            OsStr::new("--format=json"),
            OsStr::from_bytes(b"d\xff.so"),
        ],
    )
    .json();
    assert_eq!(json["path"], "d\u{fffd}.so");
    assert_eq!(json["path_bytes"], serde_json::json!(b"d\xff.so"));
}

#[test]
fn a_file_that_cannot_be_read_is_not_the_end_of_the_run() {
    let folder = folder();
    fs::write(folder.path().join("last.so"), a_program()).unwrap();
    let run = run(
        folder.path(),
        ["inspect", "--format", "jsonl", "missing.so", ".", "last.so"],
    );
    let reports: Vec<serde_json::Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect();
    assert_eq!(reports.len(), 3, "{}", run.out);
    assert_eq!(reports[0]["problems"][0]["code"], "not-found");
    assert_eq!(reports[1]["problems"][0]["code"], "directory");
    assert_eq!(reports[2]["images"].as_array().map(Vec::len), Some(1));
    assert_eq!(run.code, Some(1));
}

#[test]
fn ten_thousand_files_are_listed_in_order() {
    let folder = folder();
    for number in 0..10_000 {
        fs::write(folder.path().join(format!("{number:05}.so")), "x").unwrap();
    }
    let problems = problems(folder.path());
    assert_eq!(problems.len(), 10_000);
    assert!(problems.is_sorted());
}

/// Runs the program with an output that nobody reads, and says how it ended.
#[track_caller]
fn end_without_a_reader(folder: &TempDir, arguments: &[&str]) -> Option<i32> {
    let mut command = program::command(folder.path());
    let mut child = command
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    output.status.code()
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = folder();
    let good = plugwright_testkit::elf::ElfBuilder::x86_64().qt_note(&[1, 6, 4, 0, 0xa0]);
    let good = good.build().into_bytes();
    for number in 0..2_000 {
        let name = format!("a-name-of-some-length-{number:05}.so");
        fs::write(folder.path().join(name), &good).unwrap();
    }
    // More is printed than a pipe holds, so the program meets the closed end.
    assert_eq!(end_without_a_reader(&folder, &["list"]), Some(0));
}

/// "It would load" is not said of what was not looked at.
#[test]
fn a_reader_that_leaves_is_no_yes() {
    let folder = folder();
    fs::write(folder.path().join("bad.so"), "text").unwrap();
    for arguments in [&["why", "bad.so"][..], &["why", "."], &["list"]] {
        assert_eq!(
            end_without_a_reader(&folder, arguments),
            Some(1),
            "{arguments:?}"
        );
    }
    let good = plugwright_testkit::elf::ElfBuilder::x86_64().build();
    fs::write(folder.path().join("good.so"), good.bytes()).unwrap();
    let arguments = ["why", "--format", "jsonl", "good.so", "good.so"];
    assert_eq!(end_without_a_reader(&folder, &arguments), Some(1));
}

#[test]
fn a_full_disk_is_told() {
    let folder = folder();
    for arguments in [&["list"][..], &["--help"], &["list", "--help"]] {
        let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
            eprintln!("NOT TESTED: there is no /dev/full here");
            return;
        };
        let output = program::command(folder.path())
            .args(arguments)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr)
                .starts_with("plugwright: the result could not be written")
        );
    }
}

#[test]
fn wrong_usage_says_what_to_type() {
    let folder = folder();
    for arguments in [
        &["inspect"][..],
        &["lisst"],
        &["list", "--format", "xml"],
        &[],
    ] {
        let run = run(folder.path(), arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.err.contains("--help"), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn a_table_tells_a_fault_once_and_counts_it_as_often_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let good = plugwright_testkit::elf::ElfBuilder::x86_64().build();
    // Past the headers and before what they point to.
    fs::write(folder.path().join("cut.so"), &good.bytes()[..512]).unwrap();
    let told = run(folder.path(), ["list"]).out;
    let json = run(folder.path(), ["list", "--format", "json"]).json();
    let all = json["problems"].as_array().unwrap();
    let outside = |told: &&serde_json::Value| told["code"] == "segment-outside-file";
    assert!(all.iter().filter(outside).count() > 1, "{json}");
    assert_eq!(told.matches("segment-outside-file").count(), 1, "{told}");
    assert!(told.contains("more of these"), "{told}");
    let last = format!("0 plugins; {} problems", all.len());
    assert!(told.contains(&last), "{told}");
}
