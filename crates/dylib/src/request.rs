//! What is to be opened: a name, a path, or a library of the system.

use std::ffi::OsString;
use std::path::PathBuf;

/// What is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Request {
    pub(crate) wanted: Wanted,
    pub(crate) version: Option<String>,
    pub(crate) relative_to: Option<PathBuf>,
    /// Folders below `glibc-hwcaps`, the best first.
    pub(crate) variants: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Name(OsString),
    System(OsString),
    Path(PathBuf),
}

impl Request {
    /// A library by name (`z`, `libz.so`), wherever the system's own search finds it. What the environment says takes part
    /// in that search (`LD_LIBRARY_PATH`), unless the program runs with more rights than its user.
    pub fn name(name: impl Into<OsString>) -> Self {
        Self::new(Wanted::Name(name.into()))
    }

    /// A library by name in the folders that only the system's packages write, whatever the environment says.
    pub fn system(name: impl Into<OsString>) -> Self {
        Self::new(Wanted::System(name.into()))
    }

    /// A library by path, with or without its prefix and suffix. A relative path needs [`relative_to`](Self::relative_to).
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self::new(Wanted::Path(path.into()))
    }

    const fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            version: None,
            relative_to: None,
            variants: Vec::new(),
        }
    }

    /// Asks for a version: `1` or `3.1`, as it stands in file names. On Windows it has no effect.
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// The absolute folder that a relative path is relative to. An absolute path is not changed by it.
    pub fn relative_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.relative_to = Some(folder.into());
        self
    }

    /// Prefers builds for this processor that lie beside the file: below `glibc-hwcaps/x86-64-v4`, `-v3` and `-v2`, or with
    /// `.avx2` added to the name.
    pub fn with_processor_variants(mut self) -> Self {
        self.variants = processor_levels();
        self
    }
}

/// The x86-64 levels that this processor has, the best first; the base level has no folder.
#[cfg(target_arch = "x86_64")]
fn processor_levels() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected as has;
    let v2 = has!("sse4.2") && has!("popcnt") && has!("ssse3");
    let v3 = v2
        && has!("avx2")
        && has!("fma")
        && has!("bmi1")
        && has!("bmi2")
        && has!("f16c")
        && has!("lzcnt")
        && has!("movbe");
    let v4 = v3
        && has!("avx512f")
        && has!("avx512bw")
        && has!("avx512cd")
        && has!("avx512dq")
        && has!("avx512vl");
    let levels = [(v4, "x86-64-v4"), (v3, "x86-64-v3"), (v2, "x86-64-v2")];
    levels
        .into_iter()
        .filter_map(|(has, level)| has.then_some(level))
        .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn processor_levels() -> Vec<&'static str> {
    Vec::new()
}
