//! What an image does against attackers, as one line: what it has, then what is weak.

use plugwright_inspect::{ElfFacts, FormatFacts, MachOFacts, PeFacts};

/// The line, without anything that a file wrote.
pub(super) fn line(facts: &FormatFacts) -> Option<String> {
    let (good, weak) = match facts {
        FormatFacts::Elf(facts) => elf(facts),
        FormatFacts::MachO(facts) => macho(facts),
        FormatFacts::Pe(facts) => pe(facts),
        _ => return None,
    };
    let chosen = |facts: &[(bool, &str)]| {
        let chosen: Vec<&str> = facts
            .iter()
            .filter(|fact| fact.0)
            .map(|fact| fact.1)
            .collect();
        chosen.join(", ")
    };
    let (good, weak) = (chosen(&good), chosen(&weak));
    Some(match (good.as_str(), weak.as_str()) {
        ("", "") => "none told".to_owned(),
        (_, "") => good,
        ("", _) => format!("weak: {weak}"),
        _ => format!("{good}; weak: {weak}"),
    })
}

type Facts = Vec<(bool, &'static str)>;

fn elf(facts: &ElfFacts) -> (Facts, Facts) {
    let (flags, code) = (&facts.flags, &facts.properties);
    let stack = facts.executable_stack == Some(false);
    (
        vec![
            (facts.relro && flags.bind_now, "full RELRO"),
            (facts.relro && !flags.bind_now, "partial RELRO"),
            (stack, "stack not executable"),
            (code.indirect_branch_tracking, "IBT"),
            (code.shadow_stack, "shadow stack"),
            (code.branch_targets, "BTI"),
            (code.pointer_authentication, "PAC"),
        ],
        vec![
            (!facts.relro, "no RELRO"),
            (!stack, "executable stack"),
            (facts.writable_code > 0, "writable code"),
            (flags.text_relocations, "relocations in code"),
        ],
    )
}

fn macho(facts: &MachOFacts) -> (Facts, Facts) {
    (
        vec![
            (facts.signed, "signed (not verified)"),
            (!facts.executable_stack, "stack not executable"),
        ],
        vec![
            (facts.executable_stack, "executable stack"),
            (facts.writable_code > 0, "writable code"),
        ],
    )
}

fn pe(facts: &PeFacts) -> (Facts, Facts) {
    let flags = &facts.flags;
    (
        vec![
            (flags.aslr && flags.high_entropy, "ASLR (64 bits)"),
            (flags.aslr && !flags.high_entropy, "ASLR"),
            (flags.no_execute, "data not executable"),
            (flags.control_flow_guard, "control flow guard"),
            (facts.signed, "signed (not verified)"),
        ],
        vec![
            (!flags.aslr, "no ASLR"),
            (!flags.no_execute, "executable data"),
            (facts.writable_code > 0, "writable code"),
            (facts.shared_writable > 0, "sections that processes share"),
        ],
    )
}
