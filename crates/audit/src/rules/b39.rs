//! B39: No signature where the deployment wants one.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B39",
    title: "No signature where the deployment wants one",
    cwe: 353,
    severity: Severity::Medium,
    severity_rule: "Always this; asked only if signatures are wanted.",
    kinds: &[SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "The certificate table of PE, LC_CODE_SIGNATURE of Mach-O.",
    why: "Nothing tells whether these are the bytes that somebody released.",
    remedy: "Sign it (signtool, codesign), or say in the policy why it need not be.",
    references: &["https://learn.microsoft.com/windows/win32/seccrypto/cryptography-tools"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    if !file.options.wants_signatures {
        return 0;
    }
    let mut looked = 0_u64;
    if let Some((_, pe)) = file.pe() {
        looked = looked.saturating_add(1);
        if !pe.signed {
            sink.report("it has no Authenticode signature")
                .with("certificate table", "absent");
        }
    }
    for (_, facts) in file.macho() {
        looked = looked.saturating_add(1);
        if !facts.signed {
            sink.report("it has no code signature")
                .with("LC_CODE_SIGNATURE", "absent");
        }
    }
    looked
}
