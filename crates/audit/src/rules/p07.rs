//! P07: Mapped library that the folder's manifest does not list.

use super::signing;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, shown};
use plugwright_trust::Bundle;
use plugwright_trust::Severity;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) static RULE: Rule = Rule {
    id: "P07",
    title: "Mapped library that the folder's manifest does not list",
    cwe: 829,
    severity: Severity::High,
    severity_rule: "Raised in a privileged process.",
    kinds: &[SubjectKind::Process],
    looked_at: "Every mapped library that lies below a bundle manifest, against that manifest.",
    why: "Somebody who could write the folder added code that nobody released.",
    remedy: "Remove it, or have it listed and signed.",
    references: &["docs/plugins.md"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut known: BTreeMap<PathBuf, Option<Bundle>> = BTreeMap::new();
    for (_, path) in subject.process.code() {
        let Some(folder) = path.parent() else {
            continue;
        };
        let nearest = folder.ancestors().take(DEPTH).find_map(|folder| {
            let bundle = known
                .entry(folder.to_owned())
                .or_insert_with(|| signing::bundle(&subject.outside(folder)));
            bundle.clone().map(|bundle| (folder.to_owned(), bundle))
        });
        let Some((folder, bundle)) = nearest else {
            continue;
        };
        looked = looked.saturating_add(1);
        let below = path.strip_prefix(&folder).unwrap_or(&path);
        if !bundle
            .files
            .iter()
            .any(|file| Path::new(&file.path) == below)
        {
            sink.report("a mapped library is not listed in the bundle manifest of its folder")
                .with("mapped file", shown(&path))
                .with("folder of the manifest", shown(&folder));
        }
    }
    looked
}

/// Folders above a library in which a manifest is looked for.
const DEPTH: usize = 3;
