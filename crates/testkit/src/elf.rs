//! Builds small ELF shared objects byte by byte, for any class, byte order and processor.
//!
//! What [`ElfBuilder::build`] makes for x86-64 is loadable by the system. Tests then spoil
//! single fields by name ([`ElfFile::set_header`], [`ElfFile::set_segment`], …), so that
//! each names the fault it is about and knows no offsets.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test that asks for what cannot be built is to fail at once"
)]

mod fields;
mod layout;
mod tables;

pub use fields::{EhdrField, PhdrField, ShdrField};

/// 32 or 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// `ELFCLASS32`.
    Bits32,
    /// `ELFCLASS64`.
    Bits64,
}

/// Byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// `ELFDATA2LSB`.
    Little,
    /// `ELFDATA2MSB`.
    Big,
}

/// A note to be put into the file.
#[derive(Clone, Debug)]
pub struct NoteSpec {
    /// The section's name; notes with one name and alignment share a section.
    pub section: String,
    /// Alignment of the section and its segment, which also decides the padding.
    pub align: u64,
    /// The owner with its NUL.
    pub owner: Vec<u8>,
    /// `n_type`.
    pub kind: u32,
    /// The descriptor.
    pub desc: Vec<u8>,
}

/// A further section with bytes of its own.
#[derive(Clone, Debug)]
pub struct SectionSpec {
    /// Its name.
    pub name: String,
    /// `sh_flags`; with `SHF_ALLOC` (2) it lies in the read-only segment.
    pub flags: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A dynamic symbol that the object defines in its code.
#[derive(Clone, Debug)]
pub struct ExportSpec {
    /// Its name.
    pub name: String,
    /// `st_info`: binding and type.
    pub info: u8,
    /// The version's name, which the object then defines.
    pub version: Option<String>,
}

/// A dynamic symbol that the object needs.
#[derive(Clone, Debug)]
pub struct ImportSpec {
    /// Its name.
    pub name: String,
    /// Whether it may stay unresolved.
    pub weak: bool,
    /// Library and version in which it is looked for.
    pub version: Option<(String, String)>,
}

/// A relocation of a word in the object's data.
#[derive(Clone, Debug)]
pub struct RelocationSpec {
    /// The processor's type.
    pub kind: u32,
    /// The import that it is for; none for a relative one.
    pub import: Option<String>,
    /// The addend.
    pub addend: u64,
}

/// Which hash tables the object gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashStyle {
    /// `DT_GNU_HASH`.
    Gnu,
    /// `DT_HASH`.
    Sysv,
    /// Both.
    Both,
}

/// What the object is to be.
#[derive(Clone, Debug)]
pub struct ElfBuilder {
    pub(crate) width: Width,
    pub(crate) endian: Endian,
    pub(crate) machine: u16,
    pub(crate) soname: Option<String>,
    pub(crate) needed: Vec<String>,
    pub(crate) dynamic_strings: Vec<(u64, String)>,
    pub(crate) dynamic_values: Vec<(u64, u64)>,
    pub(crate) notes: Vec<NoteSpec>,
    pub(crate) sections: Vec<SectionSpec>,
    pub(crate) exports: Vec<ExportSpec>,
    pub(crate) imports: Vec<ImportSpec>,
    pub(crate) relocations: Vec<RelocationSpec>,
    pub(crate) hash: HashStyle,
    pub(crate) extended_numbering: bool,
    pub(crate) relro: bool,
    pub(crate) page: usize,
}

/// `EM_X86_64`.
pub const X86_64: u16 = 62;
/// `EM_386`.
pub const X86: u16 = 3;
/// `EM_AARCH64`.
pub const AARCH64: u16 = 183;
/// `EM_S390`.
pub const S390X: u16 = 22;
/// `EM_PPC`.
pub const POWERPC: u16 = 20;

impl ElfBuilder {
    /// An empty shared object for `machine`.
    #[must_use]
    pub fn new(width: Width, endian: Endian, machine: u16) -> Self {
        Self {
            width,
            endian,
            machine,
            soname: None,
            needed: Vec::new(),
            dynamic_strings: Vec::new(),
            dynamic_values: Vec::new(),
            notes: Vec::new(),
            sections: Vec::new(),
            exports: Vec::new(),
            imports: Vec::new(),
            relocations: Vec::new(),
            hash: HashStyle::Gnu,
            extended_numbering: false,
            relro: false,
            page: 4096,
        }
    }

    /// An empty shared object for x86-64.
    #[must_use]
    pub fn x86_64() -> Self {
        Self::new(Width::Bits64, Endian::Little, X86_64)
    }

    /// Sets the SONAME.
    #[must_use]
    pub fn soname(mut self, name: &str) -> Self {
        self.soname = Some(name.into());
        self
    }

    /// Adds a needed library.
    #[must_use]
    pub fn needed(mut self, name: &str) -> Self {
        self.needed.push(name.into());
        self
    }

    /// Sets the run path.
    #[must_use]
    pub fn runpath(self, path: &str) -> Self {
        self.dynamic_string(29, path)
    }

    /// Sets the old run path.
    #[must_use]
    pub fn rpath(self, path: &str) -> Self {
        self.dynamic_string(15, path)
    }

    /// Adds a dynamic entry whose value is a string.
    #[must_use]
    pub fn dynamic_string(mut self, tag: u64, text: &str) -> Self {
        self.dynamic_strings.push((tag, text.into()));
        self
    }

    /// Adds a dynamic entry with a number.
    #[must_use]
    pub fn dynamic_value(mut self, tag: u64, value: u64) -> Self {
        self.dynamic_values.push((tag, value));
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, section: &str, align: u64, owner: &[u8], kind: u32, desc: &[u8]) -> Self {
        self.notes.push(NoteSpec {
            section: section.into(),
            align,
            owner: owner.into(),
            kind,
            desc: desc.into(),
        });
        self
    }

    /// Adds Qt 6's metadata note with `desc` (header and CBOR), aligned to a word as Qt
    /// aligns it.
    #[must_use]
    pub fn qt_note(self, desc: &[u8]) -> Self {
        let align = self.word();
        self.note(
            ".note.qt.metadata",
            align,
            b"qt-project!\0",
            0x7451_0001,
            desc,
        )
    }

    /// Adds the section `.qtmetadata` with `payload` (header and CBOR) behind the mark.
    #[must_use]
    pub fn qt_section(self, payload: &[u8]) -> Self {
        self.section(".qtmetadata", 2, &[b"QTMETADATA !", payload].concat())
    }

    /// Adds a GNU build id.
    #[must_use]
    pub fn build_id(self, id: &[u8]) -> Self {
        self.note(".note.gnu.build-id", 4, b"GNU\0", 3, id)
    }

    /// Adds a section.
    #[must_use]
    pub fn section(mut self, name: &str, flags: u64, bytes: &[u8]) -> Self {
        self.sections.push(SectionSpec {
            name: name.into(),
            flags,
            bytes: bytes.into(),
        });
        self
    }

    /// Adds a global function.
    #[must_use]
    pub fn export(self, name: &str) -> Self {
        self.export_as(name, 0x12, None)
    }

    /// Adds a symbol with its binding and type (`st_info`) and its version.
    #[must_use]
    pub fn export_as(mut self, name: &str, info: u8, version: Option<&str>) -> Self {
        self.exports.push(ExportSpec {
            name: name.into(),
            info,
            version: version.map(Into::into),
        });
        self
    }

    /// Adds an undefined symbol, with the library and version that have to define it.
    #[must_use]
    pub fn import(mut self, name: &str, version: Option<(&str, &str)>) -> Self {
        self.imports.push(ImportSpec {
            name: name.into(),
            weak: false,
            version: version.map(|(library, version)| (library.into(), version.into())),
        });
        self
    }

    /// Adds an undefined symbol that may stay unresolved.
    #[must_use]
    pub fn weak_import(mut self, name: &str) -> Self {
        self.imports.push(ImportSpec {
            name: name.into(),
            weak: true,
            version: None,
        });
        self
    }

    /// Adds a relocation (with addend, `DT_RELA`) of a word of its own in the data, for an
    /// import that was added before.
    #[must_use]
    pub fn relocation(mut self, kind: u32, import: Option<&str>, addend: u64) -> Self {
        self.relocations.push(RelocationSpec {
            kind,
            import: import.map(Into::into),
            addend,
        });
        self
    }

    /// Chooses the hash tables; GNU's alone otherwise.
    #[must_use]
    pub fn hash(mut self, style: HashStyle) -> Self {
        self.hash = style;
        self
    }

    /// Stores the numbers of segments and sections in section header 0, as files with
    /// more than 65,279 of them must (gABI, extended numbering).
    #[must_use]
    pub fn extended_numbering(mut self) -> Self {
        self.extended_numbering = true;
        self
    }

    /// Asks for the dynamic section to be made read-only once it is relocated (`PT_GNU_RELRO`).
    #[must_use]
    pub fn relro(mut self) -> Self {
        self.relro = true;
        self
    }

    /// Lets the segments follow each other without pages between them: a small file, which is
    /// sound but which no system could map.
    #[must_use]
    pub fn compact(mut self) -> Self {
        self.page = 16;
        self
    }

    pub(crate) fn word(&self) -> u64 {
        match self.width {
            Width::Bits32 => 4,
            Width::Bits64 => 8,
        }
    }

    /// Builds the object.
    #[must_use]
    pub fn build(&self) -> ElfFile {
        layout::build(self)
    }
}

/// A built object, whose fields can be spoilt by name.
#[derive(Clone, Debug)]
pub struct ElfFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: Width,
    pub(crate) endian: Endian,
    pub(crate) phoff: usize,
    pub(crate) shoff: usize,
    pub(crate) segments: Vec<u32>,
    pub(crate) sections: Vec<String>,
    pub(crate) places: Vec<(String, usize, usize)>,
}

impl ElfFile {
    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, to be changed freely.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The file.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The index of the `nth` segment of a kind (`p_type`).
    #[must_use]
    pub fn segment(&self, kind: u32, nth: usize) -> usize {
        let mut found = (0..)
            .zip(&self.segments)
            .filter(|(_, found)| **found == kind);
        found.nth(nth).expect("such a segment").0
    }

    /// The index of a section.
    #[must_use]
    pub fn section(&self, name: &str) -> usize {
        let found = self.sections.iter().position(|found| found == name);
        found.expect("such a section")
    }

    /// Offset and size of a part by its section's name; `.dynamic`, `.gnu.hash`, `.dynsym`,
    /// `.dynstr` and the like are there also when the section table is stripped.
    #[must_use]
    pub fn place(&self, name: &str) -> (usize, usize) {
        let found = self.places.iter().find(|(found, _, _)| found == name);
        let (_, at, len) = found.expect("such a part");
        (*at, *len)
    }

    /// Writes `value` as a number of `size` bytes at `at`, in the file's byte order.
    pub fn write(&mut self, at: usize, size: usize, value: u64) {
        let bytes = fields::number(self.endian, size, value);
        self.bytes[at..at + size].copy_from_slice(&bytes);
    }

    /// Sets a field of the ELF header.
    pub fn set_header(&mut self, field: EhdrField, value: u64) -> &mut Self {
        let (at, size) = field.place(self.width);
        self.write(at, size, value);
        self
    }

    /// Sets a field of a program header.
    pub fn set_segment(&mut self, index: usize, field: PhdrField, value: u64) -> &mut Self {
        let (at, size) = field.place(self.width);
        let entry = fields::phdr_size(self.width);
        self.write(self.phoff + index * entry + at, size, value);
        self
    }

    /// Sets a field of a section header.
    pub fn set_section(&mut self, index: usize, field: ShdrField, value: u64) -> &mut Self {
        let (at, size) = field.place(self.width);
        let entry = fields::shdr_size(self.width);
        self.write(self.shoff + index * entry + at, size, value);
        self
    }

    /// Sets the value of the first dynamic entry with `tag`.
    pub fn set_dynamic(&mut self, tag: u64, value: u64) -> &mut Self {
        let word = match self.width {
            Width::Bits32 => 4,
            Width::Bits64 => 8,
        };
        let wanted = fields::number(self.endian, word, tag);
        let (at, len) = self.place(".dynamic");
        let entries = (at..at + len).step_by(word * 2);
        let mut found = entries.filter(|at| self.bytes[*at..*at + word] == wanted[..]);
        let entry = found.next().expect("such a dynamic entry");
        self.write(entry + word, word, value);
        self
    }

    /// Removes the section table and its names, as a stripping tool can.
    pub fn strip_sections(&mut self) -> &mut Self {
        let (names, len) = self.place(".shstrtab");
        let end = self.bytes.len();
        self.bytes[names..names + len].fill(0);
        self.bytes[self.shoff..end].fill(0);
        self.set_header(EhdrField::Shoff, 0)
            .set_header(EhdrField::Shnum, 0)
            .set_header(EhdrField::Shstrndx, 0)
    }
}
