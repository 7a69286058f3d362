//! Where the fields of ELF's three headers lie (gABI, chapters 4 and 5).

use super::{Endian, Width};

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident ($at32:expr, $size32:expr) ($at64:expr, $size64:expr),)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$field_doc])* $field,)*
        }

        impl $name {
            /// Offset in the header and size, in bytes.
            pub(crate) fn place(self, width: Width) -> (usize, usize) {
                match (self, width) {
                    $((Self::$field, Width::Bits32) => ($at32, $size32),
                      (Self::$field, Width::Bits64) => ($at64, $size64),)*
                }
            }
        }
    };
}

fields! {
    /// Fields of the ELF header.
    EhdrField {
        /// `EI_CLASS`.
        Class (4, 1) (4, 1),
        /// `EI_DATA`.
        Data (5, 1) (5, 1),
        /// `EI_VERSION`.
        IdentVersion (6, 1) (6, 1),
        /// `EI_OSABI`.
        OsAbi (7, 1) (7, 1),
        /// `EI_ABIVERSION`.
        AbiVersion (8, 1) (8, 1),
        /// `e_type`.
        Type (16, 2) (16, 2),
        /// `e_machine`.
        Machine (18, 2) (18, 2),
        /// `e_version`.
        Version (20, 4) (20, 4),
        /// `e_phoff`.
        Phoff (28, 4) (32, 8),
        /// `e_shoff`.
        Shoff (32, 4) (40, 8),
        /// `e_flags`.
        Flags (36, 4) (48, 4),
        /// `e_phentsize`.
        Phentsize (42, 2) (54, 2),
        /// `e_phnum`.
        Phnum (44, 2) (56, 2),
        /// `e_shentsize`.
        Shentsize (46, 2) (58, 2),
        /// `e_shnum`.
        Shnum (48, 2) (60, 2),
        /// `e_shstrndx`.
        Shstrndx (50, 2) (62, 2),
    }
}

fields! {
    /// Fields of a program header.
    PhdrField {
        /// `p_type`.
        Type (0, 4) (0, 4),
        /// `p_flags`.
        Flags (24, 4) (4, 4),
        /// `p_offset`.
        Offset (4, 4) (8, 8),
        /// `p_vaddr`.
        Vaddr (8, 4) (16, 8),
        /// `p_filesz`.
        Filesz (16, 4) (32, 8),
        /// `p_memsz`.
        Memsz (20, 4) (40, 8),
        /// `p_align`.
        Align (28, 4) (48, 8),
    }
}

fields! {
    /// Fields of a section header.
    ShdrField {
        /// `sh_name`.
        Name (0, 4) (0, 4),
        /// `sh_type`.
        Type (4, 4) (4, 4),
        /// `sh_flags`.
        Flags (8, 4) (8, 8),
        /// `sh_offset`.
        Offset (16, 4) (24, 8),
        /// `sh_size`.
        Size (20, 4) (32, 8),
        /// `sh_link`.
        Link (24, 4) (40, 4),
        /// `sh_info`.
        Info (28, 4) (44, 4),
    }
}

pub(crate) fn ehdr_size(width: Width) -> usize {
    match width {
        Width::Bits32 => 52,
        Width::Bits64 => 64,
    }
}

pub(crate) fn phdr_size(width: Width) -> usize {
    match width {
        Width::Bits32 => 32,
        Width::Bits64 => 56,
    }
}

pub(crate) fn shdr_size(width: Width) -> usize {
    match width {
        Width::Bits32 => 40,
        Width::Bits64 => 64,
    }
}

/// `value` as `size` bytes; what does not fit is cut off, as a test that overflows wants.
pub(crate) fn number(endian: Endian, size: usize, value: u64) -> Vec<u8> {
    match endian {
        Endian::Little => value.to_le_bytes()[..size].to_vec(),
        Endian::Big => value.to_be_bytes()[8 - size..].to_vec(),
    }
}
