//! P10: System module from inside of a foreign root.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ProcessSubject, shown};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "P10",
    title: "System module from inside of a foreign root",
    cwe: 829,
    severity: Severity::Critical,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Process],
    looked_at: "The root of the process, and its modules of NSS, iconv and PAM.",
    why: "A privileged process that looks up a name inside of a container's files loads the container's module and runs it with its own rights.",
    remedy: "Load the modules before entering the root, or do not enter it (docker cp was mended so).",
    references: &["CVE-2019-14271"],
    check: Check::Process(check),
};

fn check(subject: &ProcessSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some(root) = &subject.process.other_root else {
        return 1;
    };
    let mut looked = 1_u64;
    for (_, path) in subject.process.code() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = path.to_string_lossy();
        let is_module =
            name.starts_with("libnss_") || name.starts_with("pam_") || text.contains("/gconv/");
        if !is_module {
            continue;
        }
        looked = looked.saturating_add(1);
        if subject.process.is_privileged() {
            sink.report("a privileged process loaded a system module from inside of another root")
                .with("module", shown(&path))
                .with("root", shown(root));
        }
    }
    looked
}
