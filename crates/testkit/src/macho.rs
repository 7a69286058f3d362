//! Builds small Mach-O libraries and universal files byte by byte.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test that asks for what cannot be built is to fail at once"
)]

use crate::elf::{Endian, Width};

/// A section to be: segment, name, flags, bytes.
#[derive(Clone, Debug)]
struct Section {
    segment: String,
    name: String,
    flags: u32,
    bytes: Vec<u8>,
}

/// What the library is to be.
#[derive(Clone, Debug)]
pub struct MachOBuilder {
    width: Width,
    endian: Endian,
    cpu_type: u32,
    file_type: u32,
    flags: u32,
    sections: Vec<Section>,
    commands: Vec<(u32, Vec<u8>)>,
    symbols: Vec<(String, u8, u8, u16)>,
}

/// `CPU_TYPE_X86_64`.
pub const X86_64: u32 = 0x0100_0007;
/// `CPU_TYPE_ARM64`.
pub const ARM64: u32 = 0x0100_000c;
/// `CPU_TYPE_POWERPC`.
pub const POWERPC: u32 = 18;

impl MachOBuilder {
    /// An empty bundle for a processor.
    #[must_use]
    pub fn new(width: Width, endian: Endian, cpu_type: u32) -> Self {
        Self {
            width,
            endian,
            cpu_type,
            file_type: 8,
            flags: 0x85,
            sections: Vec::new(),
            commands: Vec::new(),
            symbols: Vec::new(),
        }
    }

    /// An empty bundle for 64-bit Arm.
    #[must_use]
    pub fn arm64() -> Self {
        Self::new(Width::Bits64, Endian::Little, ARM64)
    }

    /// Sets the type (`MH_…`).
    #[must_use]
    pub fn file_type(mut self, file_type: u32) -> Self {
        self.file_type = file_type;
        self
    }

    /// Adds a section.
    #[must_use]
    pub fn section(mut self, segment: &str, name: &str, flags: u32, bytes: &[u8]) -> Self {
        self.sections.push(Section {
            segment: segment.into(),
            name: name.into(),
            flags,
            bytes: bytes.into(),
        });
        self
    }

    /// Adds Qt's section with `payload` (header and CBOR) behind the mark.
    #[must_use]
    pub fn qt_section(self, payload: &[u8]) -> Self {
        self.section(
            "__TEXT",
            "qtmetadata",
            0,
            &[b"QTMETADATA !", payload].concat(),
        )
    }

    /// Adds a load command with `body` behind its head.
    #[must_use]
    pub fn command(mut self, kind: u32, body: &[u8]) -> Self {
        self.commands.push((kind, body.into()));
        self
    }

    /// Adds a command that holds a name: `LC_ID_DYLIB`, `LC_LOAD_DYLIB`, `LC_RPATH`, ….
    #[must_use]
    pub fn name(self, kind: u32, name: &str) -> Self {
        // LC_RPATH has the string directly behind its place; a library has times and
        // versions in between.
        let fixed = if kind == 0x8000_001c { 12 } else { 24 };
        let mut body = self.number(4, fixed);
        body.resize(usize::try_from(fixed).expect("small") - 8, 0);
        body.extend_from_slice(name.as_bytes());
        body.push(0);
        self.command(kind, &body)
    }

    /// Adds a symbol: `n_type`, `n_sect`, `n_desc`.
    #[must_use]
    pub fn symbol(mut self, name: &str, kind: u8, section: u8, desc: u16) -> Self {
        self.symbols.push((name.into(), kind, section, desc));
        self
    }

    fn number(&self, size: usize, value: u64) -> Vec<u8> {
        match self.endian {
            Endian::Little => value.to_le_bytes()[..size].to_vec(),
            Endian::Big => value.to_be_bytes()[8 - size..].to_vec(),
        }
    }

    fn words(&self, values: &[u32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| self.number(4, (*value).into()))
            .collect()
    }

    fn wide(&self) -> bool {
        self.width == Width::Bits64
    }

    /// Builds the file.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let word = if self.wide() { 8 } else { 4 };
        let mut commands: Vec<Vec<u8>> = self
            .commands
            .iter()
            .map(|(kind, body)| {
                let size = (body.len() + 8).next_multiple_of(word);
                let mut bytes = self.words(&[*kind, u32::try_from(size).expect("small")]);
                bytes.extend_from_slice(body);
                bytes.resize(size, 0);
                bytes
            })
            .collect();
        let mut names: Vec<&str> = self
            .sections
            .iter()
            .map(|section| section.segment.as_str())
            .collect();
        names.dedup();
        let (segment_size, section_size) = if self.wide() { (72, 80) } else { (56, 68) };
        let segments_size = segment_size * (names.len() + 1) + section_size * self.sections.len();
        let header = if self.wide() { 32 } else { 28 };
        let symtab = if self.symbols.is_empty() { 0 } else { 24 };
        let commands_size = segments_size + symtab + commands.iter().map(Vec::len).sum::<usize>();
        let mut contents: Vec<u8> = Vec::new();
        let start = header + commands_size;
        let mut segments = Vec::new();
        for name in &names {
            let inside: Vec<&Section> = self
                .sections
                .iter()
                .filter(|section| section.segment == *name)
                .collect();
            let from = start + contents.len();
            let mut table = Vec::new();
            for section in &inside {
                contents.resize(contents.len().next_multiple_of(8), 0);
                table.push((section, start + contents.len()));
                contents.extend_from_slice(&section.bytes);
            }
            let to = start + contents.len();
            segments.push(self.segment(name, from, to - from, &table));
        }
        // Symbols and their names lie in the last segment, as linkers put them.
        contents.resize(contents.len().next_multiple_of(8), 0);
        let from = start + contents.len();
        let mut strings = vec![0];
        for (name, kind, section, desc) in &self.symbols {
            contents.extend(self.number(4, strings.len() as u64));
            contents.extend([*kind, *section]);
            contents.extend(self.number(2, (*desc).into()));
            contents.extend(self.number(word, if *section == 0 { 0 } else { 0x1000 }));
            strings.extend_from_slice(name.as_bytes());
            strings.push(0);
        }
        if !self.symbols.is_empty() {
            let strings_at = start + contents.len();
            let place = |at: usize| u32::try_from(at).expect("small");
            commands.push(self.words(&[
                2,
                24,
                place(from),
                place(self.symbols.len()),
                place(strings_at),
                place(strings.len()),
            ]));
        }
        contents.extend(strings);
        let to = start + contents.len();
        segments.push(self.segment("__LINKEDIT", from, to - from, &[]));

        let magic = if self.wide() {
            0xfeed_facf
        } else {
            0xfeed_face
        };
        let count = u32::try_from(segments.len() + commands.len()).expect("small");
        let len = u32::try_from(commands_size).expect("small");
        let mut out = self.words(&[
            magic,
            self.cpu_type,
            0,
            self.file_type,
            count,
            len,
            self.flags,
        ]);
        out.resize(header, 0);
        out.extend(segments.concat());
        out.extend(commands.concat());
        out.extend(contents);
        out
    }

    fn segment(
        &self,
        name: &str,
        at: usize,
        len: usize,
        sections: &[(&&Section, usize)],
    ) -> Vec<u8> {
        let padded = |name: &str| {
            let mut bytes = name.as_bytes().to_vec();
            bytes.resize(16, 0);
            bytes
        };
        let word = if self.wide() { 8 } else { 4 };
        let number = |value: usize| self.number(word, value as u64);
        let (kind, head, entry) = if self.wide() {
            (0x19, 72, 80)
        } else {
            (1, 56, 68)
        };
        let size = u32::try_from(head + entry * sections.len()).expect("small");
        let mut out = self.words(&[kind, size]);
        out.extend(padded(name));
        out.extend([number(at), number(len), number(at), number(len)].concat());
        let count = u32::try_from(sections.len()).expect("few");
        out.extend(self.words(&[5, 5, count, 0]));
        for (section, at) in sections {
            out.extend(padded(&section.name));
            out.extend(padded(&section.segment));
            out.extend([number(*at), number(section.bytes.len())].concat());
            let place = u32::try_from(*at).expect("small");
            out.extend(self.words(&[place, 3, 0, 0, section.flags, 0, 0]));
            if self.wide() {
                out.extend([0; 4]);
            }
        }
        out
    }
}

/// Joins images into a universal file, `wide` with 64-bit places. Each image's processor is
/// read from its header.
#[must_use]
pub fn universal(images: &[Vec<u8>], wide: bool) -> Vec<u8> {
    let entry = if wide { 32 } else { 20 };
    let mut at = (8 + entry * images.len()).next_multiple_of(64);
    let mut table: Vec<u8> = Vec::new();
    let mut contents: Vec<u8> = Vec::new();
    let start = at;
    let magic: u32 = if wide { 0xcafe_babf } else { 0xcafe_babe };
    let count = u32::try_from(images.len()).expect("few");
    table.extend([magic, count].map(u32::to_be_bytes).concat());
    for image in images {
        let mut cpu: [u8; 4] = image[4..8].try_into().expect("a header");
        // The images' own byte order.
        if image[0] == 0xcf || image[0] == 0xce {
            cpu.reverse();
        }
        table.extend(cpu);
        table.extend([0; 4]);
        let (place, len) = (at as u64, image.len() as u64);
        if wide {
            table.extend([place, len].map(u64::to_be_bytes).concat());
            table.extend([0, 0, 0, 6, 0, 0, 0, 0]);
        } else {
            let short = |value: u64| u32::try_from(value).expect("small").to_be_bytes();
            table.extend([short(place), short(len), 6_u32.to_be_bytes()].concat());
        }
        contents.extend_from_slice(image);
        at = (at + image.len()).next_multiple_of(64);
        contents.resize(at - start, 0);
    }
    // The last image ends the file.
    let last = images.last().map_or(0, Vec::len);
    contents.truncate(contents.len() - (last.next_multiple_of(64) - last));
    table.resize(start, 0);
    table.extend(contents);
    table
}
