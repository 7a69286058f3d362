//! P06: Two libraries of one name in one process.

use crate::deployment::Summary;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, shown};
use plugwright_inspect::Untrusted;
use plugwright_trust::Severity;
use std::collections::BTreeMap;

pub(crate) static RULE: Rule = Rule {
    id: "P06",
    title: "Two libraries of one name in one process",
    cwe: 439,
    severity: Severity::Medium,
    severity_rule: "Low for two versions of a library whose SONAMEs differ.",
    kinds: &[SubjectKind::Process],
    looked_at: "The SONAME of every mapped library.",
    why: "Each part of the process binds to the one that came first in its own search, and they share objects whose layout differs.",
    remedy: "Build all parts against one version, or keep one part in a process of its own.",
    references: &["dlopen(3)"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut named: BTreeMap<&Untrusted, &Summary> = BTreeMap::new();
    let mut families: BTreeMap<&str, &Untrusted> = BTreeMap::new();
    for library in subject.libraries {
        for name in &library.names {
            looked = looked.saturating_add(1);
            if let Some(other) = named.insert(name, library) {
                if (other.stat.device, other.stat.inode)
                    != (library.stat.device, library.stat.inode)
                {
                    sink.report("two mapped libraries have one name")
                        .with("name", name.clone())
                        .with("one", shown(&other.path))
                        .with("the other", shown(&library.path));
                }
                continue;
            }
            let family = name.to_str().and_then(|name| name.split_once(".so."));
            if let Some(first) = family.and_then(|(family, _)| families.insert(family, name)) {
                sink.report_as(Severity::Low, "two versions of one library are mapped")
                    .with("one", first.clone())
                    .with("the other", name.clone());
            }
        }
    }
    looked
}
