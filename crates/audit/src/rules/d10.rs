//! D10: Signed over a weak hash.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D10",
    title: "Signed over a weak hash",
    cwe: 328,
    severity: Severity::Medium,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Pe],
    looked_at: "The digest algorithms of an Authenticode signature.",
    why: "Somebody can make two files with one MD5 or SHA-1 hash, have one signed and install the other.",
    remedy: "Sign it again with SHA-256 (signtool sign /fd sha256).",
    references: &[
        "https://shattered.io/",
        "https://learn.microsoft.com/windows/win32/debug/pe-format",
    ],
    check: Check::File(check),
};

/// The object identifiers of the algorithms in DER (RFC 3279, RFC 1321).
const WEAK: [(&[u8], &str); 2] = [
    (b"\x06\x05\x2b\x0e\x03\x02\x1a", "SHA-1"),
    (b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05", "MD5"),
];
/// Bytes of a signature within which it names its algorithms: they follow its version.
const NAMED: usize = 96;

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let signed = file.pe().is_some_and(|(_, pe)| pe.signed);
    let Some(at) = signed.then(|| certificates(&file.bytes(0, 4096))).flatten() else {
        return 0;
    };
    let head = file.bytes(at, NAMED);
    for (mark, name) in WEAK {
        if let Some(place) = head.windows(mark.len()).position(|window| window == mark) {
            let place = u64::try_from(place)
                .ok()
                .and_then(|place| at.checked_add(place));
            sink.report(format!("the signature is over a hash by {name}"))
                .at("digest algorithm", name, place);
        }
    }
    1
}

/// Where the table of certificates lies (the PE format's specification, "Optional Header Data Directories"): the one directory
/// whose place is an offset in the file.
fn certificates(head: &[u8]) -> Option<u64> {
    let half = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk::<2>()?));
    let word = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk::<4>()?));
    let optional = usize::try_from(word(0x3c)?).ok()?.checked_add(24)?;
    let directories = match half(optional)? {
        0x10b => 96,
        0x20b => 112,
        _ => return None,
    };
    let at = optional.checked_add(directories)?.checked_add(32)?;
    word(at).map(u64::from).filter(|offset| *offset != 0)
}
