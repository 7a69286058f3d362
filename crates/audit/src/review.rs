//! Looking: from targets to a report. Files are read in parallel, and what they told is put in the order of their paths.

mod file;
mod parallel;
mod tally;

use std::path::{Path, PathBuf};

use crate::context::{ContextKind, ContextNote};
use crate::options::Options;
use crate::os;
use crate::ownership::{Ownership, in_words};
use crate::progress::{Progress, Stage};
use crate::report::{Parts, Report, TargetReport};
use crate::severity::Severity;
use crate::subject::shown;
use crate::target::{Target, TargetKind};
use crate::walk::{EntryKind, walk};

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

/// As [`review`], and tells now and then how far it has come.
#[must_use]
pub fn review_watched(
    targets: &[Target],
    options: &Options,
    watch: &(dyn Fn(Progress) + Sync),
) -> Report {
    let counts = Counts::new();
    let ownership = Ownership::new(options);
    let mut tally = Tally::new(&counts);
    let mut context = Vec::new();
    let mut work = Vec::new();
    let mut reports = Vec::new();
    for (index, target) in (0..).zip(targets) {
        watch(Progress {
            stage: Stage::Listing,
            done: index,
            total: targets.len(),
        });
        reports.push(match target {
            Target::Path(path) if path.is_dir() => folder(index, path, &mut work, &mut tally),
            Target::Path(path) => {
                let name = path.file_name();
                work.push(Work {
                    target: index,
                    path: path.clone(),
                    named: true,
                    place: name.map_or_else(|| path.clone(), PathBuf::from),
                });
                TargetReport::new(shown(path), TargetKind::Unknown)
            }
        });
        let Target::Path(path) = target;
        context.extend(writers(path, &ownership));
    }
    let outcomes = parallel::map(&work, options.threads, Stage::Files, watch, |work| {
        file::look(work, options, &counts)
    });
    let mut loads = Vec::new();
    for (work, outcome) in work.iter().zip(outcomes) {
        if let Some(report) = reports.get_mut(work.target) {
            report.files = report.files.saturating_add(1);
            report.images = report.images.saturating_add(outcome.images);
            report.bytes = report.bytes.saturating_add(outcome.bytes);
            report.unread = report.unread.saturating_add(outcome.unread);
            if let Some(kind) = outcome.kind.filter(|_| work.named) {
                report.kind = kind;
            }
        }
        tally.findings.extend(outcome.findings);
        loads.extend(outcome.loads);
    }
    let findings = tally.findings;
    Report::new(Parts {
        tier: options.tier,
        targets: reports,
        counts: counts.into_inner(),
        findings,
        context,
        loads,
    })
}

/// Lists a folder's files as work, and tells of what in it is no file.
fn folder(target: usize, root: &Path, work: &mut Vec<Work>, tally: &mut Tally<'_>) -> TargetReport {
    let mut report = TargetReport::new(shown(root), TargetKind::Folder);
    let found = walk(root);
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    for (path, error) in &found.failures {
        report.unread = report.unread.saturating_add(1);
        let why = format!("it cannot be read: {error}");
        let place = below(path);
        let place = place.as_os_str().as_encoded_bytes();
        tally.not_examined(&shown(path), place, Severity::Medium, &why);
    }
    report.entries = u64::try_from(found.entries.len()).unwrap_or(u64::MAX);
    for entry in found.entries {
        let place = below(&entry.path);
        match entry.kind {
            EntryKind::File => work.push(Work {
                target,
                path: entry.path,
                named: false,
                place,
            }),
            EntryKind::Folder => {}
            EntryKind::Link(_) => report.links = report.links.saturating_add(1),
            EntryKind::Other => {
                report.unread = report.unread.saturating_add(1);
                tally.not_examined(
                    &shown(&entry.path),
                    place.as_os_str().as_encoded_bytes(),
                    Severity::Low,
                    "it is a pipe, a socket or a device",
                );
            }
        }
    }
    report
}

/// Who may write a target, and the folder that it lies in.
fn writers(path: &Path, ownership: &Ownership) -> Vec<ContextNote> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let note = |path: &Path| {
        let stat = os::stat(&std::fs::metadata(path).ok()?);
        Some(ContextNote {
            subject: shown(path),
            kind: ContextKind::Writers,
            text: format!(
                "may be written by {} ({})",
                ownership.writers(&stat),
                in_words(&stat)
            ),
        })
    };
    let folder = real.parent().and_then(note);
    note(&real).into_iter().chain(folder).collect()
}
