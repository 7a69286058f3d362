//! A failing and a passing process for each rule about processes: made ones, below a folder that stands for `/proc`, and this
//! one.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use plugwright_audit::{Options, RULES, Report, Severity, SubjectKind, Target, TargetKind, Tier};
use plugwright_testkit::elf::ElfBuilder;

use crate::rules::plugin;

const STATUS: &str =
    "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\n";
const ROOTS: &str = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n";

/// A process below `top/proc`, with one library mapped.
struct Made<'a> {
    top: &'a Path,
    maps: String,
    status: &'a str,
    environment: &'a [u8],
    root: &'a str,
}

impl<'a> Made<'a> {
    fn new(top: &'a Path) -> Self {
        fs::create_dir_all(top.join("proc/7/fd")).expect("made");
        fs::create_dir_all(top.join("proc/7/fdinfo")).expect("made");
        let made = Self {
            top,
            maps: String::new(),
            status: STATUS,
            environment: b"HOME=/\0",
            root: "/",
        };
        made.map("liba.so.1", &library("liba.so.1"))
    }

    /// Maps a file with these contents.
    fn map(mut self, name: &str, contents: &[u8]) -> Self {
        let path = self.top.join(name);
        fs::write(&path, contents).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        let inode = fs::metadata(&path).expect("there").ino();
        self.line("r-xp", inode, path.to_str().expect("text"));
        self
    }

    fn line(&mut self, access: &str, inode: u64, name: &str) {
        let number = self.maps.lines().count();
        let range = format!("{number}000-{number}fff");
        let line = format!("{range} {access} 00000000 fe:00 {inode} {name}\n");
        self.maps.push_str(&line);
    }

    fn review(self) -> Report {
        let folder = self.top.join("proc/7");
        fs::write(folder.join("maps"), &self.maps).expect("written");
        fs::write(folder.join("status"), self.status).expect("written");
        fs::write(folder.join("environ"), self.environment).expect("written");
        symlink("/usr/bin/made", folder.join("exe")).expect("linked");
        symlink(self.root, folder.join("root")).expect("linked");
        let options = Options::new(Tier::Files).with_system_root(self.top.to_owned());
        plugwright_audit::review(&[Target::Process(7)], &options)
    }
}

fn library(soname: &str) -> Vec<u8> {
    ElfBuilder::x86_64().soname(soname).build().into_bytes()
}

fn fail<'a>(id: &str, mut made: Made<'a>) -> Made<'a> {
    match id {
        "P01" => {
            let inode = fs::metadata(made.top).expect("there").ino();
            let path = made.top.join("liba.so.1");
            made.line("r-xp", inode, path.to_str().expect("text"));
            made.maps = made.maps.lines().last().expect("a line").to_owned() + "\n";
        }
        "P02" => made.line("r-xp", 9, "/memfd:code (deleted)"),
        "P03" => made.line("rwxp", 0, "[stack]"),
        "P04" => {
            let path = made.top.join("liba.so.1");
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("set");
        }
        "P05" => made.environment = b"HOME=/\0LD_PRELOAD=/opt/spy.so\0",
        "P06" => made = made.map("libother.so", &library("liba.so.1")),
        "P07" => {
            let bundle = "version = 1\n\n[[file]]\npath = \"libother.so\"\nsize = 1\ndigest = \"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262\"\n";
            fs::write(made.top.join("plugwright.bundle"), bundle).expect("written");
        }
        "P08" => {
            made.status = ROOTS;
            made = made.map("libplugin.so", &plugin());
        }
        "P09" => {
            made = made.map("libplugin.so", &plugin());
            let secret = made.top.join("secret");
            fs::write(&secret, "key").expect("written");
            fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("set");
            symlink(&secret, made.top.join("proc/7/fd/5")).expect("linked");
            fs::write(
                made.top.join("proc/7/fdinfo/5"),
                "pos:\t0\nflags:\t0100000\n",
            )
            .expect("written");
        }
        "P10" => {
            made.status = ROOTS;
            made.root = "/srv/container";
            made.line("r-xp", 9, "/usr/lib/libnss_files.so.2");
        }
        _ => panic!("{id} has no failing process"),
    }
    made
}

fn has(report: &Report, id: &str) -> bool {
    report.findings.iter().any(|finding| finding.rule.id == id)
}

#[test]
fn each_rule_tells_its_process_and_passes_the_other() {
    for rule in RULES
        .iter()
        .filter(|rule| rule.kinds.contains(&SubjectKind::Process))
    {
        let folder = tempfile::tempdir().expect("a folder");
        let good = Made::new(folder.path()).review();
        assert!(!has(&good, rule.id), "{}: {good}", rule.id);
        let folder = tempfile::tempdir().expect("a folder");
        let bad = fail(rule.id, Made::new(folder.path())).review();
        assert!(has(&bad, rule.id), "{}: {bad}", rule.id);
    }
}

#[test]
fn this_process_is_looked_at_with_its_libraries() {
    let id = std::process::id();
    let report = plugwright_audit::review(&[Target::Process(id)], &Options::new(Tier::Files));
    let target = &report.targets[0];
    if !Path::new("/proc/self/maps").try_exists().expect("asked") {
        assert_eq!(target.unread, 1);
        return;
    }
    assert_eq!((target.kind, target.processes), (TargetKind::Process, 1));
    assert!(target.images >= 2, "{target:?}");
    assert!(!has(&report, "P01") && !has(&report, "P03"), "{report}");
}

#[test]
fn a_process_that_is_gone_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("proc")).expect("made");
    let options = Options::new(Tier::Files).with_system_root(folder.path().to_owned());
    let report = plugwright_audit::review(&[Target::Process(7), Target::Processes], &options);
    assert_eq!(report.targets.len(), 2);
    assert_eq!(report.targets[0].unread, 1);
    let told = &report.findings[0];
    assert_eq!((told.rule.id, told.severity), ("A01", Severity::Medium));
    assert_eq!(told.title, "not examined: there is no such process");
}
