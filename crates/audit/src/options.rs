//! How a review is to be done.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use plugwright_trust::Key;
use serde::Serialize;

use crate::advisories::Advisories;

/// How deep a review goes; each tier does all of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tier {
    /// Each file by itself (headers, dynamic section, symbols, relocations, metadata) and the deployment around it.
    Files,
    /// Also what each library and program brings in: names, versions and symbols that nothing defines. The tier that the
    /// program takes unless told otherwise.
    Closure,
}

impl Tier {
    /// All, the shallowest first.
    pub const ALL: [Self; 2] = [Self::Files, Self::Closure];

    /// The stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Closure => "closure",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text was no tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTier(String);

impl fmt::Display for UnknownTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no tier: expected files or closure", self.0)
    }
}

impl std::error::Error for UnknownTier {}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|tier| tier.as_str() == text);
        found.ok_or_else(|| UnknownTier(text.to_owned()))
    }
}

/// What a review is told beside its targets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How deep it goes.
    pub tier: Tier,
    /// Users, besides root and the one who reviews, who may own what is loaded.
    pub trusted_users: Vec<u32>,
    /// Groups, besides root's, that may write what is loaded.
    pub trusted_groups: Vec<u32>,
    /// Folders of `LD_LIBRARY_PATH` for the closure; the variable itself is not read.
    pub library_path: Vec<PathBuf>,
    /// Where the system's own configuration is read from: `/`, or the top of an unpacked image of another.
    pub system_root: PathBuf,
    /// Keys whose signatures count. Without any, signatures are not checked.
    pub keys: Vec<Key>,
    /// Known weak versions of Rust crates.
    pub advisories: Option<Advisories>,
    /// An older version to compare with: a file for files, a folder for folders, whose files are compared path by path.
    pub against: Option<PathBuf>,
    /// Whether the deployment's policy wants signatures.
    pub wants_signatures: bool,
    /// Threads to read with; as many as there are processors when `None`.
    pub threads: Option<usize>,
}

impl Options {
    /// A review of a tier, with nothing else said.
    #[must_use]
    pub fn new(tier: Tier) -> Self {
        Self {
            tier,
            trusted_users: Vec::new(),
            trusted_groups: Vec::new(),
            library_path: Vec::new(),
            system_root: PathBuf::from("/"),
            keys: Vec::new(),
            advisories: None,
            against: None,
            wants_signatures: false,
            threads: None,
        }
    }

    /// Also trusts these users to own what is loaded.
    #[must_use]
    pub fn with_trusted_users(mut self, users: Vec<u32>) -> Self {
        self.trusted_users = users;
        self
    }

    /// Also trusts these groups to write what is loaded.
    #[must_use]
    pub fn with_trusted_groups(mut self, groups: Vec<u32>) -> Self {
        self.trusted_groups = groups;
        self
    }

    /// Sets the folders of `LD_LIBRARY_PATH` for the closure.
    #[must_use]
    pub fn with_library_path(mut self, folders: Vec<PathBuf>) -> Self {
        self.library_path = folders;
        self
    }

    /// Sets where the system's own configuration is read from.
    #[must_use]
    pub fn with_system_root(mut self, root: PathBuf) -> Self {
        self.system_root = root;
        self
    }

    /// Sets the keys whose signatures count.
    #[must_use]
    pub fn with_keys(mut self, keys: Vec<Key>) -> Self {
        self.keys = keys;
        self
    }

    /// Gives the known weak versions of Rust crates.
    #[must_use]
    pub fn with_advisories(mut self, advisories: Advisories) -> Self {
        self.advisories = Some(advisories);
        self
    }

    /// Sets the older version to compare with.
    #[must_use]
    pub fn with_against(mut self, old: PathBuf) -> Self {
        self.against = Some(old);
        self
    }

    /// Says that the deployment's policy wants signatures.
    #[must_use]
    pub const fn with_signatures_wanted(mut self) -> Self {
        self.wants_signatures = true;
        self
    }

    /// Sets the number of threads to read with.
    #[must_use]
    pub const fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }
}
