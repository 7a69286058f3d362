//! B27: Something that it needs is nowhere.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{ClosureSubject, shown};
use plugwright_inspect::closure::ClosureProblemKind;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B27",
    title: "Something that it needs is nowhere",
    cwe: 754,
    severity: Severity::Medium,
    severity_rule: "Low for symbols that the process which loads a library may bring along.",
    kinds: &[SubjectKind::Elf],
    looked_at: "All that the loader would load with it, step by step; every version and symbol that these need of each other.",
    why: "It does not load, or ends the process when the symbol is first called; and who brings the missing library brings code.",
    remedy: "Install what is missing, or build it for this system; plugwright why shows where it was looked for.",
    references: &["ld.so(8)", "plugwright why FILE"],
    check: Check::Closure(check),
};

/// Names that one finding shows.
const SHOWN: usize = 8;

fn check(subject: &ClosureSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let closure = subject.closure;
    let mut undefined = Vec::new();
    // What is wrong further down is told of the library that it is wrong with, where that is reviewed too.
    let own = closure
        .problems
        .iter()
        .filter(|problem| subject.is_program || problem.index == 0);
    for problem in own {
        let what = match problem.kind {
            ClosureProblemKind::NotFound => "a library that it needs is nowhere",
            ClosureProblemKind::WrongArchitecture => {
                "a library that it needs is there for another processor only"
            }
            ClosureProblemKind::Unreadable => "a library that it needs may not be read",
            ClosureProblemKind::Damaged => "a library that it needs is damaged",
            ClosureProblemKind::TooMany => "it brings in more libraries than the review follows",
            ClosureProblemKind::UndefinedSymbol => {
                undefined.push(problem);
                continue;
            }
            // Told by the rule about toolchains.
            _ => continue,
        };
        // Of the file itself its structure is told already.
        if problem.kind == ClosureProblemKind::Damaged
            && problem.index == 0
            && problem.library.is_none()
        {
            continue;
        }
        let finding = sink.report(what);
        if let Some(library) = &problem.library {
            finding.with("needed library", library.clone());
        }
        finding.with("needed by", problem.image.clone());
        for step in problem.steps.iter().take(SHOWN) {
            finding.with("looked for at", shown(&step.path));
        }
    }
    if !undefined.is_empty() {
        let severity = if subject.is_program {
            Severity::Medium
        } else {
            Severity::Low
        };
        let title = format!(
            "{} symbols that it needs are defined by nothing that it brings in",
            undefined.len()
        );
        let finding = sink.report_as(severity, title);
        for problem in undefined.iter().take(SHOWN) {
            finding.with("symbol", problem.symbol.clone().unwrap_or_default());
        }
    }
    u64::try_from(closure.images.len()).unwrap_or(u64::MAX)
}
