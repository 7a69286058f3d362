//! The order of the rules, and what follows from them.

use crate::{Facts, Grants, Placement, Policy, Verdict, rules};
use alloc::vec::Vec;

/// Judges a file by its facts under a policy. All rules are asked; a refusal names every reason.
pub fn judge(facts: &Facts, policy: &Policy) -> Verdict {
    let mut reasons = Vec::new();
    for rule in rules::ALL {
        rule(facts, policy, &mut reasons);
    }
    // Without a source that is accepted there is no placement; the placement rule has then given its reason.
    match rules::placement::source(facts, policy) {
        Some(source) if reasons.is_empty() => Verdict::Allow {
            placement: Placement::InProcess { source },
            grants: grants(facts, policy),
        },
        _ => Verdict::Refuse { reasons },
    }
}

/// What is both asked for and granted.
fn grants(facts: &Facts, policy: &Policy) -> Grants {
    let asked = facts
        .manifest
        .iter()
        .flat_map(|manifest| &manifest.capabilities);
    Grants {
        capabilities: asked
            .filter(|name| policy.capabilities.contains(*name))
            .cloned()
            .collect(),
    }
}
