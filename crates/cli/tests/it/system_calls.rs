//! What a file costs in system calls: counted with strace, since that is what the speed is made of.
//!
//! The program runs over few and over many files of one kind; the difference is what one more file costs, and the
//! start of the program does not count.

use std::collections::BTreeMap;
use std::fs;

use plugwright_testkit::elf::ElfBuilder;

/// Set where strace has to be there, so that its absence is a failure.
const REQUIRED: &str = "PLUGWRIGHT_REQUIRE_STRACE";
/// The note of a plugin of Qt 6 (version 6.4, release) with the class `B` and the key `k`.
const QT6: &[u8] = b"\x01\x06\x04\x01\xbf\x02\x61a\x03\x61B\x04\xa1\x64Keys\x81\x61k\xff";
/// The section of a plugin of Qt 5.15 with the same.
const QT5: &[u8] = b"\x00\x05\x0f\x00\xbf\x02\x61a\x03\x61B\x04\xa1\x64Keys\x81\x61k\xff";
const FEW: usize = 10;
const MANY: usize = 50;

/// The beginning of a library; what is added lies behind its first page.
fn filled() -> ElfBuilder {
    ElfBuilder::x86_64().section(".rodata", 2, &[1; 10_000])
}

/// A library whose section table lies far behind everything, as in real ones.
fn large(builder: ElfBuilder) -> Vec<u8> {
    builder
        .section(".debug", 0, &[0; 200_000])
        .build()
        .into_bytes()
}

/// Checks what one more file of these bytes costs, apart from memory: each call with its number. Returns what was done.
#[track_caller]
fn check(bytes: &[u8], arguments: &[&str], expected: &[(&str, usize)]) -> String {
    let (Some(few), Some(many)) = (calls(bytes, arguments, FEW), calls(bytes, arguments, MANY))
    else {
        let missing = "NOT COUNTED: strace is not there, or may not trace (Debian: strace)";
        assert!(
            std::env::var_os(REQUIRED).is_none(),
            "{missing}; {REQUIRED} is set"
        );
        return missing.to_owned();
    };
    let mut each: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, count) in &many {
        let more = count - few.get(name).copied().unwrap_or_default().min(*count);
        assert_eq!(more % (MANY - FEW), 0, "{name}: {few:?} {many:?}");
        if more > 0 {
            each.insert(name, more / (MANY - FEW));
        }
    }
    assert_eq!(each, expected.iter().copied().collect::<BTreeMap<_, _>>());
    format!("plugwright {}: for each file {each:?}", arguments.join(" "))
}

/// How often each system call is made over `count` files; `None` without strace.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of a program starts it, here below strace"
)]
fn calls(bytes: &[u8], arguments: &[&str], count: usize) -> Option<BTreeMap<String, usize>> {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("plugins");
    fs::create_dir(&folder).expect("a folder");
    for number in 0..count {
        fs::write(folder.join(format!("libplugin{number:02}.so")), bytes).expect("a file");
    }
    let trace = place.path().join("trace");
    let output = std::process::Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=!brk,mmap,munmap,mremap,madvise"])
        .arg("-o")
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_plugwright"))
        .args(arguments)
        .args(["--threads", "1"])
        .arg(&folder)
        .output()
        .ok()?;
    let trace = fs::read_to_string(trace).unwrap_or_default();
    if trace.is_empty() {
        // It is there and may not trace, as in some containers.
        return None;
    }
    assert!(output.status.success(), "{output:?}");
    let mut calls = BTreeMap::new();
    // Each line: the number of the process, the call, `(`.
    for line in trace.lines() {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        // In debug builds the standard library asks before it closes a descriptor whether that is open.
        if cfg!(debug_assertions) && call.starts_with("fcntl(") {
            continue;
        }
        if let Some((name, _)) = call.split_once('(') {
            // One call under two names, by the age of the C library.
            let name = if name == "newfstatat" || name == "fstat" {
                "statx"
            } else {
                name
            };
            *calls.entry(name.to_owned()).or_default() += 1;
        }
    }
    Some(calls)
}

/// Opening, asking what it is, closing, and so many reads.
fn reads(count: usize) -> [(&'static str, usize); 4] {
    [
        ("openat", 1),
        ("statx", 1),
        ("pread64", count),
        ("close", 1),
    ]
}

#[test]
fn a_plugin_with_a_note_costs_four_calls() {
    eprintln!(
        "{}",
        check(
            &large(ElfBuilder::x86_64().qt_note(QT6)),
            &["list"],
            &reads(1),
        )
    );
    let test = std::env::current_exe().expect("a test has a path");
    let own = fs::read(test.with_file_name("libfixture_hello.so")).expect("a dev-dependency");
    eprintln!("{}", check(&own, &["list"], &reads(1)));
}

#[test]
fn a_plugin_of_qt_5_costs_six() {
    eprintln!(
        "{}",
        check(&large(filled().qt_section(QT5)), &["list"], &reads(3),)
    );
}

#[test]
fn a_library_without_a_plugin_costs_five() {
    eprintln!(
        "{}",
        check(&large(filled().export("f")), &["list"], &reads(2),)
    );
}

#[test]
fn a_plugin_that_is_told_by_its_exports_costs_seven() {
    let library = filled()
        .export("clap_entry")
        .import("g", Some(("libc.so.6", "GLIBC_2.34")));
    eprintln!(
        "{}",
        check(&large(library), &["list", "--kind", "all"], &reads(4))
    );
}

#[test]
fn all_headers_cost_six() {
    let library = filled()
        .soname("libx.so")
        .needed("libc.so.6")
        .export_as("f", 0x12, Some("X_1"))
        .import("g", Some(("libc.so.6", "GLIBC_2.34")));
    eprintln!(
        "{}",
        check(
            &large(library),
            &["list", "--metadata", "/none=such"],
            &reads(3)
        )
    );
}
