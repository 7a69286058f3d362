//! B33: Built from a crate with a known weakness.

use crate::advisories::{Advisories, Advisory};
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_inspect::RustCrate;
use plugwright_manifest::Version;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B33",
    title: "Built from a crate with a known weakness",
    cwe: 1395,
    severity: Severity::High,
    severity_rule: "By the advisory: medium where its CVSS says that no part is harmed wholly and for what is unsound, info for a notice; asked only if advisories are given.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The crates and versions in the section .dep-v0, against the advisories.",
    why: "The fault is public, and so may be how to use it.",
    remedy: "Build it again with a patched version.",
    references: &[
        "https://rustsec.org/",
        "https://github.com/rust-secure-code/cargo-auditable",
    ],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some(advisories) = &file.options.advisories else {
        return 0;
    };
    let mut looked = 0_u64;
    for (image, _) in file.images() {
        for found in &image.headers.crates {
            looked = looked.saturating_add(1);
            for (advisory, version) in matching(advisories, found) {
                if advisory.informational.as_deref() == Some("unmaintained") {
                    continue;
                }
                sink.report_as(
                    severity(advisory),
                    "it is built from a crate with a known weakness",
                )
                .with("crate", format!("{} {version}", found.name).as_str())
                .with("advisory", advisory.id.as_str())
                .with("patched in", advisory.patched_text.as_str());
            }
        }
    }
    looked
}

/// The advisories for a crate of an image, with its version.
pub(super) fn matching<'a>(
    advisories: &'a Advisories,
    found: &RustCrate,
) -> Vec<(&'a Advisory, Version)> {
    // What the build alone needed is not in the image.
    let version = found
        .version
        .to_str()
        .and_then(|version| version.parse::<Version>().ok());
    let name = found.name.to_str().filter(|_| !found.build_only);
    let Some((name, version)) = name.zip(version) else {
        return Vec::new();
    };
    let all = advisories.of(name, &version);
    all.map(|advisory| (advisory, version.clone())).collect()
}

fn severity(advisory: &Advisory) -> Severity {
    match (advisory.informational.as_deref(), &advisory.cvss) {
        (Some("notice"), _) => Severity::Info,
        (Some(_), _) => Severity::Medium,
        (None, Some(vector)) => {
            let harmed = ["/C:H", "/I:H", "/A:H", "/VC:H", "/VI:H", "/VA:H"];
            if harmed.iter().any(|part| vector.contains(part)) {
                Severity::High
            } else {
                Severity::Medium
            }
        }
        (None, None) => Severity::High,
    }
}
