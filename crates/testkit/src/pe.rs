//! Builds small PE libraries byte by byte.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test that asks for what cannot be built is to fail at once"
)]

use crate::elf::Width;

/// What the library is to be.
#[derive(Clone, Debug)]
pub struct PeBuilder {
    width: Width,
    machine: u16,
    characteristics: u16,
    name: String,
    exports: Vec<String>,
    imports: Vec<(String, Vec<String>)>,
    delayed: Vec<(String, Vec<String>)>,
    sections: Vec<(String, u32, Vec<u8>)>,
    debug_file: Option<String>,
    signed: bool,
}

/// `IMAGE_FILE_MACHINE_AMD64`.
pub const AMD64: u16 = 0x8664;
/// `IMAGE_FILE_MACHINE_I386`.
pub const I386: u16 = 0x14c;

/// Where the headers end and the first section begins, in the file and in memory.
const HEADERS: usize = 0x400;
const FIRST: u32 = 0x1000;

impl PeBuilder {
    /// An empty DLL.
    #[must_use]
    pub fn new(width: Width, machine: u16) -> Self {
        Self {
            width,
            machine,
            characteristics: 0x2022,
            name: "made.dll".into(),
            exports: Vec::new(),
            imports: Vec::new(),
            delayed: Vec::new(),
            sections: Vec::new(),
            debug_file: None,
            signed: false,
        }
    }

    /// An empty DLL for x86-64.
    #[must_use]
    pub fn amd64() -> Self {
        Self::new(Width::Bits64, AMD64)
    }

    /// Sets the characteristics; `0x2022` otherwise.
    #[must_use]
    pub fn characteristics(mut self, bits: u16) -> Self {
        self.characteristics = bits;
        self
    }

    /// Adds an export.
    #[must_use]
    pub fn export(mut self, name: &str) -> Self {
        self.exports.push(name.into());
        self
    }

    /// Adds imports from a library; a name of digits is an import by number.
    #[must_use]
    pub fn import(mut self, library: &str, names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).into()).collect();
        self.imports.push((library.into(), names));
        self
    }

    /// Adds delayed imports from a library.
    #[must_use]
    pub fn delayed(mut self, library: &str, names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).into()).collect();
        self.delayed.push((library.into(), names));
        self
    }

    /// Adds a section with its characteristics. A name longer than eight bytes goes into
    /// the table of strings.
    #[must_use]
    pub fn section(mut self, name: &str, flags: u32, bytes: &[u8]) -> Self {
        self.sections.push((name.into(), flags, bytes.into()));
        self
    }

    /// Adds Qt's section with `payload` (header and CBOR) behind the mark.
    #[must_use]
    pub fn qt_section(self, payload: &[u8]) -> Self {
        self.section(
            ".qtmetadata",
            0x5000_0040,
            &[b"QTMETADATA !", payload].concat(),
        )
    }

    /// Names the file with the debug information.
    #[must_use]
    pub fn debug_file(mut self, path: &str) -> Self {
        self.debug_file = Some(path.into());
        self
    }

    /// Adds a certificate table, without a signature that would hold.
    #[must_use]
    pub fn signed(mut self) -> Self {
        self.signed = true;
        self
    }

    /// Builds the file.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let (rdata, directories) = self.tables();
        let mut sections = vec![(".text".to_owned(), 0x6000_0020, vec![0xc3; 16])];
        sections.push((".rdata".to_owned(), 0x4000_0040, rdata));
        sections.extend(self.sections.iter().cloned());

        let mut strings = vec![0; 4];
        let mut table = Vec::new();
        let mut contents = Vec::new();
        let mut address = FIRST;
        let word = |value: usize| u32::try_from(value).expect("small");
        for (name, flags, bytes) in &sections {
            let mut shown = if name.len() > 8 {
                let at = strings.len();
                strings.extend_from_slice(name.as_bytes());
                strings.push(0);
                format!("/{at}").into_bytes()
            } else {
                name.clone().into_bytes()
            };
            shown.resize(8, 0);
            table.extend(shown);
            let raw = bytes.len().next_multiple_of(512);
            for value in [
                word(bytes.len()),
                address,
                word(raw),
                word(HEADERS + contents.len()),
            ] {
                table.extend(value.to_le_bytes());
            }
            table.extend([0; 12]);
            table.extend(flags.to_le_bytes());
            contents.extend_from_slice(bytes);
            contents.resize(contents.len().next_multiple_of(512), 0);
            address += word(bytes.len().next_multiple_of(0x1000).max(0x1000));
        }
        let strings_at = HEADERS + contents.len();
        let strings_len = word(strings.len());
        strings[..4].copy_from_slice(&strings_len.to_le_bytes());
        contents.extend(strings);
        let certificates = HEADERS + contents.len();
        if self.signed {
            contents.extend([16, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }

        let mut out = b"MZ".to_vec();
        out.resize(0x3c, 0);
        out.extend(0x40_u32.to_le_bytes());
        out.extend(b"PE\0\0");
        let wide = self.width == Width::Bits64;
        let optional: u16 = if wide { 240 } else { 224 };
        out.extend(self.machine.to_le_bytes());
        out.extend(u16::try_from(sections.len()).expect("few").to_le_bytes());
        out.extend([0; 4]);
        out.extend(word(strings_at).to_le_bytes());
        out.extend([0; 4]);
        out.extend(optional.to_le_bytes());
        out.extend(self.characteristics.to_le_bytes());

        let mut header = vec![0; usize::from(optional)];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &if wide { 0x20b_u16 } else { 0x10b }.to_le_bytes());
        let base = self.base();
        if wide {
            put(24, &base.to_le_bytes());
        } else {
            put(28, &u32::try_from(base).expect("small").to_le_bytes());
        }
        put(32, &0x1000_u32.to_le_bytes());
        put(36, &0x200_u32.to_le_bytes());
        put(56, &address.to_le_bytes());
        put(60, &word(HEADERS).to_le_bytes());
        put(68, &2_u16.to_le_bytes());
        put(70, &0x0160_u16.to_le_bytes());
        let count_at = if wide { 108 } else { 92 };
        put(count_at, &16_u32.to_le_bytes());
        let mut directories = directories;
        if self.signed {
            directories.push((4, word(certificates), 16));
        }
        for (index, at, len) in directories {
            put(count_at + 4 + 8 * index, &at.to_le_bytes());
            put(count_at + 8 + 8 * index, &len.to_le_bytes());
        }
        out.extend(header);
        out.extend(table);
        assert!(out.len() <= HEADERS, "few sections");
        out.resize(HEADERS, 0);
        out.extend(contents);
        out
    }

    fn base(&self) -> u64 {
        match self.width {
            Width::Bits32 => 0x1000_0000,
            Width::Bits64 => 0x1_8000_0000,
        }
    }

    /// The section with the tables of the directories, and the directories.
    fn tables(&self) -> (Vec<u8>, Vec<(usize, u32, u32)>) {
        let mut out = Tables {
            bytes: vec![0; 8],
            wide: self.width == Width::Bits64,
        };
        let mut directories = Vec::new();
        if !self.exports.is_empty() {
            let name = out.text(&self.name);
            let functions = out.words(&vec![FIRST; self.exports.len()]);
            let names: Vec<u32> = self.exports.iter().map(|name| out.text(name)).collect();
            let names = out.words(&names);
            let count = u16::try_from(self.exports.len()).expect("few");
            let numbers: Vec<u8> = (0..count).flat_map(u16::to_le_bytes).collect();
            let numbers = out.put(&numbers);
            let count = count.into();
            let at = out.words(&[0, 0, 0, name, 1, count, count, functions, names, numbers]);
            directories.push((0, at, 40));
        }
        for (index, imports) in [(1, &self.imports), (13, &self.delayed)] {
            if imports.is_empty() {
                continue;
            }
            let mut table = Vec::new();
            for (library, names) in imports {
                let library = out.text(library);
                let names = out.names(names);
                if index == 1 {
                    table.extend([names, 0, 0, library, names]);
                } else {
                    table.extend([1, library, 0, names, names, 0, 0, 0]);
                }
            }
            table.extend(vec![0; if index == 1 { 5 } else { 8 }]);
            let at = out.words(&table);
            directories.push((index, at, u32::try_from(table.len() * 4).expect("small")));
        }
        if let Some(path) = &self.debug_file {
            let mut record = b"RSDS".to_vec();
            record.extend([0xab; 16]);
            record.extend(1_u32.to_le_bytes());
            record.extend_from_slice(path.as_bytes());
            record.push(0);
            let len = u32::try_from(record.len()).expect("small");
            let address = out.put(&record);
            // The code section's 512 bytes lie before this one in the file.
            let offset = address - FIRST - 0x1000 + u32::try_from(HEADERS).expect("small") + 512;
            let at = out.words(&[0, 0, 0, 2, len, address, offset]);
            directories.push((6, at, 28));
        }
        (out.bytes, directories)
    }
}

/// The bytes of a section that lies one page behind the code.
struct Tables {
    bytes: Vec<u8>,
    wide: bool,
}

impl Tables {
    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = u32::try_from(self.bytes.len()).expect("small");
        self.bytes.extend_from_slice(bytes);
        FIRST + 0x1000 + at
    }

    fn text(&mut self, text: &str) -> u32 {
        self.put(&[text.as_bytes(), b"\0"].concat())
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }

    /// A table of imported names, which ends with zero.
    fn names(&mut self, names: &[String]) -> u32 {
        let mut entries: Vec<u64> = Vec::new();
        for name in names {
            entries.push(match name.parse::<u64>() {
                Ok(number) if self.wide => number | 1 << 63,
                Ok(number) => number | 1 << 31,
                Err(_) => self.put(&[b"\0\0", name.as_bytes(), b"\0"].concat()).into(),
            });
        }
        entries.push(0);
        let size = if self.wide { 8 } else { 4 };
        let bytes: Vec<u8> = entries
            .iter()
            .flat_map(|entry| entry.to_le_bytes()[..size].to_vec())
            .collect();
        self.put(&bytes)
    }
}
