//! D03: Owned by a user who is not trusted.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::os::Stat;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use crate::walk::EntryKind;
use plugwright_trust::Severity;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "D03",
    title: "Owned by a user who is not trusted",
    cwe: 708,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The owner of every file that is loaded, of its folder, and of every folder above.",
    why: "An owner can change the file, or its mode, whenever it likes.",
    remedy: "Give it to root or to the user who runs the program; or say that its owner is trusted.",
    references: &["CVE-2024-27903"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let is_above = |path: &Path| deployment.on_the_way.contains(path);
    let mut look = |path: &Path, stat: &Stat, what: &str| {
        looked = looked.saturating_add(1);
        if !deployment.ownership.trusts(stat.uid) {
            let title = format!("{what} belongs to user {}, who is not trusted", stat.uid);
            sink.report_about(path, Severity::High, title)
                .with("owner and mode", in_words(stat).as_str());
        }
    };
    let files = deployment.loadable();
    for entry in files.filter(|entry| entry.kind == EntryKind::File) {
        look(&entry.path, &entry.stat, "the file");
    }
    let folders = deployment.entries.iter();
    let folders = folders.filter(|entry| entry.kind == EntryKind::Folder);
    for entry in folders.filter(|entry| is_above(&entry.path)) {
        look(&entry.path, &entry.stat, "the folder");
    }
    for (path, stat) in deployment.ancestors {
        look(path, stat, "a folder above");
    }
    looked
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::PathBuf;

    use super::*;
    use crate::context::Context;
    use crate::options::{Options, Tier};
    use crate::ownership::Ownership;
    use crate::system::System;
    use crate::walk::Entry;

    /// Only root could give a file to somebody else, so that the owners are made up here.
    #[test]
    fn a_stranger_who_owns_the_file_its_folder_or_one_above_is_told() {
        #[track_caller]
        fn check(file: u32, folder: u32, above: u32, expected: &[&str]) {
            let options = Options::new(Tier::Files);
            let entry = |path: &str, kind, uid| Entry {
                path: path.into(),
                kind,
                stat: Stat {
                    uid,
                    ..Stat::default()
                },
            };
            let entries = [
                entry("/opt/app", EntryKind::Folder, folder),
                entry("/opt/app/liba.so", EntryKind::File, file),
            ];
            let ancestor = entry("/opt", EntryKind::Folder, above);
            let ancestors: [(PathBuf, Stat); 1] = [(ancestor.path, ancestor.stat)];
            let on_the_way = HashSet::from([Path::new("/opt/app"), Path::new("/opt")]);
            let deployment = Deployment {
                root: Path::new("/opt/app"),
                given: None,
                entries: &entries,
                ancestors: &ancestors,
                libraries: &[],
                loadable: &[false, true],
                on_the_way: &on_the_way,
                system: &System::default(),
                ownership: &Ownership::new(&options),
            };
            let mut found = Vec::new();
            let (target, context) = ("x".into(), Context::default());
            let mut sink = Sink::new(&RULE, &target, &context, &mut found);
            assert_eq!(super::check(&deployment, &mut sink), 3);
            let found: Vec<String> = found.iter().map(|found| found.target.to_string()).collect();
            assert_eq!(found, expected);
        }
        const STRANGER: u32 = 3_999_999_999;
        check(0, 0, 0, &[]);
        check(STRANGER, 0, 0, &["/opt/app/liba.so"]);
        check(0, STRANGER, 0, &["/opt/app"]);
        check(0, 0, STRANGER, &["/opt"]);
    }
}
