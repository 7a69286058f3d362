//! What is known about a plugin file. A witness fills this in; the judge believes it and asks nothing further.
//!
//! Everything that may be unknown is optional, and unknown counts against the file.

use crate::{Digest, Severity, SignatureFacts, Source, Timestamp};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use plugwright_manifest::{Capability, InterfaceVersion, Version};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// All that a verdict is founded on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// Where the bytes came from, as text for messages. Nothing is decided by it.
    pub origin: String,
    /// The digest of the very bytes that would be loaded.
    pub digest: Digest,
    /// What a strict reader of the file's format found in those bytes.
    pub structure: Structure,
    /// Owner, mode and links of the file that the bytes were copied from.
    pub file: Option<FileFacts>,
    /// The folders above the file, from the one that holds it up to `/`.
    pub ancestors: Vec<FolderFacts>,
    /// What the plugin says of itself, if it says anything.
    pub manifest: Option<ManifestFacts>,
    /// Who asks.
    pub process: Option<ProcessFacts>,
    /// What time it is.
    pub now: Option<Timestamp>,
    /// The signatures that were found for the file, checked against the policy's keys.
    pub signatures: Vec<SignatureFacts>,
    /// What the bytes ask the system's loader to do that a plugin has no reason to ask.
    pub hazards: Vec<Hazard>,
    /// The names that the file takes from other libraries; absent if nobody looked.
    pub imports: Option<BTreeSet<String>>,
    /// The libraries that the file needs, and those that they need; each once.
    pub needed: Vec<Needed>,
    /// What an audit of the bytes found; absent if nobody audited them.
    pub audit: Option<Vec<AuditFinding>>,
    /// How the bytes that were read are held; absent while a file is only looked at and not about to be loaded.
    pub held: Option<Source>,
}

impl Facts {
    /// Facts with what is known of every file: where it is from, its digest and its structure.
    #[must_use]
    pub fn new(origin: impl Into<String>, digest: Digest, structure: Structure) -> Self {
        Self {
            origin: origin.into(),
            digest,
            structure,
            file: None,
            ancestors: Vec::new(),
            manifest: None,
            process: None,
            now: None,
            signatures: Vec::new(),
            hazards: Vec::new(),
            imports: None,
            needed: Vec::new(),
            audit: None,
            held: None,
        }
    }

    /// Adds owner, mode and links of the file.
    #[must_use]
    pub fn with_file(mut self, file: FileFacts) -> Self {
        self.file = Some(file);
        self
    }

    /// Adds the folders above the file, from the one that holds it up to `/`.
    #[must_use]
    pub fn with_ancestors(mut self, ancestors: Vec<FolderFacts>) -> Self {
        self.ancestors = ancestors;
        self
    }

    /// Adds what the plugin says of itself.
    #[must_use]
    pub fn with_manifest(mut self, manifest: ManifestFacts) -> Self {
        self.manifest = Some(manifest);
        self
    }

    /// Adds who asks.
    #[must_use]
    pub const fn with_process(mut self, process: ProcessFacts) -> Self {
        self.process = Some(process);
        self
    }

    /// Says what time it is.
    #[must_use]
    pub const fn with_now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Adds the signatures that were found.
    #[must_use]
    pub fn with_signatures(mut self, signatures: Vec<SignatureFacts>) -> Self {
        self.signatures = signatures;
        self
    }

    /// Adds what the bytes ask the loader to do.
    #[must_use]
    pub fn with_hazards(mut self, hazards: Vec<Hazard>) -> Self {
        self.hazards = hazards;
        self
    }

    /// Adds the names that the file takes from other libraries.
    #[must_use]
    pub fn with_imports(mut self, imports: BTreeSet<String>) -> Self {
        self.imports = Some(imports);
        self
    }

    /// Adds the libraries that the file needs.
    #[must_use]
    pub fn with_needed(mut self, needed: Vec<Needed>) -> Self {
        self.needed = needed;
        self
    }

    /// Adds what an audit of the bytes found; an empty list says that it found nothing.
    #[must_use]
    pub fn with_audit(mut self, findings: Vec<AuditFinding>) -> Self {
        self.audit = Some(findings);
        self
    }

    /// Says how the bytes that were read are held until they are loaded.
    #[must_use]
    pub const fn with_held(mut self, held: Source) -> Self {
        self.held = Some(held);
        self
    }
}

/// Something that an audit found in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditFinding {
    /// The audit's name of the rule, such as `B06`.
    pub rule: String,
    /// The weakness's number in CWE 4.19.1.
    pub cwe: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a line.
    pub title: String,
    /// What shows it.
    pub evidence: String,
    /// What to do about it.
    pub remedy: String,
}

impl AuditFinding {
    /// A finding without texts.
    #[must_use]
    pub fn new(rule: impl Into<String>, cwe: u32, severity: Severity) -> Self {
        Self {
            rule: rule.into(),
            cwe,
            severity,
            title: String::new(),
            evidence: String::new(),
            remedy: String::new(),
        }
    }

    /// Adds what is wrong, what shows it, and what to do.
    #[must_use]
    pub fn with_texts(
        mut self,
        title: impl Into<String>,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        self.title = title.into();
        self.evidence = evidence.into();
        self.remedy = remedy.into();
        self
    }
}

/// What `fstat` said of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileFacts {
    /// The owning user's number.
    pub uid: u32,
    /// The owning group's number.
    pub gid: u32,
    /// `st_mode`: permission bits; bits of the file's type may be set and are ignored.
    pub mode: u32,
    /// How many names the file has.
    pub links: u64,
    /// Size in bytes.
    pub size: u64,
}

impl FileFacts {
    /// A file with one name; its size is 0 until [`with_size`](Self::with_size) says otherwise.
    #[must_use]
    pub const fn new(uid: u32, gid: u32, mode: u32) -> Self {
        Self {
            uid,
            gid,
            mode,
            links: 1,
            size: 0,
        }
    }

    /// Sets the number of names.
    #[must_use]
    pub const fn with_links(mut self, links: u64) -> Self {
        self.links = links;
        self
    }

    /// Sets the size in bytes.
    #[must_use]
    pub const fn with_size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }
}

/// What `fstat` said of a folder above the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderFacts {
    /// Where the folder is, as text for messages. The topmost one is `/`.
    pub path: String,
    /// The owning user's number.
    pub uid: u32,
    /// The owning group's number.
    pub gid: u32,
    /// `st_mode`: permission bits and the sticky bit (octal 1000).
    pub mode: u32,
}

impl FolderFacts {
    /// A folder with its owner and mode.
    #[must_use]
    pub fn new(path: impl Into<String>, uid: u32, gid: u32, mode: u32) -> Self {
        Self {
            path: path.into(),
            uid,
            gid,
            mode,
        }
    }
}

/// The part of a plugin's manifest that a judge looks at. It is the plugin's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestFacts {
    /// The plugin's id, for example `org.example.zstd`.
    pub id: String,
    /// The plugin's version.
    pub version: Version,
    /// What it provides.
    pub interfaces: Vec<InterfaceFacts>,
    /// What it asks to be granted.
    pub capabilities: Vec<Capability>,
    /// What a panic inside it does, if it says so.
    pub panic: Option<PanicStrategy>,
}

impl ManifestFacts {
    /// A plugin that asks for nothing and does not say what its panics do.
    #[must_use]
    pub fn new(id: impl Into<String>, version: Version) -> Self {
        Self {
            id: id.into(),
            version,
            interfaces: Vec::new(),
            capabilities: Vec::new(),
            panic: None,
        }
    }

    /// Sets what it provides.
    #[must_use]
    pub fn with_interfaces(mut self, interfaces: Vec<InterfaceFacts>) -> Self {
        self.interfaces = interfaces;
        self
    }

    /// Sets what it asks for.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Vec<Capability>) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Sets what a panic inside it does.
    #[must_use]
    pub const fn with_panic(mut self, panic: PanicStrategy) -> Self {
        self.panic = Some(panic);
        self
    }
}

/// An interface that a plugin provides, told by the shape of its methods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct InterfaceFacts {
    /// The interface's id.
    pub id: String,
    /// Its version.
    #[serde(serialize_with = "write_version", deserialize_with = "read_version")]
    pub version: InterfaceVersion,
    /// A number over the fingerprints of all its methods, as 16 hexadecimal digits where it is written.
    #[serde(serialize_with = "write_hex", deserialize_with = "read_hex")]
    pub fingerprint: u64,
}

impl InterfaceFacts {
    /// An interface.
    #[must_use]
    pub fn new(id: impl Into<String>, version: InterfaceVersion, fingerprint: u64) -> Self {
        Self {
            id: id.into(),
            version,
            fingerprint,
        }
    }
}

fn write_version<S: Serializer>(
    version: &InterfaceVersion,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(version)
}

fn read_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<InterfaceVersion, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

fn write_hex<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:016x}"))
}

fn read_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(&text, 16).ok().filter(|_| digits);
    number.ok_or_else(|| de::Error::custom("a fingerprint has 16 hexadecimal digits"))
}

/// Something that the bytes of a library ask the system's loader to do, and that reaches beyond the library itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hazard {
    /// What it is.
    pub kind: HazardKind,
    /// The words of the file: a name, a path, an entry; for messages.
    pub found: String,
}

impl Hazard {
    /// A hazard with the file's own words.
    #[must_use]
    pub fn new(kind: HazardKind, found: impl Into<String>) -> Self {
        let found = found.into();
        Self { kind, found }
    }
}

/// The kinds of a [`Hazard`]. None of the first nine was found in 1,648 libraries of a Debian system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HazardKind {
    /// Names a library that watches the loader (`DT_AUDIT`, `DT_DEPAUDIT`).
    Auditor,
    /// Names a library that stands in for this one (`DT_FILTER`, `DT_AUXILIARY`); it is loaded, and its constructors run.
    Filter,
    /// A run path with an element that is empty or relative: the current folder decides.
    RunPath,
    /// Needs a library by a path instead of a name.
    NeededPath,
    /// Makes the host's stack executable.
    ExecutableStack,
    /// Has memory that can be written and executed.
    WritableCode,
    /// Has the loader write into its code (`DT_TEXTREL`).
    TextRelocations,
    /// Wants its constructors to run before those of everything else (`DF_1_INITFIRST`).
    InitFirst,
    /// Takes precedence over the names of other libraries (`DF_1_GLOBAL`, `DF_1_INTERPOSE`).
    Interposes,
    /// Has the name (SONAME) of another library that is in the process or needed elsewhere, and could not be renamed.
    NameClash,
}

/// A library that is needed, directly or by another one that is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needed {
    /// The name by which it is needed.
    pub name: String,
    /// What needs it, as text for messages.
    pub by: String,
    /// What will be loaded for it.
    pub found: NeededFound,
}

impl Needed {
    /// A needed library and what will be loaded for it.
    #[must_use]
    pub fn new(name: impl Into<String>, by: impl Into<String>, found: NeededFound) -> Self {
        Self {
            name: name.into(),
            by: by.into(),
            found,
        }
    }
}

/// What will be loaded for a needed library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NeededFound {
    /// Nothing: it is in the process already.
    Loaded,
    /// The file with these facts.
    File(Box<Facts>),
    /// Nothing that was found; the text says where it was looked for.
    Missing(String),
}

/// What a panic inside the plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PanicStrategy {
    /// It unwinds and is caught at the boundary.
    Unwind,
    /// It ends the process that the plugin runs in.
    Abort,
}

/// Who asks for the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessFacts {
    /// The process's effective user number.
    pub uid: u32,
    /// The process's effective group number.
    pub gid: u32,
    /// Whether the process has rights that who started it has not (`AT_SECURE` of getauxval(3)): a setuid or setgid program,
    /// or one with file capabilities.
    pub privileged: bool,
}

impl ProcessFacts {
    /// A process by its effective user and group, with no more rights than who started it.
    #[must_use]
    pub const fn new(uid: u32, gid: u32) -> Self {
        Self {
            uid,
            gid,
            privileged: false,
        }
    }

    /// Says that it has rights that who started it has not.
    #[must_use]
    pub const fn with_privileged(mut self, privileged: bool) -> Self {
        self.privileged = privileged;
        self
    }
}

impl fmt::Display for HazardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auditor => "auditor",
            Self::Filter => "filter",
            Self::RunPath => "run path",
            Self::NeededPath => "needed path",
            Self::ExecutableStack => "executable stack",
            Self::WritableCode => "writable code",
            Self::TextRelocations => "text relocations",
            Self::InitFirst => "constructors first",
            Self::Interposes => "interposition",
            Self::NameClash => "name clash",
        })
    }
}

/// What a strict reader of the file's format reported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Structure {
    /// Everything that is wrong with the file.
    pub problems: Vec<StructureProblem>,
}

impl Structure {
    /// Nothing is wrong.
    #[must_use]
    pub const fn sound() -> Self {
        Self {
            problems: Vec::new(),
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn new(problems: Vec<StructureProblem>) -> Self {
        Self { problems }
    }
}

/// One thing that is wrong with the structure of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StructureProblem {
    /// The reader's stable name for it.
    pub code: String,
    /// What is wrong and where, in words.
    pub text: String,
    /// What kind of mistake it is.
    pub class: ProblemClass,
    /// Whether an operating system's loader could crash or misbehave on it.
    pub fatal: bool,
}

impl StructureProblem {
    /// A problem by its code, its text, its class and whether it is fatal.
    #[must_use]
    pub fn fatal(code: impl Into<String>, text: impl Into<String>, class: ProblemClass) -> Self {
        Self {
            code: code.into(),
            text: text.into(),
            class,
            fatal: true,
        }
    }

    /// A problem that no loader minds.
    #[must_use]
    pub fn harmless(code: impl Into<String>, text: impl Into<String>, class: ProblemClass) -> Self {
        Self {
            code: code.into(),
            text: text.into(),
            class,
            fatal: false,
        }
    }
}

/// The kind of a structural mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemClass {
    /// An offset, address or index points outside what it points into (CWE-1285).
    Position,
    /// A count or size is absurd (CWE-1284).
    Quantity,
    /// It is a file of another type than expected: not a library at all, or for another machine (CWE-1287).
    Type,
    /// Two fields contradict each other, or one that must be there is not (CWE-1288).
    Consistency,
    /// Two fields added together do not fit into their type (CWE-190).
    Overflow,
}
