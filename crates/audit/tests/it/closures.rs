//! What files bring in.

use std::fs;

use plugwright_audit::{Options, Report, Severity, Target, TargetKind, Tier};
use plugwright_testkit::elf::{EhdrField, ElfBuilder};

fn review(file: &[u8]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("liba.so");
    fs::write(&path, file).expect("written");
    plugwright_audit::review(&[Target::path(path)], &Options::new(Tier::Closure))
}

fn has(report: &Report, id: &str) -> bool {
    report.findings.iter().any(|finding| finding.rule.id == id)
}

#[test]
fn what_is_nowhere_is_told() {
    let elf = || ElfBuilder::x86_64().soname("liba.so");
    let good = review(elf().build().bytes());
    assert!(!has(&good, "B27"), "{good}");
    // Whether a library is found is this system's answer, which there is for its own processor only.
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let missing = review(elf().needed("libnowhere.so.9").build().bytes());
        assert!(has(&missing, "B27"), "{missing}");
        assert_eq!(missing.loads.len(), 1);
        let undefined = elf().import("nobody_defines_this", None);
        let undefined = undefined.relocation(6, Some("nobody_defines_this"), 0);
        assert!(has(&review(undefined.build().bytes()), "B27"));
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
fn a_version_that_is_not_here_is_told() {
    let builder = |version| {
        let needed = ElfBuilder::x86_64().soname("liba.so").needed("libc.so.6");
        let import = needed.import("malloc", Some(("libc.so.6", version)));
        import.relocation(6, Some("malloc"), 0).build()
    };
    let good = review(builder("GLIBC_2.2.5").bytes());
    assert!(!has(&good, "B28"), "{good}");
    let newer = review(builder("GLIBC_9.99").bytes());
    assert!(has(&newer, "B28"), "{newer}");
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn a_program_is_reviewed_with_all_that_it_brings_in() {
    let program = std::env::current_exe().expect("this program");
    let report = plugwright_audit::review(&[Target::path(program)], &Options::new(Tier::Closure));
    let target = &report.targets[0];
    assert_eq!(target.kind, TargetKind::Program);
    assert!(target.files > 1, "{target:?}");
    assert!(report.loads.iter().any(|load| load.path.is_some()));
}

#[test]
fn a_program_misses_symbols_more_than_a_library() {
    let mut program = ElfBuilder::x86_64()
        .import("nobody_defines_this", None)
        .relocation(6, Some("nobody_defines_this"), 0)
        .build();
    program.set_header(EhdrField::Type, 2);
    let report = review(program.bytes());
    assert_eq!(report.targets[0].kind, TargetKind::Program);
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let mut findings = report.findings.iter();
        let found = findings.find(|finding| finding.rule.id == "B27");
        assert_eq!(
            found.map(|finding| finding.severity),
            Some(Severity::Medium)
        );
    }
}
