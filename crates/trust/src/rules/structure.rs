//! The file's structure is sound. No policy changes this rule: several of these files kill the process inside the dynamic
//! linker, before any code that could catch it has run.

use crate::{Code, Facts, Policy, ProblemClass, Reason};
use alloc::format;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, _policy: &Policy, reasons: &mut Vec<Reason>) {
    for problem in facts
        .structure
        .problems
        .iter()
        .filter(|problem| problem.fatal)
    {
        let (code, expected, advice) = match problem.class {
            ProblemClass::Position => (
                Code::StructurePosition,
                "offsets and addresses inside the file",
                "install the file anew from where it came",
            ),
            ProblemClass::Quantity => (
                Code::StructureQuantity,
                "counts and sizes that the file can hold",
                "install the file anew from where it came",
            ),
            ProblemClass::Type => (
                Code::StructureType,
                "a dynamic library for this machine",
                "name a library that was built for this machine",
            ),
            ProblemClass::Overflow => (
                Code::StructureOverflow,
                "offsets and sizes that fit together into their type",
                "install the file anew from where it came",
            ),
            ProblemClass::Consistency => (
                Code::StructureConsistency,
                "fields that agree with each other",
                "install the file anew from where it came",
            ),
        };
        let what = format!(
            "the structure of {} is unsound ({})",
            facts.origin, problem.code
        );
        reasons.push(Reason::new(code, &what, expected, &problem.text, advice));
    }
}
