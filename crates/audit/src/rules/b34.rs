//! B34: Needs a library that nobody maintains.

use super::b33::matching;
use crate::advisories::Advisory;
use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::subject::needed;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B34",
    title: "Needs a library that nobody maintains",
    cwe: 1104,
    severity: Severity::Low,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The name of every needed library, against a list of those whose maintenance has ended; with advisories, the crates in .dep-v0.",
    why: "Faults that are found in it from now on stay.",
    remedy: "Move to its successor.",
    references: &["https://endoflife.date/"],
    check: Check::File(check),
};

/// The beginning of a library's name, and when its maintenance by its authors ended.
const ENDED: &[(&str, &str)] = &[
    ("libssl.so.0.9.8", "OpenSSL 0.9.8: 2015"),
    ("libcrypto.so.0.9.8", "OpenSSL 0.9.8: 2015"),
    ("libssl.so.1.0", "OpenSSL 1.0: 2019"),
    ("libcrypto.so.1.0", "OpenSSL 1.0: 2019"),
    ("libssl.so.1.1", "OpenSSL 1.1: 2023"),
    ("libcrypto.so.1.1", "OpenSSL 1.1: 2023"),
    ("libssl-1_1", "OpenSSL 1.1: 2023"),
    ("libcrypto-1_1", "OpenSSL 1.1: 2023"),
    ("libeay32.dll", "OpenSSL 1.0: 2019"),
    ("ssleay32.dll", "OpenSSL 1.0: 2019"),
    ("libpython2.", "Python 2: 2020"),
    ("python27.dll", "Python 2: 2020"),
    ("libQtCore.so.4", "Qt 4: 2015"),
    ("QtCore4.dll", "Qt 4: 2015"),
    ("libgtk-x11-2.0.so", "GTK 2: 2020"),
    ("libgtk-1.2.so", "GTK 1: 2002"),
    ("libpng12.so", "libpng 1.2: 2017"),
    ("libpcre.so.3", "PCRE 1: 2021"),
    ("libgstreamer-0.10.so", "GStreamer 0.10: 2013"),
    ("libmysqlclient_r.so", "its separate form: 2010"),
    ("msvcr71.dll", "Visual C++ 2003: 2013"),
    ("msvcr80.dll", "Visual C++ 2005: 2016"),
    ("msvcr90.dll", "Visual C++ 2008: 2018"),
    ("msvcr100.dll", "Visual C++ 2010: 2020"),
    ("msvcr110.dll", "Visual C++ 2012: 2023"),
    ("msvcr120.dll", "Visual C++ 2013: 2024"),
];

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, _) in file.images() {
        for (name, offset) in needed(&image.headers) {
            looked = looked.saturating_add(1);
            let text = name.to_string_lossy();
            let base = text.rsplit('/').next().unwrap_or_default();
            let begins = |start: &str| {
                let same = |head: &str| head.eq_ignore_ascii_case(start);
                base.get(..start.len()).is_some_and(same)
            };
            if let Some((_, ended)) = ENDED.iter().find(|(start, _)| begins(start)) {
                sink.report(format!(
                    "it needs a library whose maintenance has ended ({ended})"
                ))
                .at("needed library", name.clone(), offset);
            }
        }
    }
    let Some(advisories) = &file.options.advisories else {
        return looked;
    };
    for (image, _) in file.images() {
        for found in &image.headers.crates {
            looked = looked.saturating_add(1);
            let advisories = matching(advisories, found).into_iter();
            let unmaintained =
                |advisory: &Advisory| advisory.informational.as_deref() == Some("unmaintained");
            for (advisory, version) in advisories.filter(|(advisory, _)| unmaintained(advisory)) {
                sink.report("it is built from a crate that nobody maintains")
                    .with("crate", format!("{} {version}", found.name).as_str())
                    .with("advisory", advisory.id.as_str());
            }
        }
    }
    looked
}
