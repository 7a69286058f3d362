//! The hash tables through which a loader finds symbols, checked before one is used.
//!
//! glibc checks nothing here: it derives a bitmask from the number of bloom words, reads
//! a bucket and follows its chain through memory. Of six absurd headers that were tried
//! four ended the process (no bloom words, 3 of them, buckets or the first symbol far
//! beyond the table). The number of symbols has no other source in the segment view.

use crate::arch::Class;
use crate::fields::Fields;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;

use super::dynamic::Dynamic;
use super::raw;

/// `sizeof(Elf32_Sym)` and `sizeof(Elf64_Sym)`.
pub(crate) fn symbol_size(class: Class) -> u64 {
    match class {
        Class::Bits32 => 16,
        Class::Bits64 => 24,
    }
}

/// Checks the hash tables and the symbol table that they imply. The answer is the number
/// of dynamic symbols, as far as a hash table tells it.
pub(crate) fn check<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Option<u64> {
    let gnu = gnu(dynamic, source, problems);
    let sysv = sysv(dynamic, source, problems);
    // The GNU table leaves out symbols in front of it only, so both name the same end.
    let count = match sysv.or(gnu)? {
        0 => super::relocations::symbols_named(dynamic, source),
        count => count,
    };
    let need = count.checked_mul(symbol_size(dynamic.header.target.class));
    if let Some((_, rest)) = dynamic.table(raw::DT_SYMTAB, problems)
        && need.is_none_or(|need| need > rest)
    {
        let at = dynamic.find(raw::DT_SYMTAB).map(|entry| entry.at);
        problems.add(
            Code::AddressNotLoaded,
            Loader::Crashes,
            at,
            format!("a symbol table of {count} symbols in the file's part of a loaded segment"),
            format!("{rest} bytes"),
        );
        return None;
    }
    Some(count)
}

/// Bytes up to which the tables of symbols are fetched at once; larger ones are read one by
/// one, and only as far as they are used.
const AT_ONCE: u64 = 256 << 10;

/// Fetches hash table, symbols and strings with one read, where they lie side by side, as
/// linkers place them. Without a word where not: whoever needs them reads them.
pub(crate) fn prefetch<R: ReadAt + ?Sized>(dynamic: &Dynamic<'_>, source: &mut Source<'_, R>) {
    let mut silent = Problems::default();
    let mut place = |tag| dynamic.table(tag, &mut silent).map(|(at, _)| at);
    let hash = place(raw::DT_GNU_HASH).or_else(|| place(raw::DT_HASH));
    let (Some(hash), Some(symbols), Some(strings)) =
        (hash, place(raw::DT_SYMTAB), place(raw::DT_STRTAB))
    else {
        return;
    };
    let start = hash.min(symbols).min(strings);
    let size = dynamic.value(raw::DT_STRSZ).unwrap_or_default();
    let end = strings.saturating_add(size).max(hash).max(symbols);
    let len = end.saturating_sub(start);
    if len <= AT_ONCE {
        // A fault is met again, and told, by whoever needs the bytes.
        let _told_later = source.prefetch(start, len, 0);
    }
}

/// The bytes of a GNU hash table that was checked, for `count` symbols.
pub(crate) fn gnu_size<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    count: u64,
    source: &mut Source<'_, R>,
) -> Option<u64> {
    let (at, _) = dynamic.table(raw::DT_GNU_HASH, &mut Problems::default())?;
    let head = Fields::new(source.bytes(at, 16).ok()?, dynamic.header.target.byte_order);
    let (buckets, first, words) = (head.u32(0)?, head.u32(4)?, head.u32(8)?);
    let bloom = u64::from(words).checked_mul(dynamic.header.target.class.word())?;
    let chains = count.saturating_sub(first.into());
    let links = chains.checked_add(buckets.into())?.checked_mul(4)?;
    bloom.checked_add(links)?.checked_add(16)
}

/// The header of a GNU hash table and where its parts lie, relative to its start.
struct Gnu {
    buckets: u64,
    first: u64,
    buckets_at: u64,
    chains_at: u64,
}

fn gnu<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Option<u64> {
    let (at, rest) = dynamic.table(raw::DT_GNU_HASH, problems)?;
    let order = dynamic.header.target.byte_order;
    let invalid = |problems: &mut Problems, offset: u64, expected: String, found: String| {
        problems.add(
            Code::GnuHashInvalid,
            Loader::Crashes,
            at.saturating_add(offset),
            expected,
            found,
        );
    };
    let head = match source.bytes(at, 16) {
        Ok(bytes) if rest >= 16 => Fields::new(bytes, order),
        _ => {
            invalid(
                problems,
                0,
                "a header of 16 bytes".into(),
                format!("{rest} bytes"),
            );
            return None;
        }
    };
    let buckets = u64::from(head.u32(0)?);
    let first = u64::from(head.u32(4)?);
    let words = u64::from(head.u32(8)?);
    if !words.is_power_of_two() {
        let expected = "a power of two of bloom words".into();
        invalid(problems, 8, expected, words.to_string());
        return None;
    }
    let bloom = words.saturating_mul(dynamic.header.target.class.word());
    let buckets_at = bloom.saturating_add(16);
    let chains_at = buckets.saturating_mul(4).saturating_add(buckets_at);
    if chains_at > rest {
        invalid(
            problems,
            0,
            format!("bloom words and buckets inside the {rest} bytes of the segment"),
            format!("{words} bloom words and {buckets} buckets"),
        );
        return None;
    }
    let gnu = Gnu {
        buckets,
        first,
        buckets_at,
        chains_at,
    };
    match gnu.count(at, rest, dynamic, source) {
        Ok(count) => Some(count),
        Err(Wrong::Fault(fault)) => {
            problems.push(fault.into_problem(
                Code::GnuHashInvalid,
                Loader::Crashes,
                "the GNU hash table",
            ));
            None
        }
        Err(Wrong::Told(offset, expected, found)) => {
            invalid(problems, offset, expected, found);
            None
        }
    }
}

enum Wrong {
    Fault(crate::source::Fault),
    Told(u64, String, String),
}

impl Gnu {
    /// One past the last symbol: follows the chain of the highest bucket to its end. Every
    /// lower chain that has no end of its own runs into that one, so that all of them end.
    fn count<R: ReadAt + ?Sized>(
        &self,
        at: u64,
        rest: u64,
        dynamic: &Dynamic<'_>,
        source: &mut Source<'_, R>,
    ) -> Result<u64, Wrong> {
        let order = dynamic.header.target.byte_order;
        let len = self.buckets.saturating_mul(4);
        let table = source
            .table(at.saturating_add(self.buckets_at), len, limits::HASH_TABLE)
            .map_err(Wrong::Fault)?;
        let mut last = 0;
        for (bytes, index) in table.chunks_exact(4).zip(0_u64..) {
            let symbol = u64::from(Fields::new(bytes, order).u32(0).unwrap_or_default());
            if symbol != 0 && symbol < self.first {
                return Err(Wrong::Told(
                    index.saturating_mul(4).saturating_add(self.buckets_at),
                    format!(
                        "0 or a symbol of at least {}, the first in the table",
                        self.first
                    ),
                    symbol.to_string(),
                ));
            }
            last = last.max(symbol);
        }
        if last == 0 {
            // Nothing is exported, and the table does not even say where it would begin:
            // what the library asks for is only told by its relocations.
            return Ok(0);
        }
        let mut chain = last
            .saturating_sub(self.first)
            .saturating_mul(4)
            .saturating_add(self.chains_at);
        loop {
            if chain.saturating_add(4) > rest {
                return Err(Wrong::Told(
                    chain,
                    format!("the end of a chain inside the {rest} bytes of the segment"),
                    format!("a chain that goes on at symbol {last}"),
                ));
            }
            let bytes = source
                .bytes(at.saturating_add(chain), 4)
                .map_err(Wrong::Fault)?;
            last = last.saturating_add(1);
            // The lowest bit marks the end of a chain.
            if Fields::new(bytes, order).u32(0).unwrap_or(1) & 1 == 1 {
                return Ok(last);
            }
            chain = chain.saturating_add(4);
        }
    }
}

fn sysv<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Option<u64> {
    let (at, rest) = dynamic.table(raw::DT_HASH, problems)?;
    // s390x and Alpha have words of 64 bits here (their psABI supplements).
    let wide = dynamic.header.target.class == Class::Bits64
        && matches!(
            dynamic.header.target.machine,
            crate::arch::Machine::S390x | crate::arch::Machine::Other(0x9026)
        );
    let word = if wide { 8_usize } else { 4 };
    let order = dynamic.header.target.byte_order;
    let read = |fields: Fields<'_>, at: usize| {
        if wide {
            fields.u64(at)
        } else {
            fields.u32(at).map(u64::from)
        }
    };
    let invalid = |problems: &mut Problems, expected: String, found: String| {
        problems.add(Code::SysvHashInvalid, Loader::Crashes, at, expected, found);
    };
    let head = match source.bytes(at, word.saturating_mul(2)) {
        Ok(bytes) if rest >= (word as u64).saturating_mul(2) => Fields::new(bytes, order),
        _ => {
            invalid(
                problems,
                "a header of two words".into(),
                format!("{rest} bytes"),
            );
            return None;
        }
    };
    let buckets = read(head, 0)?;
    let chains = read(head, word)?;
    let need = buckets
        .checked_add(chains)
        .and_then(|count| count.checked_add(2))
        .and_then(|count| count.checked_mul(word as u64));
    let Some(need) = need.filter(|need| *need <= rest) else {
        invalid(
            problems,
            format!("buckets and chains inside the {rest} bytes of the segment"),
            format!("{buckets} buckets and {chains} chains"),
        );
        return None;
    };
    let table = match source.table(at, need, limits::HASH_TABLE) {
        Ok(table) => table,
        Err(fault) => {
            problems.push(fault.into_problem(
                Code::SysvHashInvalid,
                Loader::Crashes,
                "the System V hash table",
            ));
            return None;
        }
    };
    // Every bucket and chain names a symbol of the table, or 0.
    let links = table.chunks_exact(word).skip(2);
    for bytes in links {
        let symbol = read(Fields::new(bytes, order), 0).unwrap_or_default();
        if symbol >= chains && symbol != 0 {
            invalid(
                problems,
                format!("links to symbols below {chains}"),
                symbol.to_string(),
            );
            return None;
        }
    }
    Some(chains)
}
