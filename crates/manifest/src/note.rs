//! The numbers and names under which a record lies in a binary.
//!
//! The layout of one note is that of the System V gABI ("Note Section"): three words in
//! the file's byte order (`n_namesz`, `n_descsz`, `n_type`), then the owner with its NUL,
//! then the descriptor, each padded to four bytes. Mach-O and PE files carry the same
//! sequence of notes in a section of their own, so that there is one decoder.

/// The owner of the notes, with its NUL: `n_namesz` is 11, padded to 12 in the file.
pub const OWNER: &[u8] = b"plugwright\0";

/// `n_type` of a summary: the descriptor is a [`crate::Summary`] in CBOR.
pub const SUMMARY: u32 = 0x5057_0001;

/// `n_type` of a detail: the descriptor is a [`crate::Detail`] in CBOR.
pub const DETAIL: u32 = 0x5057_0002;

/// The most bytes of CBOR in a summary, so that it lies on the file's first page.
pub const MAX_SUMMARY: usize = 2048;

/// The most bytes of CBOR in a detail.
pub const MAX_DETAIL: usize = 1 << 20;

/// The section's name in an ELF file.
pub const ELF_SECTION: &str = ".note.plugwright";

/// The section's name in a PE file: eight bytes, so that no string table is needed.
pub const PE_SECTION: &str = ".plugwrt";

/// Segment and section in a Mach-O file.
pub const MACHO_SECTION: (&str, &str) = ("__TEXT", "__plugwright");
