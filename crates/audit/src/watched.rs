//! The names of functions that rules ask about, and one pass over an image's symbols that answers for all of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use plugwright_inspect::{Binding, SymbolKind, SymbolView, Untrusted};

/// Why a name is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Owned by the C library, its allocator or a TLS library: a definition elsewhere takes its place for the whole process.
    Owned,
    /// Cannot be used safely.
    Inherent,
    /// Easily used wrongly.
    Dangerous,
}

const NAMES: &[(Watch, &[&str])] = &[
    (
        Watch::Owned,
        &[
            "malloc",
            "calloc",
            "realloc",
            "free",
            "memalign",
            "posix_memalign",
            "aligned_alloc",
            "open",
            "open64",
            "openat",
            "close",
            "read",
            "write",
            "fopen",
            "fopen64",
            "connect",
            "getaddrinfo",
            "execve",
            "fork",
            "dlopen",
            "dlsym",
            "dlclose",
            "pthread_create",
            "strcmp",
            "memcmp",
            "getenv",
            "secure_getenv",
            "setuid",
            "SSL_read",
            "SSL_write",
            "SSL_get_verify_result",
            "EVP_VerifyFinal",
            "EVP_DigestVerifyFinal",
            "X509_verify_cert",
            "gnutls_certificate_verify_peers2",
            "gnutls_certificate_verify_peers3",
        ],
    ),
    (Watch::Inherent, &["gets"]),
    (
        Watch::Dangerous,
        &[
            "strcpy", "strcat", "stpcpy", "wcscpy", "wcscat", "sprintf", "vsprintf", "tmpnam",
            "tempnam", "mktemp", "system", "popen", "lstrcpyA", "lstrcpyW", "lstrcatA", "lstrcatW",
            "StrCpyW", "StrCatW", "WinExec",
        ],
    ),
];

/// Longer names are none of those.
const LONGEST: usize = 32;

/// The position in [`NAMES`] of each group that a name is in, as a bit.
static GROUPS: LazyLock<HashMap<&'static [u8], u32>> = LazyLock::new(|| {
    let mut groups: HashMap<&'static [u8], u32> = HashMap::new();
    for (index, (_, names)) in (0_u32..).zip(NAMES) {
        for name in *names {
            let bits = groups.entry(name.as_bytes()).or_default();
            *bits |= 1_u32.checked_shl(index).unwrap_or_default();
        }
    }
    groups
});

fn bit(watch: Watch) -> u32 {
    let index = (0_u32..).zip(NAMES).find(|(_, (found, _))| *found == watch);
    index
        .and_then(|(index, _)| 1_u32.checked_shl(index))
        .unwrap_or_default()
}

/// Names of symbols that are kept as evidence, of each kind.
const KEPT: usize = 8;

/// What rules want to know of an image's symbols.
#[derive(Clone, Debug, Default)]
pub(crate) struct SymbolFacts {
    /// Exports and imports.
    pub(crate) count: u64,
    /// Watched names that are defined, with their groups and addresses.
    exported: Vec<(Untrusted, u32, u64)>,
    /// Watched names that are needed, with their groups.
    imported: Vec<(Untrusted, u32)>,
    /// Functions that a function chooses, and how many.
    pub(crate) indirect: Vec<(Untrusted, u64)>,
    pub(crate) indirect_count: u64,
    /// Definitions that are one for the process, and how many.
    pub(crate) unique: Vec<(Untrusted, u64)>,
    pub(crate) unique_count: u64,
    /// Names that act on a terminal or hide text.
    pub(crate) hostile: Vec<(Untrusted, bool)>,
}

impl SymbolFacts {
    /// Takes in one symbol. `underscore` tells that the format's compilers put one before each name.
    pub(crate) fn see(&mut self, symbol: SymbolView<'_>, underscore: bool) {
        self.count = self.count.saturating_add(1);
        let name = symbol.name;
        if symbol.is_export && symbol.kind == SymbolKind::IndirectFunction {
            self.indirect_count = self.indirect_count.saturating_add(1);
            keep(&mut self.indirect, name, symbol.address);
        }
        if symbol.is_export && symbol.binding == Binding::Unique {
            self.unique_count = self.unique_count.saturating_add(1);
            keep(&mut self.unique, name, symbol.address);
        }
        if !name.iter().all(|byte| matches!(byte, 0x21..=0x7e)) && self.hostile.len() < KEPT {
            let name = Untrusted::from(name);
            if acts(&name) {
                self.hostile.push((name, symbol.is_export));
            }
        }
        let plain = name
            .strip_prefix(b"_")
            .filter(|_| underscore)
            .unwrap_or(name);
        if plain.len() > LONGEST || plain.starts_with(b"_Z") || plain.starts_with(b"_R") {
            return;
        }
        if let Some(groups) = GROUPS.get(plain) {
            if symbol.is_export {
                self.exported.push((plain.into(), *groups, symbol.address));
            } else {
                self.imported.push((plain.into(), *groups));
            }
        }
    }

    /// The needed names of a group.
    pub(crate) fn imported(&self, watch: Watch) -> impl Iterator<Item = &Untrusted> {
        let bit = bit(watch);
        self.imported
            .iter()
            .filter(move |(_, groups)| groups & bit != 0)
            .map(|(name, _)| name)
    }

    /// The defined names of a group, with their addresses.
    pub(crate) fn exported(&self, watch: Watch) -> impl Iterator<Item = (&Untrusted, u64)> {
        let bit = bit(watch);
        let found = self
            .exported
            .iter()
            .filter(move |(_, groups, _)| groups & bit != 0);
        found.map(|(name, _, address)| (name, *address))
    }
}

fn keep(list: &mut Vec<(Untrusted, u64)>, name: &[u8], address: u64) {
    if list.len() < KEPT {
        list.push((name.into(), address));
    }
}

/// Whether a text holds characters that act on a terminal or hide text; bytes that are merely not UTF-8 do not count.
pub(crate) fn acts(text: &Untrusted) -> bool {
    let chunks = text.as_bytes().utf8_chunks();
    let mut valid = chunks.map(|chunk| Untrusted::from(chunk.valid()));
    valid.any(|part| part.needs_escape())
}
