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
    /// Starts programs.
    Execute,
    /// Looks into or changes other processes.
    Trace,
    /// Opens connections.
    Network,
    /// Loads libraries.
    Load,
    /// Reads the environment.
    Environment,
    /// Reads the environment unless the process has more rights than its caller.
    SecureEnvironment,
    /// What a compiler's stack protector calls.
    StackProtector,
    /// Writes text into a buffer of the caller's, which in C is mostly an array on the stack.
    Buffer,
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
    (
        Watch::Execute,
        &[
            "execve",
            "execv",
            "execvp",
            "execvpe",
            "execl",
            "execlp",
            "execle",
            "fexecve",
            "posix_spawn",
            "posix_spawnp",
            "system",
            "popen",
            "CreateProcessA",
            "CreateProcessW",
            "ShellExecuteA",
            "ShellExecuteW",
            "ShellExecuteExA",
            "ShellExecuteExW",
            "WinExec",
        ],
    ),
    (
        Watch::Trace,
        &[
            "ptrace",
            "process_vm_readv",
            "process_vm_writev",
            "OpenProcess",
            "ReadProcessMemory",
            "WriteProcessMemory",
            "CreateRemoteThread",
            "task_for_pid",
        ],
    ),
    (
        Watch::Network,
        &[
            "socket",
            "connect",
            "listen",
            "accept",
            "accept4",
            "getaddrinfo",
            "gethostbyname",
            "WSAStartup",
            "WSASocketW",
            "WSAConnect",
        ],
    ),
    (Watch::Load, &["dlopen", "dlmopen"]),
    (Watch::Environment, &["getenv"]),
    (
        Watch::SecureEnvironment,
        &["secure_getenv", "__secure_getenv", "getauxval", "issetugid"],
    ),
    (
        Watch::StackProtector,
        &[
            "__stack_chk_fail",
            "__stack_chk_guard",
            "__stack_chk_fail_local",
            "__security_cookie",
        ],
    ),
    (
        Watch::Buffer,
        &[
            "strcpy",
            "strcat",
            "strncpy",
            "strncat",
            "sprintf",
            "vsprintf",
            "snprintf",
            "vsnprintf",
            "gets",
            "fgets",
            "sscanf",
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

/// Whether a name can be one of them, by its length and its first and last bytes: a question asked of every symbol.
static MAYBE: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut maybe = vec![false; 1 << 16];
    for name in GROUPS.keys() {
        if let Some(known) = maybe.get_mut(shape(name)) {
            *known = true;
        }
    }
    maybe
});

/// Whether a name can be one of them, with or without an underscore, by its first two bytes: asked before its end is looked for.
static STARTS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut starts = vec![false; 1 << 12];
    let mut add = |name: &[u8]| {
        let start = name.first_chunk::<2>().map(|start| pair(*start));
        if let Some(known) = start.and_then(|start| starts.get_mut(start)) {
            *known = true;
        }
    };
    for name in GROUPS.keys() {
        add(name);
        add(&[b"_", *name].concat());
    }
    starts
});

/// A number below 2^12.
fn pair([first, second]: [u8; 2]) -> usize {
    usize::from(first & 0x3f) | usize::from(second & 0x3f) << 6
}

/// A number below 2^16.
fn shape(name: &[u8]) -> usize {
    let (first, last) = (name.first().copied(), name.last().copied());
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    usize::from(first & 0x3f) | usize::from(last & 0x1f) << 6 | (name.len() & 0x1f) << 11
}

/// The groups that a name is in, if it is in any.
fn groups(name: &[u8]) -> Option<u32> {
    if !MAYBE.get(shape(name)).copied().unwrap_or_default() {
        return None;
    }
    GROUPS.get(name).copied()
}

impl Watch {
    /// Whether a name is in the group; with or without the underscore that some formats put before it.
    pub(crate) fn has(self, name: &[u8]) -> bool {
        let in_group = |name: &[u8]| groups(name).is_some_and(|groups| groups & bit(self) != 0);
        in_group(name) || name.strip_prefix(b"_").is_some_and(in_group)
    }
}

fn bit(watch: Watch) -> u32 {
    let index = (0_u32..).zip(NAMES).find(|(_, (found, _))| *found == watch);
    index
        .and_then(|(index, _)| 1_u32.checked_shl(index))
        .unwrap_or_default()
}

/// Names of symbols that are kept as evidence, of each kind.
const KEPT: usize = 8;

/// A symbol that is kept as evidence.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: Untrusted,
    pub(crate) is_export: bool,
    pub(crate) address: u64,
    /// Where its entry stands in the file.
    pub(crate) offset: u64,
    /// The groups of [`NAMES`] that it is in.
    groups: u32,
}

/// What rules want to know of an image's symbols.
#[derive(Clone, Debug, Default)]
pub(crate) struct SymbolFacts {
    pub(crate) exports: u64,
    pub(crate) imports: u64,
    watched: Vec<Seen>,
    /// The same, of names that begin with an underscore, without it.
    underscored: Vec<Seen>,
    /// Functions that a function chooses, and how many.
    pub(crate) indirect: Vec<Seen>,
    pub(crate) indirect_count: u64,
    /// Definitions that are one for the process, and how many.
    pub(crate) unique: Vec<Seen>,
    pub(crate) unique_count: u64,
    /// Names that act on a terminal or hide text.
    pub(crate) hostile: Vec<Seen>,
}

impl SymbolFacts {
    /// Takes in one symbol.
    pub(crate) fn see(&mut self, symbol: SymbolView<'_>) {
        let count = if symbol.is_export {
            &mut self.exports
        } else {
            &mut self.imports
        };
        *count = count.saturating_add(1);
        let seen = |name: &[u8], groups| Seen {
            name: name.into(),
            is_export: symbol.is_export,
            address: symbol.address,
            offset: symbol.offset,
            groups,
        };
        if symbol.is_export && symbol.kind == SymbolKind::IndirectFunction {
            self.indirect_count = self.indirect_count.saturating_add(1);
            if self.indirect.len() < KEPT {
                self.indirect.push(seen(symbol.name.as_bytes(), 0));
            }
        }
        if symbol.is_export && symbol.binding == Binding::Unique {
            self.unique_count = self.unique_count.saturating_add(1);
            if self.unique.len() < KEPT {
                self.unique.push(seen(symbol.name.as_bytes(), 0));
            }
        }
        if !symbol.name.is_plain() && self.hostile.len() < KEPT {
            let name = symbol.name.as_bytes();
            if acts(name) {
                self.hostile.push(seen(name, 0));
            }
        }
        let known = |start| STARTS.get(pair(start)).copied().unwrap_or_default();
        if !symbol.name.start().is_some_and(known) {
            return;
        }
        let Some(name) = symbol.name.up_to(LONGEST) else {
            return;
        };
        if let Some(groups) = groups(name) {
            self.watched.push(seen(name, groups));
        }
        if let Some(bare) = name.strip_prefix(b"_")
            && let Some(groups) = groups(bare)
        {
            self.underscored.push(seen(bare, groups));
        }
    }

    /// Chooses between names as they stand and names without the underscore that the compilers of some formats put before each,
    /// once the format is known.
    pub(crate) fn settle(&mut self, underscore: bool) {
        if underscore {
            self.watched = std::mem::take(&mut self.underscored);
        }
        self.underscored = Vec::new();
    }

    /// Exports and imports.
    pub(crate) const fn count(&self) -> u64 {
        self.exports.saturating_add(self.imports)
    }

    /// The needed names of a group.
    pub(crate) fn imported(&self, watch: Watch) -> impl Iterator<Item = &Seen> {
        self.of(watch).filter(|seen| !seen.is_export)
    }

    /// The defined names of a group.
    pub(crate) fn exported(&self, watch: Watch) -> impl Iterator<Item = &Seen> {
        self.of(watch).filter(|seen| seen.is_export)
    }

    /// Whether it needs a name of a group.
    pub(crate) fn imports_any(&self, watch: Watch) -> bool {
        self.imported(watch).next().is_some()
    }

    fn of(&self, watch: Watch) -> impl Iterator<Item = &Seen> {
        let bit = bit(watch);
        self.watched
            .iter()
            .filter(move |seen| seen.groups & bit != 0)
    }
}

/// Whether a text holds characters that act on a terminal or hide text; bytes that are merely not UTF-8 do not count.
pub(crate) fn acts(text: &[u8]) -> bool {
    // Nearly all names.
    if text.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return false;
    }
    let chunks = text.utf8_chunks();
    let mut valid = chunks.map(|chunk| Untrusted::from(chunk.valid()));
    valid.any(|part| part.needs_escape())
}
