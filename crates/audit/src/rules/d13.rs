//! D13: Two files claim to be one plugin.

use crate::deployment::{Deployment, Summary};
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::shown;
use plugwright_trust::Severity;
use std::collections::BTreeMap;

pub(crate) static RULE: Rule = Rule {
    id: "D13",
    title: "Two files claim to be one plugin",
    cwe: 694,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The ids of all plugins below the folder.",
    why: "Which of them a program gets depends on the order of a search; a newcomer can take another's place.",
    remedy: "Keep one of them.",
    references: &["ARCHITECTURE.md"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut first: BTreeMap<&str, (&Summary, &str)> = BTreeMap::new();
    for library in deployment.libraries {
        for (id, version) in &library.plugins {
            looked = looked.saturating_add(1);
            let Some((other, of)) = first.get(id.as_str()) else {
                first.insert(id, (library, version));
                continue;
            };
            if other.stat.inode == library.stat.inode && other.stat.device == library.stat.device {
                continue;
            }
            sink.report_about(
                &library.path,
                Severity::High,
                "another file claims to be the same plugin",
            )
            .with("id and version", format!("{id} {version}").as_str())
            .with("the other", shown(&other.path))
            .with("its version", *of);
        }
    }
    looked
}
