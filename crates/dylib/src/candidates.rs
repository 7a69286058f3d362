//! Which names are tried for a request, and in which order: a pure function of the request and the platform.
//!
//! The model is Qt's `QLibrary`. What differs, and why:
//! - A relative path is an error unless the request says what it is relative to. (Qt derives paths from the current folder,
//!   which was CVE-2020-0570.)
//! - A path is tried exactly as it is written before anything is added to it, wherever it begins. (Qt tries a relative path
//!   with prefix and suffix first.)
//! - A prefix or suffix that a name already has is never put on twice. (Qt tries `liblibfoo`.)
//! - With a version, only names that carry it are tried. (Qt then tries names without any suffix too, which may be another
//!   version.)
//! - Variants for the processor are tried if the request asks for them, and never for a name that the system searches for:
//!   glibc has its own search through `glibc-hwcaps`.

use crate::error::{LoadError, LoadErrorKind};
use crate::os;
use crate::request::{Request, Wanted};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The platform whose names are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// `libNAME.so`, `libNAME.so.VERSION`. Other ELF systems have the same names.
    Linux,
    /// `libNAME.dylib`, `libNAME.VERSION.dylib`, `NAME.bundle`, `libNAME.so`, and the program inside a bundle folder.
    MacOs,
    /// `NAME.dll`; versions do not appear in names.
    Windows,
}

impl Platform {
    /// The platform that this program was built for.
    pub const THIS: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_vendor = "apple") {
        Self::MacOs
    } else {
        Self::Linux
    };

    const fn prefix(self) -> Option<&'static str> {
        match self {
            Self::Linux | Self::MacOs => Some("lib"),
            Self::Windows => None,
        }
    }

    /// What names end in, the most usual first.
    fn suffixes(self, version: Option<&str>) -> Vec<String> {
        match (self, version) {
            (Self::Linux, None) => vec![".so".into()],
            (Self::Linux, Some(version)) => vec![format!(".so.{version}")],
            (Self::MacOs, None) => vec![".dylib".into(), ".bundle".into(), ".so".into()],
            (Self::MacOs, Some(version)) => {
                vec![
                    format!(".{version}.dylib"),
                    format!(".{version}.bundle"),
                    format!(".so.{version}"),
                ]
            }
            (Self::Windows, _) => vec![".dll".into()],
        }
    }

    /// The folders that only the system's own packages write, for [`Request::system`].
    ///
    /// Windows says itself where its folder is; for other systems' names the usual place stands.
    fn system_folders(self) -> Vec<PathBuf> {
        if self == Self::THIS
            && let Some(folder) = os::system_folder()
        {
            return vec![folder];
        }
        let folders: &[&str] = match self {
            Self::Linux => &["/lib", "/usr/lib", "/lib64", "/usr/lib64"],
            Self::MacOs => &["/usr/lib"],
            Self::Windows => &["C:\\Windows\\System32"],
        };
        // Debian and its kin keep the libraries of each processor apart; elsewhere these folders are not there.
        let multiarch = folders
            .iter()
            .take(2)
            .map(|folder| Path::new(folder).join(MULTIARCH));
        let multiarch = multiarch.filter(|_| self == Self::Linux && !MULTIARCH.is_empty());
        multiarch.chain(folders.iter().map(PathBuf::from)).collect()
    }
}

/// Debian's name for this processor and system, for those on which it is usual.
const MULTIARCH: &str = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    "x86_64-linux-gnu"
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    "aarch64-linux-gnu"
} else {
    ""
};

/// One name that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Candidate {
    /// The file at this absolute path, and no other.
    File(PathBuf),
    /// Whatever the system finds under this name in its own search: `LD_LIBRARY_PATH`, the run path of the program,
    /// `ld.so.cache` and the default folders on Linux.
    Search(OsString),
}

/// The names that are tried for a request, in that order.
///
/// # Errors
/// [`LoadErrorKind::NotAName`] if a name is empty or has a `/`, [`LoadErrorKind::NotAbsolute`] for a relative path without
/// anything that it is relative to, [`LoadErrorKind::InvalidVersion`] if a version is empty or could lead elsewhere,
/// [`LoadErrorKind::ContainsNul`] for a byte 0.
pub fn candidates(request: &Request, platform: Platform) -> Result<Vec<Candidate>, LoadError> {
    check(request)?;
    let version = request.version.as_deref();
    match &request.wanted {
        Wanted::Name(name) => Ok(names(name, version, platform, Bare::Decorated)
            .into_iter()
            .map(Candidate::Search)
            .collect()),
        Wanted::System(name) => {
            let names = names(name, version, platform, Bare::Decorated);
            let folders = platform.system_folders();
            let inside = |folder: &PathBuf| {
                names
                    .iter()
                    .map(|name| Candidate::File(folder.join(name)))
                    .collect::<Vec<_>>()
            };
            Ok(folders.iter().flat_map(inside).collect())
        }
        Wanted::Path(path) => {
            let path = match &request.relative_to {
                Some(folder) => folder.join(path),
                None => path.clone(),
            };
            let folder = path.parent().unwrap_or_else(|| Path::new("/"));
            let name = path.file_name().unwrap_or_default();
            let names = names(name, version, platform, Bare::First);
            let variants = request.variants.iter();
            let mut all: Vec<Candidate> = Vec::new();
            for name in &names {
                all.extend(variants.clone().map(|level| {
                    Candidate::File(folder.join("glibc-hwcaps").join(level).join(name))
                }));
                // The build for AVX2 that Qt's plugins have beside them; that is what level 3 has.
                if request.variants.contains(&"x86-64-v3") {
                    let mut sibling = name.clone();
                    sibling.push(".avx2");
                    all.push(Candidate::File(folder.join(sibling)));
                }
                all.push(Candidate::File(folder.join(name)));
            }
            if platform == Platform::MacOs {
                // A bundle folder holds its program below a fixed path, a framework under its own name.
                let stem = Path::new(name).file_stem().unwrap_or(name);
                all.push(Candidate::File(path.join("Contents/MacOS").join(stem)));
                all.push(Candidate::File(path.join(stem)));
            }
            Ok(all)
        }
    }
}

/// The first of the [`candidates()`], where that is simply the path of the request.
///
/// # Errors
/// As for [`candidates()`].
pub(crate) fn as_written(request: &Request) -> Result<Option<&Path>, LoadError> {
    match request {
        Request {
            wanted: Wanted::Path(path),
            version: None,
            relative_to: None,
            variants,
        } if variants.is_empty() => {
            check(request)?;
            Ok(Some(path))
        }
        _ => Ok(None),
    }
}

fn check(request: &Request) -> Result<(), LoadError> {
    let (text, kind) = match &request.wanted {
        Wanted::Name(name) | Wanted::System(name) => {
            let separated = name
                .as_encoded_bytes()
                .iter()
                .any(|byte| *byte == b'/' || *byte == b'\\' && cfg!(windows));
            let special = name.is_empty() || name == "." || name == "..";
            (
                name.as_os_str(),
                (separated || special).then_some(LoadErrorKind::NotAName),
            )
        }
        Wanted::Path(path) => {
            let absolute = request.relative_to.as_deref().unwrap_or(path).is_absolute();
            let kind = if absolute {
                LoadErrorKind::NotAName
            } else {
                LoadErrorKind::NotAbsolute
            };
            (
                path.as_os_str(),
                (!absolute || path.file_name().is_none()).then_some(kind),
            )
        }
    };
    let version = request.version.as_deref();
    // A version goes into a file name: it cannot be allowed to leave the folder.
    let plain = |version: &str| !version.is_empty() && !version.contains(['/', '\\', '\0']);
    let kind = kind
        .or_else(|| {
            text.as_encoded_bytes()
                .contains(&0)
                .then_some(LoadErrorKind::ContainsNul)
        })
        .or_else(|| {
            version
                .is_some_and(|version| !plain(version))
                .then_some(LoadErrorKind::InvalidVersion)
        });
    kind.map_or(Ok(()), |kind| Err(LoadError::new(kind, Path::new(text))))
}

/// Where the name as it was written stands among those that are made of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bare {
    /// Before them: it is a path, and the most likely meaning is that file.
    First,
    /// After them, prefix by prefix, as Qt does it for names.
    Decorated,
}

/// The file names that are made of one name.
fn names(name: &OsStr, version: Option<&str>, platform: Platform, bare: Bare) -> Vec<OsString> {
    let bytes = name.as_encoded_bytes();
    let has_prefix = platform
        .prefix()
        .is_some_and(|prefix| bytes.starts_with(prefix.as_bytes()));
    let mut suffixes = platform.suffixes(version);
    if let (Platform::Linux, Some(version), true) =
        (platform, version, ends_with(bytes, ".so", platform))
    {
        suffixes = vec![format!(".{version}")];
    }
    let has_suffix = suffixes
        .iter()
        .any(|suffix| ends_with(bytes, suffix, platform));
    let added_prefix = platform.prefix().filter(|_| !has_prefix);
    let mut prefixes = vec![""];
    match bare {
        Bare::First => prefixes.extend(added_prefix),
        Bare::Decorated => prefixes.splice(..0, added_prefix).for_each(drop),
    }
    // With a version, a name without it may be another version; Windows has no versions in names.
    let unversioned =
        version.is_none() || platform == Platform::Windows || bare == Bare::First && has_suffix;
    let mut all = Vec::new();
    for prefix in prefixes {
        let mut ends: Vec<&str> = Vec::new();
        if !has_suffix {
            ends.extend(suffixes.iter().map(String::as_str));
        }
        if has_suffix || unversioned {
            let place = if bare == Bare::First { 0 } else { ends.len() };
            ends.insert(place, "");
        }
        for end in ends {
            let mut text = OsString::from(prefix);
            text.push(name);
            text.push(end);
            all.push(text);
        }
    }
    all
}

fn ends_with(bytes: &[u8], suffix: &str, platform: Platform) -> bool {
    let Some(start) = bytes.len().checked_sub(suffix.len()) else {
        return false;
    };
    match platform {
        Platform::Windows => bytes[start..].eq_ignore_ascii_case(suffix.as_bytes()),
        Platform::Linux | Platform::MacOs => bytes[start..] == *suffix.as_bytes(),
    }
}

/// Whether a file name is that of a library, by its text alone.
///
/// Linux: after the first dot there is a component `so`, and only numbers follow it. macOS: the same with `so` and
/// `bundle`, or it ends in `.dylib`. Windows: it ends in `.dll`, in either case. Loading does not ask this: any file can be
/// loaded by its path.
#[must_use]
pub fn is_library_name(name: &OsStr, platform: Platform) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let versioned = |words: &[&str]| {
        let mut components = name
            .split('.')
            .skip(1)
            .skip_while(|component| !words.contains(component));
        components.next().is_some() && components.all(|component| component.parse::<u32>().is_ok())
    };
    match platform {
        Platform::Windows => ends_with(name.as_bytes(), ".dll", platform),
        Platform::Linux => versioned(&["so"]),
        Platform::MacOs => versioned(&["so", "bundle"]) || name.ends_with(".dylib"),
    }
}

// Which paths are absolute is the running system's word: the tables have Unix paths.
#[cfg(test)]
#[cfg(unix)]
mod tests;
