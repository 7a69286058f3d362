//! Every bound that reading a file obeys, in one place.
//!
//! A number that a file states is compared with one of these before anything is allocated,
//! read or repeated by it. A bound is several times what the largest real file needs; the
//! comment behind each says what that was. Reaching one is a [`crate::Code::LimitReached`],
//! never silence.

/// Bytes of the first read of every file, and the least that is read anywhere at once.
///
/// One page: a smaller read costs as much, since the system call decides.
pub const PAGE: usize = 4096;

/// Program headers of one ELF image (real libraries have 5 to 15).
pub const PROGRAM_HEADERS: u64 = 4096;

/// Section headers of one ELF image (a large object file compiled with one section for
/// each function has some 60,000).
pub const SECTIONS: u64 = 131_072;

/// Bytes of the table of section names (a large object file has some 3 MiB).
pub const SECTION_NAMES: u64 = 16 << 20;

/// Notes of one image that are walked (real libraries have 1 to 4).
pub const NOTES: usize = 4096;

/// Bytes of one note's owner that are looked at (the longest known owner has 12).
pub const NOTE_OWNER: usize = 64;

/// Bytes of one build id that are kept (SHA-1 has 20, the longest in use 32).
pub const BUILD_ID: u64 = 64;

/// Plugwright records of one image (each is a plugin that was linked in).
pub const RECORDS: usize = 64;

/// Bytes of one image's Qt metadata (the largest of 805 Debian plugins has 39,366).
pub const QT_METADATA: u64 = 4 << 20;

/// Values in one image's Qt metadata, so that a dense file cannot fill the memory.
pub const QT_VALUES: usize = 100_000;

/// Levels of nesting in Qt metadata (Qt's own reader stops at 1024).
pub const QT_DEPTH: usize = 128;

/// Bytes of text that is made of keys in Qt metadata that are no text themselves (real
/// plugins have numbers only). Qt's own reader has no such bound.
pub const QT_KEY_TEXT: usize = 64 << 10;

/// Bytes of a file that are searched for Qt 4's verification data (its plugins have up to
/// some 5 MiB).
pub const QT4_SEARCH: u64 = 16 << 20;

/// Bytes of Qt 4's verification data (real ones have some 150).
pub const QT4_DATA: usize = 2048;

/// Slices of one universal Mach-O file (real ones have 2 to 5). Java's class files begin
/// with the same mark, and with a number of at least 45 in this place.
pub const SLICES: u32 = 30;

/// Bytes of one Mach-O image's load commands (the largest programs have some 40 KiB).
pub const LOAD_COMMANDS: u64 = 4 << 20;

/// Bytes of PE tables that are read at once: exports, imports, sections' names (the
/// largest libraries of Windows have some 10 MiB).
pub const PE_TABLE: u64 = 64 << 20;

/// Imported symbols of one PE image (the largest programs have some 10,000).
pub const PE_IMPORTS: usize = 1_000_000;

/// Directories that a PE header names (the format knows 16, whatever the header states).
pub const PE_DIRECTORIES: usize = 16;

/// Entries of a PE file's debug directory that are looked at (real ones have 1 to 5).
pub const PE_DEBUG_ENTRIES: u32 = 64;

/// Entries of the dynamic section (real libraries have 25 to 60, `libLLVM` 40).
pub const DYNAMIC_ENTRIES: u64 = 16_384;

/// Bytes of one string (SONAME, needed library, run path, symbol).
pub const STRING: usize = 64 << 10;

/// Bytes of all names and run paths in one image's headers (the largest have some 20 KiB).
pub const HEADER_TEXT: usize = 4 << 20;

/// Bytes of all symbol names of one image together (the largest libraries have some
/// 30 MiB).
pub const SYMBOL_TEXT: usize = 256 << 20;

/// Bytes of the dynamic string table (the largest Debian libraries have some 30 MiB).
pub const STRING_TABLE: u64 = 128 << 20;

/// Bytes of the dynamic symbol table, and of the table of versions beside it (the largest
/// Debian libraries have some 5 MiB).
pub const SYMBOL_TABLE: u64 = 128 << 20;

/// Bytes of one relocation table (the largest Debian libraries have some 20 MiB).
pub const RELOCATIONS: u64 = 256 << 20;

/// Bytes of one note with GNU properties (real ones have 16 to 48).
pub const PROPERTIES: u64 = 4096;

/// Bytes of one hash table (one with ten million symbols has some 60 MiB).
pub const HASH_TABLE: u64 = 128 << 20;

/// Needed libraries, version definitions or version needs of one image (`libLLVM`-sized
/// programs need some 400 libraries).
pub const DEPENDENCIES: usize = 4096;

/// Bytes of the compressed list of Rust crates (that of a program with 500 crates has some
/// 10 KiB).
pub const CRATES_PACKED: u64 = 1 << 20;

/// Bytes of the same list when it is decompressed (of 500 crates some 60 KiB).
pub const CRATES: usize = 1 << 20;

/// Bytes of a manifest beside a library (those of LV2 bundles with 200 plugins have some
/// 60 KiB).
pub const MANIFEST: u64 = 1 << 20;

/// Entries of a library's folder among which manifests are looked for.
pub const MANIFEST_FOLDER: usize = 4096;

/// Files of a library's folder that are read as manifests (folders of layers have some 10).
pub const MANIFESTS: usize = 64;

/// Name spaces of one manifest in Turtle (real ones have 3 to 10).
pub const MANIFEST_PREFIXES: usize = 64;

/// Plugins that one manifest names for one library (the largest bundles have some 200).
pub const MANIFEST_PLUGINS: usize = 4096;

/// Problems that are kept of one file; one more says how many were left out.
pub const PROBLEMS: usize = 256;

/// Bytes of foreign text that one problem quotes.
pub const QUOTED: usize = 256;

/// Bytes of the loader's cache (a large system has some 300 KiB).
pub const LOADER_CACHE: u64 = 64 << 20;

/// Extensions of the loader's cache (glibc writes two).
pub const CACHE_EXTENSIONS: u32 = 16;

/// Names of glibc-hwcaps folders in the loader's cache (x86-64 has four).
pub const CACHE_HWCAPS: usize = 64;

/// Bytes of the loader itself, in which its version is looked for (real ones have some
/// 250 KiB).
pub const LOADER: u64 = 16 << 20;

/// Problems that are kept of one closure.
pub const CLOSURE_PROBLEMS: usize = 4096;

/// Bytes of a kernel module's description (real ones have some 10 KiB).
pub const MODULE_INFO: u64 = 1 << 20;
