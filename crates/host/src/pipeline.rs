//! The order of a load, as types: none can be made but from the one before it.
//!
//! | stage | what is known or done | by |
//! |---|---|---|
//! | [`Candidate`] | a name in a folder | discovery |
//! | [`Inspected`] | opened below the folder, copied so that nobody can change it, parsed strictly | `evidence`, `dylib`, `inspect` |
//! | [`Resolved`] | what it needs is known, and held in the same way | `inspect`, `evidence`, `dylib` |
//! | [`Judged`] | the policy allows these very bytes, and those of what they need | `trust` |
//! | [`Planned`] | there is a place to run it and permission to use that place | |
//! | [`Loaded`] | constructors have run | `dylib` |
//! | [`Bound`] | the plugin's table agrees with its manifest | `plugin` |
//! | [`Started`] | objects can be made | |
//!
//! A plugin that is linked into the program enters at `bind`: see [`Bound::linked`].
//!
//! Nothing of the plugin runs before `load`, and what was inspected and judged is what is
//! loaded: the [`Image`] that was copied first is handed from stage to stage. Up to `load`
//! the stages are about a library with all the plugins that it offers, since these share its
//! constructors: the policy has to allow each of them.

use std::borrow::Borrow;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plugwright_audit::audited;
use plugwright_dylib::{CopyFolder, Hints, Image, Library};
use plugwright_evidence::{OpenError, Opened, Signatures, digest, manifest};
use plugwright_inspect::{Symbols, Target, headers, symbols};
use plugwright_manifest::schema::Schema;
use plugwright_manifest::{Detail, Id, Record};
use plugwright_plugin::abi::KeepAlive;
use plugwright_plugin::bind::{self, BoundPlugin, CreateError, SharedInstance};
use plugwright_plugin::context::HostServices;
use plugwright_plugin::linked::LinkedPlugin;
use plugwright_plugin::{Handle, Interface};
use plugwright_trust::{Digest, Grants, Placement, Policy, Reason, Source, Verdict, judge};

use crate::discovery::Folder;
use crate::needs::{Needs, hold};
use crate::{InProcess, Origin, Refusal, RefusalKind};

/// A name in a folder that was opened: what discovery found.
#[derive(Clone, Debug)]
pub struct Candidate {
    folder: Arc<Folder>,
    name: PathBuf,
}

/// A file whose bytes are held and were parsed.
#[derive(Debug)]
pub struct Inspected {
    candidate: Candidate,
    path: PathBuf,
    opened: Opened,
    image: Image,
    held: Source,
    contents: Symbols,
    records: Vec<Record>,
    sources: Vec<Source>,
    copies: Option<CopyFolder>,
}

/// A file of which it is known what it needs.
#[derive(Debug)]
pub struct Resolved {
    inspected: Inspected,
    needed: Vec<String>,
    needs: Needs,
    soname: Option<OsString>,
}

/// A file that the policy allows.
#[derive(Debug)]
pub struct Judged {
    resolved: Resolved,
    allowed: Vec<Allowed>,
}

/// What the policy says of one plugin of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Allowed {
    /// The plugin's record.
    pub record: Record,
    /// Where the policy wants it to run.
    pub placement: Placement,
    /// What the policy grants it.
    pub grants: Grants,
    /// What speaks against it without being a reason to refuse it under the policy.
    pub remarks: Vec<Reason>,
}

/// A file that will be loaded into a certain place.
#[derive(Debug)]
pub struct Planned {
    judged: Judged,
    _permission: InProcess,
}

/// A library whose constructors have run.
#[derive(Debug)]
pub struct Loaded {
    path: PathBuf,
    allowed: Vec<Allowed>,
    library: Arc<Library>,
}

/// A plugin whose table agrees with its manifest.
#[derive(Debug)]
pub struct Bound {
    origin: Origin,
    record: Record,
    grants: Option<Grants>,
    plugin: BoundPlugin,
}

/// A plugin that can be used.
#[derive(Debug)]
pub struct Started(Bound);

impl Candidate {
    pub(crate) fn new(folder: Arc<Folder>, name: impl Into<PathBuf>) -> Self {
        Self {
            folder,
            name: name.into(),
        }
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its name in the folder.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    pub(crate) fn open(&self) -> Result<Opened, OpenError> {
        self.folder.root()?.open_file(&self.name)
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// The file's digest as it is now; `None` when it cannot be read.
    pub(crate) fn digest(&self) -> Option<Digest> {
        let opened = self.open().ok()?;
        digest(opened.file()).ok()
    }

    /// The detail of `record` as it is in the file now.
    pub(crate) fn detail(&self, record: &Record) -> Option<Detail> {
        let opened = self.open().ok()?;
        let headers = headers(opened.file(), self.name.file_name());
        let records = headers
            .images
            .into_iter()
            .flat_map(|image| image.image.records);
        records
            .filter(|found| found.summary == record.summary)
            .find_map(|found| found.detail)
    }

    /// Opens the file below its folder, takes hold of its bytes in the way that `policy`
    /// prefers, and parses them. `expected` are the records of the plugins that the file
    /// offered when its folder was scanned.
    ///
    /// # Errors
    /// When the file cannot be opened or copied, or no longer has those records.
    pub fn inspect(
        &self,
        expected: &[impl Borrow<Record>],
        policy: &Policy,
        copies: Option<&CopyFolder>,
    ) -> Result<Inspected, Refusal> {
        let path = self.path();
        let refuse = |kind| Refusal::new(path.clone(), kind);
        let opened = self
            .open()
            .map_err(|error| refuse(RefusalKind::Unreadable(error)))?;
        let (image, held) = hold(&opened, &policy.sources, copies).map_err(refuse)?;
        let contents = symbols(&image, self.name.file_name());
        let found = |expected: &Record| {
            let images = contents.images.iter();
            let mut records = images.flat_map(|image| &image.headers.image.records);
            records
                .find(|record| record.summary == expected.summary)
                .cloned()
        };
        let records: Option<Vec<Record>> = expected.iter().map(Borrow::borrow).map(found).collect();
        let Some(records) = records else {
            return Err(refuse(RefusalKind::Changed));
        };
        Ok(Inspected {
            candidate: self.clone(),
            path,
            opened,
            image,
            held,
            contents,
            records,
            sources: policy.sources.clone(),
            copies: copies.cloned(),
        })
    }
}

impl Inspected {
    /// Finds what the file needs and the process does not have, and takes hold of it: from these
    /// bytes, whatever lies at the file's path by now.
    ///
    /// # Errors
    /// When it is not for this system, or something that it needs cannot be held.
    pub fn resolve(self) -> Result<Resolved, Refusal> {
        let host = Target::host();
        let image = host.and_then(|host| self.contents.image_for(&host));
        let Some(image) = image else {
            let problem = host
                .zip(self.contents.images.first())
                .and_then(|(host, image)| host.mismatch(&image.headers.image.target));
            let kind = problem.map_or(RefusalKind::NotAPlugin, RefusalKind::WrongTarget);
            return Err(Refusal::new(self.path, kind));
        };
        let needed = image
            .headers
            .needed
            .iter()
            .map(ToString::to_string)
            .collect();
        let soname = image.headers.name.as_ref();
        let soname = soname.map(|name| OsStr::from_bytes(name.as_bytes()).to_owned());
        let needs = Needs::find(
            &self.path,
            &self.image,
            image,
            &self.sources,
            self.copies.as_ref(),
        );
        let needs = needs.map_err(|kind| Refusal::new(&self.path, kind))?;
        Ok(Resolved {
            inspected: self,
            needed,
            needs,
            soname,
        })
    }
}

impl Resolved {
    /// The names of the libraries that the file needs, escaped, in its order.
    #[must_use]
    pub fn needed(&self) -> &[String] {
        &self.needed
    }

    /// The names of what will be loaded with it or is missing, escaped: what it needs, and
    /// what that needs, but for what the process has already.
    pub fn brought_in(&self) -> impl Iterator<Item = String> {
        self.needs.names()
    }

    /// Gathers the facts about the held bytes and asks the judge, for each plugin.
    ///
    /// # Errors
    /// When the bytes cannot be read, or with every reason of the policy's against the first
    /// plugin that it does not allow.
    pub fn judge(self, policy: &Policy) -> Result<Judged, Refusal> {
        let inspected = &self.inspected;
        let refuse = |kind| Refusal::new(&inspected.path, kind);
        let candidate = &inspected.candidate;
        let root = candidate.folder.root();
        let root = root.map_err(|error| refuse(RefusalKind::Unreadable(error)))?;
        let signed = Signatures::new(&root, &policy.keys).of(&candidate.name);
        let facts = inspected
            .opened
            .facts(&inspected.image, &inspected.contents, &signed);
        let facts = facts.map_err(|error| refuse(RefusalKind::Reading(error)))?;
        let needed = self.needs.facts(policy);
        let needed = needed.map_err(|error| refuse(RefusalKind::Reading(error)))?;
        let facts = facts.with_held(inspected.held).with_needed(needed);
        let facts = audited(facts, policy, &inspected.image, &inspected.path);
        let mut allowed = Vec::with_capacity(inspected.records.len());
        for record in &inspected.records {
            let facts = facts.clone().with_manifest(manifest(record));
            match judge(&facts, policy) {
                Verdict::Allow {
                    placement,
                    grants,
                    remarks,
                } => allowed.push(Allowed {
                    record: record.clone(),
                    placement,
                    grants,
                    remarks,
                }),
                Verdict::Refuse { reasons } => return Err(refuse(RefusalKind::Judged(reasons))),
            }
        }
        Ok(Judged {
            resolved: self,
            allowed,
        })
    }
}

impl Judged {
    /// What the policy says of each plugin.
    #[must_use]
    pub fn allowed(&self) -> &[Allowed] {
        &self.allowed
    }

    /// Settles where it runs.
    ///
    /// # Errors
    /// When the binary interface is another one, or there is no permission to use the place.
    pub fn plan(self, permission: Option<InProcess>) -> Result<Planned, Refusal> {
        let inspected = &self.resolved.inspected;
        let refuse = |kind| Err(Refusal::new(&inspected.path, kind));
        for record in &inspected.records {
            if let Err(error) = bind::check_abi(&record.summary) {
                return refuse(RefusalKind::Abi(error));
            }
        }
        match permission {
            Some(permission) => Ok(Planned {
                judged: self,
                _permission: permission,
            }),
            None => refuse(RefusalKind::NoPermission),
        }
    }
}

impl Planned {
    /// Loads the held bytes, and before them those of what they need. All constructors run
    /// here, and nothing of them before.
    ///
    /// # Errors
    /// When the system's loader refuses one of them, or mapped something else.
    pub fn load(self) -> Result<Loaded, Refusal> {
        let Judged { resolved, allowed } = self.judged;
        let Resolved {
            inspected,
            needs,
            soname,
            ..
        } = resolved;
        let Inspected { path, image, .. } = inspected;
        #[expect(
            unsafe_code,
            reason = "running the plugin's constructors is what the permission allows"
        )]
        // SAFETY: the policy allowed these bytes, and whoever made the `InProcess` that
        // this plan carries answers for the constructors of every plugin that it allows, and
        // of what those bring along.
        let image = unsafe { needs.load(image, soname.as_deref()) };
        let image = image.map_err(|kind| Refusal::new(&path, kind))?;
        #[expect(
            unsafe_code,
            reason = "running the plugin's constructors is what the permission allows"
        )]
        // SAFETY: as above; what the bytes need is loaded under the names by which they ask.
        let library = unsafe { Library::load(image, Hints::new()) };
        match library {
            Ok(library) => Ok(Loaded {
                path,
                allowed,
                library: Arc::new(library),
            }),
            Err(error) => Err(Refusal::new(path, RefusalKind::Load(error))),
        }
    }
}

impl Loaded {
    /// Enters one of the library's plugins and compares its table with its manifest.
    /// `services` is what it can ask of its host.
    ///
    /// # Errors
    /// When the library does not offer the plugin, the entry symbol is missing, or table and
    /// manifest disagree.
    pub fn bind(&self, plugin: &Id, services: Arc<dyn HostServices>) -> Result<Bound, Refusal> {
        let refuse = |kind| Refusal::new(&self.path, kind);
        let mut allowed = self.allowed.iter();
        let allowed = allowed.find(|allowed| allowed.record.summary.id == *plugin);
        let allowed = allowed.ok_or_else(|| refuse(RefusalKind::Changed))?;
        let summary = &allowed.record.summary;
        // A record with a NUL in its entry has no symbol: the lookup says so.
        let symbol = CString::new(summary.entry().replace('\0', "\u{fffd}")).unwrap_or_default();
        let entry = self
            .library
            .data::<std::ffi::c_void>(&symbol)
            .map_err(|error| refuse(RefusalKind::Entry(error)))?;
        let keep = KeepAlive::new(Arc::clone(&self.library));
        #[expect(
            unsafe_code,
            reason = "entering the plugin is what the permission allows"
        )]
        // SAFETY: the symbol is the one that the record in these very bytes names; the
        // library is never unloaded. That it keeps to the binary interface is what whoever
        // made the `InProcess` answers for.
        let plugin = unsafe { BoundPlugin::bind(entry, keep, summary, services) };
        match plugin {
            Ok(plugin) => Ok(Bound {
                origin: self.path.as_path().into(),
                record: allowed.record.clone(),
                grants: Some(allowed.grants.clone()),
                plugin,
            }),
            Err(error) => Err(refuse(RefusalKind::Bind(error))),
        }
    }
}

impl Bound {
    /// Enters a plugin that is linked into the program. It has no file that could be judged:
    /// whoever linked it decided.
    ///
    /// # Errors
    /// When its table and its record, which is `record`, disagree.
    pub fn linked(
        plugin: &LinkedPlugin,
        record: &Record,
        services: Arc<dyn HostServices>,
    ) -> Result<Self, Refusal> {
        match plugin.bind(&record.summary, services) {
            Ok(plugin) => Ok(Self {
                origin: Origin::Program,
                record: record.clone(),
                grants: None,
                plugin,
            }),
            Err(error) => Err(Refusal::new(Origin::Program, RefusalKind::Bind(error))),
        }
    }

    /// Makes the plugin ready for use.
    #[must_use]
    pub fn start(self) -> Started {
        Started(self)
    }
}

impl Started {
    /// The plugin's record, as it stood in the bytes that were loaded.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.0.record
    }

    /// Where it came from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// What the policy grants it. `None` for a plugin that is linked into the program, which
    /// no policy was asked about.
    #[must_use]
    pub fn grants(&self) -> Option<&Grants> {
        self.0.grants.as_ref()
    }

    /// Makes an instance and starts it. `configuration` is JSON.
    ///
    /// # Errors
    /// When the plugin does not provide `T`, cannot use the configuration, or its constructor
    /// or start fails.
    pub fn create<T: ?Sized + Interface>(
        &self,
        configuration: Option<&str>,
    ) -> Result<Handle<T>, CreateError> {
        self.0.plugin.create(configuration, self.schema::<T>())
    }

    /// Makes the instance that all share, and starts it. There is to be one: whoever calls
    /// this keeps it. `None` when the plugin is no singleton.
    ///
    /// # Errors
    /// When the plugin cannot use the configuration, or its constructor or start fails.
    pub fn instance(
        &self,
        configuration: Option<&str>,
    ) -> Result<Option<SharedInstance>, CreateError> {
        if !self.0.plugin.is_singleton() {
            return Ok(None);
        }
        let instance = self.0.plugin.instance(configuration);
        Ok(instance.map_err(CreateError::Failed)?.shared().ok())
    }

    /// The plugin's description of `T`.
    pub(crate) fn schema<T: ?Sized + Interface>(&self) -> Option<&Schema> {
        let mut schemas = self.record().detail.as_ref()?.schemas.iter();
        schemas.find(|schema| schema.interface.as_str() == T::SHAPE.id)
    }
}
