//! Which libraries of a folder a loader comes across: what is wrong with one that no search leads to is milder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Listed;
use crate::deployment::{Summary, folder_of};
use crate::finding::Finding;
use crate::options::Options;
use crate::rule::Check;
use crate::subject::shown;
use crate::system::{System, real};
use plugwright_inspect::Untrusted;

const WHY: &str = "outside of every search path: neither the system's loader nor a run path here leads to it, it is no plugin, \
                   and nothing here opens libraries by itself";

/// Lowers the findings about single libraries that nothing is known to load.
///
/// That is known only of a folder with programs in it, all of whose searches are laid down: as soon as one file opens libraries by
/// itself, or a script chooses the folders, nothing is lowered. Nor is it for other loaders than that of ELF.
pub(super) fn lower(listed: &Listed, system: &System, options: &Options, findings: &mut [Finding]) {
    let files = &listed.libraries;
    let has_program = files.iter().any(|file| file.is_program);
    let is_open = listed.is_steered || files.iter().any(|file| file.loads_libraries);
    if !has_program || is_open {
        return;
    }
    let searched = files.iter().flat_map(|file| &file.searches);
    let searched = searched.chain(&options.library_path);
    let searched: HashSet<PathBuf> = searched.map(|folder| real(folder)).collect();
    let is_reached = |file: &Summary| {
        let folder = real(folder_of(&file.path));
        file.is_program
            || file.is_plugin
            || !file.is_elf
            || system.searches(&folder)
            || searched.contains(&folder)
    };
    let unreached = files.iter().filter(|file| !is_reached(file));
    let unreached: HashSet<Untrusted> = unreached.map(|file| shown(&file.path)).collect();
    let of_file = |finding: &&mut Finding| {
        let check = finding.rule.check;
        matches!(
            check,
            Check::File(_) | Check::Closure(_) | Check::Comparison(_)
        ) && unreached.contains(&finding.target)
    };
    for finding in findings.iter_mut().filter(of_file) {
        finding.lower(WHY);
    }
}

/// The folders in which the loader looks because of a file, by its run paths.
pub(crate) fn searches(path: &Path, texts: &[&Untrusted]) -> Vec<PathBuf> {
    if texts.is_empty() {
        return Vec::new();
    }
    let own = real(folder_of(path));
    let own = own.to_string_lossy();
    let folders = texts
        .iter()
        .flat_map(|text| text.as_bytes().split(|byte| *byte == b':'));
    let folders = folders.map(|folder| {
        let folder = String::from_utf8_lossy(folder);
        folder.replace("${ORIGIN}", &own).replace("$ORIGIN", &own)
    });
    folders.map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_the_files_own_folder() {
        let found = searches(
            Path::new("/nowhere/bin/app"),
            &[&"$ORIGIN/../lib:/opt".into(), &"${ORIGIN}".into()],
        );
        let expected = ["/nowhere/bin/../lib", "/opt", "/nowhere/bin"];
        assert_eq!(found, expected.map(PathBuf::from));
    }
}
