//! Two versions of a library.

use std::fs;

use plugwright_audit::{Options, RULES, Report, Severity, Target, Tier};
use plugwright_testkit::elf::{ElfBuilder, PhdrField};

fn elf() -> ElfBuilder {
    ElfBuilder::x86_64()
        .soname("liba.so.1")
        .needed("libc.so.6")
        .export("old")
}

fn compare(old: &[u8], new: &[u8]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let (before, now) = (
        folder.path().join("before.so"),
        folder.path().join("now.so"),
    );
    fs::write(&before, old).expect("written");
    fs::write(&now, new).expect("written");
    let options = Options::new(Tier::Files).with_against(before);
    plugwright_audit::review(&[Target::path(now)], &options)
}

fn new(id: &str) -> Vec<u8> {
    let built = |builder: ElfBuilder| builder.build().into_bytes();
    match id {
        "C01" => built(elf().dynamic_value(25, 0).dynamic_value(27, 64)),
        "C02" => built(elf().export_as("chosen", 0x1a, None)),
        "C03" => built(
            elf()
                .import("execve", None)
                .relocation(6, Some("execve"), 0),
        ),
        "C04" => built(elf().needed("libother.so.1")),
        "C05" => built(elf().export("added")),
        "C06" => {
            let mut file = elf().build();
            let (index, end) = (file.segment(1, 0), file.bytes().len());
            file.set_segment(index, PhdrField::Offset, end as u64)
                .set_segment(index, PhdrField::Filesz, 65_536)
                .set_segment(index, PhdrField::Flags, 5);
            file.bytes_mut().extend(crate::rules::noise(65_536));
            file.into_bytes()
        }
        _ => panic!("{id} has no newer version"),
    }
}

#[test]
fn each_rule_tells_what_is_new_and_nothing_of_the_same() {
    let old = elf().build().into_bytes();
    for rule in RULES.iter().filter(|rule| rule.id.starts_with('C')) {
        let has = |report: &Report| report.findings.iter().any(|found| found.rule == *rule);
        let same = compare(&old, &old);
        assert!(!has(&same), "{}: {same}", rule.id);
        let other = compare(&old, &new(rule.id));
        assert!(has(&other), "{}: {other}", rule.id);
    }
}

#[test]
fn an_older_version_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("now.so");
    fs::write(&path, elf().build().bytes()).expect("written");
    let options = Options::new(Tier::Files).with_against(folder.path().join("absent.so"));
    let report = plugwright_audit::review(&[Target::path(path)], &options);
    let told = report.findings.iter().find(|found| found.rule.id == "A01");
    assert_eq!(told.map(|found| found.severity), Some(Severity::Medium));
}
