//! The host: what its folders offer, and handles for it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::mem;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plugwright_manifest::{Detail, Id, Provided, Record, Version, compat};
use plugwright_plugin::bind::SharedInstance;
use plugwright_plugin::{Handle, Interface};
use plugwright_trust::{Digest, Policy};
use serde_json::Value;

use crate::builder::Copies;
use crate::discovery::{self, Found};
use crate::error::{Attempt, CreateError, CreateErrorKind, StopError};
use crate::linked::LINKED;
use crate::pipeline::{Bound, Loaded, Started};
use crate::registration::{LibraryFile, Place, Registration};
use crate::services::{Services, Surroundings};
use crate::{
    HostBuilder, InProcess, Linked, Origin, Refusal, RefusalKind, SearchPaths, Seen, Status,
};

/// What an application's folders offer. May be shared between threads.
#[derive(Debug)]
pub struct Host {
    policy: Policy,
    permission: Option<InProcess>,
    copies: Option<Copies>,
    paths: SearchPaths,
    plugins: Vec<Registration>,
    /// For each interface, the plugins that provide it and which of their entries does,
    /// best first.
    offers: HashMap<Id, Vec<Offer>>,
    seen: Vec<Seen>,
    around: Arc<Surroundings>,
    /// The instances of singletons, in the order in which they were started.
    running: Mutex<Vec<(Id, Version, Arc<SharedInstance>)>>,
}

/// That a plugin provides an interface.
#[derive(Clone, Copy, Debug)]
struct Offer {
    plugin: usize,
    provided: usize,
}

/// A plugin that a host offers.
#[derive(Clone, Copy)]
pub struct Plugin<'a> {
    registration: &'a Registration,
}

impl Host {
    /// Begins a host that accepts what `policy` accepts.
    pub fn builder(policy: Policy) -> HostBuilder {
        HostBuilder::new(policy)
    }

    /// Begins a host for developing plugins: it trusts files of root and of the user who
    /// runs it, wherever they lie, and loads private copies of them that a debugger can
    /// open. The copies are kept below the system's folder for temporary files, which is
    /// found through the environment (`TMPDIR`).
    pub fn developer() -> HostBuilder {
        Self::builder(Policy::developer()).copies_below(std::env::temp_dir())
    }

    pub(crate) fn scan(builder: HostBuilder) -> Self {
        let (mut found, mut seen) = (Vec::new(), Vec::new());
        let paths = builder.paths.below(&builder.sub_folder);
        for path in paths.entries() {
            discovery::scan(path, &mut found, &mut seen);
        }
        let linked = linked(&builder.linked, &mut seen);
        let mut plugins = without_duplicates(found, &linked, &mut seen);
        plugins.extend(linked);
        for plugin in &mut plugins {
            let value = builder
                .configurations
                .get(plugin.record.summary.id.as_str());
            plugin.configuration = value.map(Value::to_string);
        }
        seen.sort_by(|a, b| a.origin.cmp(&b.origin));
        let offers = offers(&plugins);
        Self {
            policy: builder.policy,
            permission: builder.permission,
            copies: builder.copies_below.map(Copies::new),
            paths,
            plugins,
            offers,
            seen,
            around: Arc::new(Surroundings::new(builder.application, builder.data_below)),
            running: Mutex::default(),
        }
    }

    /// The plugins on offer, in the order in which they were found.
    pub fn plugins(&self) -> impl Iterator<Item = Plugin<'_>> {
        self.plugins
            .iter()
            .map(|registration| Plugin { registration })
    }

    /// The folders that are looked into, with who named each and what was passed over.
    #[must_use]
    pub fn paths(&self) -> &SearchPaths {
        &self.paths
    }

    /// Everything that the folders hold, by path: each file's plugin or the reason why it
    /// is not used. Behind it the plugins that are linked into the program.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// The plugins that provide `T` in some form, best first: by rank, then by version.
    pub fn providers<T: ?Sized + Interface>(&self) -> impl Iterator<Item = Plugin<'_>> {
        self.offers_of::<T>().iter().filter_map(|offer| {
            let registration = self.plugins.get(offer.plugin)?;
            Some(Plugin { registration })
        })
    }

    /// The keys under which `T` can be had, best provider first, each once.
    #[must_use]
    pub fn keys<T: ?Sized + Interface>(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for offer in self.offers_of::<T>() {
            if let Some((_, provided)) = self.offered(*offer)
                && compat::check(T::SHAPE, provided, None).is_ok()
            {
                for key in &provided.keys {
                    if !keys.contains(&key.as_str()) {
                        keys.push(key);
                    }
                }
            }
        }
        keys
    }

    /// An instance of the best plugin that provides `T` under `key`: a new one, or, of a
    /// plugin that declares itself a singleton, the one that all who ask this host share.
    ///
    /// The plugin is loaded when this is the first use of it. A plugin that does not fit or
    /// is refused is passed over, and the next best is taken; if there is none left, the
    /// error names each with its reason.
    ///
    /// # Errors
    /// When no plugin provides `T` under `key`, or none that does can be used.
    pub fn create<T: ?Sized + Interface>(&self, key: &str) -> Result<Handle<T>, CreateError> {
        self.create_where(Some(key), None)
    }

    /// As [`Host::create`], made with `configuration` instead of the one that the builder has
    /// for the plugin. A plugin that takes none, or that cannot use it, is passed over, and so
    /// is a singleton that was made before.
    ///
    /// # Errors
    /// As [`Host::create`].
    pub fn create_with<T: ?Sized + Interface>(
        &self,
        key: &str,
        configuration: &Value,
    ) -> Result<Handle<T>, CreateError> {
        self.create_where(Some(key), Some(&configuration.to_string()))
    }

    /// Makes an object of the best plugin that provides `T`, whatever its keys.
    ///
    /// # Errors
    /// When no plugin provides `T`, or none that does can be used.
    pub fn create_any<T: ?Sized + Interface>(&self) -> Result<Handle<T>, CreateError> {
        self.create_where(None, None)
    }

    fn create_where<T: ?Sized + Interface>(
        &self,
        key: Option<&str>,
        configuration: Option<&str>,
    ) -> Result<Handle<T>, CreateError> {
        let mut attempts = Vec::new();
        for offer in self.offers_of::<T>() {
            let Some((registration, provided)) = self.offered(*offer) else {
                continue;
            };
            if key.is_some_and(|key| !provided.keys.iter().any(|own| own == key)) {
                continue;
            }
            match self.create_from::<T>(registration, provided, configuration) {
                Ok(handle) => return Ok(handle),
                Err(refusal) => attempts.push(Attempt {
                    id: registration.record.summary.id.clone(),
                    version: registration.record.summary.version.clone(),
                    refusal,
                }),
            }
        }
        Err(self.failed::<T>(key, attempts))
    }

    fn create_from<T: ?Sized + Interface>(
        &self,
        registration: &Registration,
        provided: &Provided,
        given: Option<&str>,
    ) -> Result<Handle<T>, Refusal> {
        if compat::check(T::SHAPE, provided, None).is_err() {
            return Err(self.mismatch::<T>(registration, provided));
        }
        let refuse = |kind| registration.refuse(kind);
        let summary = &registration.record.summary;
        let configuration = given.or(registration.configuration.as_deref());
        if configuration.is_some() && !summary.configurable {
            return Err(refuse(RefusalKind::NotConfigurable));
        }
        let reentrant = || refuse(RefusalKind::Reentrant);
        let started = registration
            .plugin
            .get_or_fill(|| self.start(registration), reentrant)?;
        let failed = |error| refuse(RefusalKind::Create(error));
        if !summary.singleton {
            return started.create::<T>(configuration).map_err(failed);
        }
        let mut is_new = false;
        let instance = registration.instance.get_or_fill(
            || {
                is_new = true;
                let instance = started.instance(configuration).map_err(failed)?;
                // The record in the bytes that were loaded is the one that was scanned.
                let instance = Arc::new(instance.ok_or_else(|| refuse(RefusalKind::Changed))?);
                let (id, version) = (summary.id.clone(), summary.version.clone());
                self.running().push((id, version, Arc::clone(&instance)));
                Ok(instance)
            },
            reentrant,
        )?;
        if given.is_some() && !is_new {
            return Err(refuse(RefusalKind::AlreadyMade));
        }
        instance.handle::<T>(started.schema::<T>()).map_err(failed)
    }

    /// Binds a plugin, whose library is loaded when none of its plugins was asked for before.
    fn start(&self, registration: &Registration) -> Result<Started, Refusal> {
        let id = &registration.record.summary.id;
        let services = Arc::new(Services::new(id.clone(), &self.around));
        let bound = match &registration.place {
            Place::File(file) => {
                let reentrant = || registration.refuse(RefusalKind::Reentrant);
                let loaded = file.loaded.get_or_fill(|| self.load(file), reentrant)?;
                loaded.bind(id, services)?
            }
            Place::Program(plugin) => Bound::linked(plugin, &registration.record, services)?,
        };
        Ok(bound.start())
    }

    /// Walks a library through the pipeline.
    fn load(&self, file: &LibraryFile) -> Result<Loaded, Refusal> {
        let candidate = &file.candidate;
        let copies = match &self.copies {
            Some(copies) => match copies.folder() {
                Ok(folder) => Some(folder),
                Err(error) => {
                    return Err(Refusal::new(candidate.path(), RefusalKind::Copy(error)));
                }
            },
            None => None,
        };
        candidate
            .inspect(&file.records, &self.policy, copies)?
            .resolve()?
            .judge(&self.policy)?
            .plan(self.permission)?
            .load()
    }

    /// The instances of singletons. No code of ours panics while the lock is held.
    fn running(&self) -> MutexGuard<'_, Vec<(Id, Version, Arc<SharedInstance>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the instances of singletons, the one that was started last first, and returns
    /// what failed. Handles for them that still exist fail with `Stopped` from now on. Other
    /// instances belong to who asked for them: each stops when its last handle is dropped.
    ///
    /// A host that is dropped without this lets go of the instances in the same order, which
    /// stops those that nobody has a handle for, and nobody learns what failed.
    #[must_use = "what could not be stopped in an orderly way may have lost data"]
    pub fn close(self) -> Vec<StopError> {
        let stop = |(id, version, instance): (Id, Version, Arc<SharedInstance>)| {
            let error = instance.stop().err()?;
            Some(StopError::new(id, version, error))
        };
        // A copy, since no lock is held while plugins run; dropping the host lets go of them.
        let running: Vec<_> = self.running().clone();
        running.into_iter().rev().filter_map(stop).collect()
    }

    /// The precise difference: the plugin's file is read once more for its schema.
    fn mismatch<T: ?Sized + Interface>(
        &self,
        registration: &Registration,
        provided: &Provided,
    ) -> Refusal {
        let detail = registration.detail();
        let schema = detail.as_ref().and_then(|detail| {
            let mut schemas = detail.schemas.iter();
            schemas.find(|schema| {
                schema.interface == provided.interface && schema.version == provided.version
            })
        });
        match compat::check(T::SHAPE, provided, schema) {
            Err(mismatch) => registration.refuse(RefusalKind::Mismatch(mismatch)),
            // Only reached if the answer depended on the schema, which it does not.
            Ok(()) => registration.refuse(RefusalKind::Changed),
        }
    }

    fn offers_of<T: ?Sized + Interface>(&self) -> &[Offer] {
        self.offers.get(T::SHAPE.id).map_or(&[], Vec::as_slice)
    }

    fn offered(&self, offer: Offer) -> Option<(&Registration, &Provided)> {
        let registration = self.plugins.get(offer.plugin)?;
        let provided = registration.record.summary.provides.get(offer.provided)?;
        Some((registration, provided))
    }

    fn failed<T: ?Sized + Interface>(
        &self,
        key: Option<&str>,
        attempts: Vec<Attempt>,
    ) -> CreateError {
        let kind = if attempts.is_empty() {
            CreateErrorKind::NotFound
        } else {
            CreateErrorKind::AllRefused
        };
        let near = self.offers_of::<T>().iter().filter_map(|offer| {
            let (registration, provided) = self.offered(*offer)?;
            let id = &registration.record.summary.id;
            Some(format!(
                "{id} provides {} {} under {:?}",
                provided.interface, provided.version, provided.keys
            ))
        });
        let refused = self.seen.iter().filter_map(|seen| match &seen.status {
            Status::Refused(refusal) => Some(refusal),
            _ => None,
        });
        let (folders, files): (Vec<_>, Vec<_>) = refused.partition(|refusal| {
            let path = refusal.origin().path();
            self.paths.list().any(|own| Some(own) == path)
        });
        let folders = folders.iter().map(ToString::to_string);
        let files = files.into_iter().filter(|refusal| {
            !matches!(
                refusal.kind(),
                RefusalKind::Foreign(_) | RefusalKind::NotAPlugin
            )
        });
        CreateError {
            kind,
            interface: T::SHAPE.id,
            version: T::SHAPE.version,
            key: key.map(str::to_owned),
            remarks: self
                .paths
                .remarks()
                .iter()
                .map(ToString::to_string)
                .chain(folders)
                .chain(near)
                .collect(),
            attempts,
            folders: self.paths.entries().len(),
            refused: files.count(),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.around.is_closed.store(true, Ordering::Release);
        let mut running = mem::take(&mut *self.running());
        // What the plugins' own places hold, before the order is what counts.
        self.plugins.clear();
        while let Some(last) = running.pop() {
            drop(last);
        }
    }
}

/// The index by interface: for each, its providers, the greatest rank first, then the
/// greatest version, then the order in which they were found.
fn offers(plugins: &[Registration]) -> HashMap<Id, Vec<Offer>> {
    let mut offers: HashMap<Id, Vec<Offer>> = HashMap::new();
    for (plugin, registration) in plugins.iter().enumerate() {
        for (index, provided) in registration.record.summary.provides.iter().enumerate() {
            offers
                .entry(provided.interface.clone())
                .or_default()
                .push(Offer {
                    plugin,
                    provided: index,
                });
        }
    }
    let order = |offer: &Offer| {
        let summary = plugins
            .get(offer.plugin)
            .map(|plugin| &plugin.record.summary);
        let rank = summary.and_then(|summary| Some(summary.provides.get(offer.provided)?.rank));
        let version = summary.map(|summary| summary.version.clone());
        std::cmp::Reverse((rank, version))
    };
    for offers in offers.values_mut() {
        offers.sort_by_key(order);
    }
    offers
}

/// Applies the rule for files that say they are the same version of the same plugin: equal
/// bytes are one offer, other bytes refuse them all.
fn without_duplicates(
    found: Vec<Found>,
    linked: &[Registration],
    seen: &mut Vec<Seen>,
) -> Vec<Registration> {
    let mut groups: HashMap<(Id, Version), Vec<usize>> = HashMap::new();
    for (index, found) in found.iter().enumerate() {
        let summary = &found.record.summary;
        groups
            .entry((summary.id.clone(), summary.version.clone()))
            .or_default()
            .push(index);
    }
    let mut verdicts: HashMap<usize, Status> = HashMap::new();
    for ((id, version), group) in groups {
        if let [first, others @ ..] = group.as_slice()
            && !others.is_empty()
        {
            let all = || group.iter().filter_map(|index| found.get(*index));
            let digests: Vec<Option<Digest>> =
                all().map(|found| found.file.candidate.digest()).collect();
            let paths: Vec<PathBuf> = all().map(|found| found.file.candidate.path()).collect();
            let equal = digests
                .iter()
                .all(|digest| digest.is_some() && *digest == digests[0]);
            for (place, index) in group.iter().enumerate() {
                if equal && index != first {
                    verdicts.insert(*index, Status::SameAs(paths[0].clone()));
                } else if !equal {
                    let other = paths[usize::from(place == 0)].clone();
                    let kind = RefusalKind::Duplicate {
                        id: id.clone(),
                        version: version.clone(),
                        other,
                    };
                    let refusal = Refusal::new(&paths[place], kind);
                    verdicts.insert(*index, Status::Refused(refusal));
                }
            }
        }
    }
    let mut plugins = Vec::new();
    for (index, Found { file, record }) in found.into_iter().enumerate() {
        let (id, version) = (record.summary.id.clone(), record.summary.version.clone());
        let path = file.candidate.path();
        let is_linked = linked.iter().any(|plugin| {
            let summary = &plugin.record.summary;
            (&summary.id, &summary.version) == (&id, &version)
        });
        let status = if is_linked {
            let kind = RefusalKind::LinkedAlready { id, version };
            Status::Refused(Refusal::new(&path, kind))
        } else {
            verdicts.remove(&index).unwrap_or_else(|| {
                plugins.push(Registration::new(Place::File(file), record));
                Status::Offered(id, version)
            })
        };
        let origin = path.into();
        seen.push(Seen { origin, status });
    }
    plugins
}

/// The wanted ones of the plugins that are linked into the program, each once, by id: the
/// linker has its own order.
fn linked(wanted: &Linked, seen: &mut Vec<Seen>) -> Vec<Registration> {
    let origin = Origin::Program;
    let mut all: BTreeMap<Id, Registration> = BTreeMap::new();
    for plugin in LINKED {
        let plugin = plugin();
        match plugin.record() {
            Ok(record) => {
                let id = record.summary.id.clone();
                all.insert(id, Registration::new(Place::Program(plugin), record));
            }
            Err(error) => seen.push(Seen {
                status: Status::Refused(Refusal::new(origin.clone(), RefusalKind::Record(error))),
                origin: origin.clone(),
            }),
        }
    }
    for id in wanted.named() {
        if !all.keys().any(|linked| linked.as_str() == id) {
            let kind = RefusalKind::NotLinked { id: id.to_owned() };
            seen.push(Seen {
                status: Status::Refused(Refusal::new(origin.clone(), kind)),
                origin: origin.clone(),
            });
        }
    }
    all.retain(|id, _| wanted.contains(id));
    let offered = |plugin: &Registration| {
        let summary = &plugin.record.summary;
        Status::Offered(summary.id.clone(), summary.version.clone())
    };
    seen.extend(all.values().map(|plugin| Seen {
        origin: origin.clone(),
        status: offered(plugin),
    }));
    all.into_values().collect()
}

impl<'a> Plugin<'a> {
    /// The plugin's id.
    #[must_use]
    pub fn id(&self) -> &'a Id {
        &self.record().summary.id
    }

    /// The plugin's version.
    #[must_use]
    pub fn version(&self) -> &'a Version {
        &self.record().summary.version
    }

    /// What it provides.
    #[must_use]
    pub fn provides(&self) -> &'a [Provided] {
        &self.record().summary.provides
    }

    /// Where it is: a file, or the program itself.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.registration.origin()
    }

    /// Its record as it stood in the file when the folder was scanned, without the detail.
    #[must_use]
    pub fn record(&self) -> &'a Record {
        &self.registration.record
    }

    /// Reads texts, schema and application metadata from the file; nothing is run. `None`
    /// when the file no longer has this record.
    #[must_use]
    pub fn detail(&self) -> Option<Detail> {
        self.registration.detail()
    }

    /// Whether it is loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.registration.plugin.is_full()
    }
}

impl fmt::Debug for Plugin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", self.id())
            .field("version", self.version())
            .field("origin", &self.origin())
            .finish()
    }
}
