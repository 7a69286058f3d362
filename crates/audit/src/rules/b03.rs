//! B03: Run path in a folder that is not the system's.

use std::path::Path;

use super::run_path::elements;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B03",
    title: "Run path in a folder that is not the system's",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Medium for a folder of a build and for one that is not there; critical in a program that runs as its owner.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO],
    looked_at: "Every element of DT_RPATH, DT_RUNPATH and LC_RPATH, with its .. steps taken, and whether it is there.",
    why: "In /tmp, /var/tmp, /dev/shm and another user's home somebody else can put a library where the loader looks first; so can whoever is the first to make a folder that is missing.",
    remedy: "Remove the element; it is mostly left over from a build.",
    references: &["ld.so(8)", "https://wiki.debian.org/RpathIssue"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut look = |tag: &'static str, text: &[u8], offset: Option<u64>| {
        looked = looked.saturating_add(1);
        if let Some((severity, what)) = judge(text) {
            let title = format!("the run path names {what}");
            sink.report_as(severity, title).at(tag, text, offset);
        }
    };
    let elf = file.elf().into_iter();
    for element in elf.flat_map(|(image, elf)| elements(image, elf)) {
        look(element.tag, element.text, element.offset);
    }
    for path in file.macho().flat_map(|(_, facts)| &facts.run_paths) {
        look("LC_RPATH", path.as_bytes(), None);
    }
    looked
}

fn judge(element: &[u8]) -> Option<(Severity, &'static str)> {
    let folder = super::run_path::plain(element);
    let below = |top: &str| {
        folder
            .strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let has = |step: &str| folder.split('/').any(|found| found == step);
    if ["tmp", "var/tmp", "dev/shm", "private/tmp"]
        .into_iter()
        .any(below)
    {
        Some((Severity::High, "a folder that everyone can write"))
    } else if ["home", "Users"].into_iter().any(below) {
        Some((Severity::High, "a folder in a user's home"))
    } else if ["build", "builds", "target", "CMakeFiles"]
        .into_iter()
        .any(has)
    {
        Some((Severity::Medium, "a folder of a build"))
    } else if element.starts_with(b"/")
        && matches!(Path::new("/").join(&folder).try_exists(), Ok(false))
    {
        Some((Severity::Medium, "a folder that is not there"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_apart() {
        #[track_caller]
        fn check(element: &str, expected: Option<Severity>) {
            let found = judge(element.as_bytes()).map(|(severity, _)| severity);
            assert_eq!(found, expected, "{element}");
        }
        check("/tmp", Some(Severity::High));
        check("/tmpfiles/../usr", None);
        check("$ORIGIN/../../../tmp/x", Some(Severity::High));
        check("/home/somebody/lib", Some(Severity::High));
        check("/usr/lib/../../srv/build/lib", Some(Severity::Medium));
        check("/nowhere/at/all", Some(Severity::Medium));
        check("$ORIGIN/../lib", None);
    }
}
