//! PE: the libraries and programs of Windows.
//!
//! Layouts and numbers are those of Microsoft's "PE Format". Addresses in the file are
//! relative to the image's start in memory (RVA) and are followed through the sections.

mod directories;
mod header;
mod image;

use serde::Serialize;

use crate::untrusted::Untrusted;

pub(crate) use header::is_pe;
pub(crate) use image::{read, scan};

/// What only PE images have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PeFacts {
    /// `Subsystem`: 2 is a program with windows, 3 one of the console.
    pub subsystem: u16,
    /// What the header asks of the loader.
    pub flags: PeFlags,
    /// Where these stand in the file, in bytes.
    #[serde(skip)]
    pub flags_at: u64,
    /// Libraries that are loaded when one of their functions is first called.
    pub delayed: Vec<Untrusted>,
    /// Where the descriptor of each of them stands in the file, in bytes.
    #[serde(skip)]
    pub delayed_at: Vec<u64>,
    /// The file with its debug information, as the linker wrote its path.
    pub debug_file: Option<Untrusted>,
    /// That file's identity: GUID and age in lower-case hexadecimal digits.
    pub debug_id: Option<String>,
    /// Whether there is an Authenticode signature; it is not verified.
    pub signed: bool,
    /// Whether there are resources, among which a manifest can choose other versions of
    /// needed libraries.
    pub resources: bool,
    /// Whether the resources hold a manifest (`RT_MANIFEST`).
    pub manifest: bool,
    /// Functions that run before the entry point, for each thread (TLS callbacks).
    pub thread_callbacks: bool,
    /// Whether there is a value to guard return addresses with (`SecurityCookie`), as
    /// compilers write that protect the stack.
    #[serde(skip)]
    pub stack_cookie: bool,
    /// Offset in the file and size of each section that is executable, as the header states
    /// them: whether they lie in the file was not checked.
    #[serde(skip)]
    pub code: Vec<(u64, u64)>,
    /// Sections that are writable and executable at once.
    pub writable_code: u64,
    /// Sections that are writable and shared between processes.
    pub shared_writable: u64,
}

/// `DllCharacteristics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PeFlags {
    /// It may be placed anywhere (`DYNAMIC_BASE`).
    pub aslr: bool,
    /// It may be placed anywhere in 64 bits (`HIGH_ENTROPY_VA`).
    pub high_entropy: bool,
    /// Data is not executable (`NX_COMPAT`).
    pub no_execute: bool,
    /// Indirect calls are guarded (`GUARD_CF`).
    pub control_flow_guard: bool,
    /// Return addresses are compared with a second stack (`CET_COMPAT` of the extended
    /// characteristics, which stand in the debug directory).
    #[serde(skip)]
    pub shadow_stack: bool,
    /// It is loaded only with a valid signature (`FORCE_INTEGRITY`).
    pub force_integrity: bool,
}
