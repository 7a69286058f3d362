//! What a rule is shown: a file whose images were read. Rules ask; they open nothing that is not here.

use plugwright_inspect::{
    ElfFacts, ImageHeaders, ImageScan, MachOFacts, Opened, PeFacts, ReadAt as _, Scan,
};

use crate::watched::SymbolFacts;

/// A file with what was read of it.
#[derive(Debug)]
pub(crate) struct FileSubject<'a> {
    pub(crate) opened: &'a Opened,
    pub(crate) scan: &'a Scan,
    pub(crate) symbols: &'a [SymbolFacts],
}

impl<'a> FileSubject<'a> {
    /// Every image with what its symbols told.
    pub(crate) fn images(&self) -> impl Iterator<Item = (&'a ImageScan, &'a SymbolFacts)> {
        self.scan.images.iter().zip(self.symbols)
    }

    /// The ELF image.
    pub(crate) fn elf(&self) -> Option<(&'a ImageHeaders, &'a ElfFacts)> {
        let image = self.scan.images.first()?;
        Some((&image.headers, image.headers.elf()?))
    }

    /// The PE image.
    pub(crate) fn pe(&self) -> Option<(&'a ImageHeaders, &'a PeFacts)> {
        let image = self.scan.images.first()?;
        Some((&image.headers, image.headers.pe()?))
    }

    /// Every Mach-O image.
    pub(crate) fn macho(&self) -> impl Iterator<Item = (&'a ImageHeaders, &'a MachOFacts)> {
        let images = self.scan.images.iter();
        images.filter_map(|image| Some((&image.headers, image.headers.macho()?)))
    }

    /// Up to `len` bytes at `offset`; fewer at the end of the file, none where reading fails.
    pub(crate) fn bytes(&self, offset: u64, len: usize) -> Vec<u8> {
        let rest = self.opened.size().saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(rest).unwrap_or(usize::MAX).min(len)];
        let mut done = 0;
        while let Some(free) = bytes.get_mut(done..).filter(|free| !free.is_empty()) {
            let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            match self.opened.read_at(free, at) {
                Ok(0) | Err(_) => break,
                Ok(count) => done = done.saturating_add(count),
            }
        }
        bytes.truncate(done);
        bytes
    }
}

/// The dynamic entry with `tag` that a loader follows, as a place in the file.
pub(crate) fn entry_offset(facts: &ElfFacts, tag: u64) -> Option<u64> {
    let found = facts
        .dynamic_entries
        .iter()
        .rev()
        .find(|entry| entry.tag == tag);
    found.map(|entry| entry.offset)
}
