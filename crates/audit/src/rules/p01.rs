//! P01: Mapped file that was replaced or deleted.

use crate::finding::Sink;
use crate::os;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, range, shown};
use plugwright_trust::Severity;
use std::io::ErrorKind;

pub(crate) static RULE: Rule = Rule {
    id: "P01",
    title: "Mapped file that was replaced or deleted",
    cwe: 386,
    severity: Severity::Medium,
    severity_rule: "Raised in a privileged process.",
    kinds: &[SubjectKind::Process],
    looked_at: "Device and inode of every file that is mapped to be executed, against what lies at its path now.",
    why: "The process runs other code than what lies there: an update did not reach it, or somebody put the file back after use.",
    remedy: "Restart the process; find out who replaced the file.",
    references: &["proc_pid_map_files(5)"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (mapping, path) in subject.process.code() {
        looked = looked.saturating_add(1);
        let now = std::fs::metadata(subject.outside(&path));
        let now = now.as_ref().map(os::stat);
        let what = match &now {
            Err(error) if error.kind() == ErrorKind::NotFound => "is deleted",
            // What may not be seen is told by the reviewer where it is read.
            Err(_) => continue,
            Ok(now) => {
                // Which file is mapped the link to it tells, device and all, where it may be followed. The number in the list of
                // mappings is that of the file system below on some systems (btrfs, overlays), and numbers repeat on others.
                let same = match mapping.file {
                    Some(file) => (file.device, file.inode) == (now.device, now.inode),
                    None => mapping.inode == now.inode,
                };
                if same {
                    continue;
                }
                "was replaced"
            }
        };
        let finding = sink.report(format!("a file that is mapped to be executed {what}"));
        finding
            .at("path", shown(&path), None)
            .with("mapped at", range(mapping).as_str())
            .with("mapped inode", mapping.inode.to_string().as_str());
        if let Ok(now) = now {
            finding.with("inode now", now.inode.to_string().as_str());
        }
    }
    looked
}
