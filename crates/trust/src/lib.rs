//! The judge: facts and a policy in, a verdict out, no input or output of its own.
//!
//! [`judge()`] decides whether a plugin file may enter a process, from [`Facts`] that somebody else gathered and a [`Policy`]
//! that the host named. It opens nothing, asks no clock and reads no environment: the crate is `no_std`, so the compiler
//! itself keeps it that way. The same facts and the same policy give the same verdict, always.
//!
//! A verdict names *every* reason against a file at once, each with a stable code, the weakness it belongs to (CWE 4.19.1),
//! what was expected, what was found and what to do. Whatever is not known counts against the file: facts about the owner
//! that are absent are a reason to refuse, never a reason to skip the question.
//!
//! Trust is not safety. A verdict says that the right people were able to write these bytes and that the operating system's
//! loader can digest them. It does not say that the code in them is sound.
//!
//! ```
//! use plugwright_trust::{Code, Digest, Facts, FileFacts, FolderFacts, Policy, Structure, Verdict, judge};
//!
//! let mut facts = Facts::new("/usr/lib/press/libzstd.so", Digest::from_bytes([7; 32]), Structure::sound())
//!     .with_file(FileFacts::new(0, 0, 0o100_644).with_links(1).with_size(321_456))
//!     .with_ancestors(vec![
//!         FolderFacts::new("/usr/lib/press", 0, 0, 0o40_777), // everybody may put a file there
//!         FolderFacts::new("/usr/lib", 0, 0, 0o40_755),
//!         FolderFacts::new("/usr", 0, 0, 0o40_755),
//!         FolderFacts::new("/", 0, 0, 0o40_755),
//!     ]);
//! let Verdict::Refuse { reasons } = judge(&facts, &Policy::server()) else { panic!("allowed") };
//! assert_eq!(reasons[0].code, Code::WritableFolder);
//! assert_eq!(reasons[0].cwe, 732);
//!
//! facts.ancestors[0].mode = 0o40_755;
//! assert!(judge(&facts, &Policy::server()).is_allowed());
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod bundle;
mod digest;
mod escape;
mod facts;
mod judge;
mod keys;
mod lock;
mod policy;
mod rules;
mod severity;
mod signature;
mod text;
mod time;
mod verdict;

pub use bundle::{Bundle, BundledFile, BundledPlugin};
pub use digest::{Digest, ParseDigestError};
pub use facts::{
    AuditFinding, Facts, FileFacts, FolderFacts, Hazard, HazardKind, InterfaceFacts, ManifestFacts,
    Needed, NeededFound, PanicStrategy, ProblemClass, ProcessFacts, Structure, StructureProblem,
};
pub use judge::judge;
pub use keys::{IdPattern, Key, KeyId, ParseIdPatternError, ParseKeyError, PublicKey};
pub use lock::{Drift, DriftKind, Lock, LockedFile, LockedPlugin};
pub use plugwright_manifest::{Capability, Version};
pub use policy::{
    Audit, Excess, GroupWrite, HardLinks, Isolation, Owner, PanicAbort, Policy, Signatures,
    StickyFolders, Unlocked, Unpinned,
};
pub use rules::{accepted, is_frozen, telling_imports};
pub use severity::{Severity, UnknownSeverity};
pub use signature::{ParseSubjectError, SignatureCheck, SignatureFacts, Signed, Subject};
pub use text::{MAX_FILE, ParseFileError};
pub use time::{ParseTimestampError, Timestamp};
pub use verdict::{Code, Grants, Placement, Reason, Source, Verdict};
