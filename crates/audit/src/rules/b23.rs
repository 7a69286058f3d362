//! B23: Code that runs when the library is loaded.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use crate::subject::entry_offset;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B23",
    title: "Code that runs when the library is loaded",
    cwe: 912,
    severity: Severity::Low,
    severity_rule: "Medium in a plugin and in Mach-O and PE images, whose toolchains bring none of their own.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "DT_INIT_ARRAY and DT_INIT, initialisers of Mach-O, TLS callbacks of PE.",
    why: "A constructor runs before anybody asked the library for something, with all rights of the process, and no record declares it.",
    remedy: "Ask what it does; let the library begin its work when it is called.",
    references: &["CVE-2024-3094"],
    check: Check::File(check),
};

/// What C's and C++'s toolchains put into every library.
const USUAL: u64 = 2;

/// The same for this file: Rust's standard library adds one on Linux, which keeps the program's arguments.
fn usual(file: &FileSubject<'_>) -> u64 {
    let images = file.scan.images.iter().map(|image| &image.headers.image);
    let mut records = images.flat_map(|image| &image.records);
    let is_rust = records.any(|record| !record.summary.build.rustc.is_empty());
    USUAL.saturating_add(u64::from(is_rust))
}

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let as_plugin = if file.is_plugin() {
        Severity::Medium
    } else {
        Severity::Low
    };
    if let Some((_, elf)) = file.elf().filter(|_| !file.is_program()) {
        looked = looked.saturating_add(elf.constructors);
        let usual = usual(file);
        if elf.constructors > usual {
            let title = format!(
                "{} constructors run when the library is loaded, {} more than toolchains bring along",
                elf.constructors,
                elf.constructors.saturating_sub(usual)
            );
            sink.report_as(as_plugin, title).at(
                "DT_INIT_ARRAYSZ",
                format!("{} constructors", elf.constructors).as_str(),
                entry_offset(elf, 27),
            );
        }
    }
    for (_, facts) in file.macho().filter(|_| !file.is_program()) {
        looked = looked.saturating_add(1);
        if facts.constructors > 0 {
            let title = format!(
                "{} initialisers run when the library is loaded",
                facts.constructors
            );
            sink.report_as(Severity::Medium, title)
                .with("initialisers", facts.constructors.to_string().as_str());
        }
    }
    if let Some((_, facts)) = file.pe() {
        looked = looked.saturating_add(1);
        if facts.thread_callbacks {
            let title = "functions run whenever a thread begins or ends, the first of them before the program's entry";
            sink.report_as(Severity::Medium, title)
                .with("directory of thread-local storage", "has callbacks");
        }
    }
    looked
}
