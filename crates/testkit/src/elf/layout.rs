//! The layout of a built object: three loaded segments (read-only, code, data), whose
//! addresses equal their offsets, then the section table.

use super::fields::{EhdrField, PhdrField, ShdrField, ehdr_size, phdr_size, shdr_size};
use super::tables::{
    Strings, Writer, gnu_table, relocation_bytes, symbol_bytes, symbol_tables, sysv_table,
};
use super::{ElfBuilder, ElfFile, HashStyle, Width};

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_NOTE: u32 = 4;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PT_GNU_RELRO: u32 = 0x6474_e552;

/// A section to be: name, `sh_type`, flags, alignment, link, info, entry size, bytes.
struct Part {
    name: String,
    kind: u32,
    flags: u64,
    align: usize,
    link: &'static str,
    info: u32,
    entry: u64,
    bytes: Vec<u8>,
    at: usize,
}

impl Part {
    fn new(name: &str, kind: u32, flags: u64, align: usize, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            kind,
            flags,
            align,
            link: "",
            info: 0,
            entry: 0,
            bytes,
            at: 0,
        }
    }
}

fn align_up(value: usize, align: usize) -> usize {
    value.next_multiple_of(align.max(1))
}

fn note_parts(builder: &ElfBuilder) -> Vec<Part> {
    let writer = Writer(builder);
    let mut parts: Vec<Part> = Vec::new();
    for note in &builder.notes {
        let align = usize::try_from(note.align).expect("a small alignment");
        let pad = if align == 8 { 8 } else { 4 };
        let mut bytes = Vec::new();
        writer.put(&mut bytes, 4, note.owner.len() as u64);
        writer.put(&mut bytes, 4, note.desc.len() as u64);
        writer.put(&mut bytes, 4, note.kind.into());
        bytes.extend_from_slice(&note.owner);
        bytes.resize(align_up(bytes.len(), pad), 0);
        bytes.extend_from_slice(&note.desc);
        bytes.resize(align_up(bytes.len(), pad), 0);
        let same = |part: &&mut Part| part.name == note.section && part.align == align;
        match parts.iter_mut().find(same) {
            Some(part) => part.bytes.extend(bytes),
            None => parts.push(Part::new(&note.section, 7, 2, align, bytes)),
        }
    }
    parts
}

/// Sets the parts one behind the other, from `at`; the answer is the end.
fn place(parts: &mut [Part], mut at: usize) -> usize {
    for part in parts {
        at = align_up(at, part.align);
        part.at = at;
        at += part.bytes.len();
    }
    at
}

pub(crate) fn build(builder: &ElfBuilder) -> ElfFile {
    let writer = Writer(builder);
    let word = writer.word();
    let mut strings = Strings::default();
    let tables = symbol_tables(builder, &mut strings);
    let names: Vec<u64> = tables
        .symbols
        .iter()
        .map(|symbol| strings.add(symbol.name))
        .collect();
    let mut entries: Vec<(u64, u64)> = Vec::new();
    for library in &builder.needed {
        entries.push((1, strings.add(library)));
    }
    if let Some(soname) = &builder.soname {
        entries.push((14, strings.add(soname)));
    }
    for (tag, text) in &builder.dynamic_strings {
        entries.push((*tag, strings.add(text)));
    }
    entries.extend(&builder.dynamic_values);

    let mut read_only = note_parts(builder);
    let notes = read_only.len();
    let symbol = if builder.width == Width::Bits64 {
        24
    } else {
        16
    };
    if builder.hash != HashStyle::Sysv {
        let mut part = Part::new(
            ".gnu.hash",
            0x6fff_fff6,
            2,
            word,
            gnu_table(builder, &tables),
        );
        part.link = ".dynsym";
        read_only.push(part);
    }
    if builder.hash != HashStyle::Gnu {
        let mut part = Part::new(".hash", 5, 2, word, sysv_table(builder, &tables));
        part.link = ".dynsym";
        read_only.push(part);
    }
    let mut part = Part::new(
        ".dynsym",
        11,
        2,
        word,
        vec![0; symbol * (tables.symbols.len() + 1)],
    );
    (part.link, part.info, part.entry) = (".dynstr", 1, symbol as u64);
    read_only.push(part);
    let has_versions = tables.verdefs + tables.verneeds > 0;
    if has_versions {
        let mut bytes = Vec::new();
        writer.put(&mut bytes, 2, 0);
        for symbol in &tables.symbols {
            writer.put(&mut bytes, 2, symbol.version.into());
        }
        let mut part = Part::new(".gnu.version", 0x6fff_ffff, 2, 2, bytes);
        part.link = ".dynsym";
        read_only.push(part);
    }
    if tables.verdefs > 0 {
        let mut part = Part::new(".gnu.version_d", 0x6fff_fffd, 2, 4, tables.verdef.clone());
        (part.link, part.info) = (".dynstr", tables.verdefs);
        read_only.push(part);
    }
    if tables.verneeds > 0 {
        let mut part = Part::new(".gnu.version_r", 0x6fff_fffe, 2, 4, tables.verneed.clone());
        (part.link, part.info) = (".dynstr", tables.verneeds);
        read_only.push(part);
    }
    if !builder.relocations.is_empty() {
        let bytes = vec![0; 3 * word * builder.relocations.len()];
        let mut part = Part::new(".rela.dyn", 4, 2, word, bytes);
        (part.link, part.entry) = (".dynsym", 3 * word as u64);
        read_only.push(part);
    }
    if strings.0.is_empty() {
        strings.0.push(0);
    }
    read_only.push(Part::new(".dynstr", 3, 2, 1, strings.0.clone()));
    let own = |loaded: bool| {
        let chosen = builder
            .sections
            .iter()
            .filter(move |section| (section.flags & 2 != 0) == loaded);
        chosen.map(|section| Part::new(&section.name, 1, section.flags, 16, section.bytes.clone()))
    };
    read_only.extend(own(true));

    // Note segments, three loads, the dynamic section, the stack, and what is read-only once it is relocated.
    let segment_count = notes + 5 + usize::from(builder.relro);
    let phoff = ehdr_size(builder.width);
    let read_only_end = place(
        &mut read_only,
        phoff + segment_count * phdr_size(builder.width),
    );
    let code = align_up(read_only_end, builder.page);
    // `ret` on x86; never run elsewhere.
    let mut code_part = vec![Part::new(".text", 1, 6, 16, vec![0xc3; 16])];
    let code_end = place(&mut code_part, code);
    let data = align_up(code_end, builder.page);

    let place_of = |name: &str| {
        let part = read_only.iter().find(|part| part.name == name);
        part.map(|part| (part.at as u64, part.bytes.len() as u64))
    };
    let (strtab, strsz) = place_of(".dynstr").expect("always there");
    let (symtab, _) = place_of(".dynsym").expect("always there");
    entries.extend([(5, strtab), (10, strsz), (6, symtab), (11, symbol as u64)]);
    for (tag, name) in [
        (0x6fff_fef5, ".gnu.hash"),
        (4, ".hash"),
        (0x6fff_fff0, ".gnu.version"),
    ] {
        entries.extend(place_of(name).map(|(at, _)| (tag, at)));
    }
    for (tag, count_tag, name, count) in [
        (0x6fff_fffc, 0x6fff_fffd, ".gnu.version_d", tables.verdefs),
        (0x6fff_fffe, 0x6fff_ffff, ".gnu.version_r", tables.verneeds),
    ] {
        if let Some((at, _)) = place_of(name) {
            entries.extend([(tag, at), (count_tag, u64::from(count))]);
        }
    }
    if let Some((at, len)) = place_of(".rela.dyn") {
        entries.extend([(7, at), (8, len), (9, 3 * word as u64)]);
    }
    entries.push((0, 0));
    let mut bytes = Vec::new();
    for (tag, value) in entries {
        writer.put(&mut bytes, word, tag);
        writer.put(&mut bytes, word, value);
    }
    let mut dynamic = Part::new(".dynamic", 6, 3, word, bytes);
    (dynamic.link, dynamic.entry) = (".dynstr", word as u64 * 2);
    let dynamic_len = dynamic.bytes.len();
    let mut data_part = vec![dynamic];
    if !builder.relocations.is_empty() {
        let words = vec![0; word * builder.relocations.len()];
        data_part.push(Part::new(".got", 1, 3, word, words));
    }
    let data_end = place(&mut data_part, data);
    if let Some(got) = data_part.get(1).map(|part| part.at) {
        let part = read_only.iter_mut().find(|part| part.name == ".rela.dyn");
        part.expect("placed above").bytes = relocation_bytes(builder, &tables.symbols, got);
    }

    let code_index = read_only.len() as u64 + 1;
    let symbols = symbol_bytes(builder, &tables.symbols, &names, code, code_index);
    let part = read_only.iter_mut().find(|part| part.name == ".dynsym");
    part.expect("always there").bytes = symbols;

    let mut segments: Vec<(u32, u32, usize, usize, usize)> = read_only[..notes]
        .iter()
        .map(|part| (PT_NOTE, 4, part.at, part.bytes.len(), part.align))
        .collect();
    segments.extend([
        (PT_LOAD, 4, 0, read_only_end, builder.page),
        (PT_LOAD, 5, code, code_end - code, builder.page),
        (PT_LOAD, 6, data, data_end - data, builder.page),
        (PT_DYNAMIC, 6, data, dynamic_len, word),
        (PT_GNU_STACK, 6, 0, 0, 16),
    ]);
    let relro = (PT_GNU_RELRO, 4, data, dynamic_len, 1);
    segments.extend(builder.relro.then_some(relro));
    let parts: Vec<Part> = read_only
        .into_iter()
        .chain(code_part)
        .chain(data_part)
        .collect();
    let mut file = ElfFile {
        bytes: vec![0; data_end],
        width: builder.width,
        endian: builder.endian,
        phoff,
        shoff: 0,
        segments: segments.iter().map(|segment| segment.0).collect(),
        sections: Vec::new(),
        places: Vec::new(),
    };
    for part in &parts {
        file.bytes[part.at..part.at + part.bytes.len()].copy_from_slice(&part.bytes);
    }
    write_header(builder, &mut file);
    for (index, (kind, flags, at, len, align)) in segments.iter().enumerate() {
        for (field, value) in [
            (PhdrField::Type, u64::from(*kind)),
            (PhdrField::Flags, u64::from(*flags)),
            (PhdrField::Offset, *at as u64),
            (PhdrField::Vaddr, *at as u64),
            (PhdrField::Filesz, *len as u64),
            (PhdrField::Memsz, *len as u64),
            (PhdrField::Align, *align as u64),
        ] {
            file.set_segment(index, field, value);
        }
    }
    write_sections(builder, &mut file, parts, own(false).collect());
    file
}

fn write_header(builder: &ElfBuilder, file: &mut ElfFile) {
    file.bytes[..4].copy_from_slice(b"\x7fELF");
    let size = |size: usize| size as u64;
    for (field, value) in [
        (
            EhdrField::Class,
            if builder.width == Width::Bits32 { 1 } else { 2 },
        ),
        (
            EhdrField::Data,
            if builder.endian == super::Endian::Little {
                1
            } else {
                2
            },
        ),
        (EhdrField::IdentVersion, 1),
        (EhdrField::Type, 3),
        (EhdrField::Machine, builder.machine.into()),
        (EhdrField::Version, 1),
        (EhdrField::Phoff, size(file.phoff)),
        (EhdrField::Phentsize, size(phdr_size(builder.width))),
        (EhdrField::Phnum, size(file.segments.len())),
        (EhdrField::Shentsize, size(shdr_size(builder.width))),
    ] {
        file.set_header(field, value);
    }
    // e_ehsize stands between e_flags and e_phentsize.
    let (at, _) = EhdrField::Phentsize.place(builder.width);
    file.write(at - 2, 2, size(ehdr_size(builder.width)));
}

fn write_sections(
    builder: &ElfBuilder,
    file: &mut ElfFile,
    mut parts: Vec<Part>,
    loose: Vec<Part>,
) {
    let mut at = file.bytes.len();
    for mut part in loose {
        at = align_up(at, part.align);
        part.at = at;
        file.bytes.resize(at, 0);
        file.bytes.extend_from_slice(&part.bytes);
        at = file.bytes.len();
        parts.push(part);
    }
    let mut names = Strings::default();
    let mut name_at: Vec<u64> = parts.iter().map(|part| names.add(&part.name)).collect();
    name_at.push(names.add(".shstrtab"));
    let mut part = Part::new(".shstrtab", 3, 0, 1, names.0);
    part.at = file.bytes.len();
    file.bytes.extend_from_slice(&part.bytes);
    parts.push(part);

    file.shoff = align_up(file.bytes.len(), 8);
    let count = parts.len() + 1;
    file.bytes
        .resize(file.shoff + count * shdr_size(builder.width), 0);
    file.sections = std::iter::once(String::new())
        .chain(parts.iter().map(|part| part.name.clone()))
        .collect();
    file.places = parts
        .iter()
        .map(|part| (part.name.clone(), part.at, part.bytes.len()))
        .collect();
    for (index, part) in parts.iter().enumerate() {
        let link = if part.link.is_empty() {
            0
        } else {
            file.section(part.link) as u64
        };
        let loaded = part.flags & 2 != 0;
        for (field, value) in [
            (ShdrField::Name, name_at[index]),
            (ShdrField::Type, part.kind.into()),
            (ShdrField::Flags, part.flags),
            (ShdrField::Offset, part.at as u64),
            (ShdrField::Size, part.bytes.len() as u64),
            (ShdrField::Link, link),
            (ShdrField::Info, part.info.into()),
        ] {
            file.set_section(index + 1, field, value);
        }
        // sh_addr stands before sh_offset, sh_addralign and sh_entsize at the end.
        let entry = file.shoff + (index + 1) * shdr_size(builder.width);
        let (offset, size) = ShdrField::Offset.place(builder.width);
        let end = entry + shdr_size(builder.width);
        file.write(
            entry + offset - size,
            size,
            if loaded { part.at as u64 } else { 0 },
        );
        file.write(end - 2 * size, size, part.align as u64);
        file.write(end - size, size, part.entry);
    }
    let names = count as u64 - 1;
    file.set_header(EhdrField::Shoff, file.shoff as u64);
    if builder.extended_numbering {
        let segments = file.segments.len() as u64;
        file.set_header(EhdrField::Phnum, 0xffff)
            .set_header(EhdrField::Shnum, 0)
            .set_header(EhdrField::Shstrndx, 0xffff)
            .set_section(0, ShdrField::Size, count as u64)
            .set_section(0, ShdrField::Link, names)
            .set_section(0, ShdrField::Info, segments);
    } else {
        file.set_header(EhdrField::Shnum, count as u64)
            .set_header(EhdrField::Shstrndx, names);
    }
}
