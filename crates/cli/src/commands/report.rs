//! The parts of the results that the commands share; docs/cli.md describes them as JSON has them.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use plugwright_inspect::{Format, Kind, Loader, OpenError, OpenErrorKind, Problem};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::output::escape;

/// A path: in JSON a string where it is one, and with its bytes where it is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PathText(PathBuf);

impl PathText {
    /// As printed for people.
    pub(crate) fn shown(&self) -> String {
        escape::path(&self.0)
    }
}

impl From<&Path> for PathText {
    fn from(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl From<PathBuf> for PathText {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl Serialize for PathText {
    /// Writes members, to be flattened into the object that the path belongs to.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("path", &self.0.to_string_lossy())?;
        if self.0.to_str().is_none() {
            members.serialize_entry("path_bytes", self.0.as_os_str().as_encoded_bytes())?;
        }
        members.end()
    }
}

/// Something wrong with a file or folder.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trouble {
    code: Cow<'static, str>,
    text: String,
    #[serde(flatten)]
    place: Option<Place>,
}

/// What a reader of the file's bytes adds.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    offset: Option<u64>,
    expected: String,
    found: String,
    loader: Loader,
}

impl Trouble {
    /// A file that could not be opened.
    pub(crate) fn of_open(error: &OpenError) -> Self {
        let (code, text) = match error.kind() {
            OpenErrorKind::NotFound if error.path().is_symlink() => {
                ("dangling-link", "the link leads nowhere")
            }
            OpenErrorKind::NotFound => ("not-found", "there is no such file or folder"),
            OpenErrorKind::PermissionDenied => ("permission-denied", "it may not be read"),
            OpenErrorKind::Directory => (
                "directory",
                "it is a folder; `plugwright list` looks into folders",
            ),
            OpenErrorKind::Fifo => ("fifo", "it is a FIFO"),
            OpenErrorKind::Socket => ("socket", "it is a socket"),
            OpenErrorKind::Device => ("device", "it is a device"),
            OpenErrorKind::LinkLoop => ("link-loop", "its links lead in a circle"),
            _ => ("unreadable", "it cannot be opened"),
        };
        // The outer line stands alone; the system's words are added where they say more than it.
        match std::error::Error::source(error) {
            Some(source) if code == "unreadable" => Self::new(code, format!("{text}: {source}")),
            _ => Self::new(code, text),
        }
    }

    /// A folder that could not be read.
    pub(crate) fn of_folder(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Self::new("permission-denied", "the folder may not be read")
            }
            _ => Self::new("unreadable", format!("the folder cannot be read: {error}")),
        }
    }

    /// What a reader found wrong with the bytes.
    pub(crate) fn of_problem(problem: &Problem) -> Self {
        Self {
            code: problem.code.as_str().into(),
            text: problem.to_string(),
            place: Some(Place {
                offset: problem.offset,
                expected: problem.expected.to_string(),
                found: problem.found.to_string(),
                loader: problem.loader,
            }),
        }
    }

    fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            text: text.into(),
            place: None,
        }
    }

    /// Whether it is another of the same: only the places in the file differ.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.code == other.code
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        match &self.place {
            // The codes of readers are part of their text.
            Some(_) => escape::sentence(&self.text),
            None => format!("{}: {}", self.code, escape::sentence(&self.text)),
        }
    }

    /// Whether the system's loader would end its process over this.
    pub(crate) fn is_fatal_to_loader(&self) -> bool {
        self.place
            .as_ref()
            .is_some_and(|place| place.loader == Loader::Crashes)
    }
}

/// The format of an image, as people write it.
pub(crate) fn format(format: Format) -> &'static str {
    match format {
        Format::Elf => "ELF",
        Format::MachO => "Mach-O",
        Format::Pe => "PE",
        _ => "another format",
    }
}

/// The type of an image, in words.
pub(crate) fn kind(kind: Kind) -> String {
    match kind {
        Kind::SharedLibrary => "shared library".to_owned(),
        Kind::Bundle => "bundle".to_owned(),
        Kind::Executable => "program".to_owned(),
        Kind::Relocatable => "object file".to_owned(),
        Kind::Core => "memory dump".to_owned(),
        Kind::Other(number) => format!("type {number}"),
        other => format!("{other:?}"),
    }
}
