//! B37: Library that an attacker could put beside the program.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{FileSubject, needed};
use plugwright_trust::Severity;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "B37",
    title: "Library that an attacker could put beside the program",
    cwe: 427,
    severity: Severity::Medium,
    severity_rule: "High in a program.",
    kinds: &[SubjectKind::Pe],
    looked_at: "Every imported and delayed DLL: whether Windows takes it from its own list, or it lies beside the file.",
    why: "Windows looks for other DLLs in the program's folder first and in the folders of PATH last: whoever may write into one of them has code run.",
    remedy: "Bring the library along in a folder that users cannot write, or load it with LOAD_LIBRARY_SEARCH_SYSTEM32.",
    references: &["https://hijacklibs.net/"],
    check: Check::File(check),
};

/// What Windows maps before any search (`KnownDLLs` in the registry of Windows 11), and what every process has anyway.
const KNOWN: &[&str] = &[
    "advapi32",
    "bcryptprimitives",
    "cfgmgr32",
    "clbcatq",
    "combase",
    "comctl32",
    "comdlg32",
    "coml2",
    "crypt32",
    "difxapi",
    "gdi32",
    "gdi32full",
    "gdiplus",
    "imagehlp",
    "imm32",
    "kernel32",
    "kernelbase",
    "msctf",
    "msvcp_win",
    "msvcrt",
    "normaliz",
    "nsi",
    "ntdll",
    "ole32",
    "oleaut32",
    "psapi",
    "rpcrt4",
    "sechost",
    "setupapi",
    "shcore",
    "shell32",
    "shlwapi",
    "ucrtbase",
    "user32",
    "win32u",
    "wldap32",
    "wow64",
    "wow64cpu",
    "wow64win",
    "ws2_32",
];

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let Some((image, _)) = file.pe() else {
        return 0;
    };
    let mut looked = 0_u64;
    let folder = file.path.parent().unwrap_or_else(|| Path::new("."));
    let mut beside = None;
    let severity = if file.is_program() {
        Severity::High
    } else {
        Severity::Medium
    };
    for (name, at) in needed(image) {
        looked = looked.saturating_add(1);
        let lower = name.to_string_lossy().to_ascii_lowercase();
        let stem = lower.strip_suffix(".dll").unwrap_or(&lower);
        // Names of the API set are no files.
        if KNOWN.contains(&stem) || stem.starts_with("api-ms-") || stem.starts_with("ext-ms-") {
            continue;
        }
        let beside = beside.get_or_insert_with(|| file.folders.names(folder));
        if !beside.contains(&lower) {
            let title = "a library is neither one of the system's own nor beside the file";
            sink.report_as(severity, title)
                .at("imported library", name.clone(), at);
        }
    }
    looked
}
