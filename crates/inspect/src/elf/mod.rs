//! ELF, by the project's own reader: any word size, byte order and processor.
//!
//! The truth is the segment view, because that is what loaders follow; sections are read
//! for what only they name, and compared. Layouts and numbers are those of the System V
//! gABI, chapters 4 and 5, and of glibc's `elf.h` for the GNU extensions.

mod dynamic;
mod hash;
mod header;
mod image;
pub(crate) mod module;
mod notes;
mod properties;
mod relocations;
mod sections;
mod structure;
pub(crate) mod symbols;
mod versions;
mod views;

pub use dynamic::DynamicFlags;
pub use image::{DynamicEntry, ElfFacts, ProgramHeader};
pub use properties::GnuProperties;
pub use relocations::Relocations;
pub use versions::{NeededVersion, VersionDefinition, VersionNeed};

pub(crate) use header::is_elf;
pub(crate) use image::{headers, identity, kinds, scan, symbols as read_symbols};
pub(crate) use notes::{Note, Owner, Region, walk as walk_notes};

/// Numbers of the gABI and of glibc's `elf.h`, by their own names.
pub(crate) mod raw {
    pub(crate) const ET_REL: u16 = 1;
    pub(crate) const ET_EXEC: u16 = 2;
    pub(crate) const ET_DYN: u16 = 3;
    pub(crate) const ET_CORE: u16 = 4;

    pub(crate) const PN_XNUM: u16 = 0xffff;
    pub(crate) const SHN_XINDEX: u16 = 0xffff;

    pub(crate) const PT_LOAD: u32 = 1;
    pub(crate) const PT_DYNAMIC: u32 = 2;
    pub(crate) const PT_INTERP: u32 = 3;
    pub(crate) const PT_NOTE: u32 = 4;
    pub(crate) const PT_PHDR: u32 = 6;
    pub(crate) const PT_TLS: u32 = 7;
    pub(crate) const PT_GNU_STACK: u32 = 0x6474_e551;
    pub(crate) const PT_GNU_RELRO: u32 = 0x6474_e552;

    pub(crate) const PF_X: u32 = 1;
    pub(crate) const PF_W: u32 = 2;
    pub(crate) const PF_R: u32 = 4;

    pub(crate) const SHN_UNDEF: u16 = 0;
    pub(crate) const SHN_ABS: u16 = 0xfff1;
    pub(crate) const STB_GLOBAL: u8 = 1;
    pub(crate) const STB_WEAK: u8 = 2;
    pub(crate) const STB_GNU_UNIQUE: u8 = 10;
    pub(crate) const STT_TLS: u8 = 6;
    pub(crate) const STT_GNU_IFUNC: u8 = 10;

    pub(crate) const SHT_HASH: u32 = 5;
    pub(crate) const SHT_DYNAMIC: u32 = 6;
    pub(crate) const SHT_NOTE: u32 = 7;
    pub(crate) const SHT_DYNSYM: u32 = 11;
    pub(crate) const SHT_NOBITS: u32 = 8;
    pub(crate) const SHT_NULL: u32 = 0;
    pub(crate) const SHT_INIT_ARRAY: u32 = 14;
    pub(crate) const SHT_FINI_ARRAY: u32 = 15;
    pub(crate) const SHT_GNU_HASH: u32 = 0x6fff_fff6;
    pub(crate) const SHT_GNU_VERDEF: u32 = 0x6fff_fffd;
    pub(crate) const SHT_GNU_VERNEED: u32 = 0x6fff_fffe;
    pub(crate) const SHT_GNU_VERSYM: u32 = 0x6fff_ffff;

    pub(crate) const SHF_WRITE: u64 = 1;
    pub(crate) const SHF_ALLOC: u64 = 2;
    pub(crate) const SHF_EXECINSTR: u64 = 4;

    pub(crate) const NT_GNU_BUILD_ID: u32 = 3;
    pub(crate) const NT_GNU_PROPERTY_TYPE_0: u32 = 5;

    pub(crate) const DT_NULL: u64 = 0;
    pub(crate) const DT_NEEDED: u64 = 1;
    pub(crate) const DT_PLTRELSZ: u64 = 2;
    pub(crate) const DT_HASH: u64 = 4;
    pub(crate) const DT_STRTAB: u64 = 5;
    pub(crate) const DT_SYMTAB: u64 = 6;
    pub(crate) const DT_RELA: u64 = 7;
    pub(crate) const DT_RELASZ: u64 = 8;
    pub(crate) const DT_RELAENT: u64 = 9;
    pub(crate) const DT_STRSZ: u64 = 10;
    pub(crate) const DT_SYMENT: u64 = 11;
    pub(crate) const DT_INIT: u64 = 12;
    pub(crate) const DT_FINI: u64 = 13;
    pub(crate) const DT_SONAME: u64 = 14;
    pub(crate) const DT_RPATH: u64 = 15;
    pub(crate) const DT_SYMBOLIC: u64 = 16;
    pub(crate) const DT_REL: u64 = 17;
    pub(crate) const DT_RELSZ: u64 = 18;
    pub(crate) const DT_RELENT: u64 = 19;
    pub(crate) const DT_PLTREL: u64 = 20;
    pub(crate) const DT_TEXTREL: u64 = 22;
    pub(crate) const DT_JMPREL: u64 = 23;
    pub(crate) const DT_BIND_NOW: u64 = 24;
    pub(crate) const DT_INIT_ARRAY: u64 = 25;
    pub(crate) const DT_FINI_ARRAY: u64 = 26;
    pub(crate) const DT_INIT_ARRAYSZ: u64 = 27;
    pub(crate) const DT_FINI_ARRAYSZ: u64 = 28;
    pub(crate) const DT_RUNPATH: u64 = 29;
    pub(crate) const DT_FLAGS: u64 = 30;
    pub(crate) const DT_PREINIT_ARRAYSZ: u64 = 33;
    pub(crate) const DT_RELRSZ: u64 = 35;
    pub(crate) const DT_RELR: u64 = 36;
    pub(crate) const DT_RELRENT: u64 = 37;
    pub(crate) const DT_GNU_HASH: u64 = 0x6fff_fef5;
    pub(crate) const DT_DEPAUDIT: u64 = 0x6fff_fefb;
    pub(crate) const DT_AUDIT: u64 = 0x6fff_fefc;
    pub(crate) const DT_VERSYM: u64 = 0x6fff_fff0;
    pub(crate) const DT_FLAGS_1: u64 = 0x6fff_fffb;
    pub(crate) const DT_VERDEF: u64 = 0x6fff_fffc;
    pub(crate) const DT_VERDEFNUM: u64 = 0x6fff_fffd;
    pub(crate) const DT_VERNEED: u64 = 0x6fff_fffe;
    pub(crate) const DT_VERNEEDNUM: u64 = 0x6fff_ffff;
    pub(crate) const DT_AUXILIARY: u64 = 0x7fff_fffd;
    pub(crate) const DT_FILTER: u64 = 0x7fff_ffff;
}
