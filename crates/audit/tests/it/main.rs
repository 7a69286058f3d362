//! The review on made objects.

#[cfg(unix)]
mod changes;
mod closures;
mod comparisons;
#[cfg(unix)]
mod deployments;
mod pages;
#[cfg(unix)]
mod processes;
mod rules;
mod schemas;
#[cfg(unix)]
mod signatures;
#[cfg(unix)]
mod texts;

use std::fs;

use std::path::PathBuf;

use plugwright_audit::{
    Options, Pillar, RULES, Report, Severity, Target, Tier, Verdict, cwe, rule,
};

/// A review of paths, of files by themselves.
fn review(paths: &[PathBuf]) -> Report {
    let targets: Vec<Target> = paths.iter().cloned().map(Target::from).collect();
    plugwright_audit::review(&targets, &Options::new(Tier::Files))
}

#[test]
fn every_rule_maps_to_a_weakness_that_may_be_mapped_to() {
    for rule in RULES {
        let weakness = rule
            .weakness()
            .unwrap_or_else(|| panic!("{}: CWE-{}", rule.id, rule.cwe));
        let allowed = matches!(
            weakness.usage,
            cwe::Usage::Allowed | cwe::Usage::AllowedWithReview
        );
        // No child of 693 fits missing mitigations of a platform.
        assert!(
            allowed || rule.cwe == 693,
            "{}: {:?}",
            rule.id,
            weakness.usage
        );
        assert!(cwe::pillar(rule.cwe) == Some(rule.pillar()), "{}", rule.id);
        assert!(rule.page().starts_with(&format!("# {}: ", rule.id)));
    }
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted());
    assert_eq!(rule("x99"), None);
    assert_eq!(rule("b01").map(|rule| rule.id), Some("B01"));
}

#[test]
fn a_report_goes_through_all_pillars_and_counts_what_came_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = plugwright_testkit::elf::ElfBuilder::x86_64()
        .soname("liba.so")
        .build();
    fs::write(folder.path().join("liba.so"), good.bytes()).expect("written");
    fs::write(folder.path().join("readme"), "text").expect("written");
    let report = review(&[folder.path().to_owned(), folder.path().join("absent")]);
    assert_eq!(
        report
            .pillars
            .iter()
            .map(|pillar| pillar.id)
            .collect::<Vec<_>>(),
        Pillar::ALL
    );
    assert_eq!((report.targets[0].files, report.targets[0].images), (2, 1));
    assert_eq!((report.targets[1].files, report.targets[1].unread), (1, 1));
    let comparison = &report.pillars[6];
    assert_eq!(
        (comparison.verdict, comparison.reason.as_deref()),
        (
            Verdict::NotApplicable,
            Some("its rules are about source code")
        )
    );
    assert_eq!(report.pillars[3].verdict, Verdict::NoFinding);
    assert_eq!(report.assessment.worst, Some(Severity::Medium));
    let text = report.to_string();
    assert!(
        text.contains("CWE-682 Incorrect Calculation: no finding"),
        "{text}"
    );
    assert!(text.contains("not examined: "), "{text}");
}

#[test]
fn hostile_names_stay_within_the_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.so");
    let object = plugwright_testkit::elf::ElfBuilder::x86_64()
        .soname("a\n\u{1b}[2J\u{202e}b")
        .build();
    fs::write(&path, object.bytes()).expect("written");
    let text = review(&[path]).to_string();
    assert!(text.contains(r"a\n\u{1b}[2J\u{202e}b"), "{text}");
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text}"
    );
}

/// Files that tell something of every rule about one file, and a folder of them.
#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, bytes) in rules::failing().into_iter().enumerate() {
        let below = folder.path().join(format!("{}", number % 5));
        fs::create_dir_all(&below).expect("made");
        fs::write(below.join(format!("lib{number}.so")), bytes).expect("written");
    }
    let with = |threads| {
        let options = Options::new(Tier::Closure).with_threads(threads);
        let report = plugwright_audit::review(&[Target::path(folder.path())], &options);
        assert!(report.findings.len() > 30, "{report}");
        serde_json::to_string(&report).expect("JSON")
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(7));
}
