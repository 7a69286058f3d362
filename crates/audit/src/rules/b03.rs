//! B03: Run path in a folder that is not the system's.

use std::path::Path;

use super::run_path::{self, elements};
use crate::finding::Sink;
use crate::options::Options;
use crate::os;
use crate::ownership::Ownership;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B03",
    title: "Run path in a folder that is not the system's",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Medium for a folder of a build and for one that is not there, unless others can make it; critical in a program that runs as its owner.",
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
        if let Some((severity, what)) = judge(text, file.options) {
            let title = format!("the run path names {what}");
            sink.report_as(severity, title).at(tag, text, offset);
        }
    };
    let elf = file.elf().into_iter();
    for element in elf.flat_map(|(image, elf)| elements(image, elf)) {
        look(element.tag, element.text, element.offset);
    }
    for (path, at) in run_path::of_macho(file) {
        look("LC_RPATH", path.as_bytes(), Some(at));
    }
    looked
}

fn judge(element: &[u8], options: &Options) -> Option<(Severity, &'static str)> {
    let folder = run_path::plain(element);
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
    } else if element.starts_with(b"/")
        && let path = Path::new("/").join(&folder)
        && matches!(path.try_exists(), Ok(false))
    {
        Some(if can_be_made(&path, &Ownership::new(options)) {
            (
                Severity::High,
                "a folder that is not there, and that others can make",
            )
        } else {
            (Severity::Medium, "a folder that is not there")
        })
    } else if ["build", "builds", "target", "CMakeFiles"]
        .into_iter()
        .any(has)
    {
        Some((Severity::Medium, "a folder of a build"))
    } else {
        None
    }
}

/// Whether others can write the nearest folder above that is there.
fn can_be_made(path: &Path, ownership: &Ownership) -> bool {
    let mut above = path.ancestors().skip(1);
    let stat = above.find_map(|above| Some(os::stat(&std::fs::metadata(above).ok()?)));
    stat.is_some_and(|stat| !ownership.trusts(stat.uid) || ownership.other_writers(&stat).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Tier;

    #[test]
    fn folders_are_told_apart() {
        #[track_caller]
        fn check(element: &str, expected: Option<Severity>) {
            let options = Options::new(Tier::Files);
            let found = judge(element.as_bytes(), &options).map(|(severity, _)| severity);
            assert_eq!(found, expected, "{element}");
        }
        check("/tmp", Some(Severity::High));
        check("/tmpfiles/../usr", None);
        check("$ORIGIN/../../../tmp/x", Some(Severity::High));
        check("/home/somebody/lib", Some(Severity::High));
        check("/usr/lib/../../srv/build/lib", Some(Severity::Medium));
        check("/nowhere/at/all", Some(Severity::Medium));
        check("$ORIGIN/../lib", None);
        check("$ORIGIN/build/lib", Some(Severity::Medium));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_make_is_worse() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("one/two");
        let ownership = Ownership::new(&Options::new(Tier::Files));
        for (mode, expected) in [(0o755, false), (0o777, true), (0o1777, true)] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path(), mode).expect("set");
            assert_eq!(can_be_made(&missing, &ownership), expected);
        }
    }
}
