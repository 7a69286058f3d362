//! The libraries that the file needs are judged too: their constructors run as well.

use super::{audit, hazard, ownership, placement, signature, structure};
use crate::{Code, Facts, Needed, NeededFound, Policy, Reason, Source};
use alloc::format;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    for needed in &facts.needed {
        match &needed.found {
            // It runs already; that is not for this verdict to change.
            NeededFound::Loaded => {}
            NeededFound::File(file) => check_file(file, policy, reasons),
            NeededFound::Missing(looked) => reasons.push(missing(needed, looked)),
        }
    }
}

fn missing(needed: &Needed, looked: &str) -> Reason {
    let Needed { name, by, .. } = needed;
    let what = format!("{name}, which {by} needs, was not found");
    let advice =
        format!("install {name}, or lay it beside {by} and link that with a run path of $ORIGIN");
    Reason::new(Code::NeededMissing, &what, name, looked, &advice)
}

fn check_file(file: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    structure::check(file, policy, reasons);
    hazard::check(file, policy, reasons);
    audit::check(file, policy, reasons);
    if policy.denied.contains(&file.digest) {
        super::digest::denied(file, reasons);
    }
    // What nobody but root can change is the system's own, and loaded from where it lies.
    if file.held == Some(Source::InPlace) && placement::facts_are_frozen(file) {
        return;
    }
    ownership::check(file, policy, reasons);
    signature::check(file, policy, reasons);
    placement::check_held(file, policy, reasons);
}
