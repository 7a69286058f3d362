//! The executable parts of a file, for rules that look at code.

use plugwright_inspect::{Format, ReadAt, Scan};

use crate::subject::{FileSubject, read};

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// In bytes from the file's start.
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// Parts that are told; real files have one or two.
const MOST: usize = 16;

/// What is mapped executable: segments of ELF, sections of PE. The sections of Mach-O are not read again here: its code is
/// signed page by page, so that none can unpack itself in place.
pub(crate) fn executable(file: &FileSubject<'_>) -> Vec<Part> {
    of(file.opened, file.scan)
}

/// The same, of a file that is no subject of rules.
pub(crate) fn of(file: &impl ReadAt, scan: &Scan) -> Vec<Part> {
    let mut parts = Vec::new();
    for elf in scan.images.iter().filter_map(|image| image.headers.elf()) {
        // PT_LOAD with PF_X.
        let code = elf.program_headers.iter();
        let code = code.filter(|header| header.kind == 1 && header.flags & 1 != 0);
        parts.extend(code.take(MOST).map(|header| Part {
            name: "executable segment",
            offset: header.offset,
            size: header.size,
        }));
    }
    let is_pe =
        |image: &plugwright_inspect::ImageScan| image.headers.image.target.format == Format::Pe;
    if scan.images.iter().any(is_pe) {
        parts.extend(pe_sections(&read(file, 0, 8192)).unwrap_or_default());
    }
    parts
}

/// The sections of a PE file that are code, from its first bytes (the PE format's specification: "COFF File Header", "Section
/// Table").
fn pe_sections(head: &[u8]) -> Option<Vec<Part>> {
    let half = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk::<2>()?));
    let word = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk::<4>()?));
    let coff = usize::try_from(word(0x3c)?).ok()?.checked_add(4)?;
    let count = half(coff.checked_add(2)?)?;
    let optional = usize::from(half(coff.checked_add(16)?)?);
    let mut at = coff.checked_add(20)?.checked_add(optional)?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let Some(flags) = word(at.checked_add(36)?) else {
            break;
        };
        // IMAGE_SCN_MEM_EXECUTE
        if flags & 0x2000_0000 != 0 && parts.len() < MOST {
            parts.push(Part {
                name: "executable section",
                offset: word(at.checked_add(20)?)?.into(),
                size: word(at.checked_add(16)?)?.into(),
            });
        }
        at = at.checked_add(40)?;
    }
    Some(parts)
}
