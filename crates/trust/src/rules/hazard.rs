//! The bytes do not ask the system's loader for what reaches beyond the library. No policy changes this rule: what these
//! entries do happens before, or beside, everything that a judge can see.

use crate::{Code, Facts, HazardKind, Policy, Reason};
use alloc::format;
use alloc::vec::Vec;

pub(super) fn check(facts: &Facts, _policy: &Policy, reasons: &mut Vec<Reason>) {
    for hazard in &facts.hazards {
        let (code, what, expected, advice) = words(hazard.kind);
        let what = format!("{} {what}", facts.origin);
        reasons.push(Reason::new(code, &what, expected, &hazard.found, advice));
    }
}

const RELINK: &str = "link it anew without that option";

fn words(kind: HazardKind) -> (Code, &'static str, &'static str, &'static str) {
    match kind {
        HazardKind::Auditor => (
            Code::HazardAuditor,
            "names a library that would watch the loader",
            "no DT_AUDIT and no DT_DEPAUDIT",
            RELINK,
        ),
        HazardKind::Filter => (
            Code::HazardFilter,
            "names a library that would be loaded in its stead",
            "no DT_FILTER and no DT_AUXILIARY",
            RELINK,
        ),
        HazardKind::RunPath => (
            Code::HazardRunPath,
            "has its libraries looked for below the current folder",
            "run paths that are absolute or begin with $ORIGIN",
            "link it anew with a whole run path, or without one",
        ),
        HazardKind::NeededPath => (
            Code::HazardNeededPath,
            "needs a library by its path",
            "a name without a slash",
            "give that library a SONAME and link this one anew",
        ),
        HazardKind::ExecutableStack => (
            Code::HazardExecutableStack,
            "would make the host's stack executable",
            "a PT_GNU_STACK without execution",
            "link it anew with -z noexecstack",
        ),
        HazardKind::WritableCode => (
            Code::HazardWritableCode,
            "has memory that can be written and executed",
            "segments that are one or the other",
            RELINK,
        ),
        HazardKind::TextRelocations => (
            Code::HazardTextRelocations,
            "has the loader write into its code",
            "position-independent code",
            "compile all of it with -fPIC",
        ),
        HazardKind::InitFirst => (
            Code::HazardInitFirst,
            "wants its constructors to run before those of everything else",
            "no DF_1_INITFIRST",
            "link it anew without -z initfirst",
        ),
        HazardKind::Interposes => (
            Code::HazardInterposes,
            "takes precedence over the names of other libraries",
            "neither DF_1_GLOBAL nor DF_1_INTERPOSE",
            "link it anew without -z global and -z interpose",
        ),
        HazardKind::NameClash => (
            Code::HazardNameClash,
            "has the name of another library, for which it would be taken",
            "a SONAME of its own",
            "give it another SONAME (-Wl,-soname), or none",
        ),
    }
}
