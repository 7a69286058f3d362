//! From a loaded library's entry symbol to handles: the host's half of the boundary.
//!
//! Whether a plugin fits is decided before it is loaded, from its manifest. Binding only
//! confirms that the table in memory says the same as the manifest did, and refuses if not:
//! then the file is not what it said it was.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use plugwright_manifest::compat::{self, Mismatch};
use plugwright_manifest::schema::{Bounds, Schema};
use plugwright_manifest::{InterfaceVersion, Provided, Summary};

use crate::abi::{
    ABI, CreateArguments, Entry, HostTable, KeepAlive, PluginTable, ProvidedTable, RawInterface,
    RawObject, RawSlice, Reply, VtableHead,
};
use crate::context::HostServices;
use crate::{CallError, Handle, Interface, Invalid, Portable, arrived, objects, own};

/// A plugin whose library is loaded and whose table agrees with its manifest.
#[derive(Clone, Debug)]
pub struct BoundPlugin(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    create: unsafe extern "C" fn(*const CreateArguments) -> Reply<RawObject>,
    start: unsafe extern "C" fn(*const ()) -> Reply<u8>,
    stop: unsafe extern "C" fn(*const ()) -> Reply<u8>,
    provides: Vec<(Provided, NonNull<VtableHead>)>,
    singleton: bool,
    /// What the plugin is lent when it makes an instance.
    services: RawInterface,
    keep: KeepAlive,
}

// SAFETY: the vtables are immutable statics of a library that `keep` keeps loaded; the
// services are an object of an interface that is Send and Sync.
unsafe impl Send for Inner {}
// SAFETY: as for Send.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: given away by `bind` to this very struct, and taken over here once.
        drop(unsafe { objects::receive::<dyn HostServices>(self.services) });
    }
}

/// An instance of a plugin, started, for which there is no handle yet.
#[derive(Debug)]
pub struct Instance {
    object: RawObject,
    plugin: BoundPlugin,
}

/// The instance of a plugin that declares that all share one. Any thread may have it.
#[derive(Debug)]
pub struct SharedInstance(Instance);

// SAFETY: a plugin whose record says that it is a singleton has interfaces that are Send and
// Sync only: the macro asks for that when the plugin is compiled, and the binary interface
// asks it of every other.
unsafe impl Send for SharedInstance {}
// SAFETY: as for Send.
unsafe impl Sync for SharedInstance {}

/// Why a loaded library's plugin cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// The manifest was written for another binary interface.
    Abi {
        /// The number of this SDK.
        host: u32,
        /// The number in the manifest.
        plugin: u32,
    },
    /// The entry function gave no table.
    NoTable,
    /// The table in memory is not whole.
    Incomplete {
        /// What it lacks.
        lacks: &'static str,
    },
    /// The table in memory says something else than the manifest in the file.
    Disagrees {
        /// Which fact.
        what: &'static str,
        /// What the manifest says.
        manifest: String,
        /// What the table says.
        table: String,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abi { host, plugin } => write!(
                f,
                "the plugin was built for Plugwright's binary interface {plugin}, the host has \
                 {host}: rebuild the plugin with the host's version of plugwright-plugin"
            ),
            Self::NoTable => f.write_str("the plugin's entry function gave no table"),
            Self::Incomplete { lacks } => write!(
                f,
                "the table that the plugin's entry function gave lacks {lacks}: every plugin's has \
                 it, as docs/abi.md says"
            ),
            Self::Disagrees {
                what,
                manifest,
                table,
            } => write!(
                f,
                "the plugin's {what} is {table} in memory, but its manifest says {manifest}: \
                 the library is not what it says it is"
            ),
        }
    }
}

impl std::error::Error for BindError {}

/// Why a bound plugin gave no object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateError {
    /// The plugin does not provide the interface at all.
    NotProvided {
        /// The interface's id.
        interface: &'static str,
    },
    /// The plugin provides another form of the interface.
    Mismatch(Mismatch),
    /// The plugin says that all share one instance, and objects of the interface cannot be
    /// shared: its trait does not require `Send` and `Sync`, or has methods that do not take
    /// `&self`.
    NotShareable {
        /// The interface's id.
        interface: &'static str,
    },
    /// The plugin's constructor failed.
    Failed(CallError),
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotProvided { interface } => {
                write!(f, "the plugin does not provide {interface}")
            }
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::NotShareable { interface } => write!(
                f,
                "the plugin says that all share one instance of it, and objects of {interface} \
                 cannot be shared"
            ),
            Self::Failed(error) => write!(f, "the plugin's object was not made: {error}"),
        }
    }
}

impl std::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotProvided { .. } | Self::NotShareable { .. } => None,
            Self::Mismatch(mismatch) => Some(mismatch),
            Self::Failed(error) => Some(error),
        }
    }
}

/// Checks, from the manifest alone, that a plugin speaks this SDK's binary interface.
///
/// # Errors
/// When it does not: such a plugin must not be loaded.
pub fn check_abi(summary: &Summary) -> Result<(), BindError> {
    if summary.build.abi == ABI {
        Ok(())
    } else {
        Err(BindError::Abi {
            host: ABI,
            plugin: summary.build.abi,
        })
    }
}

impl BoundPlugin {
    /// Enters a plugin and confirms its table against `summary`. `services` is what the
    /// plugin's instances can ask of their host.
    ///
    /// # Errors
    /// When the plugin has another binary interface, or its table and its manifest disagree.
    ///
    /// # Safety
    /// - `entry` is the address of the symbol that `summary` names, in the library that
    ///   `summary` was read from, which is loaded and stays so while a clone of `keep` lives;
    /// - that library was built with this SDK, or obeys its binary interface as this SDK
    ///   would: its functions do what their types and their manifest say. This cannot be
    ///   checked; it is what trusting a plugin means.
    pub unsafe fn bind(
        entry: NonNull<c_void>,
        keep: KeepAlive,
        summary: &Summary,
        services: Arc<dyn HostServices>,
    ) -> Result<Self, BindError> {
        check_abi(summary)?;
        // SAFETY: by this function's contract the symbol is an entry function.
        let entry: Entry = unsafe { std::mem::transmute(entry) };
        let host = HostTable {
            size: size_of::<HostTable>(),
            abi: ABI,
            image: own::mark(),
            keep: keep.lend(),
        };
        // SAFETY: the host's table lives during the call, which is all that an entry may use.
        let table = unsafe { entry(&raw const host) };
        // SAFETY: by this function's contract it is null or a table for ever.
        let table = unsafe { whole(table) }?;
        let create = table.create.ok_or(BindError::Incomplete {
            lacks: "the function `create`",
        })?;
        let start = table.start.ok_or(BindError::Incomplete {
            lacks: "the function `start`",
        })?;
        let stop = table.stop.ok_or(BindError::Incomplete {
            lacks: "the function `stop`",
        })?;
        let provides = confirm(table, summary)?;
        Ok(Self(Arc::new(Inner {
            create,
            start,
            stop,
            provides,
            singleton: summary.singleton,
            services: services.into_abi(),
            keep,
        })))
    }

    /// Whether the plugin declares that all who ask for it share one instance. That there is
    /// only one is up to the host.
    #[must_use]
    pub fn is_singleton(&self) -> bool {
        self.0.singleton
    }

    /// Makes an instance and starts it. `configuration` is JSON.
    ///
    /// # Errors
    /// When the plugin cannot use the configuration, or its constructor or start fails.
    pub fn instance(&self, configuration: Option<&str>) -> Result<Instance, CallError> {
        let arguments = CreateArguments {
            size: size_of::<CreateArguments>(),
            configuration: RawSlice::of(configuration.unwrap_or_default()),
            host: self.0.services,
        };
        // SAFETY: by the contract of `bind`, it does what its type says; the arguments live
        // during the call.
        let reply = unsafe { (self.0.create)(&raw const arguments) };
        if !reply.failure.is_null() {
            // SAFETY: returned just now.
            return Err(unsafe { CallError::take(reply.failure, "new") });
        }
        // SAFETY: initialised, since there is no failure.
        let object = unsafe { reply.value.assume_init() };
        // SAFETY: by the contract of `bind`, it is null or a vtable of the plugin's.
        let head = unsafe { arrived::head(object.vtable) };
        let none = Invalid::new(&"an instance, not null");
        let whole = head.and_then(|_| (!object.object.is_null()).then_some(()).ok_or(none));
        whole.map_err(|invalid| CallError::invalid("new", invalid))?;
        let instance = Instance {
            object,
            plugin: self.clone(),
        };
        // SAFETY: made by this plugin just now, and referenced by `instance`.
        let reply = unsafe { (self.0.start)(object.object) };
        // SAFETY: every `start` returns what stands for `()`.
        unsafe { reply.take::<()>("start") }.map(|()| instance)
    }

    /// Whether the plugin provides `T` in a form that fits, and with which vtable. `schema`
    /// is the plugin's description of the interface, for the text of a mismatch.
    fn vtable<T: ?Sized + Interface>(
        &self,
        schema: Option<&Schema>,
    ) -> Result<NonNull<VtableHead>, CreateError> {
        let interface = T::SHAPE.id;
        let mut error = CreateError::NotProvided { interface };
        for (provided, vtable) in &self.0.provides {
            if provided.interface.as_str() == interface {
                match compat::check(T::SHAPE, provided, schema) {
                    Ok(()) => return Ok(*vtable),
                    Err(mismatch) => error = CreateError::Mismatch(mismatch),
                }
            }
        }
        Err(error)
    }

    /// Makes an instance, starts it, and hands it out as `T`.
    ///
    /// # Errors
    /// When the plugin does not provide `T` in a form that fits (then nothing is made), or
    /// as [`BoundPlugin::instance`].
    pub fn create<T: ?Sized + Interface>(
        &self,
        configuration: Option<&str>,
        schema: Option<&Schema>,
    ) -> Result<Handle<T>, CreateError> {
        let vtable = self.vtable::<T>(schema)?;
        let instance = self.instance(configuration);
        let instance = instance.map_err(CreateError::Failed)?;
        // SAFETY: it is one of this plugin's vtables.
        unsafe { instance.seen_with(vtable) }
    }
}

impl Instance {
    /// Hands the instance out as `T`: the handle is the only one, so that it may be sent
    /// elsewhere when `T` allows that, and called exclusively.
    ///
    /// # Errors
    /// When the plugin does not provide `T` in a form that fits; the instance stops then.
    pub fn into_handle<T: ?Sized + Interface>(
        self,
        schema: Option<&Schema>,
    ) -> Result<Handle<T>, CreateError> {
        self.another(schema)
    }

    /// Another reference to the instance, as `T`.
    fn another<T: ?Sized + Interface>(
        &self,
        schema: Option<&Schema>,
    ) -> Result<Handle<T>, CreateError> {
        let vtable = self.plugin.vtable::<T>(schema)?;
        // SAFETY: it is one of this plugin's vtables.
        unsafe { self.seen_with(vtable) }
    }

    /// # Safety
    /// The vtable is one of the instance's plugin.
    unsafe fn seen_with<T: ?Sized + Interface>(
        &self,
        vtable: NonNull<VtableHead>,
    ) -> Result<Handle<T>, CreateError> {
        let object = RawObject {
            object: self.object.object,
            vtable: vtable.as_ptr(),
        };
        // SAFETY: the vtables of a plugin's table are for its instances, and this is one,
        // which `self` keeps; the library is kept too.
        unsafe { object.retain() };
        // SAFETY: the reference was taken just now, and the library is kept.
        unsafe { Handle::new(object, self.plugin.0.keep.clone()) }
            .map_err(|invalid| CreateError::Failed(CallError::invalid("new", invalid)))
    }

    /// The instance for all threads.
    ///
    /// # Errors
    /// The instance itself, when its plugin does not declare that it can be shared.
    pub fn shared(self) -> Result<SharedInstance, Self> {
        if self.plugin.is_singleton() {
            Ok(SharedInstance(self))
        } else {
            Err(self)
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the reference that this instance holds is given up once; the vtable is one of
        // a library that the plugin's `keep` keeps loaded.
        let reply = unsafe { self.object.release() };
        // SAFETY: every `release` returns what stands for `()`. What failed has nobody to
        // tell here: `stop` and `Handle::close` tell.
        let _ = unsafe { reply.take::<()>("drop") };
    }
}

impl SharedInstance {
    /// Another reference to the instance, as `T`.
    ///
    /// # Errors
    /// When the plugin does not provide `T` in a form that fits, or when objects of `T` cannot
    /// be shared.
    pub fn handle<T: ?Sized + Interface>(
        &self,
        schema: Option<&Schema>,
    ) -> Result<Handle<T>, CreateError> {
        if const { T::SHAPE.is_exclusive() || !T::ANY_THREAD } {
            let interface = T::SHAPE.id;
            return Err(CreateError::NotShareable { interface });
        }
        self.0.another(schema)
    }

    /// Stops the instance: calls that are made through any handle fail from now on. Does
    /// nothing when it was stopped before.
    ///
    /// # Errors
    /// When the plugin says that it failed, or panicked. The instance is stopped all the same.
    pub fn stop(&self) -> Result<(), CallError> {
        let instance = &self.0;
        // SAFETY: an instance of this plugin, referenced by `self`.
        let reply = unsafe { (instance.plugin.0.stop)(instance.object.object) };
        // SAFETY: every `stop` returns what stands for `()`.
        unsafe { reply.take("stop") }
    }
}

/// The table that an entry function gave, as long as this SDK's.
///
/// # Safety
/// It is null, or a plugin's table, as long as its size says, for ever.
unsafe fn whole<'a>(table: *const PluginTable) -> Result<&'a PluginTable, BindError> {
    if table.is_null() {
        return Err(BindError::NoTable);
    }
    // SAFETY: by this function's contract.
    unsafe { arrived::sized(table) }.ok_or(BindError::Incomplete {
        lacks: "its place or its size",
    })
}

/// Compares a table with the manifest, fact by fact.
fn confirm(
    table: &PluginTable,
    summary: &Summary,
) -> Result<Vec<(Provided, NonNull<VtableHead>)>, BindError> {
    agree("binary interface", &summary.build.abi, &table.abi)?;
    agree("id", &summary.id.as_str(), &text(table.id).as_str())?;
    agree(
        "version",
        &summary.version.to_string(),
        &text(table.version),
    )?;
    let count = usize::try_from(table.provided).unwrap_or(usize::MAX);
    agree("number of interfaces", &summary.provides.len(), &count)?;
    let mut all = Vec::with_capacity(summary.provides.len());
    for (index, provided) in summary.provides.iter().enumerate() {
        // SAFETY: a plugin's table has as many entries as it says, and they are immutable.
        let found = unsafe { arrived::at(table.provides.wrapping_add(index)) };
        let found: &ProvidedTable = found.ok_or(BindError::Incomplete {
            lacks: "the interfaces that it provides",
        })?;
        // SAFETY: an entry's vtable is null or a vtable for ever.
        let vtable = unsafe { arrived::head(found.vtable) };
        let vtable = vtable.or(Err(BindError::Incomplete {
            lacks: "a vtable with `retain` and `release`",
        }))?;
        let vtable = NonNull::from(vtable);
        // SAFETY: an entry's interface is null or a table for ever.
        let raw = unsafe { arrived::at(found.interface) };
        let raw = raw.ok_or(BindError::Incomplete {
            lacks: "the table of an interface",
        })?;
        agree(
            "interface",
            &provided.interface.as_str(),
            &text(raw.id).as_str(),
        )?;
        let version = InterfaceVersion::new(raw.major, raw.minor);
        agree("interface version", &provided.version, &version)?;
        let bounds = Bounds::from_code(raw.bounds);
        let bounds = bounds.map_or_else(|| raw.bounds.to_string(), |known| known.to_string());
        agree("bounds", &provided.bounds.to_string(), &bounds)?;
        let methods = usize::from(raw.methods);
        agree("number of methods", &provided.fingerprints.len(), &methods)?;
        if methods > 0 && (raw.fingerprints.is_null() || !raw.fingerprints.is_aligned()) {
            return Err(BindError::Incomplete {
                lacks: "the fingerprints of an interface",
            });
        }
        for (method, expected) in provided.fingerprints.iter().enumerate() {
            let found = raw.fingerprints.wrapping_add(method);
            // SAFETY: the table has as many fingerprints as methods, which were counted.
            let found = unsafe { *found };
            agree("fingerprint of a method", expected, &found)?;
        }
        all.push((provided.clone(), vtable));
    }
    Ok(all)
}

fn agree<T: PartialEq + fmt::Display>(
    what: &'static str,
    manifest: &T,
    table: &T,
) -> Result<(), BindError> {
    if manifest == table {
        return Ok(());
    }
    Err(BindError::Disagrees {
        what,
        manifest: manifest.to_string(),
        table: table.to_string(),
    })
}

/// Copies a text of a table; what cannot be one is empty.
fn text(raw: RawSlice) -> String {
    const LONGEST: usize = plugwright_manifest::MAX_TEXT;
    if raw.pointer.is_null() || raw.length > LONGEST {
        return String::new();
    }
    // SAFETY: a plugin's table points to texts of the lengths that it says; null and
    // impossible lengths were told apart above.
    let bytes = unsafe { std::slice::from_raw_parts(raw.pointer, raw.length) };
    String::from_utf8_lossy(bytes).into_owned()
}
