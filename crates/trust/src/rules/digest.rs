//! The bytes are those that were agreed on.

use crate::{Code, Facts, Policy, Reason, Unpinned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    let (origin, digest) = (&facts.origin, facts.digest);
    if policy.denied.contains(&digest) {
        denied(facts, reasons);
    }
    if policy.trusted.contains(&digest) {
        return;
    }
    let id = facts.manifest.as_ref().map(|manifest| manifest.id.as_str());
    match id.and_then(|id| policy.pins.get(id)) {
        Some(pins) if pins.contains(&digest) => {}
        Some(pins) => {
            let id = id.unwrap_or_default();
            let what = format!("{origin} has other bytes than those that are pinned for {id}");
            let expected: Vec<String> = pins.iter().map(|pin| format!("digest {pin}")).collect();
            let advice =
                "find out who changed the file; if the change is wanted, pin the new digest";
            let found = format!("digest {digest}");
            reasons.push(Reason::new(
                Code::DigestMismatch,
                &what,
                &expected.join(" or "),
                &found,
                advice,
            ));
        }
        None if policy.unpinned == Unpinned::Refused => {
            let what = format!("{origin} is not among the files that the policy lists");
            let expected = id.map_or_else(
                || String::from("a plugin with an id, and a pinned digest for it"),
                |id| format!("a pinned digest for {id}"),
            );
            let advice = "if you trust this file, pin its digest";
            let found = format!("digest {digest}, for which there is no pin");
            reasons.push(Reason::new(
                Code::DigestNotPinned,
                &what,
                &expected,
                &found,
                advice,
            ));
        }
        None => {}
    }
}

/// That the policy denies the bytes.
pub(super) fn denied(facts: &Facts, reasons: &mut Vec<Reason>) {
    let what = format!("the policy denies the bytes of {}", facts.origin);
    reasons.push(Reason::new(
        Code::DigestDenied,
        &what,
        "bytes that are not denied",
        &format!("digest {}", facts.digest),
        "install a version that is not denied",
    ));
}
