//! B09: Defines functions that the C library or a TLS library owns.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::watched::Watch;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B09",
    title: "Defines functions that the C library or a TLS library owns",
    cwe: 386,
    severity: Severity::Medium,
    severity_rule: "Always this; not asked of those libraries themselves.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Every export, against a list of names.",
    why: "A definition that comes first takes the place of the real one for the whole process: allocation, opening of files, checks of certificates.",
    remedy: "Hide the symbol (a version script or -fvisibility=hidden), unless interposing is what the library is for.",
    references: &["ld.so(8)"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, symbols) in file.images() {
        let name = image.headers.name.as_ref();
        if name.is_some_and(|name| {
            OWNERS
                .iter()
                .any(|owner| name.as_bytes().starts_with(owner))
        }) {
            continue;
        }
        looked = looked.saturating_add(symbols.count());
        let names: Vec<_> = symbols.exported(Watch::Owned).collect();
        if !names.is_empty() {
            let title = format!(
                "{} functions of the C library or a TLS library are defined here",
                names.len()
            );
            let finding = sink.report(title);
            for symbol in names {
                finding.symbol("export", symbol);
            }
        }
    }
    looked
}

/// The libraries whose names these are, by the beginning of their SONAME.
const OWNERS: &[&[u8]] = &[
    b"libc.so.",
    b"libc.musl-",
    b"libpthread.so.",
    b"libdl.so.",
    b"ld-linux",
    b"ld-musl",
    b"libssl.so.",
    b"libcrypto.so.",
    b"libgnutls.so.",
    b"/usr/lib/libSystem",
    b"/usr/lib/system/",
];
