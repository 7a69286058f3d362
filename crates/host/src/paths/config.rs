//! The file that lists folders.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use plugwright_inspect::{Links, open};
use serde::Deserialize;

/// The most bytes that such a file may have.
const MAX_BYTES: u64 = 64 << 10;

/// The contents.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    folders: Vec<PathBuf>,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    Missing,
    Unreadable(String),
    TooLarge,
    Contents(String),
    Relative,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::TooLarge => write!(f, "has more than {MAX_BYTES} bytes"),
            Self::Contents(error) => write!(
                f,
                "expected folders = [\"…\"]: {}",
                error.trim_end().replace('\n', "; ")
            ),
            Self::Relative => f.write_str("is named by a relative path, and not looked for"),
        }
    }
}

/// The folders that `file` lists, absolute.
pub(super) fn folders(file: &Path) -> Result<Vec<PathBuf>, Fault> {
    if !file.is_absolute() {
        return Err(Fault::Relative);
    }
    let below = file.parent().unwrap_or_else(|| Path::new("/"));
    let config: Config = toml::from_str(&text(file)?)
        .map_err(|error| Fault::Contents(error.message().to_owned()))?;
    let folders = config.folders.into_iter();
    Ok(folders
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| below.join(folder))
        .collect())
}

fn text(file: &Path) -> Result<String, Fault> {
    let opened = open(file, Links::Follow).map_err(|error| {
        if error.kind() == plugwright_inspect::OpenErrorKind::NotFound {
            Fault::Missing
        } else {
            Fault::Unreadable(error.to_string())
        }
    })?;
    let read = |file: &File| -> io::Result<String> {
        let mut text = String::new();
        file.take(MAX_BYTES.saturating_add(1))
            .read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read(opened.file()).map_err(|error| Fault::Unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Fault::TooLarge);
    }
    Ok(text)
}
