//! D17: Configuration that names libraries, and that others can write.

use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::os::Stat;
use crate::ownership::Ownership;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use crate::walk::EntryKind;
use plugwright_trust::Severity;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "D17",
    title: "Configuration that names libraries, and that others can write",
    cwe: 15,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Owner and mode of qt.conf, openssl.cnf, nsswitch.conf, *.module, loaders.cache, drivers' JSON files and their like, below the folder and in the system.",
    why: "Who writes such a file names the library that is loaded next.",
    remedy: "chmod go-w, and give it to root.",
    references: &["CVE-2025-32463", "CVE-2016-6662", "CVE-2019-5443"],
    check: Check::Deployment(check),
};

fn check(deployment: &Deployment<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for entry in deployment.entries {
        if entry.kind != EntryKind::File || !names_libraries(&entry.path) {
            continue;
        }
        looked = looked.saturating_add(1);
        look(&entry.path, &entry.stat, deployment.ownership, sink);
    }
    looked
}

/// Tells whether others can write a configuration.
pub(super) fn look(path: &Path, stat: &Stat, ownership: &Ownership, sink: &mut Sink<'_>) {
    let title = if let Some(writers) = ownership.other_writers(stat) {
        format!("configuration that names libraries may be written by {writers}")
    } else if !ownership.trusts(stat.uid) {
        format!(
            "configuration that names libraries belongs to user {}, who is not trusted",
            stat.uid
        )
    } else {
        return;
    };
    sink.report_about(path, Severity::High, title)
        .with("owner and mode", in_words(stat).as_str());
}

/// Whether programs read from a file of this name which libraries to load.
pub(super) fn names_libraries(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let drivers = [
        "icd.d",
        "implicit_layer.d",
        "explicit_layer.d",
        "egl_vendor.d",
    ];
    let whole = [
        "qt.conf",
        "qt6.conf",
        "openssl.cnf",
        "nsswitch.conf",
        "ld.so.conf",
        "ld.so.preload",
        "loaders.cache",
        "immodules.cache",
        "giomodule.cache",
        "asound.conf",
        "my.cnf",
        "pkcs11.conf",
        "p11-kit.conf",
        "plugwright.lock",
        "plugwright.bundle",
        "pam.conf",
    ];
    whole.contains(&&*name)
        || name.ends_with(".module")
        || drivers.iter().any(|driver| folder == *driver) && name.ends_with(".json")
        || folder == "pam.d"
        || folder == "ld.so.conf.d" && name.ends_with(".conf")
}
