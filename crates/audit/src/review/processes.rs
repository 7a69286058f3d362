//! Live processes as targets: their mapped files as work, then the rules about the process itself.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use super::Listed;
use super::file::Work;
use super::tally::Tally;
use crate::context::{Context, ContextKind, ContextNote};
use crate::deployment::Summary;
use crate::ownership::Ownership;
use crate::process::{self, Process};
use crate::report::TargetReport;
use crate::rule::Check;
use crate::subject::{ProcessSubject, map_file, outside, shown};
use crate::target::TargetKind;
use plugwright_trust::Severity;

/// Takes in one process.
pub(super) fn one(
    target: usize,
    id: u32,
    proc: &Path,
    work: &mut Vec<Work>,
    tally: &mut Tally<'_>,
) -> Listed {
    let mut listed = Listed::new(&format!("process {id}"), TargetKind::Process);
    listed.add(target, id, proc, work, tally, true);
    listed
}

/// Takes in all processes that there are.
pub(super) fn all(
    target: usize,
    proc: &Path,
    work: &mut Vec<Work>,
    tally: &mut Tally<'_>,
) -> Listed {
    let mut listed = Listed::new("all processes", TargetKind::Processes);
    match process::all(proc) {
        Ok(ids) => {
            for id in ids {
                listed.add(target, id, proc, work, tally, false);
            }
        }
        Err(error) => {
            listed.report.unread = 1;
            let why = format!("processes cannot be listed: {error}");
            tally.not_examined(&shown(proc), Path::new(""), Severity::Medium, &why);
        }
    }
    // What a process with more rights shares with others is told with those rights.
    work.sort_by_key(|work| {
        (
            work.target,
            work.target == target && work.privilege.is_none(),
        )
    });
    let mut seen = BTreeSet::new();
    work.retain(|work| work.target != target || seen.insert(work.path.clone()));
    listed
}

impl Listed {
    fn new(name: &str, kind: TargetKind) -> Self {
        Self {
            report: TargetReport::new(name.into(), kind),
            root: "/".into(),
            entries: Vec::new(),
            libraries: Vec::new(),
            processes: Vec::new(),
            is_steered: false,
        }
    }

    fn add(
        &mut self,
        target: usize,
        id: u32,
        proc: &Path,
        work: &mut Vec<Work>,
        tally: &mut Tally<'_>,
        named: bool,
    ) {
        let name = format!("process {id}").as_str().into();
        let nowhere = Path::new("");
        tally.saw(1);
        let process = match Process::read(proc, id) {
            Ok(process) => process,
            Err(error) => {
                // One that ends between the listing and the look is none of those that are reviewed any more, but it is told.
                let has_ended =
                    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH);
                let (severity, why) = match (has_ended, named) {
                    (true, false) => (Severity::Info, "it ended meanwhile".to_owned()),
                    (true, true) => (Severity::Medium, "there is no such process".to_owned()),
                    (false, _) => (
                        Severity::Medium,
                        format!("its memory may not be looked at: {error}"),
                    ),
                };
                self.report.unread = self.report.unread.saturating_add(1);
                tally.not_examined(&name, nowhere, severity, &why);
                return;
            }
        };
        for (what, error) in &process.unread {
            let why = format!("its {what} may not be looked at: {error}");
            tally.not_examined(&name, nowhere, Severity::Low, &why);
        }
        let unread = u64::try_from(process.unread.len()).unwrap_or(u64::MAX);
        self.report.unread = self.report.unread.saturating_add(unread);
        self.report.processes = self.report.processes.saturating_add(1);
        for path in files(&process, proc) {
            self.report.entries = self.report.entries.saturating_add(1);
            work.push(Work {
                target,
                root: "/".into(),
                path,
                named: false,
                follow: true,
                privilege: process
                    .is_privileged()
                    .then_some("a process with more rights than others executes it"),
            });
        }
        self.processes.push(process);
    }
}

/// The files that a process executes: by their paths where the mapped file still lies there, else the mapped ones themselves.
fn files(process: &Process, proc: &Path) -> Vec<std::path::PathBuf> {
    let mut inodes = BTreeSet::new();
    let code = process.mappings.iter();
    let code = code.filter(|mapping| mapping.is_executable && mapping.inode != 0);
    let each = code.filter(|mapping| inodes.insert((mapping.inode, mapping.name.clone())));
    each.map(|mapping| {
        let path = mapping.path().map(|path| outside(process, proc, &path));
        let there = path.filter(|path| {
            let now = std::fs::metadata(path)
                .ok()
                .map(|now| crate::os::stat(&now));
            now.is_some_and(|now| now.inode == mapping.inode || mapping.file == Some(now))
        });
        there.unwrap_or_else(|| map_file(process, proc, mapping))
    })
    .collect()
}

/// `ESRCH`, which files of proc answer with once their process has ended.
const ESRCH: i32 = 3;

/// Asks the rules about processes.
pub(super) fn ask(
    listed: &Listed,
    proc: &Path,
    ownership: &Ownership,
    tally: &mut Tally<'_>,
    notes: &mut Vec<ContextNote>,
) {
    for process in &listed.processes {
        let paths: BTreeSet<_> = files(process, proc).into_iter().collect();
        let libraries = listed.libraries.iter();
        let libraries: Vec<Summary> = libraries
            .filter(|library| paths.contains(&library.path))
            .cloned()
            .collect();
        let ownership = ownership.with_user(process.status.user);
        let subject = ProcessSubject {
            process,
            proc,
            libraries: &libraries,
            ownership: &ownership,
        };
        let context = Context {
            privilege: process.is_privileged().then(|| rights(process)),
            ..Context::default()
        };
        let target = format!("process {}", process.id).as_str().into();
        tally.ask(&target, &context, Path::new(""), |rule, sink| {
            match rule.check {
                Check::Process(check) => Some(check(&subject, sink)),
                _ => None,
            }
        });
        let program = process.program.as_deref().map(shown);
        let mut note = |kind, text| {
            notes.push(ContextNote {
                subject: target.clone(),
                kind,
                text,
            });
        };
        note(ContextKind::Privilege, rights(process));
        let program =
            program.map_or_else(|| "an unknown program".to_owned(), |path| path.to_string());
        let text = format!(
            "runs {program} with {} mappings, code of {} files among them",
            process.mappings.len(),
            paths.len()
        );
        note(ContextKind::Search, text);
    }
}

fn rights(process: &Process) -> String {
    let status = &process.status;
    format!(
        "the process runs as user {} with capabilities {:#x}{}{}",
        status.user,
        status.capabilities,
        if status.no_new_privileges {
            ", no_new_privs"
        } else {
            ""
        },
        if status.is_filtered {
            ", system calls filtered"
        } else {
            ""
        }
    )
}
