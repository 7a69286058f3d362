//! Where each system keeps what belongs to an application.
//!
//! Sources: the XDG Base Directory specification 0.8 (a relative `XDG_*` counts as not set), the Filesystem
//! Hierarchy Standard 3.0 (4.7, 4.9: `/usr/lib`, `/usr/local`) with Debian's folders per processor, Apple's
//! File System Programming Guide (`Contents/PlugIns`, Application Support), Microsoft's known folders.
//! Native code belongs in `lib`, not in `share`; a user has no such folder but the data folder.

use std::path::{Path, PathBuf};

use super::Process;

/// Whose convention.
#[derive(Clone, Copy, Debug)]
pub(super) enum Convention {
    Xdg,
    Apple,
    Windows,
}

/// The variable with an application's folders: `PRESS_PLUGIN_PATH`.
pub(super) fn variable(app: &str) -> String {
    let letter = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' => letter.to_ascii_uppercase(),
        _ => '_',
    };
    let name: String = app.chars().map(letter).collect();
    format!("{name}_PLUGIN_PATH")
}

/// `folder` below the folder of the program.
pub(super) fn beside(process: &Process<'_>, folder: &str) -> Option<PathBuf> {
    Some(program_folder(process)?.join(folder))
}

fn program_folder(process: &Process<'_>) -> Option<PathBuf> {
    let program = process.program.as_ref()?;
    let program = program.canonicalize().unwrap_or_else(|_| program.clone());
    Some(program.parent()?.to_owned())
}

fn folder(process: &Process<'_>, variable: &str) -> Option<PathBuf> {
    let value = PathBuf::from((process.variable)(variable)?);
    // Another system's path is not absolute in the eyes of this one.
    (value.is_absolute() || cfg!(test) && value.to_string_lossy().contains(":\\")).then_some(value)
}

impl Convention {
    pub(super) fn here() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_vendor = "apple") {
            Self::Apple
        } else {
            Self::Xdg
        }
    }

    /// The user's file with folders.
    pub(super) fn config(self, app: &str, process: &Process<'_>) -> Option<PathBuf> {
        let own = match self {
            Self::Xdg => folder(process, "XDG_CONFIG_HOME")
                .or_else(|| Some(folder(process, "HOME")?.join(".config"))),
            Self::Apple => application_support(process),
            Self::Windows => folder(process, "APPDATA"),
        };
        Some(own?.join(app).join("plugins.toml"))
    }

    /// Below the program's own folder.
    pub(super) fn program(self, app: &str, process: &Process<'_>) -> Vec<PathBuf> {
        let Some(own) = program_folder(process) else {
            return Vec::new();
        };
        let beside = own.join("plugins");
        match (self, own.parent()) {
            (Self::Xdg, Some(above)) => {
                vec![beside, above.join("lib").join(app).join("plugins")]
            }
            (Self::Apple, Some(above)) => vec![above.join("PlugIns"), beside],
            _ => vec![beside],
        }
    }

    /// The user's folder.
    pub(super) fn user(self, app: &str, process: &Process<'_>) -> Option<PathBuf> {
        let (own, name) = match self {
            Self::Xdg => {
                let own = folder(process, "XDG_DATA_HOME")
                    .or_else(|| Some(folder(process, "HOME")?.join(".local/share")));
                (own?, "plugins")
            }
            Self::Apple => (application_support(process)?, "PlugIns"),
            Self::Windows => (folder(process, "APPDATA")?, "plugins"),
        };
        Some(own.join(app).join(name))
    }

    /// The folders for all users.
    pub(super) fn system(self, app: &str, process: &Process<'_>) -> Vec<PathBuf> {
        match self {
            Self::Xdg => {
                let of_processor = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
                let libraries = [
                    Path::new("/usr/local/lib"),
                    of_processor.as_ref(),
                    "/usr/lib".as_ref(),
                ];
                let own = |library: &Path| library.join(app).join("plugins");
                libraries.into_iter().map(own).collect()
            }
            Self::Apple => {
                let support = Path::new("/Library/Application Support");
                vec![support.join(app).join("PlugIns")]
            }
            Self::Windows => {
                let data = folder(process, "PROGRAMDATA").into_iter();
                data.map(|data| data.join(app).join("plugins")).collect()
            }
        }
    }
}

fn application_support(process: &Process<'_>) -> Option<PathBuf> {
    Some(folder(process, "HOME")?.join("Library/Application Support"))
}
