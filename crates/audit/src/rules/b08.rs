//! B08: The name of another library.

use crate::deployment::{Deployment, Summary, folder_of};
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::shown;
use crate::system::real;
use plugwright_inspect::Untrusted;
use plugwright_trust::Severity;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

pub(crate) static RULE: Rule = Rule {
    id: "B08",
    title: "The name of another library",
    cwe: 694,
    severity: Severity::High,
    severity_rule: "Critical where a file of another name claims a name of the system's, or plugins lie beside it; medium for two files of one target.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO],
    looked_at: "The SONAME or install name of every library, against those of the system's libraries and of all others of the target.",
    why: "The loader takes a library that is loaded already for every later one of the same name: whoever comes first is used by all.",
    remedy: "Give it a name of its own, or do not bring a copy of the system's library along.",
    references: &["ld.so(8)", "dlopen(3)"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let mut real_folders: HashMap<&Path, PathBuf> = HashMap::new();
    let mut named: BTreeMap<&Untrusted, Vec<&Summary>> = BTreeMap::new();
    let plugin_folders: BTreeSet<&Path> = deployment
        .libraries
        .iter()
        .filter(|library| library.is_plugin)
        .map(|library| folder_of(&library.path))
        .collect();
    for library in deployment.libraries {
        for name in &library.names {
            looked = looked.saturating_add(1);
            named.entry(name).or_default().push(library);
            let Some(system) = deployment.system.library(name.as_bytes()) else {
                continue;
            };
            let folder = folder_of(&library.path);
            let folder = real_folders.entry(folder).or_insert_with(|| real(folder));
            if is_the_systems(library, folder, system, deployment) {
                continue;
            }
            let own = library.path.file_name().unwrap_or_default();
            let among_plugins = plugin_folders.contains(folder_of(&library.path));
            let severity = if own.as_encoded_bytes() != name.as_bytes() || among_plugins {
                Severity::Critical
            } else {
                Severity::High
            };
            sink.report_about(
                &library.path,
                severity,
                "it has the name of one of the system's libraries",
            )
            .at("name", name.clone(), library.name_offset)
            .with("the system's", shown(system));
        }
    }
    for (name, libraries) in named {
        let mut seen: Vec<&Summary> = Vec::new();
        for library in libraries {
            let same = |other: &&Summary| {
                (other.stat.device, other.stat.inode) == (library.stat.device, library.stat.inode)
            };
            if let Some(first) = seen.first().filter(|_| !seen.iter().any(same)) {
                sink.report_about(
                    &library.path,
                    Severity::Medium,
                    "another file of the target has the same name for others",
                )
                .at("name", name.clone(), library.name_offset)
                .with("the other", shown(&first.path));
            }
            seen.push(library);
        }
    }
    looked
}

/// Whether the file is the system's library itself, or lies where the loader looks, as another version of it.
fn is_the_systems(
    library: &Summary,
    folder: &Path,
    system: &Path,
    deployment: &Deployment<'_>,
) -> bool {
    if deployment.system.searches(folder) {
        return true;
    }
    // It may be a link to elsewhere.
    let path = real(&library.path);
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    if deployment.system.searches(folder) || path == real(system) {
        return true;
    }
    // A copy for better processors lies below such a folder.
    let mut above = folder.ancestors();
    folder
        .components()
        .any(|step| step.as_os_str() == "glibc-hwcaps")
        && above.any(|above| deployment.system.searches(above))
}
