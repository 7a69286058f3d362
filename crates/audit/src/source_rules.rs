//! The rules for source code, which are not covered yet: each report names those of every pillar, so that nobody takes a
//! review of binaries for a review of the code.

use crate::cwe;
use crate::pillar::Pillar;

/// Number, weakness and subject of every rule for source.
const RULES: [(&str, u16, &str); 43] = [
    ("S01", 427, "library loaded by a bare or relative name"),
    (
        "S02",
        73,
        "load path from the environment, arguments, the network or a file",
    ),
    (
        "S03",
        427,
        "search-path function given a relative, empty or writable folder",
    ),
    ("S04", 470, "name of a symbol or class from outside"),
    ("S05", 252, "result of loading or looking up not checked"),
    ("S06", 476, "symbol used without a check for null"),
    ("S07", 253, "failure of a look-up told by null alone"),
    (
        "S08",
        416,
        "pointer, vtable or callback that outlives its library",
    ),
    ("S09", 772, "handle not closed after an error"),
    ("S10", 1341, "handle closed twice"),
    ("S11", 911, "count of loads updated without a lock"),
    ("S12", 843, "symbol cast to an unchecked type"),
    ("S13", 367, "check by path, then load by path"),
    ("S14", 187, "folder compared as a prefix of text"),
    ("S15", 180, "path checked before its links are resolved"),
    ("S16", 1025, "trust decided by name or version text alone"),
    ("S17", 1023, "comparison of versions that leaves parts out"),
    (
        "S18",
        777,
        "pattern without anchors in a list of what is allowed",
    ),
    ("S19", 646, "what is a plugin decided by the file's ending"),
    ("S20", 248, "panic or exception across the boundary"),
    (
        "S21",
        833,
        "load or unload from a constructor or under a lock",
    ),
    ("S22", 366, "registry used without synchronisation"),
    ("S23", 390, "failure to load passed over"),
    ("S24", 636, "weaker search after a failure"),
    ("S25", 617, "assertion that a plugin's bytes can fail"),
    ("S26", 190, "unchecked arithmetic on fields of a header"),
    ("S27", 835, "loop or recursion that a file can make endless"),
    ("S28", 789, "allocation sized by a file"),
    ("S29", 502, "metadata decoded without limits"),
    ("S30", 117, "metadata printed or logged unescaped"),
    ("S31", 22, "path from metadata joined to a folder"),
    ("S32", 78, "shell or ldd run on a plugin's path"),
    ("S33", 696, "code run before its signature is checked"),
    ("S34", 494, "library fetched and loaded without a digest"),
    (
        "S35",
        807,
        "environment chooses the library in a privileged program",
    ),
    ("S36", 273, "dropping of privileges unchecked or too late"),
    ("S37", 489, "developer's override left in"),
    ("S38", 14, "wipe of a secret that a compiler may remove"),
    ("S39", 188, "layout of a struct shared without a promise"),
    (
        "S40",
        1188,
        "lazy binding or global symbols for an untrusted plugin",
    ),
    ("S41", 131, "size of a buffer computed wrongly"),
    ("S42", 1335, "shift or divisor from a file"),
    ("S43", 193, "off by one in a bound"),
];

/// Number and subject of the rules for source that belong to a pillar.
pub(crate) fn of(pillar: Pillar) -> impl Iterator<Item = (&'static str, &'static str)> {
    let rules = RULES
        .iter()
        .filter(move |(_, cwe, _)| cwe::pillar(*cwe) == Some(pillar));
    rules.map(|(id, _, subject)| (*id, *subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_belongs_to_a_pillar() {
        let sum: usize = Pillar::ALL
            .into_iter()
            .map(|pillar| of(pillar).count())
            .sum();
        assert_eq!(sum, RULES.len());
        for (id, cwe, _) in RULES {
            assert!(cwe::find(cwe).is_some(), "{id}");
        }
    }
}
