//! What a library was built for: format, processor, word size, byte order, type.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::problem::{Code, Loader, Problem};

/// The object format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// System V's Executable and Linking Format.
    Elf,
    /// The format of Darwin; a universal file holds one image for each architecture.
    MachO,
    /// Windows' Portable Executable.
    Pe,
}

/// What an image is, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A shared library (`ET_DYN`, `MH_DYLIB`, a DLL). An ELF program that can be placed
    /// anywhere has the same type; its dynamic flags tell.
    SharedLibrary,
    /// A Mach-O bundle, which can be loaded and not linked against.
    Bundle,
    /// A program.
    Executable,
    /// An object file of a compiler.
    Relocatable,
    /// A memory dump.
    Core,
    /// Another type, with the header's number.
    Other(u32),
}

/// The word size of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 32-bit.
    Bits32,
    /// 64-bit.
    Bits64,
}

impl Class {
    /// 32 or 64.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::Bits32 => 32,
            Self::Bits64 => 64,
        }
    }

    /// The size of an address in bytes.
    #[must_use]
    pub fn word(self) -> u64 {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }
}

impl Serialize for Class {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.bits())
    }
}

/// The byte order of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByteOrder {
    /// The least significant byte first.
    Little,
    /// The most significant byte first.
    Big,
}

impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Little => "little endian",
            Self::Big => "big endian",
        })
    }
}

/// The processor that an image was built for.
///
/// The names are those of Rust's `target_arch` where Rust has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Machine {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
    /// 32-bit Arm.
    Arm,
    /// 64-bit Arm.
    Aarch64,
    /// RISC-V, 32 and 64 bits.
    Riscv,
    /// PowerPC, 32 bits.
    PowerPc,
    /// PowerPC, 64 bits.
    PowerPc64,
    /// IBM Z.
    S390x,
    /// MIPS, all kinds.
    Mips,
    /// Loongson's architecture.
    LoongArch,
    /// SPARC, 32 bits.
    Sparc,
    /// SPARC, 64 bits.
    Sparc64,
    /// Motorola 68000.
    M68k,
    /// Intel Itanium.
    Ia64,
    /// Hewlett-Packard's PA-RISC.
    Hppa,
    /// Linux' eBPF.
    Bpf,
    /// Another processor, with the number that the image's format gives it.
    Other(u32),
}

/// Name, then the numbers of ELF (`e_machine`: gABI and its registry), Mach-O (`cputype`:
/// `mach/machine.h`) and PE ("Machine Types" of its specification).
type MachineRow = (Machine, &'static str, Option<u16>, Option<u32>, Option<u16>);

const MACHINES: &[MachineRow] = &[
    (
        Machine::X86_64,
        "x86_64",
        Some(62),
        Some(0x0100_0007),
        Some(0x8664),
    ),
    (
        Machine::Aarch64,
        "aarch64",
        Some(183),
        Some(0x0100_000c),
        Some(0xaa64),
    ),
    (Machine::X86, "x86", Some(3), Some(7), Some(0x14c)),
    (Machine::Arm, "arm", Some(40), Some(12), Some(0x1c4)),
    (Machine::Riscv, "riscv", Some(243), None, Some(0x5064)),
    (Machine::PowerPc, "powerpc", Some(20), Some(18), Some(0x1f0)),
    (
        Machine::PowerPc64,
        "powerpc64",
        Some(21),
        Some(0x0100_0012),
        None,
    ),
    (Machine::S390x, "s390x", Some(22), None, None),
    (Machine::Mips, "mips", Some(8), None, Some(0x166)),
    (
        Machine::LoongArch,
        "loongarch",
        Some(258),
        None,
        Some(0x6264),
    ),
    (Machine::Sparc, "sparc", Some(2), Some(14), None),
    (Machine::Sparc64, "sparc64", Some(43), None, None),
    (Machine::M68k, "m68k", Some(4), Some(6), None),
    (Machine::Ia64, "ia64", Some(50), None, Some(0x200)),
    (Machine::Hppa, "hppa", Some(15), Some(11), None),
    (Machine::Bpf, "bpf", Some(247), None, None),
];

impl Machine {
    fn find(number: u32, matches: impl Fn(&MachineRow) -> bool) -> Self {
        let row = MACHINES.iter().find(|row| matches(row));
        row.map_or(Self::Other(number), |row| row.0)
    }

    /// From ELF's `e_machine`.
    #[must_use]
    pub fn from_elf(number: u16) -> Self {
        Self::find(number.into(), |row| row.2 == Some(number))
    }

    /// From Mach-O's `cputype`.
    #[must_use]
    pub fn from_macho(number: u32) -> Self {
        Self::find(number, |row| row.3 == Some(number))
    }

    /// From PE's `Machine`.
    #[must_use]
    pub fn from_pe(number: u16) -> Self {
        Self::find(number.into(), |row| row.4 == Some(number))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, MACHINES.iter().find(|row| row.0 == *self)) {
            (_, Some(row)) => f.write_str(row.1),
            (Self::Other(number), None) => write!(f, "machine {number}"),
            (other, None) => write!(f, "{other:?}"),
        }
    }
}

impl Serialize for Machine {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an image was built for, as far as a loader compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Target {
    /// The object format.
    pub format: Format,
    /// The processor.
    #[serde(rename = "arch")]
    pub machine: Machine,
    /// The word size; 32 or 64 in JSON.
    #[serde(rename = "bits")]
    pub class: Class,
    /// The byte order.
    pub byte_order: ByteOrder,
}

impl Target {
    /// A target by its parts.
    #[must_use]
    pub const fn new(
        format: Format,
        machine: Machine,
        class: Class,
        byte_order: ByteOrder,
    ) -> Self {
        Self {
            format,
            machine,
            class,
            byte_order,
        }
    }

    /// The target of the running program, or `None` on a system whose format or processor
    /// this crate does not know.
    #[must_use]
    pub fn host() -> Option<Self> {
        let arch = std::env::consts::ARCH;
        let name = match arch {
            "riscv32" | "riscv64" => "riscv",
            "loongarch32" | "loongarch64" => "loongarch",
            "mips64" | "mips32r6" | "mips64r6" => "mips",
            other => other,
        };
        Some(Self {
            format: if cfg!(windows) {
                Format::Pe
            } else if cfg!(target_vendor = "apple") {
                Format::MachO
            } else if cfg!(unix) {
                Format::Elf
            } else {
                return None;
            },
            machine: MACHINES.iter().find(|row| row.1 == name)?.0,
            class: if cfg!(target_pointer_width = "64") {
                Class::Bits64
            } else {
                Class::Bits32
            },
            byte_order: if cfg!(target_endian = "little") {
                ByteOrder::Little
            } else {
                ByteOrder::Big
            },
        })
    }

    /// Why a loader for `self` does not take an image for `image`: the first difference,
    /// in the order in which loaders look.
    #[must_use]
    pub fn mismatch(&self, image: &Self) -> Option<Problem> {
        let refuse = |code, expected: String, found: String| {
            Some(Problem::new(code, Loader::Refuses, None, expected, found))
        };
        let bits = |class: Class| format!("{} bits", class.bits());
        if self.format != image.format {
            let (expected, found) = (format!("{:?}", self.format), format!("{:?}", image.format));
            refuse(Code::NotALibrary, expected, found)
        } else if self.class != image.class {
            refuse(Code::WrongClass, bits(self.class), bits(image.class))
        } else if self.byte_order != image.byte_order {
            let (expected, found) = (self.byte_order.to_string(), image.byte_order.to_string());
            refuse(Code::WrongByteOrder, expected, found)
        } else if self.machine != image.machine {
            let (expected, found) = (self.machine.to_string(), image.machine.to_string());
            refuse(Code::WrongMachine, expected, found)
        } else {
            None
        }
    }
}
