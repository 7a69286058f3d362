//! A panic of the plugin does not end the host.

use crate::{Code, Facts, PanicAbort, PanicStrategy, Policy, Reason};
use alloc::format;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    let aborts = facts
        .manifest
        .as_ref()
        .is_some_and(|manifest| manifest.panic == Some(PanicStrategy::Abort));
    if aborts && policy.panic_abort == PanicAbort::Refused {
        let what = format!("a panic inside {} would end the host", facts.origin);
        let advice = "build it with panic = \"unwind\", the default";
        reasons.push(Reason::new(
            Code::PanicAborts,
            &what,
            "panics that unwind",
            "panic = \"abort\"",
            advice,
        ));
    }
}
