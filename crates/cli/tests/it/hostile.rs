//! A plugin all of whose texts act on terminals and forge lines: in nothing that the program prints does any of them do so.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use plugwright_inspect::headers;
use plugwright_manifest::c;
use plugwright_manifest::embed::{BuildDef, Linkage, ProvidedDef, RecordDef};
use plugwright_testkit::cc;
use tempfile::TempDir;

use crate::program::run;

/// Sets a terminal's title, clears it, ends the line and turns the direction of what follows.
const TEXT: &str = "a\u{1b}]0;owned\u{7}\u{1b}[2Jb\r\nallowed\u{202e}\u{9b}31m|<b>";

/// A plugin in C whose record says `TEXT` wherever a record says a text.
fn plugin() -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    let twin = fs::read(program.with_file_name("libfixture_hello.so")).expect("built");
    let mut images = headers(twin.as_slice(), None).images.into_iter();
    let record = images.next().expect("one image").image.records.remove(0);
    let schema = record.detail.expect("a detail").schemas.remove(0);
    let record = RecordDef {
        entry: "plugwright_entry_hello_c",
        id: "org.example.hostile",
        version: "2.0.0",
        crate_name: "hello_c",
        linkage: Linkage::Cdylib,
        provides: vec![ProvidedDef {
            interface: schema.to_shape(),
            keys: &["key\u{1b}[31m\u{202e}"],
            rank: 0,
            metadata: &[],
        }]
        .leak(),
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: record.summary.build.abi,
            target: TEXT,
            profile: "p\u{1b}[31m",
            rustc: TEXT,
            panic_abort: false,
            unloadable: false,
        },
        name: TEXT,
        description: TEXT,
        license: TEXT,
        authors: TEXT,
        homepage: TEXT,
        metadata: &[],
    };
    let made = c::header(&record, &[]).expect("small enough");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let include = here.join("../plugin/include");
    let read = |path: PathBuf| fs::read_to_string(path).expect("readable");
    let header = read(include.join("plugwright_plugin.h"));
    let source = read(here.join("../../fixtures/c/hello.c"));
    let arguments = [
        OsStr::new("-I"),
        include.as_os_str(),
        OsStr::new("-Wl,-soname,so\u{1b}[31m\nname"),
        OsStr::new("-Wl,-rpath,$ORIGIN/\u{1b}[2J\u{202e}"),
    ];
    cc::shared(
        "libhostile.so",
        &format!("{header}\n{made}\n{source}"),
        &arguments,
    )
}

/// A folder with it and with a signature whose comment is no better, under a name that is not either.
fn application() -> TempDir {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let plugins = temp.path().join("plugins");
    fs::create_dir(&plugins).expect("made");
    let name = "lib\u{1b}[31m\u{202e}hostile.so";
    fs::copy(plugin(), plugins.join(name)).expect("copied");
    let comment = "untrusted comment: \u{1b}[2J\nRUQ\ntrusted comment: \u{1b}]0;owned\u{7}\nAAAA\n";
    fs::write(plugins.join(format!("{name}.minisig")), comment).expect("written");
    fs::write(plugins.join("plugwright.bundle"), TEXT).expect("written");
    fs::write(plugins.join("plugwright.bundle.minisig"), comment).expect("written");
    temp
}

#[track_caller]
fn check(folder: &Path, line: &str, shows: bool) {
    let run = run(folder, line.split(' '));
    assert!(matches!(run.code, Some(0 | 1)), "{line}: {run:?}");
    for (place, text) in [("output", &run.out), ("errors", &run.err)] {
        let acts = |letter: &char| {
            letter.is_control() && !matches!(letter, '\n' | '\t')
                || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let found = text.chars().find(acts);
        assert_eq!(found, None, "{line}: {place}: {text}");
        assert!(
            !text.lines().any(|line| line.starts_with("allowed")),
            "{line}: {text}"
        );
    }
    // The control: this line is about the plugin at all.
    let told = [run.out, run.err].concat();
    assert_eq!(told.contains("hostile"), shows, "{line}: {told}");
}

#[test]
fn no_text_of_a_plugin_acts_in_any_output() {
    let temp = application();
    let file = "plugins/lib\u{1b}[31m\u{202e}hostile.so";
    for line in [
        "list plugins",
        "list --format json plugins",
        "list --format jsonl plugins",
        "list --kind all plugins",
        "why --format json plugins",
        "verify plugins",
        "verify --explain plugins",
        "verify --explain --policy developer plugins",
        "verify --format json plugins",
        "audit plugins",
        "audit --format json plugins",
        "audit --format sarif plugins",
        "audit --format html plugins",
        "find org.example.greeter plugins",
        "find org.example.greeter --format json plugins",
        "lock --policy developer plugins",
    ] {
        check(temp.path(), line, true);
    }
    // Libraries that load are counted, and not named.
    check(temp.path(), "why plugins", false);
    check(
        temp.path(),
        "lock --check --policy developer plugins",
        false,
    );
    for command in [
        "inspect",
        "inspect --format json",
        "trust digest",
        "interface save",
    ] {
        let shows = !command.starts_with("trust") && !command.starts_with("interface");
        check(temp.path(), &format!("{command} {file}"), shows);
    }
    // Drift: another version is locked.
    let lock = temp.path().join("plugwright.lock");
    let locked = fs::read_to_string(&lock).expect("written");
    fs::write(&lock, locked.replace("2.0.0", "1.0.0")).expect("written");
    check(temp.path(), "lock --check --policy developer plugins", true);
}
