//! Why something is found or not: every folder, every candidate with its reason, and what comes near.

use std::fmt;
use std::path::PathBuf;

use plugwright_manifest::{Id, InterfaceVersion, Version, compat};

use crate::catalog::Catalog;
use crate::registration::Registration;
use crate::registry::{FileState, PluginState, same_but_for_case};
use crate::{Host, Origin, PathOrigin, PathRemark, Query, Refusal, RefusalKind};

/// The answer to "why was this found, or not?": see [`Host::explain`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// What was asked for, in words.
    pub query: String,
    /// Every folder, in the order in which they are looked through.
    pub folders: Vec<LookedAt>,
    /// What was passed over when the folders were gathered.
    pub remarks: Vec<PathRemark>,
    /// Every plugin that provides the interface or comes near, the usable ones first and best first.
    pub candidates: Vec<Considered>,
    /// Every file that is not used, but for what is no plugin at all.
    pub refused: Vec<Refusal>,
}

/// A folder that was looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LookedAt {
    /// The folder.
    pub folder: PathBuf,
    /// Who named it.
    pub origin: PathOrigin,
    /// What was in it.
    pub outcome: LookedAtOutcome,
}

/// What was in a folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LookedAtOutcome {
    /// So many files, with so many plugins in them.
    Read {
        /// Files.
        files: usize,
        /// Plugins that they offer.
        plugins: usize,
    },
    /// It is not there.
    Missing,
    /// It could not be read.
    Refused(Refusal),
}

/// A plugin that was considered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Considered {
    /// The plugin.
    pub id: Id,
    /// Its version.
    pub version: Version,
    /// Where it is.
    pub origin: Origin,
    /// What came of it.
    pub consideration: Consideration,
}

/// What came of considering a plugin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Consideration {
    /// It is the one that is taken.
    Taken {
        /// Its rank.
        rank: i32,
    },
    /// It would do, and another is preferred.
    Shadowed {
        /// The plugin that is taken.
        by: Id,
        /// Its version.
        version: Version,
    },
    /// It provides the interface in a version that is not wanted.
    Version {
        /// The version that it provides.
        provides: InterfaceVersion,
        /// What is wanted.
        wanted: String,
    },
    /// It provides the interface with other methods than this program was compiled with.
    Methods {
        /// The difference.
        difference: String,
    },
    /// It provides the interface under other keys.
    Keys {
        /// Its keys.
        keys: Vec<String>,
        /// The one of them that differs in case only.
        near: Option<String>,
    },
    /// Its application metadata is not what is wanted.
    Metadata {
        /// Where it differs: a JSON pointer.
        pointer: String,
    },
    /// It was built in another way than the host takes, or is not used for what else speaks against it.
    Refused(Refusal),
    /// It does not provide the interface, but one with a name like it.
    Interface {
        /// That interface.
        provides: Id,
    },
}

impl Explanation {
    /// Whether something is found.
    #[must_use]
    pub fn is_found(&self) -> bool {
        let mut candidates = self.candidates.iter();
        candidates.any(|candidate| matches!(candidate.consideration, Consideration::Taken { .. }))
    }
}

impl Host {
    /// Why a query finds what it finds, or nothing. Nothing is loaded, so what only a load can tell is not in it: the
    /// policy's verdict, for one.
    #[must_use]
    pub fn explain(&self, query: &Query) -> Explanation {
        let scan = self.current();
        let catalog = &scan.catalog;
        let mut candidates: Vec<Considered> = Vec::new();
        let mut taken: Option<(Id, Version)> = None;
        for offer in self.query(&Query::new(query.interface.clone())) {
            let plugin = offer.registration();
            let consideration = match self.against(query, plugin, offer.index()) {
                Some(against) => against,
                None => match &taken {
                    Some((by, version)) => Consideration::Shadowed {
                        by: by.clone(),
                        version: version.clone(),
                    },
                    None => {
                        let summary = &plugin.record.summary;
                        taken = Some((summary.id.clone(), summary.version.clone()));
                        let rank = offer.provided().rank;
                        Consideration::Taken { rank }
                    }
                },
            };
            candidates.push(considered(plugin, consideration));
        }
        candidates.sort_by_key(|candidate| match candidate.consideration {
            Consideration::Taken { .. } => 0,
            Consideration::Shadowed { .. } => 1,
            _ => 2,
        });
        if candidates.is_empty() {
            candidates = near_interfaces(catalog, &query.interface);
        }
        Explanation {
            query: query.to_string(),
            folders: self.looked_at(catalog),
            remarks: self.paths.remarks().to_vec(),
            candidates,
            refused: self.refused(catalog),
        }
    }

    /// What speaks against a plugin that provides the interface.
    fn against(&self, query: &Query, plugin: &Registration, index: usize) -> Option<Consideration> {
        let provided = plugin.record.summary.provides.get(index)?;
        let own_major = query
            .shape
            .is_none_or(|shape| shape.version.major == provided.version.major);
        if !own_major || !query.allows_version(provided.version) {
            return Some(Consideration::Version {
                provides: provided.version,
                wanted: query.wanted_version().unwrap_or_default(),
            });
        }
        if !query.allows_keys(&provided.keys) {
            let wanted = query.key.as_deref().unwrap_or_default();
            let mut near = provided.keys.iter();
            return Some(Consideration::Keys {
                near: near.find(|key| same_but_for_case(key, wanted)).cloned(),
                keys: provided.keys.clone(),
            });
        }
        if let Some(shape) = query.shape
            && let Err(mismatch) = compat::check(shape, provided, None)
        {
            let difference = mismatch.to_string();
            return Some(Consideration::Methods { difference });
        }
        if let Some(kind) = self.profile_refusal(plugin) {
            return Some(Consideration::Refused(plugin.refuse(kind)));
        }
        let (pointer, _) = query.missing_metadata(plugin, index)?;
        let pointer = pointer.clone();
        Some(Consideration::Metadata { pointer })
    }

    fn looked_at(&self, catalog: &Catalog) -> Vec<LookedAt> {
        let outcome = |folder: &PathBuf| {
            let mut read = (0..catalog.image.folders()).zip(catalog.folders());
            if let Some((index, _)) = read.find(|(_, read)| read.path() == folder)
                && let Some(row) = catalog.image.folder(index)
            {
                let files = row.first_file..row.first_file.saturating_add(row.files);
                let plugins =
                    files.filter_map(|row| Some(catalog.image.file(row)?.plugins as usize));
                return LookedAtOutcome::Read {
                    files: row.files as usize,
                    plugins: plugins.sum(),
                };
            }
            let mut refused = catalog.unreadable().iter();
            let refusal = refused.find(|refusal| refusal.origin().path() == Some(folder));
            refusal.map_or(LookedAtOutcome::Missing, |refusal| {
                LookedAtOutcome::Refused(refusal.clone())
            })
        };
        let looked_at = |path: &crate::SearchPath| LookedAt {
            folder: path.folder().to_owned(),
            origin: path.origin().clone(),
            outcome: outcome(&path.folder().to_owned()),
        };
        self.paths.entries().iter().map(looked_at).collect()
    }

    /// Files and plugins that are not used, without what is no plugin.
    fn refused(&self, catalog: &Catalog) -> Vec<Refusal> {
        let files = (0..catalog.image.files()).filter_map(|row| {
            let state = catalog.image.file(row)?.state;
            let is_told = matches!(state, FileState::Refused | FileState::Unreadable);
            is_told.then(|| catalog.refusal(row)).flatten()
        });
        let plugins = (0..catalog.image.plugins()).filter_map(|row| {
            let plugin = catalog.plugin(row)?;
            let (id, version) = (&plugin.record.summary.id, &plugin.record.summary.version);
            if let PluginState::Duplicate(other) = catalog.image.plugin(row)?.state {
                return Some(plugin.refuse(RefusalKind::Duplicate {
                    id: id.clone(),
                    version: version.clone(),
                    other: catalog.plugin(other)?.origin().path()?.to_owned(),
                }));
            }
            let (id, version) = (id.clone(), version.clone());
            self.is_linked(plugin)
                .then(|| plugin.refuse(RefusalKind::LinkedAlready { id, version }))
        });
        files.chain(plugins).collect()
    }
}

fn considered(plugin: &Registration, consideration: Consideration) -> Considered {
    let summary = &plugin.record.summary;
    Considered {
        id: summary.id.clone(),
        version: summary.version.clone(),
        origin: plugin.origin(),
        consideration,
    }
}

/// Plugins of interfaces whose names share all but the last label, or the last label, with what was asked for.
fn near_interfaces(catalog: &Catalog, wanted: &str) -> Vec<Considered> {
    let parts = |id: &str| {
        id.rsplit_once('.')
            .map(|(above, last)| (above.to_owned(), last.to_owned()))
    };
    let mut near = Vec::new();
    for index in 0..catalog.image.interfaces() {
        let Some((id, offers)) = catalog.image.interface(index) else {
            continue;
        };
        let is_near = parts(id)
            .zip(parts(wanted))
            .is_some_and(|(one, other)| one.0 == other.0 || one.1 == other.1);
        if !is_near {
            continue;
        }
        for row in offers {
            let offer = catalog.image.offer(row).and_then(|row| catalog.offer(row));
            if let Some((plugin, _)) = offer
                && let Ok(provides) = Id::new(id)
            {
                near.push(considered(plugin, Consideration::Interface { provides }));
            }
        }
    }
    near
}

impl fmt::Display for Consideration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { rank } => write!(f, "is taken, with rank {rank}"),
            Self::Shadowed { by, version } => write!(f, "would do; {by} {version} is preferred"),
            Self::Version { provides, wanted } => {
                write!(
                    f,
                    "provides the interface in version {provides}; wanted is {wanted}"
                )
            }
            Self::Methods { difference } => f.write_str(difference),
            Self::Keys {
                near: Some(near), ..
            } => write!(f, "has the key {near:?}, which differs by case"),
            Self::Keys { keys, near: None } if keys.is_empty() => f.write_str("has no keys"),
            Self::Keys { keys, near: None } => write!(f, "has the keys {keys:?}"),
            Self::Metadata { pointer } => {
                write!(
                    f,
                    "has something else, or nothing, at {pointer:?} of its metadata"
                )
            }
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Interface { provides } => {
                write!(f, "provides {provides}, which is another interface")
            }
        }
    }
}

impl fmt::Display for LookedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            folder,
            origin,
            outcome,
        } = self;
        write!(f, "{folder:?} ({origin}): ")?;
        let count = |number: usize, one: &str| match number {
            1 => format!("1 {one}"),
            number => format!("{number} {one}s"),
        };
        match outcome {
            LookedAtOutcome::Read { files, plugins } => {
                write!(
                    f,
                    "{}, {}",
                    count(*files, "file"),
                    count(*plugins, "plugin")
                )
            }
            LookedAtOutcome::Missing => f.write_str("is not there"),
            LookedAtOutcome::Refused(refusal) => refusal.fmt(f),
        }
    }
}

/// Several lines: the answer, then the candidates, the folders, and what is not used.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = if self.is_found() {
            "is found"
        } else {
            "is not found"
        };
        write!(f, "{} {found}", self.query)?;
        for candidate in &self.candidates {
            let Considered {
                id,
                version,
                origin,
                consideration,
            } = candidate;
            write!(f, "\n  {id} {version} in {origin}: {consideration}")?;
        }
        if self.candidates.is_empty() {
            f.write_str("\n  no plugin provides it, or an interface with a name like it")?;
        }
        if self.folders.is_empty() {
            f.write_str("\nno folders to look into")?;
        } else {
            f.write_str("\nlooked into")?;
        }
        for folder in &self.folders {
            write!(f, "\n  {folder}")?;
        }
        for remark in &self.remarks {
            write!(f, "\n  {remark}")?;
        }
        if !self.refused.is_empty() {
            f.write_str("\nnot used")?;
        }
        for refusal in &self.refused {
            write!(f, "\n  {refusal}")?;
        }
        Ok(())
    }
}
