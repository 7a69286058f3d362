//! What is known about a plugin file. A witness fills this in; the judge believes it and asks nothing further.
//!
//! Everything that may be unknown is optional, and unknown counts against the file.

use crate::{Digest, Source};
use alloc::string::String;
use alloc::vec::Vec;

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

    /// Says how the bytes that were read are held until they are loaded.
    #[must_use]
    pub const fn with_held(mut self, held: Source) -> Self {
        self.held = Some(held);
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
    pub version: String,
    /// What it asks to be granted, by name.
    pub capabilities: Vec<String>,
    /// What a panic inside it does, if it says so.
    pub panic: Option<PanicStrategy>,
}

impl ManifestFacts {
    /// A plugin that asks for nothing and does not say what its panics do.
    #[must_use]
    pub fn new(id: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            version: version.into(),
            capabilities: Vec::new(),
            panic: None,
        }
    }

    /// Sets what it asks for.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Vec<String>) -> Self {
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
}

impl ProcessFacts {
    /// A process by its effective user and group.
    #[must_use]
    pub const fn new(uid: u32, gid: u32) -> Self {
        Self { uid, gid }
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
