//! A failing and a passing folder for each rule about deployments.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use plugwright_audit::{Finding, Options, RULES, Report, Severity, SubjectKind, Target, Tier};
use plugwright_testkit::elf::ElfBuilder;

use crate::rules::plugin as plugin_bytes;

fn library(soname: &str) -> Vec<u8> {
    ElfBuilder::x86_64().soname(soname).build().into_bytes()
}

fn write(path: &Path, contents: &[u8], mode: u32) {
    fs::write(path, contents).expect("written");
    chmod(path, mode);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

/// Makes a folder with one good library, and in it what the rule is to tell of.
fn fail(id: &str, folder: &Path) -> bool {
    let file = folder.join("liba.so.1");
    match id {
        "B08" => write(&folder.join("liba-2.so"), &library("liba.so.1"), 0o644),
        "D01" => chmod(&file, 0o666),
        "D02" => chmod(folder, 0o777),
        "D03" => {
            // Root alone may give files away; another user cannot make the failing folder.
            if std::os::unix::fs::chown(&file, Some(12345), None).is_err() {
                return false;
            }
        }
        "D04" => symlink("/etc/passwd", folder.join("libout.so")).expect("linked"),
        "D05" => {
            let elsewhere = folder.parent().expect("a folder above").join("elsewhere");
            fs::hard_link(&file, elsewhere).expect("linked");
        }
        "D06" | "D07" | "D08" | "D09" | "D11" | "D12" => return signing(id, folder),
        "D13" => {
            write(&folder.join("libb.so"), &plugin_bytes(), 0o644);
            write(&folder.join("libc.so"), &plugin_bytes(), 0o644);
        }
        "D14" => write(&folder.join("LIBA.so.1"), &library("other"), 0o644),
        "D15" => write(
            &folder.join("AppRun"),
            b"#!/bin/sh\nLD_LIBRARY_PATH=/opt/lib: exec app\n",
            0o755,
        ),
        "D16" => {
            fs::create_dir(folder.join("etc")).expect("made");
            write(&folder.join("etc/ld.so.preload"), b"/opt/spy.so\n", 0o644);
        }
        "D17" => write(&folder.join("qt.conf"), b"[Paths]\n", 0o666),
        "D18" => {
            let program = ElfBuilder::x86_64()
                .import("dlopen", None)
                .relocation(6, Some("dlopen"), 0)
                .section(".interp", 2, b"/lib64/ld-linux-x86-64.so.2\0")
                .build();
            let mut program = program;
            program.set_header(plugwright_testkit::elf::EhdrField::Type, 2);
            write(&folder.join("program"), &program.into_bytes(), 0o4755);
        }
        "D19" => chmod(&file, 0o4755),
        "D20" => write(&folder.join("readme"), b"text", 0o666),
        "D21" => write(
            &folder.join("install.reg"),
            b"\"ImagePath\"=\"C:\\\\Program Files\\\\App\\\\service.exe\"\n",
            0o644,
        ),
        "D22" => write(&folder.join("liba.so.bak"), &library("liba.so.bak"), 0o644),
        _ => panic!("{id} has no failing folder"),
    }
    true
}

/// Has something speak for the plugin of the folder, wrongly.
fn signing(id: &str, folder: &Path) -> bool {
    let plugin = folder.join("libplugin.so");
    write(&plugin, &plugin_bytes(), 0o644);
    let file = |name: &str, digest: &str| {
        format!("version = 1\n\n[[file]]\npath = \"{name}\"\nsize = 1\ndigest = \"{digest}\"\n")
    };
    let digest = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    let bundle = folder.join("plugwright.bundle");
    match id {
        "D06" => write(&bundle, file("libother.so", digest).as_bytes(), 0o644),
        "D07" => {}
        "D08" => write(&bundle, file("libplugin.so", digest).as_bytes(), 0o644),
        "D09" => write(&folder.join("libplugin.so.minisig"), b"no signature", 0o644),
        "D12" => {
            let lock = "version = 1\n\n[[plugin]]\nid = \"org.example.a\"\nversion = \"2.0.0\"\n";
            write(&folder.join("plugwright.lock"), lock.as_bytes(), 0o644);
        }
        // A signature that is good and past its end takes a key to sign with, which the tests of the witness have.
        _ => return false,
    }
    true
}

fn review(folder: &Path) -> Report {
    let options = Options::new(Tier::Files).with_system_root(folder.to_owned());
    plugwright_audit::review(&[Target::path(folder)], &options)
}

fn of<'r>(report: &'r Report, id: &str) -> Option<&'r Finding> {
    report.findings.iter().find(|finding| finding.rule.id == id)
}

#[test]
fn each_rule_tells_its_folder_and_passes_the_other() {
    for rule in RULES {
        let is_deployment = rule.kinds.contains(&SubjectKind::Deployment);
        if !is_deployment && rule.id != "B08" {
            continue;
        }
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("plugins");
        fs::create_dir(&folder).expect("made");
        chmod(&folder, 0o755);
        write(&folder.join("liba.so.1"), &library("liba.so.1"), 0o644);
        let script = b"#!/bin/sh\nLD_LIBRARY_PATH=/opt/lib exec app\n";
        write(&folder.join("start"), script, 0o755);
        assert_eq!(of(&review(&folder), rule.id), None, "{}", rule.id);
        if fail(rule.id, &folder) {
            let report = review(&folder);
            assert!(of(&report, rule.id).is_some(), "{}: {report}", rule.id);
        }
    }
}

#[test]
fn a_name_of_the_systems_is_worse_under_another_file_name() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        &folder.path().join("libspy.so"),
        &library("libc.so.6"),
        0o644,
    );
    let report = review(folder.path());
    let Some(finding) = of(&report, "B08") else {
        // A system without glibc's cache has no such name.
        return;
    };
    assert_eq!(finding.severity, Severity::Critical);
    assert!(finding.evidence[0].offset.is_some());
}

#[test]
fn links_are_counted_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        &folder.path().join("liba.so.1"),
        &library("liba.so.1"),
        0o644,
    );
    symlink("liba.so.1", folder.path().join("liba.so")).expect("linked");
    symlink("nowhere", folder.path().join("libb.so")).expect("linked");
    let report = review(folder.path());
    let target = &report.targets[0];
    assert_eq!((target.entries, target.files, target.links), (4, 1, 2));
    let told = report.context.iter().any(|note| {
        note.text == "1 links lead to what is reviewed here, 0 out of the folder, 1 nowhere"
    });
    assert!(told, "{:?}", report.context);
    assert_eq!(
        of(&report, "D04").map(|found| found.severity),
        Some(Severity::Info)
    );
}

/// A folder with a program that looks into `lib`, and in `lib` and `spare` the same library with an executable stack.
fn with_program(folder: &Path, program: ElfBuilder) {
    let mut program = program
        .runpath("$ORIGIN/../lib")
        .section(".interp", 2, b"/lib64/ld-linux-x86-64.so.2\0")
        .build();
    program.set_header(plugwright_testkit::elf::EhdrField::Type, 2);
    let mut library = ElfBuilder::x86_64().soname("liba.so.1").build();
    let stack = library.segment(0x6474_e551, 0);
    library.set_segment(stack, plugwright_testkit::elf::PhdrField::Flags, 7);
    for name in ["bin", "lib", "spare"] {
        fs::create_dir_all(folder.join(name)).expect("made");
        chmod(&folder.join(name), 0o755);
    }
    chmod(folder, 0o755);
    write(&folder.join("bin/app"), program.bytes(), 0o755);
    write(&folder.join("lib/liba.so.1"), library.bytes(), 0o644);
    write(&folder.join("spare/liba.so.1"), library.bytes(), 0o644);
}

#[test]
fn a_library_outside_of_every_search_path_is_milder() {
    let severities = |folder: &Path| {
        let report = review(folder);
        let stacks = report
            .findings
            .iter()
            .filter(|found| found.rule.id == "B10");
        let mut stacks: Vec<_> = stacks
            .map(|found| {
                (
                    found.target.to_string(),
                    found.severity,
                    found.adjusted.clone(),
                )
            })
            .collect();
        stacks.sort();
        let [(_, searched, None), (_, spare, why)] = &stacks[..] else {
            panic!("{report}")
        };
        assert_eq!(why.is_some(), spare != searched, "{report}");
        (*searched, *spare)
    };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    with_program(folder, ElfBuilder::x86_64());
    assert_eq!(severities(folder), (Severity::High, Severity::Medium));
    // Who opens libraries by itself can open any.
    let opens = ElfBuilder::x86_64().import("dlopen", None);
    with_program(folder, opens.relocation(6, Some("dlopen"), 0));
    assert_eq!(severities(folder), (Severity::High, Severity::High));
    // So can what sets the folders that are searched.
    with_program(folder, ElfBuilder::x86_64());
    let script = b"#!/bin/sh\nLD_LIBRARY_PATH=/opt/app/spare exec bin/app\n";
    write(&folder.join("start"), script, 0o755);
    assert_eq!(severities(folder), (Severity::High, Severity::High));
    // Without a program nothing is known of who loads them.
    fs::remove_file(folder.join("start")).expect("removed");
    fs::remove_file(folder.join("bin/app")).expect("removed");
    assert_eq!(severities(folder), (Severity::High, Severity::High));
}
