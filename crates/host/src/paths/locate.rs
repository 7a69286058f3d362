//! Finding a plugin's file by a name without folder, as Qt's `QPluginLoader` does.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::SearchPaths;

/// That there is no file for a plugin's name: every path that was tried.
#[derive(Clone, Debug)]
pub struct NotLocated {
    name: PathBuf,
    tried: Vec<PathBuf>,
    is_refused: bool,
}

impl NotLocated {
    /// The name that was looked for.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// What was tried, in its order.
    #[must_use]
    pub fn tried(&self) -> &[PathBuf] {
        &self.tried
    }
}

impl fmt::Display for NotLocated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no plugin file for {:?}", self.name)?;
        if self.is_refused {
            return f.write_str(
                ": expected a file's name, with folders in front of it or not, and nothing that leads \
                 upwards",
            );
        }
        if self.tried.is_empty() {
            return f.write_str(": there are no folders to look into");
        }
        f.write_str("; tried")?;
        for path in &self.tried {
            write!(f, "\n  {path:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NotLocated {}

impl SearchPaths {
    /// The file of the plugin `name`, without links: `zstd`, `codecs/zstd`, or an absolute path.
    ///
    /// In each folder it is tried as it is, with the system's suffix (`.so`), with its prefix (`lib`), and with
    /// both; the first regular file is it. A relative name is looked for in the search paths, with the folders
    /// that it has in front, and an absolute one in its own folder. The current directory is never looked into.
    /// Qt has the same order.
    ///
    /// # Errors
    /// When there is no such file: every path that was tried. When the name leads upwards (`..`) or is none.
    pub fn locate(&self, name: impl AsRef<Path>) -> Result<PathBuf, NotLocated> {
        let name = name.as_ref();
        let mut missing = NotLocated {
            name: name.to_owned(),
            tried: Vec::new(),
            is_refused: false,
        };
        let is_plain = name.components().all(|part| {
            matches!(part, Component::Normal(_))
                || name.is_absolute() && part != Component::ParentDir
        });
        let (Some(base), true) = (name.file_name(), is_plain) else {
            missing.is_refused = true;
            return Err(missing);
        };
        let between = name.parent().unwrap_or_else(|| Path::new(""));
        // Joining an absolute path gives that path.
        let folders: Vec<PathBuf> = if name.is_absolute() {
            vec![between.to_owned()]
        } else {
            self.list().map(|folder| folder.join(between)).collect()
        };
        for folder in folders {
            for spelling in spellings(base) {
                let path = folder.join(spelling);
                if path.is_file()
                    && let Ok(path) = path.canonicalize()
                {
                    return Ok(path);
                }
                missing.tried.push(path);
            }
        }
        Err(missing)
    }
}

/// The names that are tried.
fn spellings(base: &OsStr) -> [OsString; 4] {
    let spelling = |prefix: &str, suffix: &str| {
        let mut name = OsString::from(prefix);
        name.push(base);
        name.push(suffix);
        name
    };
    [
        spelling("", ""),
        spelling("", DLL_SUFFIX),
        spelling(DLL_PREFIX, ""),
        spelling(DLL_PREFIX, DLL_SUFFIX),
    ]
}
