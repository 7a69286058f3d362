//! Symbol versions: those that a library defines and those that it needs of others.
//!
//! Layout: the GNU extension that the Linux Standard Base describes ("Symbol Versioning").

use serde::Serialize;

use crate::fields::Fields;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;
use crate::untrusted::Untrusted;

use super::dynamic::Dynamic;
use super::raw;

/// A version that a library defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VersionDefinition {
    /// The version's name; that of the base definition is the library's own.
    pub name: Untrusted,
    /// The number under which the symbols' version table speaks of it.
    #[serde(skip)]
    pub index: u16,
    /// Whether it is the base definition, which stands for the library itself.
    #[serde(skip)]
    pub base: bool,
}

/// The versions that a library needs of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VersionNeed {
    /// The SONAME of the library that must define them.
    pub library: Untrusted,
    /// The versions.
    pub versions: Vec<NeededVersion>,
}

/// One version that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeededVersion {
    /// The version's name.
    pub name: Untrusted,
    /// The number under which the symbols' version table speaks of it.
    pub index: u16,
    /// Whether the loader goes on without it (`VER_FLG_WEAK`).
    pub weak: bool,
}

impl Serialize for NeededVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

/// Bytes of every structure here (`Elf64_Verdef` has 20, the others 8 and 16).
const VERDEF: usize = 20;
const VERDAUX: usize = 8;
const VERNEED: usize = 16;

/// A walk along a chain of structures that name each the distance to the next.
struct Chain {
    at: u64,
    end: u64,
    left: u64,
}

impl Chain {
    fn new(dynamic: &Dynamic<'_>, table: u64, count: u64, problems: &mut Problems) -> Option<Self> {
        let (at, rest) = dynamic.table(table, problems)?;
        let stated = dynamic.value(count).unwrap_or_default();
        let left = stated.min(limits::DEPENDENCIES as u64);
        if left < stated {
            problems.limit(at, "version entries", stated, left);
        }
        Some(Self {
            at,
            end: at.saturating_add(rest),
            left,
        })
    }

    /// The structure of `size` bytes at the walk's place, by value: `N` words of 16 bits.
    fn read<'s, R: ReadAt + ?Sized>(
        at: u64,
        end: u64,
        size: usize,
        source: &'s mut Source<'_, R>,
    ) -> Option<&'s [u8]> {
        if at.checked_add(size as u64)? > end {
            return None;
        }
        source.bytes(at, size).ok()
    }
}

/// glibc follows a chain to the structure that names no next one, whatever the stated
/// count is.
fn goes_on(problems: &mut Problems, at: u64, what: &'static str) {
    problems.add(
        Code::VersionsInvalid,
        Loader::Crashes,
        at,
        format!("the last {what} by count, which names no next one"),
        "a next one",
    );
}

fn invalid(problems: &mut Problems, at: u64, what: &'static str) {
    problems.add(
        Code::VersionsInvalid,
        Loader::Crashes,
        at,
        format!("{what} inside a loaded segment"),
        "the end of the segment",
    );
}

/// The versions that the library defines.
pub(crate) fn defined<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<VersionDefinition> {
    let order = dynamic.header.target.byte_order;
    let mut list = Vec::new();
    let Some(mut chain) = Chain::new(dynamic, raw::DT_VERDEF, raw::DT_VERDEFNUM, problems) else {
        return list;
    };
    while chain.left > 0 {
        chain.left = chain.left.saturating_sub(1);
        let read = Chain::read(chain.at, chain.end, VERDEF, source).and_then(|bytes| {
            let fields = Fields::new(bytes, order);
            // vd_flags, vd_ndx, vd_aux, vd_next.
            Some((
                fields.u16(2)?,
                fields.u16(4)?,
                fields.u32(12)?,
                fields.u32(16)?,
            ))
        });
        let Some((flags, index, aux, next)) = read else {
            invalid(problems, chain.at, "a version definition");
            break;
        };
        let aux = chain.at.saturating_add(aux.into());
        // The first auxiliary entry holds the name, the others those it follows.
        let name = Chain::read(aux, chain.end, VERDAUX, source)
            .and_then(|bytes| Fields::new(bytes, order).u32(0));
        let Some(name) = name else {
            invalid(problems, aux, "the name of a version definition");
            break;
        };
        if let Some(name) = dynamic.string(name.into(), aux, source, problems) {
            list.push(VersionDefinition {
                name,
                index: index & 0x7fff,
                base: flags & 1 != 0,
            });
        }
        if next == 0 {
            break;
        }
        if chain.left == 0 {
            goes_on(problems, chain.at, "version definition");
        }
        chain.at = chain.at.saturating_add(next.into());
    }
    list
}

/// The versions that the library needs.
pub(crate) fn needed<R: ReadAt + ?Sized>(
    dynamic: &Dynamic<'_>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<VersionNeed> {
    let order = dynamic.header.target.byte_order;
    let mut list = Vec::new();
    let Some(mut chain) = Chain::new(dynamic, raw::DT_VERNEED, raw::DT_VERNEEDNUM, problems) else {
        return list;
    };
    // Names, not libraries, are what a hostile table can multiply.
    let mut names = limits::DEPENDENCIES;
    while chain.left > 0 {
        chain.left = chain.left.saturating_sub(1);
        let read = Chain::read(chain.at, chain.end, VERNEED, source).and_then(|bytes| {
            let fields = Fields::new(bytes, order);
            // vn_cnt, vn_file, vn_aux, vn_next.
            Some((
                fields.u16(2)?,
                fields.u32(4)?,
                fields.u32(8)?,
                fields.u32(12)?,
            ))
        });
        let Some((count, file, aux, next)) = read else {
            invalid(problems, chain.at, "a version need");
            break;
        };
        let library = dynamic.string(file.into(), chain.at, source, problems);
        let mut need = VersionNeed {
            library: library.unwrap_or_default(),
            versions: Vec::new(),
        };
        let mut at = chain.at.saturating_add(aux.into());
        for left in (0..count).rev() {
            let Some(less) = names.checked_sub(1) else {
                let limit = limits::DEPENDENCIES as u64;
                problems.limit(at, "needed versions", limit.saturating_add(1), limit);
                list.push(need);
                return list;
            };
            names = less;
            let read = Chain::read(at, chain.end, VERNEED, source).and_then(|bytes| {
                let fields = Fields::new(bytes, order);
                // vna_flags, vna_other, vna_name, vna_next.
                Some((
                    fields.u16(4)?,
                    fields.u16(6)?,
                    fields.u32(8)?,
                    fields.u32(12)?,
                ))
            });
            let Some((flags, index, name, next)) = read else {
                invalid(problems, at, "a needed version");
                break;
            };
            if let Some(name) = dynamic.string(name.into(), at, source, problems) {
                need.versions.push(NeededVersion {
                    name,
                    index: index & 0x7fff,
                    weak: flags & 2 != 0,
                });
            }
            if next == 0 {
                break;
            }
            if left == 0 {
                goes_on(problems, at, "needed version");
            }
            at = at.saturating_add(next.into());
        }
        list.push(need);
        if next == 0 {
            break;
        }
        if chain.left == 0 {
            goes_on(problems, chain.at, "version need");
        }
        chain.at = chain.at.saturating_add(next.into());
    }
    list
}
