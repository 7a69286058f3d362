//! D22: Backups and leftovers of libraries.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D22",
    title: "Backups and leftovers of libraries",
    cwe: 1164,
    severity: Severity::Low,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "The names of all files with the contents of a library.",
    why: "An old, weak version that lies beside the new one can be loaded by who can choose a name, and is not updated.",
    remedy: "Remove it.",
    references: &["dpkg-divert(1)"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for library in deployment.libraries {
        looked = looked.saturating_add(1);
        let name = library
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        if is_leftover(&name) {
            sink.report_about(
                &library.path,
                Severity::Low,
                "a copy of a library is left over",
            )
            .with("name", &*name);
        }
    }
    looked
}

fn is_leftover(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let endings = [
        "~",
        ".bak",
        ".old",
        ".orig",
        ".save",
        ".tmp",
        ".swp",
        ".rej",
        ".dpkg-old",
        ".dpkg-new",
        ".dpkg-dist",
        ".dpkg-tmp",
        ".rpmsave",
        ".rpmnew",
        ".rpmorig",
        ".disabled",
        ".backup",
    ];
    endings.iter().any(|ending| name.ends_with(ending))
        || name.starts_with(".#")
        || name.contains(".so.bak")
}

#[cfg(test)]
mod tests {
    use super::is_leftover;

    #[test]
    fn leftovers_are_known_by_their_endings() {
        assert!(is_leftover("libz.so.bak") && is_leftover("libz.so~") && is_leftover("Z.dll.OLD"));
        assert!(!is_leftover("libz.so.1.2.13") && !is_leftover("libold.so"));
    }
}
