//! What inspection found, in the judge's words.

use plugwright_inspect::{Group, Headers, Loader, Problem};
use plugwright_trust::{ProblemClass, Structure, StructureProblem};

/// Hands every problem of a file to the judge.
///
/// A problem counts against the file when the system's loader could refuse it or crash on
/// it, when the structure contradicts itself, or when the reading was cut short: what was
/// not read was not checked. Damaged metadata of others' plugin systems does not.
#[must_use]
pub fn structure(headers: &Headers) -> Structure {
    Structure::new(headers.problems.iter().map(problem).collect())
}

fn problem(problem: &Problem) -> StructureProblem {
    let class = class(problem);
    let (code, text) = (problem.code.as_str(), problem.to_string());
    let harmless = matches!(problem.code.group(), Group::Metadata | Group::Foreign)
        && problem.loader == Loader::Accepts;
    if harmless {
        StructureProblem::harmless(code, text, class)
    } else {
        StructureProblem::fatal(code, text, class)
    }
}

fn class(problem: &Problem) -> ProblemClass {
    match problem.code.group() {
        Group::Foreign => ProblemClass::Type,
        Group::Limit => ProblemClass::Quantity,
        Group::Structure if problem.offset.is_some() => ProblemClass::Position,
        _ => ProblemClass::Consistency,
    }
}
