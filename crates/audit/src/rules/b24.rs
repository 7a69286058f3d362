//! B24: Code that runs while symbols are bound (ifunc).

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B24",
    title: "Code that runs while symbols are bound (ifunc)",
    cwe: 912,
    severity: Severity::Medium,
    severity_rule: "Info in the libraries of the toolchain itself, which choose their fastest functions in this way.",
    kinds: &[SubjectKind::Elf],
    looked_at: "Exports of the type IFUNC and relocations of the type IRELATIVE.",
    why: "A resolver runs during relocation, before any constructor and even with lazy binding; the planted code of xz 5.6 began there.",
    remedy: "Ask why the library has it. The C library and mathematical ones do; few others need to.",
    references: &["CVE-2024-3094"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, symbols) in file.images() {
        let relocations = image
            .relocations
            .as_ref()
            .map_or(0, |counted| counted.indirect);
        looked = looked.saturating_add(symbols.count());
        if symbols.indirect_count > 0 || relocations > 0 {
            let plural = |count: u64, what: &str| {
                let (noun, rest) = what.split_once(' ').unwrap_or((what, ""));
                format!("{count} {noun}{} {rest}", if count == 1 { "" } else { "s" })
            };
            let counts = [
                (symbols.indirect_count, "function that others call"),
                (relocations, "relocation of its own"),
            ];
            let counts = counts.into_iter().filter(|(count, _)| *count > 0);
            let told: Vec<String> = counts.map(|(count, what)| plural(count, what)).collect();
            let title = format!(
                "code of it runs while symbols are bound, for {}",
                told.join(" and for ")
            );
            let name = image.headers.name.as_ref();
            let is_toolchain = name
                .is_some_and(|name| TOOLCHAIN.iter().any(|own| name.as_bytes().starts_with(own)));
            let severity = if is_toolchain {
                Severity::Info
            } else {
                RULE.severity
            };
            let finding = sink.report_as(severity, title);
            for symbol in &symbols.indirect {
                finding.symbol("IFUNC", symbol);
            }
        }
    }
    looked
}

/// The C library, its mathematics, its loader and the compiler's own libraries, by the beginning of their SONAME.
const TOOLCHAIN: &[&[u8]] = &[
    b"libc.so.",
    b"libm.so.",
    b"libmvec.so.",
    b"libatomic.so.",
    b"ld-linux",
    b"libgcc_s.so.",
];
