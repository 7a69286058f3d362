//! The plugin asks for no more than is granted, and does no more than it asks for, as far as its imports tell.

use super::signature;
use crate::{Capability, Code, Facts, Policy, Reason};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

pub(crate) fn check(facts: &Facts, policy: &Policy, out: &mut Vec<Reason>) {
    let origin = &facts.origin;
    for asked in asked(facts) {
        if is_granted(asked, facts, policy) {
            continue;
        }
        let by_policy = covered(asked, &policy.capabilities);
        let what = format!("{origin} asks for more than it is granted");
        let (expected, advice) = if by_policy {
            (
                "what the key that signed it may be granted",
                "widen what the policy says of that key, or use a build that asks for less",
            )
        } else {
            (
                "what the policy grants",
                "grant it in the policy's `capabilities` if it may do that",
            )
        };
        let found = asked.to_string();
        out.push(Reason::new(
            Code::CapabilityNotGranted,
            &what,
            expected,
            &found,
            advice,
        ));
    }
    let Some(imports) = &facts.imports else {
        return;
    };
    for ability in ABILITIES {
        let found: Vec<&str> = ability
            .imports
            .iter()
            .copied()
            .filter(|name| imports.contains(*name))
            .collect();
        if found.is_empty() || asked(facts).any(|asked| (ability.allows)(asked)) {
            continue;
        }
        let what = format!("{origin} {} and did not ask to", ability.does);
        let expected = format!("`{}` among its capabilities", ability.asks);
        let found = format!("imports of {}", found.join(", "));
        let advice = "ask its author why; what it needs belongs in the plugin's `capabilities`";
        out.push(Reason::new(
            Code::CapabilityUndeclared,
            &what,
            &expected,
            &found,
            advice,
        ));
    }
}

/// What is both asked for and granted.
pub(crate) fn granted(facts: &Facts, policy: &Policy) -> BTreeSet<Capability> {
    let granted = asked(facts).filter(|asked| is_granted(asked, facts, policy));
    granted.cloned().collect()
}

fn asked(facts: &Facts) -> impl Iterator<Item = &Capability> {
    facts
        .manifest
        .iter()
        .flat_map(|manifest| &manifest.capabilities)
}

/// By the policy, and by every key that signed the file and has a limit. A key that does not count any more limits all the
/// same: revoking one must not widen what a file may do that another key signed too.
fn is_granted(asked: &Capability, facts: &Facts, policy: &Policy) -> bool {
    let mut limits = signature::limits(facts, policy);
    covered(asked, &policy.capabilities) && limits.all(|limit| covered(asked, limit))
}

fn covered<'a>(asked: &Capability, granted: impl IntoIterator<Item = &'a Capability>) -> bool {
    granted.into_iter().any(|granted| granted.covers(asked))
}

/// The imported names that tell what a library can do, in a fixed order: of others the verdict does not depend.
pub fn telling_imports() -> impl Iterator<Item = &'static str> {
    let abilities = ABILITIES.iter();
    abilities.flat_map(|ability| ability.imports.iter().copied())
}

/// Something that a library cannot do without one of these names of the C library. Files and environment variables are not
/// among them: every Rust library takes `open64` and `getenv` from the system, for the backtrace of a panic.
struct Ability {
    does: &'static str,
    asks: &'static str,
    allows: fn(&Capability) -> bool,
    imports: &'static [&'static str],
}

const ABILITIES: &[Ability] = &[
    Ability {
        does: "can start child processes",
        asks: "processes",
        allows: |asked| matches!(asked, Capability::Processes),
        imports: &[
            "execl",
            "execle",
            "execlp",
            "execv",
            "execve",
            "execveat",
            "execvp",
            "execvpe",
            "fexecve",
            "fork",
            "forkpty",
            "popen",
            "posix_spawn",
            "posix_spawnp",
            "system",
            "vfork",
            "CreateProcessA",
            "CreateProcessW",
        ],
    },
    Ability {
        does: "can reach the network",
        asks: "network:HOST:PORT",
        allows: |asked| matches!(asked, Capability::Network { .. }),
        imports: &[
            "connect",
            "getaddrinfo",
            "gethostbyname",
            "listen",
            "socket",
            "WSASocketW",
            "WSAConnect",
        ],
    },
    Ability {
        does: "can start threads",
        asks: "threads:NUMBER",
        allows: |asked| matches!(asked, Capability::Threads(_)),
        imports: &["pthread_create", "thrd_create", "CreateThread"],
    },
];
