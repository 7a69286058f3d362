//! A panic of the plugin does not end the host; where the policy accepts that it does, it is told all the same.

use crate::{Code, Facts, PanicAbort, PanicStrategy, Policy, Reason};
use alloc::format;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, policy: &Policy, reasons: &mut Vec<Reason>) {
    if policy.panic_abort == PanicAbort::Refused {
        reasons.extend(aborts(facts));
    }
}

pub(crate) fn remark(facts: &Facts, policy: &Policy, remarks: &mut Vec<Reason>) {
    if policy.panic_abort == PanicAbort::Accepted {
        remarks.extend(aborts(facts));
    }
}

fn aborts(facts: &Facts) -> Option<Reason> {
    let manifest = facts.manifest.as_ref()?;
    (manifest.panic == Some(PanicStrategy::Abort)).then(|| {
        Reason::new(
            Code::PanicAborts,
            &format!("a panic inside {} would end the host", facts.origin),
            "panics that unwind",
            "panic = \"abort\"",
            "build it with panic = \"unwind\", the default",
        )
    })
}
