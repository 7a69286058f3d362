//! D04: Link that leads out of the folder.

use crate::deployment::Deployment;
use crate::deployment::claims_to_be_a_library;
use crate::finding::Sink;
use crate::os;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::shown;
use crate::walk::EntryKind;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D04",
    title: "Link that leads out of the folder",
    cwe: 59,
    severity: Severity::Low,
    severity_rule: "High where others can write what it leads to, or the folder in which that lies; info for a link that leads nowhere.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Every link below the folder, where it leads, and who can write there.",
    why: "What is reviewed, signed and backed up is the folder; what is loaded through the link is something else.",
    remedy: "Put the file itself into the folder.",
    references: &["CVE-2024-27903"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for entry in deployment.entries {
        let EntryKind::Link(target) = &entry.kind else {
            continue;
        };
        looked = looked.saturating_add(1);
        let Some(target) = target else {
            // Only what would be loaded is missed by somebody.
            if claims_to_be_a_library(&entry.path) {
                sink.report_about(&entry.path, Severity::Info, "the link leads nowhere");
            }
            continue;
        };
        if target.starts_with(deployment.root) {
            continue;
        }
        let writers = [Some(target.as_path()), target.parent()]
            .into_iter()
            .flatten();
        let mut writers = writers.filter_map(|path| {
            let stat = os::stat(&std::fs::metadata(path).ok()?);
            let foreign = !deployment.ownership.trusts(stat.uid);
            let open = deployment.ownership.other_writers(&stat).is_some();
            (foreign || open).then_some((path, stat))
        });
        let (severity, written) = match writers.next() {
            Some(written) => (Severity::High, Some(written)),
            None => (Severity::Low, None),
        };
        let finding = sink.report_about(&entry.path, severity, "the link leads out of the folder");
        finding.with("leads to", shown(target));
        if let Some((path, stat)) = written {
            let text = format!("{}: {}", shown(path), in_words(&stat));
            finding.with("which others can write", text.as_str());
        }
    }
    looked
}
