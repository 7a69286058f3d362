//! The surroundings of a target, in words: who can write it, with which rights it runs, who finds it.

use std::path::Path;

use crate::context::{ContextKind, ContextNote};
use crate::deployment::{Deployment, Summary};
use crate::ownership::in_words;
use crate::report::TargetReport;
use crate::subject::shown;
use crate::system::real;
use crate::target::TargetKind;
use crate::walk::EntryKind;

/// Adds what is known of a target's surroundings.
pub(super) fn tell(
    report: &TargetReport,
    deployment: &Deployment<'_>,
    notes: &mut Vec<ContextNote>,
) {
    let mut note = |path: &Path, kind, text: String| {
        notes.push(ContextNote {
            subject: shown(path),
            kind,
            text,
        });
    };
    let ownership = deployment.ownership;
    // The target itself stands first, or second behind the folder that it lies in.
    for entry in deployment.entries.iter().take(2) {
        let is_target = shown(&entry.path) == report.target;
        if is_target || report.kind != TargetKind::Folder {
            let writers = ownership.writers(&entry.stat);
            let text = format!("may be written by {writers} ({})", in_words(&entry.stat));
            note(&entry.path, ContextKind::Writers, text);
        }
    }
    let open = |(_, stat): &&(std::path::PathBuf, crate::os::Stat)| {
        !ownership.trusts(stat.uid) || ownership.other_writers(stat).is_some()
    };
    let all = deployment.ancestors.len();
    let text = match deployment.ancestors.iter().filter(open).count() {
        0 => format!("no folder of the {all} above may be written by others"),
        count => format!("{count} of the {all} folders above may be written by others"),
    };
    note(deployment.root, ContextKind::Writers, text);
    if report.kind == TargetKind::Folder {
        let links = deployment.entries.iter();
        let links = links.filter_map(|entry| match &entry.kind {
            EntryKind::Link(target) => Some(target),
            _ => None,
        });
        let (mut within, mut out, mut nowhere) = (0_u64, 0_u64, 0_u64);
        for target in links {
            let count = match target {
                Some(target) if target.starts_with(deployment.root) => &mut within,
                Some(_) => &mut out,
                None => &mut nowhere,
            };
            *count = count.saturating_add(1);
        }
        if within.saturating_add(out).saturating_add(nowhere) > 0 {
            let text = format!(
                "{within} links lead to what is reviewed here, {out} out of the folder, {nowhere} nowhere"
            );
            note(deployment.root, ContextKind::Surroundings, text);
        }
        if deployment.system.searches(deployment.root) {
            let text = "the system's loader searches it for every program".to_owned();
            note(deployment.root, ContextKind::LoadedBy, text);
        }
        let privileged = deployment
            .libraries
            .iter()
            .filter(|file| file.is_privileged());
        for file in privileged {
            let text = format!("gives its user more rights ({})", in_words(&file.stat));
            note(&file.path, ContextKind::Privilege, text);
        }
    } else if let Some(file) = deployment.libraries.first() {
        let (kind, text) = found(file, deployment);
        note(&file.path, kind, text);
        if file.is_privileged() {
            let text = format!(
                "runs with more rights than who starts it ({})",
                in_words(&file.stat)
            );
            note(&file.path, ContextKind::Privilege, text);
        }
    }
}

/// How a single file comes to be loaded.
fn found(file: &Summary, deployment: &Deployment<'_>) -> (ContextKind, String) {
    if file.is_program {
        return (ContextKind::LoadedBy, "a program: it is started".to_owned());
    }
    let path = real(&file.path);
    let names = file.names.iter();
    let mut by_name = names.filter(|name| {
        let system = deployment.system.library(name.as_bytes());
        system.is_some_and(|system| real(system) == path)
    });
    let text = if let Some(name) = by_name.next() {
        format!("the system's loader finds it under the name {name}, for every program")
    } else if path
        .parent()
        .is_some_and(|folder| deployment.system.searches(folder))
    {
        "it lies where the system's loader looks".to_owned()
    } else {
        "it lies outside of every folder that the system's loader searches: it is loaded by its path, or over a run path"
            .to_owned()
    };
    (ContextKind::LoadedBy, text)
}
