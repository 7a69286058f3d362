//! Looking: from targets to a report. Files are read in parallel, and what they told is put in the order of their paths.

mod around;
mod file;
mod parallel;
mod processes;
pub(crate) mod reach;
mod tally;
mod text;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use plugwright_inspect::closure::Closures;

use crate::context::{Context, ContextNote};
use crate::deployment::{self, Deployment, Summary, folder_of};
use crate::options::{Options, Tier};
use crate::os;
use crate::ownership::Ownership;
use crate::process::Process;
use crate::progress::{Progress, Stage};
use crate::report::{Load, Parts, Report, TargetReport};
use crate::rule::Check;
use crate::rules::signing::Signing;
use crate::subject::{Folders, SystemSubject, shown};
use crate::system::{System, real};
use crate::target::{Target, TargetKind};
use crate::walk::{Entry, EntryKind, walk};
use plugwright_trust::Severity;

pub use file::review_bytes;

use file::{Outcome, Tools, Work};
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
    processes: Vec<Process>,
    /// Whether a script or a unit in it chooses the folders that are searched.
    is_steered: bool,
}

impl Listed {
    /// Adds what one of its files told.
    fn take_in(
        &mut self,
        work: &Work,
        outcome: Outcome,
        tally: &mut Tally<'_>,
        loads: &mut Vec<Load>,
    ) {
        let report = &mut self.report;
        report.files = report.files.saturating_add(1);
        report.images = report.images.saturating_add(outcome.images);
        report.bytes = report.bytes.saturating_add(outcome.bytes);
        report.unread = report.unread.saturating_add(outcome.unread);
        self.is_steered |= outcome.steers;
        if let Some(kind) = outcome.kind.filter(|_| work.named) {
            report.kind = kind;
        }
        // What lies elsewhere is not of this deployment.
        if work.named || report.kind != TargetKind::Library && report.kind != TargetKind::Program {
            self.libraries.extend(outcome.summary);
        }
        tally.findings.extend(outcome.findings);
        loads.extend(outcome.loads);
    }
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
    let proc = options.system_root.join("proc");
    let threads = parallel::number(options.threads);
    let mut tally = Tally::new(&counts);
    let mut work = Vec::new();
    let mut listed = Vec::new();
    for (index, target) in (0..).zip(targets) {
        watch(Progress {
            stage: Stage::Listing,
            done: index,
            total: targets.len(),
        });
        listed.push(match target {
            Target::Path(path) if path.is_dir() => {
                folder(index, path, threads, &mut work, &mut tally)
            }
            Target::Path(path) => single(index, path, &mut work),
            Target::Process(id) => processes::one(index, *id, &proc, &mut work, &mut tally),
            Target::Processes => processes::all(index, &proc, &mut work, &mut tally),
        });
    }
    let closures = (options.tier >= Tier::Closure)
        .then(|| system.search.clone())
        .flatten();
    let closures = closures.map(Closures::new);
    let tools = Tools {
        options,
        ownership: &ownership,
        counts: &counts,
        closures: closures.as_ref(),
        folders: Folders::default(),
    };
    let mut loads = Vec::new();
    // Each once, however many bring it in: it is told with the first. Filled when something is brought in.
    let mut seen: HashSet<PathBuf> = HashSet::new();
    // What a named file brings in is looked at in the second round.
    while !work.is_empty() {
        let outcomes = parallel::map(&work, options.threads, Stage::Files, watch, |work| {
            file::look(work, &tools)
        });
        let mut next = Vec::new();
        if outcomes.iter().any(|outcome| !outcome.brings_in.is_empty()) {
            seen.extend(work.iter().map(|work| work.path.clone()));
        }
        for (work, mut outcome) in work.into_iter().zip(outcomes) {
            let Some(listed) = listed.get_mut(work.target) else {
                continue;
            };
            for path in std::mem::take(&mut outcome.brings_in) {
                if seen.insert(path.clone()) {
                    next.push(Work {
                        target: work.target,
                        root: folder_of(&path).to_owned(),
                        path,
                        named: false,
                        follow: true,
                        privilege: outcome.gives_rights.or(work.privilege),
                    });
                }
            }
            listed.take_in(&work, outcome, &mut tally, &mut loads);
        }
        work = next;
    }
    drop(closures);
    let mut context = Vec::new();
    for (index, listed) in (0..).zip(&mut listed) {
        watch(Progress {
            stage: Stage::Targets,
            done: index,
            total: targets.len(),
        });
        listed.libraries.sort_by(|a, b| a.path.cmp(&b.path));
        if matches!(
            listed.report.kind,
            TargetKind::Process | TargetKind::Processes
        ) {
            processes::ask(listed, &proc, &ownership, &mut tally, &mut context);
            continue;
        }
        reach::lower(listed, &system, options, &mut tally.findings);
        ask_deployment(
            listed,
            options,
            &system,
            &ownership,
            &mut tally,
            &mut context,
        );
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
        follow: true,
        privilege: None,
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
        processes: Vec::new(),
        is_steered: false,
    }
}

/// Lists a folder's files as work, and tells of what in it is no file.
fn folder(
    target: usize,
    root: &Path,
    threads: usize,
    work: &mut Vec<Work>,
    tally: &mut Tally<'_>,
) -> Listed {
    let mut report = TargetReport::new(shown(root), TargetKind::Folder);
    let found = walk(root, threads);
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
                follow: false,
                privilege: None,
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
        processes: Vec::new(),
        is_steered: false,
    }
}

/// Asks the rules that look at all files of a target together, and tells of its surroundings.
fn ask_deployment(
    listed: &Listed,
    options: &Options,
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
    let loadable = deployment::loadable(&listed.entries, &listed.libraries);
    let on_the_way = deployment::on_the_way(&listed.libraries);
    let deployment = Deployment {
        root: &root,
        given: (listed.report.kind == TargetKind::Folder).then_some(listed.root.as_path()),
        entries: &listed.entries,
        ancestors: &ancestors,
        libraries: &listed.libraries,
        loadable: &loadable,
        on_the_way: &on_the_way,
        system,
        ownership,
    };
    let nowhere = Context::default();
    let target = &listed.report.target;
    let signing = Signing::of(&deployment, options);
    tally.ask(target, &nowhere, &listed.root, |rule, sink| {
        match rule.check {
            Check::Deployment(check) => Some(check(&deployment, sink)),
            Check::Signing(check) => Some(check(&signing, sink)),
            _ => None,
        }
    });
    around::tell(&listed.report, &deployment, context);
}
