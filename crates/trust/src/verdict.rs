//! What the judge says: allowed (where, with what) or refused (for which reasons).

use crate::escape::escaped;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use plugwright_manifest::Capability;
use serde::Deserialize;

/// The judge's answer about one file under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a verdict that nobody looks at protects nothing"]
pub enum Verdict {
    /// The file may run.
    Allow {
        /// Where, and how its bytes are to be held until they are loaded.
        placement: Placement,
        /// What the policy grants of what the plugin asked for.
        grants: Grants,
        /// What speaks against it without being a reason to refuse it under this policy.
        remarks: Vec<Reason>,
    },
    /// The file may not run.
    Refuse {
        /// Every reason against it, in the order of the rules; never empty.
        reasons: Vec<Reason>,
    },
}

impl Verdict {
    /// Whether the file may run.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// The reasons against the file; empty if it may run.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Allow { .. } => &[],
            Self::Refuse { reasons } => reasons,
        }
    }
}

/// As one line; each reason with what to do about it.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (said, reasons) = match self {
            Self::Allow {
                placement: Placement::InProcess { source },
                remarks,
                ..
            } => {
                write!(f, "allowed, in the host's process from a {source}")?;
                ("; remark: ", remarks)
            }
            Self::Refuse { reasons } => {
                f.write_str("refused")?;
                ("; ", reasons)
            }
        };
        for (index, reason) in reasons.iter().enumerate() {
            let first = index == 0 && !self.is_allowed();
            f.write_str(if first { ": " } else { said })?;
            reason.fmt(f)?;
        }
        Ok(())
    }
}

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// In the host's own process, loaded from this kind of source.
    InProcess {
        /// How the bytes are held between judging and loading.
        source: Source,
    },
}

/// How the bytes of a library are held, so that those that were judged are those that are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Source {
    /// A copy in memory that nobody can change any more, not even this process.
    Sealed,
    /// A copy in a folder that only this user can enter. A debugger can open it by its path.
    PrivateCopy,
    /// The file itself, where it lies. Only root may be able to write it or move anything above it.
    InPlace,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sealed => "sealed copy",
            Self::PrivateCopy => "private copy",
            Self::InPlace => "file in place",
        })
    }
}

/// What a policy grants a plugin. In the host's process this binds nobody: native code can do whatever its process can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grants {
    /// What the plugin asked for and the policy grants.
    pub capabilities: BTreeSet<Capability>,
}

/// One reason why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// A stable name to decide on.
    pub code: Code,
    /// The weakness's number in CWE 4.19.1.
    pub cwe: u32,
    /// What is wrong with what.
    pub what: String,
    /// What the policy expects there.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: String,
}

impl Reason {
    /// A reason; text that came from a file is escaped and bounded here, so that no rule can forget it.
    pub(crate) fn new(code: Code, what: &str, expected: &str, found: &str, advice: &str) -> Self {
        Self {
            code,
            cwe: code.cwe(),
            what: escaped(what),
            expected: escaped(expected),
            found: escaped(found),
            advice: escaped(advice),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            cwe,
            what,
            expected,
            found,
            advice,
        } = self;
        write!(
            f,
            "{what}: expected {expected}, found {found}; {advice} [{code}, CWE-{cwe}]"
        )
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $cwe:literal;)*) => {
        /// The stable names of reasons.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the rules.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as text: `rule.finding`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The number of the weakness in CWE 4.19.1.
            #[must_use]
            pub const fn cwe(self) -> u32 {
                match self { $(Self::$name => $cwe,)* }
            }
        }
    };
}

codes! {
    /// An offset, address or index in the file points outside.
    StructurePosition = "structure.position", 1285;
    /// A count or size in the file is absurd.
    StructureQuantity = "structure.quantity", 1284;
    /// The file is not of the expected type.
    StructureType = "structure.type", 1287;
    /// Fields of the file contradict each other.
    StructureConsistency = "structure.consistency", 1288;
    /// Fields of the file added together overflow.
    StructureOverflow = "structure.overflow", 190;
    /// Nobody said who owns the file, or the chain of folders above it does not reach `/`.
    OwnerUnknown = "ownership.unknown", 708;
    /// The file belongs to somebody whom the policy does not trust.
    FileOwner = "ownership.file-owner", 708;
    /// Somebody else may write the file.
    WritableFile = "ownership.writable-file", 732;
    /// The file has further names.
    HardLinked = "ownership.hard-linked", 62;
    /// A folder above the file belongs to somebody whom the policy does not trust.
    FolderOwner = "ownership.folder-owner", 708;
    /// Somebody else may replace entries of a folder above the file.
    WritableFolder = "ownership.writable-folder", 732;
    /// The policy wants the bytes audited, and nobody did.
    AuditMissing = "audit.missing", 693;
    /// An audit of the bytes found something as bad as the policy names; the weakness is the finding's own.
    AuditFinding = "audit.finding", 693;
    /// The digest is one that the policy denies.
    DigestDenied = "digest.denied", 1395;
    /// The plugin's id is pinned to other bytes.
    DigestMismatch = "digest.mismatch", 354;
    /// The policy wants a pin and there is none.
    DigestNotPinned = "digest.not-pinned", 353;
    /// There is no signature, and the policy wants one.
    SignatureMissing = "signature.missing", 347;
    /// A signature by a known key was not made over these bytes.
    SignatureForged = "signature.forged", 347;
    /// A signature is of the older form that is not accepted.
    SignatureLegacy = "signature.legacy", 347;
    /// What lies there as a signature is none.
    SignatureMalformed = "signature.malformed", 347;
    /// A signature is by a key that the policy does not know.
    SignatureUnknownKey = "signature.unknown-key", 346;
    /// A signature is by a key that was revoked.
    SignatureRevoked = "signature.revoked", 299;
    /// A signature is by a key that is not valid now.
    SignatureKeyExpired = "signature.key-expired", 324;
    /// A signature was made for a time that is over.
    SignatureExpired = "signature.expired", 672;
    /// A key signed for a plugin that it may not speak for.
    SignatureScope = "signature.scope", 346;
    /// A signature was made for another plugin or another version.
    SignatureSubject = "signature.subject", 346;
    /// A bundle is signed, and the file is not in it as it is.
    SignatureNotListed = "signature.not-listed", 349;
    /// The lock file does not list the plugin.
    LockMissing = "lock.missing", 349;
    /// The plugin's version is lower than the locked one.
    LockDowngrade = "lock.downgrade", 672;
    /// The plugin's version is not a locked one.
    LockVersion = "lock.version", 354;
    /// The plugin's bytes are not the locked ones.
    LockDigest = "lock.digest", 354;
    /// The plugin is not signed by the key that signed it when it was locked.
    LockSigner = "lock.signer", 346;
    /// The plugin provides something else than it did when it was locked.
    LockInterface = "lock.interface", 439;
    /// The bytes name a library that watches the loader.
    HazardAuditor = "hazard.auditor", 829;
    /// The bytes bring another library in by the back door.
    HazardFilter = "hazard.filter", 829;
    /// The current folder would decide what is loaded.
    HazardRunPath = "hazard.run-path", 427;
    /// A needed library is named by a path.
    HazardNeededPath = "hazard.needed-path", 427;
    /// The host's stack would become executable.
    HazardExecutableStack = "hazard.executable-stack", 693;
    /// Memory could be written and executed.
    HazardWritableCode = "hazard.writable-code", 693;
    /// The loader would write into code.
    HazardTextRelocations = "hazard.text-relocations", 693;
    /// Constructors would run before those of everything else.
    HazardInitFirst = "hazard.init-first", 696;
    /// Names of other libraries would be taken over.
    HazardInterposes = "hazard.interposes", 386;
    /// A library with the same name would be taken for it, or it for that one.
    HazardNameClash = "hazard.name-clash", 386;
    /// A needed library was not found.
    NeededMissing = "needed.missing", 754;
    /// The plugin asks for more than the policy grants.
    CapabilityNotGranted = "capability.not-granted", 250;
    /// The plugin takes functions from the system for what it did not ask to do.
    CapabilityUndeclared = "capability.undeclared", 912;
    /// A panic of the plugin would end the host.
    PanicAborts = "panic.abort", 248;
    /// The bytes are held in a way that the policy does not accept.
    SourceNotAccepted = "placement.source", 367;
    /// A file that is to be loaded in place is not safe from being changed.
    NotFrozen = "placement.not-frozen", 367;
    /// The policy demands a process of its own for the plugin, and there is none to be had.
    IsolationUnavailable = "placement.isolation-unavailable", 653;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;
    use alloc::vec;

    use super::*;

    #[track_caller]
    fn check(verdict: &Verdict, expected: &str) {
        assert_eq!(verdict.to_string(), expected);
    }

    #[test]
    fn a_verdict_is_one_line() {
        let reasons = || {
            vec![
                Reason::new(Code::PanicAborts, "it aborts", "that", "this", "mend it"),
                Reason::new(Code::LockMissing, "it is new", "one", "none", "lock it"),
            ]
        };
        let told = "it aborts: expected that, found this; mend it [panic.abort, CWE-248]";
        let more = "it is new: expected one, found none; lock it [lock.missing, CWE-";
        let refused = Verdict::Refuse { reasons: reasons() };
        let text = refused.to_string();
        assert!(
            text.starts_with(&alloc::format!("refused: {told}; {more}")),
            "{text}"
        );
        let allow = |remarks| Verdict::Allow {
            placement: Placement::InProcess {
                source: Source::Sealed,
            },
            grants: Grants::default(),
            remarks,
        };
        let allowed = "allowed, in the host's process from a sealed copy";
        check(&allow(vec![]), allowed);
        let remarks = vec![reasons().swap_remove(0)];
        check(
            &allow(remarks),
            &alloc::format!("{allowed}; remark: {told}"),
        );
    }
}
