//! B28: Made for another toolchain or another version than what is here.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::ClosureSubject;
use plugwright_inspect::closure::ClosureProblemKind;
use plugwright_inspect::{QtMetadata, Untrusted};
use plugwright_trust::Severity;
use std::collections::BTreeMap;

pub(crate) static RULE: Rule = Rule {
    id: "B28",
    title: "Made for another toolchain or another version than what is here",
    cwe: 439,
    severity: Severity::Medium,
    severity_rule: "Low for two versions of one library whose names of symbols differ.",
    kinds: &[SubjectKind::Elf],
    looked_at: "Versions of symbols that it needs, Qt's version and build, the target of a plugin's record, and two versions of one library among all that it brings in.",
    why: "Two libraries that are right alone share objects whose layout they do not agree on.",
    remedy: "Build it with the toolchain and the libraries of its host.",
    references: &[
        "https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html",
    ],
    check: Check::Closure(check),
};

fn check(subject: &ClosureSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let closure = subject.closure;
    let versions = closure.problems.iter();
    let versions = versions.filter(|problem| problem.kind == ClosureProblemKind::MissingVersion);
    for problem in versions.filter(|problem| subject.is_program || problem.index == 0) {
        sink.report("a version of symbols that it needs is not defined here")
            .with("version", problem.version.clone().unwrap_or_default())
            .with("library", problem.library.clone().unwrap_or_default())
            .with("needed by", problem.image.clone());
    }
    let images = || closure.images.iter().filter(|image| image.path.is_some());
    let mut families: BTreeMap<&str, &Untrusted> = BTreeMap::new();
    for image in images().skip(1) {
        let Some((family, _)) = image.name.to_str().and_then(split) else {
            continue;
        };
        if let Some(first) = families.insert(family, &image.name) {
            sink.report_as(Severity::Low, "it brings in two versions of one library")
                .with("library", first.clone())
                .with("library", image.name.clone());
        }
    }
    let has =
        |start: &str| images().find(|image| image.name.as_bytes().starts_with(start.as_bytes()));
    let pairs = [
        ("libQt5Core.so", "libQt6Core.so"),
        ("libstdc++.so", "libc++.so"),
        ("libgtk-x11-2.0.so", "libgtk-3.so"),
    ];
    for (one, other) in pairs {
        if let (Some(one), Some(other)) = (has(one), has(other)) {
            sink.report("it brings in two libraries that cannot share a process")
                .with("library", one.name.clone())
                .with("library", other.name.clone());
        }
    }
    for image in &subject.scan.images {
        if let Some((major, minor)) = image
            .headers
            .image
            .qt
            .as_ref()
            .and_then(QtMetadata::qt_version)
        {
            let other = if major == 6 {
                "libQt5Core.so"
            } else {
                "libQt6Core.so"
            };
            if let Some(core) = has(other) {
                sink.report(
                    "its metadata is of one major version of Qt and its libraries are of another",
                )
                .with("metadata", format!("Qt {major}.{minor}").as_str())
                .with("library", core.name.clone());
            }
        }
        for record in &image.headers.image.records {
            let built = record
                .summary
                .build
                .target
                .split('-')
                .next()
                .unwrap_or_default();
            let machine = image
                .headers
                .image
                .target
                .machine
                .to_string()
                .replace('-', "_");
            let same = built == machine || (built.starts_with('i') && machine == "x86");
            if !same && built.starts_with("x86_64") != machine.starts_with("x86_64") {
                sink.report("its record is of another processor than its code")
                    .with("record", record.summary.build.target.as_str())
                    .with("code", machine.as_str());
            }
        }
    }
    u64::try_from(closure.images.len()).unwrap_or(u64::MAX)
}

/// A SONAME as the library's own name and its version.
fn split(name: &str) -> Option<(&str, &str)> {
    let (family, version) = name.split_once(".so.")?;
    Some((family.rsplit('/').next()?, version))
}
