//! The host: what its folders offer, and handles for it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use plugwright_manifest::{Provided, compat};
use plugwright_plugin::bind::SharedInstance;
use plugwright_plugin::{Handle, Interface};
use plugwright_trust::Policy;
use serde_json::Value;

use crate::advice::{Adviser, Findings};
use crate::builder::{Copies, Profiles};
use crate::catalog::Catalog;
use crate::change::{Change, ListenerId, Listeners};
use crate::discovery;
use crate::error::{Attempt, CreateError, CreateErrorKind, FileError, StopError};
use crate::pipeline::{Bound, Loaded, Started};
use crate::registration::{LibraryFile, Place, Registration};
use crate::registry::{self, FileState};
use crate::services::{Services, Surroundings};
use crate::{
    Advice, HostBuilder, InProcess, Offer, Plugin, Query, Refusal, RefusalKind, Registry,
    RegistryState, SearchPaths, Seen, Status, linked,
};

/// What an application's folders offer. May be shared between threads.
#[derive(Debug)]
pub struct Host {
    policy: Policy,
    permission: Option<InProcess>,
    copies: Option<Copies>,
    profiles: Profiles,
    priorities: HashMap<String, i32>,
    configurations: HashMap<String, Value>,
    pub(crate) paths: SearchPaths,
    registry: Option<Registry>,
    /// What is known of the files' bytes; read when it is asked for.
    findings: Mutex<Option<Findings>>,
    identity: [u8; 32],
    catalog: RwLock<Arc<Scan>>,
    /// Held while folders are looked through, so that two do not report the same change.
    refreshing: Mutex<()>,
    listeners: Listeners,
    pub(crate) linked: Vec<Arc<Registration>>,
    /// What became of the plugins that are linked into the program.
    linked_seen: Vec<Seen>,
    /// Plugins of files outside of the folders.
    files: Mutex<HashMap<PathBuf, Vec<Arc<Registration>>>>,
    around: Arc<Surroundings>,
    /// The instances of singletons, in the order in which they were started.
    running: Mutex<Vec<Running>>,
}

/// A scan's outcome.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) catalog: Catalog,
    state: RegistryState,
}

/// An instance that all share.
#[derive(Clone, Debug)]
struct Running {
    registration: Arc<Registration>,
    instance: Arc<SharedInstance>,
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
    ///
    /// With the feature `tracing` the first of these in a process says so in the application's
    /// log, as a warning of `plugwright::host`.
    pub fn developer() -> HostBuilder {
        crate::log::developer();
        Self::builder(Policy::developer()).copies_below(std::env::temp_dir())
    }

    pub(crate) fn scan(builder: HostBuilder) -> Self {
        let paths = builder.paths.below(&builder.sub_folder);
        let (linked, linked_seen) = linked::registrations(&builder.linked);
        let identity = registry::identity();
        let host = Self {
            policy: builder.policy,
            permission: builder.permission,
            copies: builder.copies_below.map(Copies::new),
            profiles: builder.profiles,
            priorities: builder.priorities,
            configurations: builder.configurations,
            catalog: RwLock::new(Arc::new(first_scan(
                &paths,
                builder.registry.as_ref(),
                &identity,
            ))),
            refreshing: Mutex::new(()),
            listeners: Listeners::default(),
            paths,
            registry: builder.registry,
            findings: Mutex::default(),
            identity,
            linked,
            linked_seen,
            files: Mutex::default(),
            around: Arc::new(Surroundings::new(builder.application, builder.data_below)),
            running: Mutex::default(),
        };
        for registration in &host.linked {
            host.configure(registration);
        }
        host
    }

    /// What the last scan found. The lock is held for the length of a copy of a pointer.
    pub(crate) fn current(&self) -> Arc<Scan> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks through the folders again, tells the listeners what is different, and returns it too: by file, and
    /// within a file by plugin. What is unchanged is not read, and stays loaded. What changed or is gone works on
    /// for who has a handle. Several threads may call this; one after the other looks.
    pub fn refresh(&self) -> Vec<Change> {
        let looking = self
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = self.current();
        let scanned = discovery::scan(&self.paths, &self.identity, Some(&before.catalog.image));
        let (is_same, kept) = (scanned.is_same, scanned.kept.clone());
        let catalog = Catalog::new(scanned, Some(&before.catalog));
        if is_same && catalog.folders().len() == before.catalog.folders().len() {
            return Vec::new();
        }
        let state = match &self.registry {
            Some(registry) => registry.store(&catalog.image, "the folders changed".to_owned()),
            None => RegistryState::None,
        };
        let differences = catalog.differences(&before.catalog, &kept);
        let scan = Arc::new(Scan { catalog, state });
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = scan;
        drop(looking);
        let change = |difference: crate::catalog::Difference| {
            let plugin = |registration: Arc<Registration>| Plugin { registration };
            match (difference.before.map(plugin), difference.after.map(plugin)) {
                (Some(before), Some(after)) => Some(Change::Changed { before, after }),
                (None, Some(after)) => Some(Change::Added(after)),
                (Some(before), None) => Some(Change::Removed(before)),
                (None, None) => None,
            }
        };
        let changes: Vec<Change> = differences.into_iter().filter_map(change).collect();
        self.listeners.tell(&changes);
        changes
    }

    /// Calls `listener` with every change that a [`Host::refresh`] finds from now on, on the thread that refreshes.
    pub fn listen(&self, listener: impl Fn(&Change) + Send + Sync + 'static) -> ListenerId {
        self.listeners.add(Arc::new(listener))
    }

    /// Takes a listener off, and says whether it was one. A call that has begun ends.
    pub fn unlisten(&self, listener: ListenerId) -> bool {
        self.listeners.remove(listener)
    }

    /// What became of the registry at the last scan that found something else than the one before.
    #[must_use]
    pub fn registry_state(&self) -> RegistryState {
        self.current().state.clone()
    }

    /// The folders that are looked into, with who named each and what was passed over.
    #[must_use]
    pub fn paths(&self) -> &SearchPaths {
        &self.paths
    }

    /// The plugins on offer, in the order in which they were found; those that are linked into the program last.
    pub fn plugins(&self) -> impl Iterator<Item = Plugin> {
        let scan = self.current();
        let in_files = scan
            .catalog
            .offered()
            .filter(|plugin| !self.is_linked(plugin));
        let plugins: Vec<Plugin> = in_files.chain(&self.linked).map(Plugin::new).collect();
        plugins.into_iter()
    }

    /// What the policy says of each plugin as its file is now, for a list or a dialogue. Nothing is loaded, and what a plugin brings
    /// in is not looked at: when it is loaded, everything is held, read and judged anew.
    ///
    /// A file is read whole the first time. As long as it stays the same, by device, number, size and both times, this takes a few
    /// microseconds for each; with a [`Registry`] also in another process. Plugins that are linked into the program have no verdict.
    pub fn advice(&self) -> Vec<Advice> {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        let registry = self.registry.as_ref();
        let findings = findings
            .get_or_insert_with(|| registry.map_or_else(Findings::default, Registry::findings));
        let mut adviser = Adviser::new(&self.policy, findings);
        let advise = |plugin: Plugin| {
            let candidate = plugin.candidate()?.clone();
            Some(adviser.advise(plugin, &candidate))
        };
        let advice = self.plugins().filter_map(advise).collect();
        let files = adviser.files;
        if let (Some(registry), Some(bytes)) = (registry, findings.changed(&files)) {
            registry.keep_findings(&bytes);
        }
        advice
    }

    /// Everything that the folders hold, by path: each file's plugin or the reason why it
    /// is not used. Behind it the plugins that are linked into the program.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen = self.current().catalog.seen();
        for seen in &mut seen {
            if let Status::Offered(id, version) = &seen.status
                && self.linked.iter().any(|linked| {
                    let linked = &linked.record.summary;
                    (&linked.id, &linked.version) == (id, version)
                })
            {
                let (id, version) = (id.clone(), version.clone());
                let kind = RefusalKind::LinkedAlready { id, version };
                seen.status = Status::Refused(Refusal::new(seen.origin.clone(), kind));
            }
        }
        seen.extend(self.linked_seen.iter().cloned());
        seen.sort_by(|a, b| a.origin.cmp(&b.origin));
        seen
    }

    /// Whether the program has this version of this plugin in itself: that one is used.
    pub(crate) fn is_linked(&self, plugin: &Registration) -> bool {
        let summary = &plugin.record.summary;
        self.linked.iter().any(|linked| {
            let linked = &linked.record.summary;
            (&linked.id, &linked.version) == (&summary.id, &summary.version)
        })
    }

    /// The plugins that provide `T` in some form, best first: by the host's priority, then by rank, then by version.
    pub fn providers<T: ?Sized + Interface>(&self) -> impl Iterator<Item = Plugin> {
        let offers = self.offers(T::SHAPE.id, None);
        offers.into_iter().map(|offer| offer.plugin().clone())
    }

    /// The keys under which `T` can be had, best provider first, each once.
    #[must_use]
    pub fn keys<T: ?Sized + Interface>(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for offer in self.offers(T::SHAPE.id, None) {
            let provided = offer.provided();
            if compat::check(T::SHAPE, provided, None).is_ok() {
                for key in &provided.keys {
                    if !keys.contains(key) {
                        keys.push(key.clone());
                    }
                }
            }
        }
        keys
    }

    /// Whether some plugin says that it provides the interface under the key. What it takes does not depend on how
    /// many plugins there are, and nothing is read.
    #[must_use]
    pub fn has(&self, interface: &str, key: &str) -> bool {
        let scan = self.current();
        let mut under = scan.catalog.image.offers_under(interface, key);
        under.any(|(found, _)| found == key)
            || self.linked.iter().any(|plugin| {
                let mut provides = plugin.record.summary.provides.iter();
                provides.any(|provided| {
                    provided.interface == *interface && provided.keys.iter().any(|own| own == key)
                })
            })
    }

    /// The plugins that answer a query, best first: by the host's priority, then by rank, then by version, then by
    /// the order of the folders. Nothing is loaded.
    #[must_use]
    pub fn query(&self, query: &Query) -> Vec<Offer> {
        let mut offers = self.offers(&query.interface, query.key.as_deref());
        offers.retain(|offer| query.allows(offer.registration(), offer.index(), offer.provided()));
        offers
    }

    /// The offers of an interface, best first; those with this key, in any case.
    fn offers(&self, interface: &str, key: Option<&str>) -> Vec<Offer> {
        let scan = self.current();
        let catalog = &scan.catalog;
        let rows: Vec<_> = match key {
            Some(key) => {
                let mut rows: Vec<_> = catalog.image.offers_under(interface, key).collect();
                // A plugin may have several of the keys.
                rows.dedup_by_key(|(_, row)| *row);
                rows.into_iter().map(|(_, row)| row).collect()
            }
            None => catalog.image.offers_of(interface).collect(),
        };
        let in_files = rows.into_iter().filter_map(|row| {
            let (registration, provided) = catalog.offer(row)?;
            self.configure(registration);
            Offer::new(registration, provided).filter(|_| !self.is_linked(registration))
        });
        let mut offers: Vec<Offer> = in_files.collect();
        let found = offers.len();
        for plugin in &self.linked {
            for (index, provided) in plugin.record.summary.provides.iter().enumerate() {
                if provided.interface == *interface {
                    offers.extend(Offer::new(plugin, index));
                }
            }
        }
        // The rows are in this order, but for what only this host knows.
        if offers.len() > found || !self.priorities.is_empty() {
            offers.sort_by_key(|offer| {
                let plugin = offer.plugin();
                let priority = self
                    .priorities
                    .get(plugin.id().as_str())
                    .copied()
                    .unwrap_or_default();
                Reverse((priority, offer.provided().rank, plugin.version().clone()))
            });
        }
        offers
    }

    /// Why a plugin is not taken for how it was built.
    pub(crate) fn profile_refusal(&self, plugin: &Registration) -> Option<RefusalKind> {
        self.profiles.refuses(&plugin.record.summary.build)
    }

    /// Sets the configuration that this host has for a plugin.
    fn configure(&self, registration: &Registration) {
        if self.configurations.is_empty() {
            return;
        }
        if let Some(value) = self
            .configurations
            .get(registration.record.summary.id.as_str())
        {
            registration.configuration.get_or_init(|| value.to_string());
        }
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
        self.create_where(&Query::of::<T>().with_key(key), None)
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
        let query = Query::of::<T>().with_key(key);
        self.create_where(&query, Some(&configuration.to_string()))
    }

    /// Makes an object of the best plugin that provides `T`, whatever its keys.
    ///
    /// # Errors
    /// When no plugin provides `T`, or none that does can be used.
    pub fn create_any<T: ?Sized + Interface>(&self) -> Result<Handle<T>, CreateError> {
        self.create_where(&Query::of::<T>(), None)
    }

    /// Makes an object of the best plugin that answers `query`, which is about `T`: by versions, by a key in any case,
    /// by application metadata.
    ///
    /// # Errors
    /// When no plugin answers it, or none that does can be used.
    pub fn create_by<T: ?Sized + Interface>(
        &self,
        query: &Query,
    ) -> Result<Handle<T>, CreateError> {
        let mut query = query.clone();
        query.interface = T::SHAPE.id.to_owned();
        query.shape = Some(T::SHAPE);
        self.create_where(&query, None)
    }

    /// Makes an object of this very plugin.
    ///
    /// # Errors
    /// When it does not provide `T`, or cannot be used.
    pub fn create_from<T: ?Sized + Interface>(
        &self,
        plugin: &Plugin,
    ) -> Result<Handle<T>, Refusal> {
        self.configure(&plugin.registration);
        let mut provides = plugin.provides().iter();
        match provides.find(|provided| provided.interface == *T::SHAPE.id) {
            Some(provided) => self.create_offered::<T>(&plugin.registration, provided, None),
            None => {
                let interface = T::SHAPE.id;
                Err(plugin
                    .registration
                    .refuse(RefusalKind::NotProvided { interface }))
            }
        }
    }

    /// The plugins of one file, by its name: `zstd`, `codecs/zstd`, or an absolute path, as
    /// [`SearchPaths::locate`] finds it. A file outside of the folders is read now, and offered to nobody else.
    ///
    /// # Errors
    /// When there is no such file, with every path that was tried; when it is no plugin.
    pub fn file(&self, name: impl AsRef<Path>) -> Result<Vec<Plugin>, FileError> {
        let path = self.paths.locate(name).map_err(FileError::NotLocated)?;
        let scan = self.current();
        let known: Vec<Plugin> = scan.catalog.in_file(&path).map(Plugin::new).collect();
        if !known.is_empty() {
            return Ok(known);
        }
        let files = || self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files().get(&path) {
            return Ok(known.iter().map(Plugin::new).collect());
        }
        let found = discovery::plugins_of(&path).map_err(FileError::Refused)?;
        let mut files = files();
        // Another thread may have read it meanwhile: the first is the one.
        let kept = files.entry(path).or_insert(found);
        Ok(kept.iter().map(Plugin::new).collect())
    }

    fn create_where<T: ?Sized + Interface>(
        &self,
        query: &Query,
        configuration: Option<&str>,
    ) -> Result<Handle<T>, CreateError> {
        let mut attempts = Vec::new();
        for offer in self.offers(&query.interface, query.key.as_deref()) {
            let (registration, provided) = (offer.registration(), offer.provided());
            let is_meant = query.allows_keys(&provided.keys)
                && query
                    .missing_metadata(registration, offer.index())
                    .is_none();
            if !is_meant {
                continue;
            }
            let made = if query.allows_version(provided.version) {
                self.create_offered::<T>(registration, provided, configuration)
            } else {
                // Told like a plugin that does not fit: whoever has it wants to know why it is not used.
                Err(registration.refuse(RefusalKind::Version {
                    provides: provided.version,
                    wanted: query.wanted_version().unwrap_or_default(),
                }))
            };
            match made {
                Ok(handle) => return Ok(handle),
                Err(refusal) => attempts.push(Attempt {
                    id: registration.record.summary.id.clone(),
                    version: registration.record.summary.version.clone(),
                    refusal,
                }),
            }
        }
        Err(self.failed::<T>(query, attempts))
    }

    fn create_offered<T: ?Sized + Interface>(
        &self,
        registration: &Arc<Registration>,
        provided: &Provided,
        given: Option<&str>,
    ) -> Result<Handle<T>, Refusal> {
        if compat::check(T::SHAPE, provided, None).is_err() {
            return Err(self.mismatch::<T>(registration, provided));
        }
        let refuse = |kind| registration.refuse(kind);
        let summary = &registration.record.summary;
        if let Some(kind) = self.profile_refusal(registration) {
            return Err(refuse(kind));
        }
        let own = registration.configuration.get();
        let configuration = given.or_else(|| own.map(String::as_str));
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
                self.running().push(Running {
                    registration: Arc::clone(registration),
                    instance: Arc::clone(&instance),
                });
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
    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
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
        let stop = |running: Running| {
            let error = running.instance.stop().err()?;
            let summary = &running.registration.record.summary;
            Some(StopError::new(
                summary.id.clone(),
                summary.version.clone(),
                error,
            ))
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

    fn failed<T: ?Sized + Interface>(&self, query: &Query, attempts: Vec<Attempt>) -> CreateError {
        let kind = if attempts.is_empty() {
            CreateErrorKind::NotFound
        } else {
            CreateErrorKind::AllRefused
        };
        let scan = self.current();
        let near = self.offers(T::SHAPE.id, None).into_iter().map(|offer| {
            let (id, provided) = (offer.plugin().id(), offer.provided());
            format!(
                "{id} provides {} {} under {:?}",
                provided.interface, provided.version, provided.keys
            )
        });
        let remarks = self.paths.remarks().iter().map(ToString::to_string);
        let folders = scan.catalog.unreadable().iter().map(ToString::to_string);
        let is_refused = |row| {
            let state = scan.catalog.image.file(row).map(|file| file.state);
            matches!(state, Some(FileState::Refused | FileState::Unreadable))
        };
        CreateError {
            kind,
            interface: T::SHAPE.id,
            version: T::SHAPE.version,
            key: query.key.clone(),
            remarks: remarks.chain(folders).chain(near).collect(),
            attempts,
            folders: self.paths.entries().len(),
            refused: (0..scan.catalog.image.files())
                .filter(|row| is_refused(*row))
                .count()
                + scan.catalog.duplicates(),
        }
    }
}

/// The first scan, with what the registry tells.
fn first_scan(paths: &SearchPaths, registry: Option<&Registry>, identity: &[u8; 32]) -> Scan {
    let (known, why) = match registry.map(|registry| registry.load(identity)) {
        Some(Ok(image)) => (Some(image), "the folders changed".to_owned()),
        Some(Err(why)) => (None, why),
        None => (None, String::new()),
    };
    let scanned = discovery::scan(paths, identity, known.as_ref());
    let state = match registry {
        Some(_) if scanned.is_same => RegistryState::Used,
        Some(registry) => registry.store(&scanned.image, why),
        None => RegistryState::None,
    };
    let catalog = Catalog::new(scanned, None);
    Scan { catalog, state }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.around.is_closed.store(true, Ordering::Release);
        let mut running = mem::take(&mut *self.running());
        // What the plugins' own places hold, before the order is what counts. Whoever has a `Plugin` has its place.
        for Running { registration, .. } in &running {
            registration.instance.clear();
        }
        while let Some(last) = running.pop() {
            drop(last);
        }
    }
}
