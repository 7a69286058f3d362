//! Looking: from targets to a report. Files are read in parallel, and what they told is put in the order of their paths.

mod around;
mod file;
mod parallel;
mod tally;
mod text;

use std::path::{Path, PathBuf};

use crate::context::{Context, ContextNote};
use crate::deployment::{Deployment, Summary, folder_of};
use crate::options::Options;
use crate::os;
use crate::ownership::Ownership;
use crate::progress::{Progress, Stage};
use crate::report::{Parts, Report, TargetReport};
use crate::rule::Check;
use crate::severity::Severity;
use crate::subject::{SystemSubject, shown};
use crate::system::{System, real};
use crate::target::{Target, TargetKind};
use crate::walk::{Entry, EntryKind, walk};

use file::Work;
use tally::{Counts, Tally};

/// Reviews targets: files, folders with all that lies below them, live processes. Links are followed in the targets
/// themselves and not below them.
///
/// It never fails as a whole: what cannot be read is a finding of the rule `A01`. The report is the same for the same files,
/// in the same order, however many threads read them.
#[must_use]
pub fn review(targets: &[Target], options: &Options) -> Report {
    review_watched(targets, options, &|_| {})
}

/// What was listed of a target.
#[derive(Debug)]
struct Listed {
    report: TargetReport,
    root: PathBuf,
    entries: Vec<Entry>,
    libraries: Vec<Summary>,
}

/// As [`review`], and tells now and then how far it has come.
#[must_use]
pub fn review_watched(
    targets: &[Target],
    options: &Options,
    watch: &(dyn Fn(Progress) + Sync),
) -> Report {
    let counts = Counts::new();
    let system = System::host(options);
    let ownership = Ownership::new(options);
    let mut tally = Tally::new(&counts);
    let mut work = Vec::new();
    let mut listed = Vec::new();
    for (index, target) in (0..).zip(targets) {
        watch(Progress {
            stage: Stage::Listing,
            done: index,
            total: targets.len(),
        });
        let Target::Path(path) = target;
        listed.push(if path.is_dir() {
            folder(index, path, &mut work, &mut tally)
        } else {
            single(index, path, &mut work)
        });
    }
    let outcomes = parallel::map(&work, options.threads, Stage::Files, watch, |work| {
        file::look(work, options, &counts)
    });
    let mut loads = Vec::new();
    for (work, outcome) in work.iter().zip(outcomes) {
        if let Some(listed) = listed.get_mut(work.target) {
            let report = &mut listed.report;
            report.files = report.files.saturating_add(1);
            report.images = report.images.saturating_add(outcome.images);
            report.bytes = report.bytes.saturating_add(outcome.bytes);
            report.unread = report.unread.saturating_add(outcome.unread);
            if let Some(kind) = outcome.kind.filter(|_| work.named) {
                report.kind = kind;
            }
            listed.libraries.extend(outcome.summary);
        }
        tally.findings.extend(outcome.findings);
        loads.extend(outcome.loads);
    }
    let mut context = Vec::new();
    for listed in &listed {
        deployment(listed, &system, &ownership, &mut tally, &mut context);
    }
    let subject = SystemSubject {
        root: &options.system_root,
        ownership: &ownership,
        system: &system,
    };
    let (target, nowhere) = (shown(&options.system_root), Context::default());
    let root = Path::new("");
    tally.ask(&target, &nowhere, root, |rule, sink| match rule.check {
        Check::System(check) => Some(check(&subject, sink)),
        _ => None,
    });
    let findings = tally.findings;
    Report::new(Parts {
        tier: options.tier,
        targets: listed.into_iter().map(|listed| listed.report).collect(),
        counts: counts.into_inner(),
        findings,
        context,
        loads,
    })
}

/// Takes in a file that was named, with the folder that it lies in.
fn single(target: usize, path: &Path, work: &mut Vec<Work>) -> Listed {
    let root = folder_of(path).to_owned();
    work.push(Work {
        target,
        path: path.to_owned(),
        named: true,
        root: root.clone(),
    });
    let mut report = TargetReport::new(shown(path), TargetKind::Unknown);
    report.entries = 1;
    let entry = |path: &Path, kind| {
        let stat = os::stat(&std::fs::metadata(path).ok()?);
        Some(Entry {
            path: path.to_owned(),
            kind,
            stat,
        })
    };
    let folder = entry(&root, EntryKind::Folder);
    let file = entry(path, EntryKind::File);
    Listed {
        report,
        entries: folder.into_iter().chain(file).collect(),
        root,
        libraries: Vec::new(),
    }
}

/// Lists a folder's files as work, and tells of what in it is no file.
fn folder(target: usize, root: &Path, work: &mut Vec<Work>, tally: &mut Tally<'_>) -> Listed {
    let mut report = TargetReport::new(shown(root), TargetKind::Folder);
    let found = walk(root);
    for (path, error) in &found.failures {
        report.unread = report.unread.saturating_add(1);
        let why = format!("it cannot be read: {error}");
        tally.not_examined(&shown(path), root, Severity::Medium, &why);
    }
    report.entries = u64::try_from(found.entries.len()).unwrap_or(u64::MAX);
    for entry in &found.entries {
        match &entry.kind {
            EntryKind::File => work.push(Work {
                target,
                path: entry.path.clone(),
                named: false,
                root: root.to_owned(),
            }),
            EntryKind::Folder => {}
            EntryKind::Link(_) => report.links = report.links.saturating_add(1),
            EntryKind::Other => {
                report.unread = report.unread.saturating_add(1);
                let why = "it is a pipe, a socket or a device";
                tally.not_examined(&shown(&entry.path), root, Severity::Low, why);
            }
        }
    }
    Listed {
        report,
        root: root.to_owned(),
        entries: found.entries,
        libraries: Vec::new(),
    }
}

/// Asks the rules that look at all files of a target together, and tells of its surroundings.
fn deployment(
    listed: &Listed,
    system: &System,
    ownership: &Ownership,
    tally: &mut Tally<'_>,
    context: &mut Vec<ContextNote>,
) {
    let root = real(&listed.root);
    let above = root.ancestors().skip(1);
    let with_stat = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((path.to_owned(), os::stat(&metadata)))
    };
    let ancestors: Vec<_> = above.filter_map(with_stat).collect();
    let deployment = Deployment {
        root: &root,
        entries: &listed.entries,
        ancestors: &ancestors,
        libraries: &listed.libraries,
        system,
        ownership,
    };
    let nowhere = Context::default();
    let target = &listed.report.target;
    tally.ask(target, &nowhere, &listed.root, |rule, sink| {
        match rule.check {
            Check::Deployment(check) => Some(check(&deployment, sink)),
            _ => None,
        }
    });
    around::tell(&listed.report, &deployment, context);
}
