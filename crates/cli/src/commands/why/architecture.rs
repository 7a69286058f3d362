//! Which processor a library is for that the loader passes over, and which one this is.
//!
//! A closure tells only that it is another one. The file is looked at again for the answer, so a file that changed meanwhile is told
//! of as it is now, and of one that cannot be read any more nothing is told.

use std::path::Path;

use plugwright_inspect::closure::{Closure, ClosureProblem, ClosureProblemKind, Outcome, Step};
use plugwright_inspect::{Links, Target};

/// What a library is for, by its header.
pub(super) fn of_file(path: &Path) -> Option<Target> {
    let file = plugwright_inspect::open(path, Links::Follow).ok()?;
    let images = plugwright_inspect::identity(&file, None).images;
    Some(images.first()?.target)
}

/// What the library at a place is for, where it is for another processor.
pub(super) fn of_step(step: &Step) -> Option<Target> {
    (step.outcome == Outcome::OtherArchitecture).then(|| of_file(&step.path))?
}

/// What is expected, and what the first library is for that would have been taken.
pub(super) fn of_problem(closure: &Closure, problem: &ClosureProblem) -> Option<(Target, Target)> {
    if problem.kind != ClosureProblemKind::WrongArchitecture {
        return None;
    }
    let found = match problem.steps.as_slice() {
        [] => of_file(closure.images.get(problem.index)?.path.as_deref()?),
        steps => steps.iter().find_map(of_step),
    };
    Some((Target::host()?, found?))
}

/// The processor of one, with what else tells it from the other.
pub(super) fn words(one: &Target, other: &Target) -> String {
    let mut more = Vec::new();
    if one.class != other.class {
        more.push(format!("{} bits", one.class.bits()));
    }
    if one.byte_order != other.byte_order {
        more.push(one.byte_order.to_string());
    }
    if more.is_empty() {
        one.machine.to_string()
    } else {
        format!("{} ({})", one.machine, more.join(", "))
    }
}
