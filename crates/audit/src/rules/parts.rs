//! The executable parts of a file, for rules that look at code.

use plugwright_inspect::{FormatFacts, Scan};

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// In bytes from the file's start.
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// Parts of one image that are told; real files have one or two.
const MOST: usize = 16;

/// What is mapped executable: segments of ELF and Mach-O, sections of PE.
pub(crate) fn executable(scan: &Scan) -> Vec<Part> {
    let mut parts = Vec::new();
    for image in &scan.images {
        let mut add = |name, places: &mut dyn Iterator<Item = (u64, u64)>| {
            parts.extend(
                places
                    .take(MOST)
                    .map(|(offset, size)| Part { name, offset, size }),
            );
        };
        match &image.headers.facts {
            FormatFacts::Elf(elf) => {
                // PT_LOAD with PF_X.
                let code = elf.program_headers.iter();
                let code = code.filter(|header| header.kind == 1 && header.flags & 1 != 0);
                add(
                    "executable segment",
                    &mut code.map(|header| (header.offset, header.size)),
                );
            }
            FormatFacts::MachO(facts) => {
                add("executable segment", &mut facts.code.iter().copied());
            }
            FormatFacts::Pe(facts) => add("executable section", &mut facts.code.iter().copied()),
            _ => {}
        }
    }
    parts
}
