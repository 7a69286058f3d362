//! D12: Older than what was accepted already.

use super::signing::Signing;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_manifest::Version;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D12",
    title: "Older than what was accepted already",
    cwe: 672,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The version of every plugin, against the lock file beside it.",
    why: "An older release brings back its faults, with a signature that is still good.",
    remedy: "Install the version that the lock file names.",
    references: &["docs/plugins.md"],
    check: Check::Signing(check),
};

fn check(signing: &Signing<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for file in &signing.files {
        for (id, version) in file.plugins {
            let Ok(version) = version.parse::<Version>() else {
                continue;
            };
            let floor = signing.locks.iter().flat_map(|lock| lock.versions(id));
            let Some(floor) = floor.map(|locked| &locked.version).min() else {
                continue;
            };
            looked = looked.saturating_add(1);
            if version < *floor {
                sink.report_about(
                    file.path,
                    Severity::High,
                    "the plugin is older than the lock file says",
                )
                .with("id and version", format!("{id} {version}").as_str())
                .with("locked", floor.to_string().as_str());
            }
        }
    }
    looked
}
