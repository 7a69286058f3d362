//! The order of the rules, and what follows from them.

use crate::{Excess, Facts, Grants, Placement, Policy, Verdict, rules};
use alloc::vec::Vec;

/// Judges a file by its facts under a policy. All rules are asked; a refusal names every reason.
///
/// In a process that has rights which who started it has not (`ProcessFacts::privileged`), only files and folders of root
/// that nobody else can write are accepted, whatever the policy says.
pub fn judge(facts: &Facts, policy: &Policy) -> Verdict {
    let stricter;
    let policy = if facts.process.is_some_and(|process| process.privileged) {
        stricter = policy.for_privileged();
        &stricter
    } else {
        policy
    };
    let mut reasons = Vec::new();
    for rule in rules::ALL {
        rule(facts, policy, &mut reasons);
    }
    let mut remarks = Vec::new();
    rules::capability::check(
        facts,
        policy,
        match policy.excess {
            Excess::Told => &mut remarks,
            Excess::Refused => &mut reasons,
        },
    );
    rules::panic::remark(facts, policy, &mut remarks);
    // Without a source that is accepted there is no placement; the placement rule has then given its reason.
    match rules::placement::source(facts, policy) {
        Some(source) if reasons.is_empty() => Verdict::Allow {
            placement: Placement::InProcess { source },
            grants: Grants {
                capabilities: rules::capability::granted(facts, policy),
            },
            remarks,
        },
        _ => Verdict::Refuse { reasons },
    }
}
