//! Looking through folders: what is there, without running anything.
//!
//! For each file one open, one `fstat` and, for an ordinary plugin, one read of its first
//! page. The order is the folders' order, and within a folder the byte order of the names,
//! so that two scans of the same files give the same answer. Nothing is dropped: what is
//! not a plugin is reported with the reason.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use plugwright_evidence::Root;
use plugwright_inspect::{Group, Identity, Links, Loader, Target, identity, open_at};
use plugwright_manifest::{Record, Role};
use plugwright_plugin::bind;

use crate::pipeline::Candidate;
use crate::registration::LibraryFile;
use crate::{Refusal, RefusalKind, SearchPath, Seen, Status};

/// A plugin that a file offers.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) file: Arc<LibraryFile>,
    pub(crate) record: Record,
}

/// Looks through one folder. That a folder of a convention is not there is nothing to tell.
pub(crate) fn scan(path: &SearchPath, found: &mut Vec<Found>, seen: &mut Vec<Seen>) {
    let folder = path.folder();
    if !path.origin().is_explicit() && matches!(folder.try_exists(), Ok(false)) {
        return;
    }
    let refused = |kind| Seen {
        origin: folder.into(),
        status: Status::Refused(Refusal::new(folder, kind)),
    };
    let root = match Root::open(folder) {
        Ok(root) => Arc::new(root),
        Err(error) => return seen.push(refused(RefusalKind::Unreadable(error))),
    };
    let names = match names(root.path()) {
        Ok(names) => names,
        Err(error) => return seen.push(refused(RefusalKind::FolderUnreadable(error))),
    };
    for name in names {
        let candidate = Candidate::new(Arc::clone(&root), &name);
        let path = candidate.path();
        match records(&root, &name) {
            Ok(records) => {
                let file = Arc::new(LibraryFile::new(candidate, records));
                found.extend(file.records.iter().map(|record| Found {
                    file: Arc::clone(&file),
                    record: record.clone(),
                }));
            }
            Err(kind) => seen.push(Seen {
                status: Status::Refused(Refusal::new(&path, kind)),
                origin: path.into(),
            }),
        }
    }
}

/// The names in a folder, without its folders, in byte order.
fn names(folder: &Path) -> std::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            names.push(entry.file_name());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The records that a file offers to this system.
fn records(root: &Root, name: &OsString) -> Result<Vec<Record>, RefusalKind> {
    let Ok(opened) = open_at(root, name, Links::Refuse) else {
        // Opening it the way a load does says why, in the words of a load.
        return Err(match root.open_file(Path::new(name)) {
            Err(error) => RefusalKind::Unreadable(error),
            // It is readable now: the file was replaced meanwhile.
            Ok(_) => RefusalKind::Changed,
        });
    };
    let Identity {
        mut images,
        problems,
        ..
    } = identity(&opened, Some(name));
    let damaged = |problem: &&plugwright_inspect::Problem| {
        !matches!(problem.code.group(), Group::Foreign)
            && (problem.loader != Loader::Accepts || is_record_damage(problem))
    };
    if problems.iter().any(|problem| damaged(&problem)) {
        let kept = problems.iter().filter(damaged).cloned().collect();
        return Err(RefusalKind::Damaged(kept));
    }
    if images.is_empty() {
        let foreign = problems.into_iter().next();
        return Err(foreign.map_or(RefusalKind::NotAPlugin, RefusalKind::Foreign));
    }
    if images.iter().all(|image| image.records.is_empty()) {
        return Err(RefusalKind::NotAPlugin);
    }
    let Some(host) = Target::host() else {
        return Err(RefusalKind::NotAPlugin);
    };
    let fitting = images
        .iter()
        .position(|image| host.mismatch(&image.target).is_none());
    let Some(fitting) = fitting else {
        let mismatch = images.iter().find_map(|image| host.mismatch(&image.target));
        return Err(mismatch.map_or(RefusalKind::NotAPlugin, RefusalKind::WrongTarget));
    };
    let mut records = images.swap_remove(fitting).records;
    records.retain(|record| record.role == Role::Root);
    for record in &records {
        bind::check_abi(&record.summary).map_err(RefusalKind::Abi)?;
    }
    Ok(records)
}

/// Whether what is damaged is a Plugwright record, as against another plugin system's data.
fn is_record_damage(problem: &plugwright_inspect::Problem) -> bool {
    problem.code.as_str().starts_with("record-")
}
