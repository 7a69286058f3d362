//! The symbols that a library keeps to itself, from the table for debuggers (`.symtab`), where it was left in the file.
//!
//! Only asked for after a lookup has failed, to say more about it. Every number in the file is checked; what does not fit means
//! that nothing is known.

#![expect(
    clippy::host_endian_bytes,
    reason = "the dynamic linker took the file for one of this process's own byte order"
)]

use super::readable;
use crate::image::Identity;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// No table that is read is larger than this many bytes.
const LIMIT: u64 = 64 << 20;

// Numbers from the System V ABI (gABI).
const SHT_SYMTAB: u32 = 2;
const SHN_UNDEF: u16 = 0;

/// The names of everything that a file defines, exported or not; empty if it was stripped, or if its path leads to another file
/// by now, as that of a sealed copy does once its descriptor is closed.
pub(crate) fn defined(path: &Path, identity: Identity) -> Vec<String> {
    let same = |file: &File| {
        let seen = super::look(file);
        seen.is_ok_and(|seen| seen.is_file && seen.identity == identity)
    };
    let file = readable(path).ok().filter(same);
    file.and_then(|file| names(&file)).unwrap_or_default()
}

/// The tables of a file of this process's own word size and byte order; the dynamic linker took it for one.
fn names(file: &File) -> Option<Vec<String>> {
    const WORD: usize = size_of::<usize>();
    // Elf_Ehdr: after e_ident (16), e_type, e_machine (2 each), e_version (4) and e_entry, e_phoff; then after e_flags (4) six
    // numbers of 2 bytes, the fifth of which counts the sections.
    let header = read(file, 0, 16 + 8 + 3 * WORD as u64 + 4 + 12)?;
    let table = word(&header, 24 + 2 * WORD)?;
    let count = half(&header, 24 + 3 * WORD + 4 + 8)?;
    // Elf_Shdr: name and type (4 each), then words: flags, address, offset, size; then link and info (4 each), two words.
    let entry = 16 + 6 * WORD;
    let sections = read(file, table, u64::from(count) * entry as u64)?;
    let section = |index: usize| sections.get(index.checked_mul(entry)?..)?.get(..entry);
    let contents = |section: &[u8]| {
        let (offset, size) = (word(section, 8 + 2 * WORD)?, word(section, 8 + 3 * WORD)?);
        read(file, offset, size)
    };
    let symbols = (0..usize::from(count))
        .filter_map(section)
        .find(|section| number(section, 4) == Some(SHT_SYMTAB))?;
    let strings = section(usize::try_from(number(symbols, 8 + 4 * WORD)?).ok()?)?;
    let (symbols, strings) = (contents(symbols)?, contents(strings)?);
    // Elf64_Sym: name (4), info, other (1 each), section (2), two words. Elf32_Sym: name, two words, info, other, section.
    let (size, place) = if WORD == 8 { (24, 6) } else { (16, 14) };
    let name = |symbol: &[u8]| {
        (half(symbol, place)? != SHN_UNDEF).then_some(())?;
        let start = usize::try_from(number(symbol, 0)?).ok()?;
        let text = strings.get(start..)?.split(|byte| *byte == 0).next()?;
        let text = str::from_utf8(text).ok()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some(symbols.chunks_exact(size).filter_map(name).collect())
}

fn read(file: &File, offset: u64, size: u64) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok().filter(|_| size <= LIMIT)?;
    // Not beyond the end of the file: a size that it only claims is not allocated.
    let end = offset.checked_add(size as u64)?;
    (end <= file.metadata().ok()?.len()).then_some(())?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let word = usize::from_ne_bytes(*bytes.get(at..)?.first_chunk()?);
    u64::try_from(word).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugwright_testkit::cc;
    use std::ffi::OsStr;
    use std::fs;

    const SOURCE: &str = "static int own(void) { return 2; } int (*shown)(void) = own; int needed(void); int calls(void) { return needed(); }";

    fn defined(path: &Path) -> Vec<String> {
        super::defined(path, crate::os::look_at(path).unwrap().identity)
    }

    #[test]
    fn what_is_defined_is_told_and_what_is_needed_is_not() {
        let names = defined(&cc::shared("libown.so", SOURCE, &[]));
        let has = |name: &str| names.iter().any(|found| found == name);
        assert_eq!(
            [has("own"), has("shown"), has("calls"), has("needed")],
            [true, true, true, false]
        );
        let stripped = cc::shared("libown.so", SOURCE, &[OsStr::new("-s")]);
        assert_eq!(defined(&stripped), Vec::<String>::new());
        let other = crate::os::look_at(&stripped).unwrap().identity;
        let path = cc::shared("libown.so", SOURCE, &[]);
        assert_eq!(super::defined(&path, other), Vec::<String>::new());
    }

    /// Whatever the file says, the answer is a list, and quickly.
    #[test]
    fn damaged_files_have_no_names_or_some() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("libx.so");
        let bytes = fs::read(cc::shared("libown.so", SOURCE, &[])).unwrap();
        for length in (0..bytes.len()).step_by(397) {
            fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(defined(&path), Vec::<String>::new());
        }
        for at in (0..64).chain((bytes.len() - 1024..bytes.len()).step_by(8)) {
            let mut damaged = bytes.clone();
            damaged[at] = 0xff;
            fs::write(&path, damaged).unwrap();
            defined(&path);
        }
    }
}
