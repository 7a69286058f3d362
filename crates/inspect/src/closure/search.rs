//! Where a loader looks: the settings of a system, and the expansion of run paths.

use std::path::{Path, PathBuf};

use crate::arch::{Class, Machine, Target};
use crate::os;
use crate::untrusted::Untrusted;

use super::cache::{self, LoaderCache};
use super::legacy;

/// Where a loader looks for libraries, apart from what the libraries say themselves.
///
/// Nothing is read from the environment: who wants `LD_LIBRARY_PATH` to count gives it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Search {
    /// What the libraries have to be built for.
    pub target: Target,
    /// The folders of `LD_LIBRARY_PATH`.
    pub library_path: Vec<PathBuf>,
    /// The loader's cache.
    pub cache: LoaderCache,
    /// The folders that are searched last.
    pub default_folders: Vec<PathBuf>,
    /// The glibc-hwcaps folders that the processor can run, the best first.
    pub hwcaps: Vec<String>,
    /// Folders of older hardware capabilities, which glibc up to 2.36 looks into after
    /// those of glibc-hwcaps: `tls/x86_64`, `tls`, ….
    pub legacy_folders: Vec<String>,
    /// What `$LIB` stands for in run paths.
    pub lib: String,
    /// What `$PLATFORM` stands for in run paths.
    pub platform: String,
    /// The current folder, against which a loader takes relative paths. Such paths are not
    /// looked at when there is none.
    pub current_folder: Option<PathBuf>,
}

impl Search {
    /// A system with nothing but what `target` implies.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            library_path: Vec::new(),
            cache: LoaderCache::default(),
            default_folders: Vec::new(),
            hwcaps: Vec::new(),
            legacy_folders: Vec::new(),
            lib: match target.class {
                Class::Bits32 => "lib".into(),
                Class::Bits64 => "lib64".into(),
            },
            platform: target.machine.to_string(),
            current_folder: None,
        }
    }

    /// This system: reads `/etc/ld.so.cache`, looks which default folders there are, and
    /// asks the processor for its level. `None` where libraries are not in ELF.
    #[must_use]
    pub fn host() -> Option<Self> {
        let target = Target::host().filter(|target| target.format == crate::Format::Elf)?;
        let mut search = Self::new(target);
        search.cache = cache::of_host();
        search.hwcaps = hwcaps_of_host();
        search.legacy_folders = legacy::of_host(&target);
        if let Some(triplet) = debian_triplet(&target) {
            let folder = Path::new("/usr/lib").join(triplet);
            if folder.is_dir() {
                search.lib = format!("lib/{triplet}");
                search.default_folders.push(Path::new("/lib").join(triplet));
                search.default_folders.push(folder);
            }
        }
        if target.class == Class::Bits64 && search.default_folders.is_empty() {
            search
                .default_folders
                .extend(["/lib64", "/usr/lib64"].map(PathBuf::from));
        }
        search
            .default_folders
            .extend(["/lib", "/usr/lib"].map(PathBuf::from));
        Some(search)
    }

    /// Sets the folders of `LD_LIBRARY_PATH` from its text, separated by `:` or `;`.
    #[must_use]
    pub fn with_library_path(mut self, text: &str) -> Self {
        let folders = text.split([':', ';']).filter(|_| !text.is_empty());
        self.library_path = folders.map(PathBuf::from).collect();
        self
    }

    /// The folders of a run path of the library at `path`, with `$ORIGIN`, `$LIB` and
    /// `$PLATFORM` (also in braces) replaced.
    pub(super) fn expand(&self, run_path: &Untrusted, path: &Path) -> Vec<PathBuf> {
        let elements = run_path.as_bytes().split(|byte| *byte == b':');
        elements
            .map(|element| self.expand_one(element, path))
            .collect()
    }

    /// One name or folder with its tokens replaced.
    pub(super) fn expand_one(&self, text: &[u8], path: &Path) -> PathBuf {
        let origin = path.parent().unwrap_or_else(|| Path::new("/"));
        let origin = origin.as_os_str().as_encoded_bytes();
        let tokens: [(&[u8], &[u8]); 3] = [
            (b"ORIGIN", origin),
            (b"LIB", self.lib.as_bytes()),
            (b"PLATFORM", self.platform.as_bytes()),
        ];
        let mut out = Vec::new();
        let mut rest = text;
        while let Some((byte, after)) = rest.split_first() {
            let replaced = (*byte == b'$')
                .then(|| {
                    tokens
                        .iter()
                        .find_map(|(name, value)| Some((token(after, name)?, *value)))
                })
                .flatten();
            if let Some((after, value)) = replaced {
                out.extend_from_slice(value);
                rest = after;
            } else {
                out.push(*byte);
                rest = after;
            }
        }
        os::path(&out)
    }
}

/// What follows the token `name`, bare or in braces, if `text` begins with it. A bare one
/// ends where a letter, digit or underscore does not follow, as in glibc.
fn token<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    if let Some(braced) = text.strip_prefix(b"{") {
        return braced.strip_prefix(name)?.strip_prefix(b"}");
    }
    let rest = text.strip_prefix(name)?;
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    (!rest.first().is_some_and(goes_on)).then_some(rest)
}

/// The folder below `/usr/lib` in which Debian keeps the libraries of a processor.
fn debian_triplet(target: &Target) -> Option<&'static str> {
    Some(match (target.machine, target.class, target.byte_order) {
        (Machine::X86_64, Class::Bits64, _) => "x86_64-linux-gnu",
        (Machine::X86, ..) => "i386-linux-gnu",
        (Machine::Aarch64, ..) => "aarch64-linux-gnu",
        (Machine::Arm, ..) => "arm-linux-gnueabihf",
        (Machine::Riscv, Class::Bits64, _) => "riscv64-linux-gnu",
        (Machine::S390x, ..) => "s390x-linux-gnu",
        (Machine::PowerPc64, _, crate::ByteOrder::Little) => "powerpc64le-linux-gnu",
        _ => return None,
    })
}

/// The glibc-hwcaps folders of x86-64, by the features that the psABI gives each level.
#[cfg(target_arch = "x86_64")]
fn hwcaps_of_host() -> Vec<String> {
    let v2 = is_x86_feature_detected!("cmpxchg16b")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("sse4.2")
        && is_x86_feature_detected!("ssse3");
    let v3 = v2
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe");
    let v4 = v3
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let levels = [(v4, "x86-64-v4"), (v3, "x86-64-v3"), (v2, "x86-64-v2")];
    let have = levels.into_iter().filter(|(has, _)| *has);
    have.map(|(_, name)| name.to_owned()).collect()
}

/// Other processors' levels are read from files that only the kernel and glibc know.
#[cfg(not(target_arch = "x86_64"))]
fn hwcaps_of_host() -> Vec<String> {
    Vec::new()
}
