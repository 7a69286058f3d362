//! Files, folders and processes that change or end while they are reviewed, at the worst moments: between the listing and the look.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use plugwright_audit::{Options, Pillar, Progress, Report, Severity, Stage, Target, Tier};
use plugwright_testkit::elf::ElfBuilder;

fn library() -> Vec<u8> {
    ElfBuilder::x86_64()
        .soname("liba.so.1")
        .build()
        .into_bytes()
}

/// A review in which `change` happens once, when the stage begins.
fn review(target: Target, top: &Path, stage: Stage, change: impl Fn() + Sync) -> Report {
    let done = AtomicBool::new(false);
    let watch = |progress: Progress| {
        if progress.stage == stage && !done.swap(true, Ordering::Relaxed) {
            change();
        }
    };
    let options = Options::new(Tier::Closure)
        .with_threads(1)
        .with_system_root(top.to_owned());
    let report = plugwright_audit::review_watched(&[target], &options, &watch);
    assert!(done.load(Ordering::Relaxed), "the stage began");
    assert_eq!(report.pillars.len(), Pillar::ALL.len());
    report
}

/// What was not examined: the file's name and why.
fn not_examined(report: &Report) -> Vec<(String, String)> {
    let findings = report.findings.iter();
    let findings = findings.filter(|finding| finding.rule.id == "A01");
    let mut told: Vec<_> = findings
        .map(|finding| {
            let target = finding.target.to_string();
            let name = target.rsplit('/').next().unwrap_or_default().to_owned();
            (name, finding.title.clone())
        })
        .collect();
    told.sort();
    told
}

#[test]
fn files_that_change_between_the_listing_and_the_look_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["cut.so", "gone.so", "linked.so", "pipe.so", "stays.so"] {
        fs::write(at(name), library()).expect("written");
    }
    let report = review(
        Target::path(folder.path()),
        folder.path(),
        Stage::Files,
        || {
            let file = fs::File::options().write(true).open(at("cut.so"));
            file.and_then(|file| file.set_len(100)).expect("cut");
            fs::remove_file(at("gone.so")).expect("removed");
            fs::remove_file(at("linked.so")).expect("removed");
            symlink(at("stays.so"), at("linked.so")).expect("linked");
            fs::remove_file(at("pipe.so")).expect("removed");
            fs::create_dir(at("pipe.so")).expect("made");
        },
    );
    // Each file of the listing is counted, and what cannot be read of it is a finding.
    let target = &report.targets[0];
    assert_eq!((target.entries, target.files, target.unread), (6, 5, 3));
    let told = not_examined(&report);
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["gone.so", "linked.so", "pipe.so"], "{told:?}");
    let cut = |found: &&plugwright_audit::Finding| found.target.to_string().ends_with("cut.so");
    assert!(report.findings.iter().find(cut).is_some(), "{report}");
    assert_eq!(target.images, 2, "{report}");
}

#[test]
fn a_folder_that_goes_away_before_its_surroundings_are_looked_at_is_borne() {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join("plugins");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("liba.so.1"), library()).expect("written");
    let report = review(Target::path(&folder), above.path(), Stage::Targets, || {
        fs::remove_dir_all(&folder).expect("removed");
    });
    assert_eq!((report.targets[0].files, report.targets[0].unread), (1, 0));
}

/// A process below `top/proc` that has mapped one library.
fn process(top: &Path, id: u32) {
    let folder = top.join(format!("proc/{id}"));
    fs::create_dir_all(folder.join("fd")).expect("made");
    let path = top.join("liba.so.1");
    fs::write(&path, library()).expect("written");
    let maps = format!("1000-2000 r-xp 00000000 fe:00 7 {}\n", path.display());
    fs::write(folder.join("maps"), maps).expect("written");
    fs::write(folder.join("status"), "Uid:\t7\t7\t7\t7\n").expect("written");
    fs::write(folder.join("environ"), "").expect("written");
}

#[test]
fn processes_that_end_during_the_review_are_told_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path();
    process(top, 7);
    process(top, 8);
    // One that ended before its memory could be looked at: its folder is empty.
    fs::create_dir(top.join("proc/9")).expect("made");
    let report = review(Target::Processes, top, Stage::Files, || {
        fs::remove_dir_all(top.join("proc/8")).expect("ended");
        fs::remove_file(top.join("liba.so.1")).expect("removed");
    });
    let target = &report.targets[0];
    assert_eq!(report.targets.len(), 1);
    // All three, and the file that two of them share.
    assert_eq!((target.processes, target.files, target.unread), (2, 2, 3));
    let ended = report
        .findings
        .iter()
        .find(|found| found.target.as_bytes() == b"process 9");
    let ended = ended.map(|found| (found.rule.id, found.severity, found.title.as_str()));
    assert_eq!(
        ended,
        Some(("A01", Severity::Info, "not examined: it ended meanwhile"))
    );
}

#[test]
fn what_of_a_process_may_not_be_seen_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path();
    process(top, 7);
    process(top, 8);
    // Whoever runs the tests may read everything; that a folder is no file is an error for everybody.
    let close = |path: &str| {
        fs::remove_file(top.join(path)).expect("removed");
        fs::create_dir(top.join(path)).expect("made");
    };
    close("proc/7/environ");
    close("proc/7/status");
    close("proc/8/maps");
    let report = review(Target::Processes, top, Stage::Files, || {});
    let of = |name: &str| {
        let findings = report.findings.iter();
        let findings = findings
            .filter(|found| found.rule.id == "A01" && found.target.as_bytes() == name.as_bytes());
        findings
            .map(|found| (found.severity, found.title.clone()))
            .collect::<Vec<_>>()
    };
    let [(Severity::Low, one), (Severity::Low, other)] = &of("process 7")[..] else {
        panic!("{report}")
    };
    assert!(
        one.starts_with("not examined: its environment may not be looked at: "),
        "{one}"
    );
    assert!(
        other.starts_with("not examined: its status may not be looked at: "),
        "{other}"
    );
    let [(Severity::Medium, memory)] = &of("process 8")[..] else {
        panic!("{report}")
    };
    assert!(
        memory.starts_with("not examined: its memory may not be looked at: "),
        "{memory}"
    );
}
