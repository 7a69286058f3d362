//! From a loaded library's entry symbol to handles: the host's half of the boundary.
//!
//! Whether a plugin fits is decided before it is loaded, from its manifest. Binding only
//! confirms that the table in memory says the same as the manifest did, and refuses if not:
//! then the file is not what it said it was.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

use plugwright_manifest::compat::{self, Mismatch};
use plugwright_manifest::schema::Schema;
use plugwright_manifest::{InterfaceVersion, Provided, Summary};

use crate::abi::{ABI, Entry, HostTable, KeepAlive, PluginTable, ProvidedTable, RawSlice};
use crate::{CallError, Handle, Interface, own};

/// A plugin whose library is loaded and whose table agrees with its manifest.
#[derive(Clone, Debug)]
pub struct BoundPlugin {
    provides: Vec<(Provided, NonNull<ProvidedTable>)>,
    keep: KeepAlive,
}

// SAFETY: the tables are immutable statics of a library that `keep` keeps loaded.
unsafe impl Send for BoundPlugin {}
// SAFETY: as for Send.
unsafe impl Sync for BoundPlugin {}

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
            Self::Failed(error) => write!(f, "the plugin's object was not made: {error}"),
        }
    }
}

impl std::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotProvided { .. } => None,
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
    /// Enters a plugin and confirms its table against `summary`.
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
        let table = unsafe { table.as_ref() }.ok_or(BindError::NoTable)?;
        let provides = confirm(table, summary)?;
        Ok(Self { provides, keep })
    }

    /// Makes an object of the plugin for interface `T`.
    ///
    /// `schema` is the plugin's description of the interface, for the text of a mismatch.
    ///
    /// # Errors
    /// When the plugin does not provide `T` in a form that fits, or its constructor fails.
    pub fn create<T: ?Sized + Interface>(
        &self,
        schema: Option<&Schema>,
    ) -> Result<Handle<T>, CreateError> {
        let candidates = || {
            self.provides
                .iter()
                .filter(|(provided, _)| provided.interface.as_str() == T::SHAPE.id)
        };
        let mut mismatch = None;
        for (provided, table) in candidates() {
            match compat::check(T::SHAPE, provided, schema) {
                // SAFETY: the interface's id and the fingerprints of its methods are `T`'s.
                Ok(()) => return unsafe { self.create_from(*table) },
                Err(found) => mismatch = Some(found),
            }
        }
        Err(mismatch.map_or(
            CreateError::NotProvided {
                interface: T::SHAPE.id,
            },
            CreateError::Mismatch,
        ))
    }

    /// # Safety
    /// The table is one of this plugin's, and that of an interface with `T`'s fingerprints.
    unsafe fn create_from<T: ?Sized + Interface>(
        &self,
        table: NonNull<ProvidedTable>,
    ) -> Result<Handle<T>, CreateError> {
        // SAFETY: a table of a library that `self.keep` keeps loaded.
        let create = unsafe { table.as_ref() }.create;
        // SAFETY: by the contract of `bind`, it does what its type says.
        let reply = unsafe { create() };
        if !reply.failure.is_null() {
            // SAFETY: returned just now.
            let error = unsafe { CallError::take(reply.failure, "default") };
            return Err(CreateError::Failed(error));
        }
        // SAFETY: initialised, since there is no failure.
        let object = unsafe { reply.value.assume_init() };
        // SAFETY: made just now by the plugin, which is kept.
        unsafe { Handle::new(object, self.keep.clone()) }
            .map_err(|invalid| CreateError::Failed(CallError::invalid("default", invalid)))
    }
}

/// Compares a table with the manifest, fact by fact.
fn confirm(
    table: &PluginTable,
    summary: &Summary,
) -> Result<Vec<(Provided, NonNull<ProvidedTable>)>, BindError> {
    agree("binary interface", &summary.build.abi, &table.abi)?;
    if table.size < size_of::<PluginTable>() {
        return Err(BindError::NoTable);
    }
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
        let found = NonNull::new(table.provides.wrapping_add(index).cast_mut())
            .ok_or(BindError::NoTable)?;
        // SAFETY: a plugin's table has as many entries as it says, and they are immutable.
        let raw = unsafe { found.as_ref() }.interface;
        // SAFETY: an entry's interface is null or a table for ever.
        let raw = unsafe { raw.as_ref() }.ok_or(BindError::NoTable)?;
        agree(
            "interface",
            &provided.interface.as_str(),
            &text(raw.id).as_str(),
        )?;
        let version = InterfaceVersion::new(raw.major, raw.minor);
        agree("interface version", &provided.version, &version)?;
        let methods = usize::try_from(raw.methods).unwrap_or(usize::MAX);
        agree("number of methods", &provided.fingerprints.len(), &methods)?;
        if methods > 0 && raw.fingerprints.is_null() {
            return Err(BindError::NoTable);
        }
        for (method, expected) in provided.fingerprints.iter().enumerate() {
            let found = raw.fingerprints.wrapping_add(method);
            // SAFETY: the table has as many fingerprints as methods, which were counted.
            let found = unsafe { *found };
            agree("fingerprint of a method", expected, &found)?;
        }
        all.push((provided.clone(), found));
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
