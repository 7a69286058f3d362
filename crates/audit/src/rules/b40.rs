//! B40: Protection of the process is switched off by its signature.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::FileSubject;
use plugwright_inspect::Kind;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B40",
    title: "Protection of the process is switched off by its signature",
    cwe: 693,
    severity: Severity::High,
    severity_rule: "Medium where only the hardened runtime is absent.",
    kinds: &[SubjectKind::MachO],
    looked_at: "The entitlements and the flags of the code directory, in the embedded signature.",
    why: "With library validation off, or DYLD_ variables allowed, any user's library runs with the program's rights and entitlements.",
    remedy: "Sign with the hardened runtime and without those entitlements.",
    references: &[
        "CVE-2025-5255",
        "CVE-2026-24064",
        "https://developer.apple.com/documentation/security/hardened-runtime",
    ],
    check: Check::File(check),
};

/// Entitlements that let foreign code in.
const OPEN: [&str; 2] = [
    "com.apple.security.cs.disable-library-validation",
    "com.apple.security.cs.allow-dyld-environment-variables",
];
/// `CS_RUNTIME` of the code directory's flags.
const RUNTIME: u32 = 0x1_0000;

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, facts) in file.macho() {
        looked = looked.saturating_add(1);
        let Some((at, size)) = facts.signature_at else {
            if image.image.kind == Kind::Executable {
                sink.report_as(
                    Severity::Medium,
                    "the program is not signed: it has no hardened runtime",
                )
                .with("LC_CODE_SIGNATURE", "absent");
            }
            continue;
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        // Of the image, which lies somewhere in a universal file.
        let at = image.image.offset.saturating_add(at);
        let signature = Signature::read(&file.bytes(at, size.min(MOST)));
        for name in OPEN {
            if let Some(offset) = signature.allows(name) {
                sink.report("an entitlement lets foreign code into the process")
                    .at("entitlement", name, at.checked_add(offset));
            }
        }
        let hardened = signature.flags.is_some_and(|flags| flags & RUNTIME != 0);
        if image.image.kind == Kind::Executable && !hardened {
            let flags = signature
                .flags
                .map_or_else(|| "absent".into(), |flags| format!("{flags:#x}"));
            sink.report_as(Severity::Medium, "the program has no hardened runtime")
                .at("flags of the code directory", flags.as_str(), at);
        }
    }
    looked
}

/// Bytes of a signature that are read; Apple's own are below 100 KiB without the hashes of pages.
const MOST: usize = 1 << 20;

/// What a signature says (Apple's `cs_blobs.h` in words: big-endian, a table of typed places, each with a mark and a size).
#[derive(Debug, Default)]
struct Signature {
    flags: Option<u32>,
    /// The property list of entitlements, with its place in the signature.
    entitlements: Option<(u64, String)>,
}

impl Signature {
    fn read(bytes: &[u8]) -> Self {
        let mut signature = Self::default();
        let word = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_be_bytes(*bytes))
        };
        if word(0) != Some(0xfade_0cc0) {
            return signature;
        }
        for index in 0..word(8).unwrap_or_default().min(64) {
            let entry = usize::try_from(index)
                .ok()
                .and_then(|index| index.checked_mul(8)?.checked_add(16));
            let Some(at) = entry.and_then(word).and_then(|at| usize::try_from(at).ok()) else {
                break;
            };
            match word(at) {
                Some(0xfade_0c02) => signature.flags = at.checked_add(12).and_then(word),
                Some(0xfade_7171) => {
                    let body = || {
                        let size = usize::try_from(word(at.checked_add(4)?)?).ok()?;
                        let text = bytes.get(at.checked_add(8)?..at.checked_add(size)?)?;
                        Some(String::from_utf8_lossy(text).into_owned())
                    };
                    let place = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(8);
                    signature.entitlements = body().map(|text| (place, text));
                }
                _ => {}
            }
        }
        signature
    }

    /// Where the entitlement stands in the signature, if it is there and true.
    fn allows(&self, name: &str) -> Option<u64> {
        let (place, text) = self.entitlements.as_ref()?;
        let at = text.find(&format!("<key>{name}</key>"))?;
        let rest = text.get(at..)?.split_once("</key>")?.1;
        let is_true = rest.trim_start().starts_with("<true");
        is_true
            .then(|| place.checked_add(u64::try_from(at).ok()?))
            .flatten()
    }
}
