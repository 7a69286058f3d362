//! Why a file or a plugin is not used, and what was seen in a folder.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use plugwright_dylib::{LoadError, SymbolError};
use plugwright_evidence::OpenError;
use plugwright_inspect::Problem;
use plugwright_manifest::compat::Mismatch;
use plugwright_manifest::{Id, Version};
use plugwright_plugin::bind::{BindError, CreateError};
use plugwright_trust::Reason;

/// Why a file, or a plugin in it, is not used.
#[derive(Debug)]
pub struct Refusal(Box<Inner>);

/// Boxed, since a result carries the room for a refusal through every stage of a good load.
#[derive(Debug)]
struct Inner {
    path: PathBuf,
    kind: RefusalKind,
}

/// The kinds of [`Refusal`].
#[derive(Debug)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The folder cannot be read, or stopped giving entries.
    FolderUnreadable(io::Error),
    /// The file cannot be opened: it is missing, not a regular file, or may not be read.
    Unreadable(OpenError),
    /// The file is no library at all. Harmless: folders hold other things too.
    Foreign(Problem),
    /// The file is a library without a Plugwright record: not one of our plugins.
    NotAPlugin,
    /// The file is damaged.
    Damaged(Vec<Problem>),
    /// The library is for another system or processor.
    WrongTarget(Problem),
    /// The plugin was built for another version of Plugwright's binary interface.
    Abi(BindError),
    /// Two files claim to be the same version of the same plugin and differ: neither is used.
    Duplicate {
        /// The plugin.
        id: Id,
        /// Its version.
        version: Version,
        /// The other file.
        other: PathBuf,
    },
    /// The plugin provides another form of the interface.
    Mismatch(Mismatch),
    /// The file says something else than when the folder was scanned.
    Changed,
    /// The policy wants the bytes held in a way that this system or host does not have.
    NoSource,
    /// The bytes could not be copied.
    Copy(LoadError),
    /// The bytes could not be read for judging.
    Reading(io::Error),
    /// The policy does not allow it.
    Judged(Vec<Reason>),
    /// The host was not given permission to run plugins in its own process.
    NoPermission,
    /// The system's loader refused it.
    Load(LoadError),
    /// The library does not have the entry symbol that its record names.
    Entry(SymbolError),
    /// The loaded plugin disagrees with its manifest.
    Bind(BindError),
    /// The plugin's constructor failed.
    Create(CreateError),
    /// The plugin takes no configuration, and one was given.
    NotConfigurable,
    /// The plugin is a singleton whose instance was made before: it cannot be made again with
    /// another configuration.
    AlreadyMade,
    /// The plugin is being loaded or made on this very thread: a constructor asked for it.
    Reentrant,
}

impl Refusal {
    pub(crate) fn new(path: impl Into<PathBuf>, kind: RefusalKind) -> Self {
        Self(Box::new(Inner {
            path: path.into(),
            kind,
        }))
    }

    /// The file, or the folder that could not be read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> &RefusalKind {
        &self.0.kind
    }
}

/// What was seen at one place of a folder.
#[derive(Debug)]
#[non_exhaustive]
pub struct Seen {
    /// Where.
    pub path: PathBuf,
    /// What became of it.
    pub status: Status,
}

/// What became of a file that a scan saw.
#[derive(Debug)]
#[non_exhaustive]
pub enum Status {
    /// It is offered as this version of this plugin.
    Offered(Id, Version),
    /// It is a second copy, byte for byte, of a plugin that is offered from elsewhere.
    SameAs(PathBuf),
    /// It is not used.
    Refused(Refusal),
}

/// Joins what is displayed with semicolons.
fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str("; ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

// Paths are printed with `{:?}`, which escapes what a terminal would act on.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.0.path;
        match &self.0.kind {
            RefusalKind::FolderUnreadable(error) => {
                write!(f, "the folder {path:?} cannot be read: {error}")
            }
            RefusalKind::Unreadable(error) => error.fmt(f),
            RefusalKind::Foreign(problem) => write!(f, "{path:?} is no library: {problem}"),
            RefusalKind::NotAPlugin => {
                write!(f, "{path:?} is a library without a Plugwright plugin in it")
            }
            RefusalKind::Damaged(problems) => {
                write!(f, "{path:?} is damaged: ")?;
                list(f, problems)
            }
            RefusalKind::WrongTarget(problem) => {
                write!(f, "{path:?} is for another system: {problem}")
            }
            RefusalKind::Abi(error) => write!(f, "{path:?} does not fit: {error}"),
            RefusalKind::Duplicate { id, version, other } => write!(
                f,
                "{path:?} and {other:?} both say that they are {id} {version}, but their bytes \
                 differ: neither is used; remove one, or give it a version of its own"
            ),
            RefusalKind::Mismatch(mismatch) => write!(f, "{path:?} does not fit: {mismatch}"),
            RefusalKind::Changed => write!(
                f,
                "{path:?} says something else of itself than when its folder was scanned: scan \
                 again"
            ),
            RefusalKind::NoSource => write!(
                f,
                "{path:?} cannot be held in any way that the policy accepts: for private copies \
                 give the builder a folder with `copies_below(folder)`"
            ),
            RefusalKind::Copy(error) | RefusalKind::Load(error) => error.fmt(f),
            RefusalKind::Reading(error) => write!(f, "{path:?} cannot be read: {error}"),
            RefusalKind::Judged(reasons) => {
                write!(f, "the policy refuses {path:?}: ")?;
                list(f, reasons)
            }
            RefusalKind::NoPermission => write!(
                f,
                "{path:?} may run, but the host has no permission to run plugins in its own \
                 process: give the builder one with `in_process(token)`"
            ),
            RefusalKind::Entry(error) => error.fmt(f),
            RefusalKind::Bind(error) => write!(f, "{path:?} was loaded, but {error}"),
            RefusalKind::Create(error) => write!(f, "{path:?} was loaded, but {error}"),
            RefusalKind::NotConfigurable => write!(
                f,
                "{path:?} takes no configuration, and one was given: leave it out"
            ),
            RefusalKind::AlreadyMade => write!(
                f,
                "all who ask for {path:?} share one instance, which is made already: give the \
                 configuration to the builder, or where it is asked for first"
            ),
            RefusalKind::Reentrant => write!(
                f,
                "{path:?} is being loaded by this very thread: a plugin's constructor asked for it"
            ),
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            RefusalKind::FolderUnreadable(error) | RefusalKind::Reading(error) => Some(error),
            RefusalKind::Unreadable(error) => Some(error),
            RefusalKind::Abi(error) | RefusalKind::Bind(error) => Some(error),
            RefusalKind::Mismatch(error) => Some(error),
            RefusalKind::Copy(error) | RefusalKind::Load(error) => Some(error),
            RefusalKind::Entry(error) => Some(error),
            RefusalKind::Create(error) => Some(error),
            RefusalKind::Foreign(_)
            | RefusalKind::NotAPlugin
            | RefusalKind::Damaged(_)
            | RefusalKind::WrongTarget(_)
            | RefusalKind::Duplicate { .. }
            | RefusalKind::Changed
            | RefusalKind::NoSource
            | RefusalKind::Judged(_)
            | RefusalKind::NoPermission
            | RefusalKind::NotConfigurable
            | RefusalKind::AlreadyMade
            | RefusalKind::Reentrant => None,
        }
    }
}
