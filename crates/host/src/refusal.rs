//! Why a file or a plugin is not used, and what was seen in a folder.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plugwright_dylib::{LoadError, SymbolError};
use plugwright_evidence::OpenError;
use plugwright_inspect::Problem;
use plugwright_manifest::compat::Mismatch;
use plugwright_manifest::{DecodeError, Id, InterfaceVersion, Version};
use plugwright_plugin::bind::{BindError, CreateError};
use plugwright_trust::Reason;

/// Why a file, or a plugin in it, is not used.
#[derive(Clone, Debug)]
pub struct Refusal(Arc<Inner>);

/// Apart, since a result carries the room for a refusal through every stage of a good load.
#[derive(Debug)]
struct Inner {
    origin: Origin,
    kind: RefusalKind,
}

/// Where a plugin is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// In a file.
    File(PathBuf),
    /// In the program itself, which it was linked into.
    Program,
}

impl Origin {
    /// The file, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Program => None,
        }
    }

    /// As the subject of a sentence about a plugin there.
    fn plugin(&self) -> String {
        match self {
            Self::File(_) => self.to_string(),
            Self::Program => "the plugin in this program".to_owned(),
        }
    }
}

impl<T: Into<PathBuf>> From<T> for Origin {
    fn from(path: T) -> Self {
        Self::File(path.into())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Escaped, so that nothing in it acts on a terminal.
            Self::File(path) => write!(f, "{path:?}"),
            Self::Program => f.write_str("this program"),
        }
    }
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
    /// The file has the ending of files that hold a library's debugging symbols, with its record and without its code.
    DebugSymbols,
    /// The file has the ending of a variant of a library for newer processors (`.so.avx2`, `.so.avx512`), which has the
    /// record of the one for all, and other bytes.
    Variant,
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
    /// The file is a plugin of this version that is linked into the program: that one is used.
    LinkedAlready {
        /// The plugin.
        id: Id,
        /// Its version.
        version: Version,
    },
    /// The host was to offer a plugin that is not linked into the program.
    NotLinked {
        /// The plugin's id, as it was given.
        id: String,
    },
    /// The plugin's record cannot be read: it was compiled with another version of the SDK.
    Record(DecodeError),
    /// The plugin provides another form of the interface.
    Mismatch(Mismatch),
    /// The plugin provides the interface in a version beside the range that was asked for.
    Version {
        /// The plugin's.
        provides: InterfaceVersion,
        /// The range.
        wanted: String,
    },
    /// The plugin does not provide the interface at all.
    NotProvided {
        /// The interface.
        interface: &'static str,
    },
    /// The plugin was built in another way than the host, and the host takes only its own.
    Profile {
        /// `debug` or `release`, as the plugin's record says.
        plugin: String,
        /// How the host was built.
        host: &'static str,
    },
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
    pub(crate) fn new(origin: impl Into<Origin>, kind: RefusalKind) -> Self {
        Self(Arc::new(Inner {
            origin: origin.into(),
            kind,
        }))
    }

    /// The file, the folder that could not be read, or the program itself.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> &RefusalKind {
        &self.0.kind
    }
}

/// What was seen at one place of a folder, or in the program itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Seen {
    /// Where.
    pub origin: Origin,
    /// What became of it.
    pub status: Status,
}

/// What became of a file that a scan saw.
#[derive(Clone, Debug)]
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
        let origin = self.0.origin.plugin();
        match &self.0.kind {
            RefusalKind::FolderUnreadable(error) => {
                write!(f, "the folder {origin} cannot be read: {error}")
            }
            RefusalKind::Unreadable(error) => error.fmt(f),
            RefusalKind::Foreign(problem) => write!(f, "{origin} is no library: {problem}"),
            RefusalKind::NotAPlugin => {
                write!(f, "{origin} is a library without a Plugwright plugin in it")
            }
            RefusalKind::DebugSymbols => write!(
                f,
                "{origin} holds the debugging symbols of a library, as its ending says: the library is another file"
            ),
            RefusalKind::Variant => write!(
                f,
                "{origin} is a variant of a library for newer processors, as its ending says: the one for all is used"
            ),
            RefusalKind::Damaged(problems) => {
                write!(f, "{origin} is damaged: ")?;
                list(f, problems)
            }
            RefusalKind::WrongTarget(problem) => {
                write!(f, "{origin} is for another system: {problem}")
            }
            RefusalKind::Abi(error) => write!(f, "{origin} does not fit: {error}"),
            RefusalKind::Duplicate { id, version, other } => write!(
                f,
                "{origin} and {other:?} both say that they are {id} {version}, but their bytes \
                 differ: neither is used; remove one, or give it a version of its own"
            ),
            RefusalKind::LinkedAlready { id, version } => write!(
                f,
                "{origin} is {id} {version}, which is linked into the program: that one is used"
            ),
            RefusalKind::NotLinked { id } => write!(
                f,
                "no plugin {id:?} is linked into the program: add `link_plugin!` with its type"
            ),
            RefusalKind::Record(error) => write!(f, "{origin} cannot be read: {error}"),
            RefusalKind::Mismatch(mismatch) => write!(f, "{origin} does not fit: {mismatch}"),
            RefusalKind::Version { provides, wanted } => write!(
                f,
                "{origin} does not fit: it provides the interface in version {provides}; wanted is {wanted}"
            ),
            RefusalKind::NotProvided { interface } => {
                write!(f, "{origin} does not provide {interface}")
            }
            RefusalKind::Profile { plugin, host } => write!(
                f,
                "{origin} was built for {plugin:?} and this program for {host:?}: build both alike, or let \
                 the host take any profile"
            ),
            RefusalKind::Changed => write!(
                f,
                "{origin} says something else of itself than when its folder was scanned: scan \
                 again"
            ),
            RefusalKind::NoSource => write!(
                f,
                "{origin} cannot be held in any way that the policy accepts: for private copies \
                 give the builder a folder with `copies_below(folder)`"
            ),
            RefusalKind::Copy(error) | RefusalKind::Load(error) => error.fmt(f),
            RefusalKind::Reading(error) => write!(f, "{origin} cannot be read: {error}"),
            RefusalKind::Judged(reasons) => {
                write!(f, "the policy refuses {origin}: ")?;
                list(f, reasons)
            }
            RefusalKind::NoPermission => write!(
                f,
                "{origin} may run, but the host has no permission to run plugins in its own \
                 process: give the builder one with `in_process(token)`"
            ),
            RefusalKind::Entry(error) => error.fmt(f),
            RefusalKind::Bind(error) => write!(f, "{origin} was loaded, but {error}"),
            RefusalKind::Create(error) => write!(f, "{origin} was loaded, but {error}"),
            RefusalKind::NotConfigurable => write!(
                f,
                "{origin} takes no configuration, and one was given: leave it out"
            ),
            RefusalKind::AlreadyMade => write!(
                f,
                "all who ask for {origin} share one instance, which is made already: give the \
                 configuration to the builder, or where it is asked for first"
            ),
            RefusalKind::Reentrant => write!(
                f,
                "{origin} is being loaded by this very thread: a plugin's constructor asked for it"
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
            RefusalKind::Record(error) => Some(error),
            RefusalKind::Foreign(_)
            | RefusalKind::NotAPlugin
            | RefusalKind::DebugSymbols
            | RefusalKind::Variant
            | RefusalKind::Damaged(_)
            | RefusalKind::WrongTarget(_)
            | RefusalKind::Duplicate { .. }
            | RefusalKind::LinkedAlready { .. }
            | RefusalKind::NotLinked { .. }
            | RefusalKind::Version { .. }
            | RefusalKind::NotProvided { .. }
            | RefusalKind::Profile { .. }
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
