//! Looking: from targets to a report. Files are read in parallel, and what they told is put in the order of their paths.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use plugwright_inspect::{
    Code, Format, Links, ReadAt as _, SymbolView, Untrusted, identity, open, scan,
};

use crate::context::Context;
use crate::finding::{Finding, Sink};
use crate::os;
use crate::report::{Report, RuleCount, TargetReport};
use crate::rule::SubjectKind;
use crate::rules::{NOT_EXAMINED, RULES};
use crate::severity::Severity;
use crate::subject::FileSubject;
use crate::walk::walk;
use crate::watched::SymbolFacts;

/// What one file told.
#[derive(Debug, Default)]
struct Outcome {
    findings: Vec<Finding>,
    /// One for each rule, in the order of [`RULES`].
    counts: Vec<RuleCount>,
    images: u64,
    bytes: u64,
    unread: u64,
}

/// A file to look at.
#[derive(Debug)]
struct Work {
    target: usize,
    path: PathBuf,
    /// Whether it was named itself, so that being no library is worth a word.
    named: bool,
    /// The path as seen from what was named.
    place: PathBuf,
}

/// Reviews files, and folders with all that lies below them. Links are followed in the targets themselves and not below them.
///
/// It never fails as a whole: what cannot be read is a finding of the rule `A01`.
#[must_use]
pub fn review(targets: &[PathBuf]) -> Report {
    let mut work = Vec::new();
    let mut reports = Vec::new();
    let mut findings = Vec::new();
    for (index, target) in (0..).zip(targets) {
        let mut report = TargetReport::new(target);
        if target.is_dir() {
            let found = walk(target);
            for (path, error) in found.failures {
                report.unread = report.unread.saturating_add(1);
                findings.push(not_examined(
                    &path,
                    target,
                    Severity::Medium,
                    &format!("it cannot be read: {error}"),
                ));
            }
            for path in found.others {
                report.unread = report.unread.saturating_add(1);
                findings.push(not_examined(
                    &path,
                    target,
                    Severity::Low,
                    "it is a pipe, a socket or a device",
                ));
            }
            work.extend(found.files.into_iter().map(|path| Work {
                target: index,
                place: path.strip_prefix(target).unwrap_or(&path).to_owned(),
                named: false,
                path,
            }));
        } else {
            let place = target
                .file_name()
                .map_or_else(|| target.clone(), PathBuf::from);
            work.push(Work {
                target: index,
                path: target.clone(),
                named: true,
                place,
            });
        }
        reports.push(report);
    }
    let mut counts = vec![RuleCount::default(); RULES.len()];
    for (work, outcome) in work.iter().zip(look_at_all(&work)) {
        if let Some(report) = reports.get_mut(work.target) {
            report.files = report.files.saturating_add(1);
            report.images = report.images.saturating_add(outcome.images);
            report.bytes = report.bytes.saturating_add(outcome.bytes);
            report.unread = report.unread.saturating_add(outcome.unread);
        }
        for (sum, count) in counts.iter_mut().zip(&outcome.counts) {
            sum.objects = sum.objects.saturating_add(count.objects);
            sum.looked_at = sum.looked_at.saturating_add(count.looked_at);
        }
        findings.extend(outcome.findings);
    }
    Report::new(reports, counts, findings)
}

/// The outcomes in the order of the work.
fn look_at_all(work: &[Work]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(work.len()));
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(work.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(work) = work.get(index) else {
                        break;
                    };
                    own.push((index, look_at(work)));
                }
                let mut done = done
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                done.append(&mut own);
            });
        }
    });
    let mut done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

fn look_at(work: &Work) -> Outcome {
    let mut outcome = Outcome::default();
    let refuse = |severity, why: &str| {
        let mut finding = not_examined(&work.path, Path::new(""), severity, why);
        finding.seal(work.place.as_os_str().as_encoded_bytes());
        Outcome {
            findings: vec![finding],
            unread: 1,
            ..Outcome::default()
        }
    };
    let links = if work.named {
        Links::Follow
    } else {
        Links::Refuse
    };
    let opened = match open(&work.path, links) {
        Ok(opened) => opened,
        Err(error) => return refuse(Severity::Medium, &error.to_string()),
    };
    // Most files of a folder are no libraries, which the first page tells.
    let name = work.path.file_name();
    let first = identity(&opened, name);
    if first.images.is_empty()
        && first
            .problems
            .iter()
            .all(|problem| matches!(problem.code, Code::NotALibrary | Code::EmptyFile))
    {
        return if work.named {
            refuse(Severity::Medium, "it is no library")
        } else {
            outcome
        };
    }
    let mut symbols: Vec<SymbolFacts> = Vec::new();
    let underscore = first
        .images
        .iter()
        .any(|image| image.target.format == Format::MachO);
    let found = scan(
        &opened,
        name,
        &mut |image: usize, symbol: SymbolView<'_>| {
            if symbols.len() <= image {
                symbols.resize_with(image.saturating_add(1), SymbolFacts::default);
            }
            if let Some(facts) = symbols.get_mut(image) {
                facts.see(symbol, underscore);
            }
        },
    );
    symbols.resize_with(found.images.len(), SymbolFacts::default);
    let context = Context {
        privilege: os::runs_as_owner(opened.metadata())
            .then(|| "it runs as its owner (setuid or setgid)".to_owned()),
    };
    outcome.images = u64::try_from(found.images.len()).unwrap_or(u64::MAX);
    outcome.bytes = opened.size();
    let subject = FileSubject {
        opened: &opened,
        scan: &found,
        symbols: &symbols,
    };
    let target = shown(&work.path);
    for rule in RULES {
        let applies = found.images.is_empty()
            || found.images.iter().any(|image| {
                rule.kinds
                    .contains(&match image.headers.image.target.format {
                        Format::MachO => SubjectKind::MachO,
                        Format::Pe => SubjectKind::Pe,
                        _ => SubjectKind::Elf,
                    })
            });
        let mut count = RuleCount::default();
        if applies {
            let mut sink = Sink::new(rule, &target, &context, &mut outcome.findings);
            count.looked_at = (rule.check)(&subject, &mut sink);
            count.objects = 1;
        }
        outcome.counts.push(count);
    }
    for finding in &mut outcome.findings {
        finding.seal(work.place.as_os_str().as_encoded_bytes());
    }
    outcome
}

fn shown(path: &Path) -> Untrusted {
    path.as_os_str().as_encoded_bytes().into()
}

/// A finding that tells what was not looked at.
fn not_examined(path: &Path, root: &Path, severity: Severity, why: &str) -> Finding {
    let (target, context) = (shown(path), Context::default());
    let mut found = Vec::new();
    let mut finding = Sink::new(&NOT_EXAMINED, &target, &context, &mut found)
        .report_as(severity, format!("not examined: {why}"))
        .clone();
    finding.seal(
        path.strip_prefix(root)
            .unwrap_or(path)
            .as_os_str()
            .as_encoded_bytes(),
    );
    finding
}
