//! The boundary, both sides in one image: types, failures, life.

mod bytes;
mod constants;
mod copies;
mod document;
mod failures;
mod futures;
mod futures_remote;
mod growth;
mod handover;
mod instances;
mod layout;
mod lies;
mod lies_tables;
mod life;
mod links;
mod matrix;
mod objects;
mod receivers;
mod remote;
mod supers;
mod supers_remote;
mod survivors;
mod transport;
mod unknown;

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, ProvidedDef, RecordDef};
use plugwright_manifest::{Provided, Summary};
use plugwright_plugin::abi::{Entry, KeepAlive};
use plugwright_plugin::bind::{BindError, BoundPlugin};
use plugwright_plugin::{Handle, Interface, InterfaceShape};

/// The summary that a plugin with this one interface has in its file.
///
/// The macro's own notes are read from real files in the host's tests; here they are built
/// again from the same constants, so that a test can also tell a lie.
pub(crate) fn summary<const S: usize, const D: usize>(notes: &Notes<S, D>) -> Summary {
    Summary::decode(notes.summary()).expect("our own summary")
}

pub(crate) const fn record(
    entry: &'static str,
    id: &'static str,
    provides: &'static [ProvidedDef],
) -> RecordDef {
    RecordDef {
        entry,
        id,
        version: env!("CARGO_PKG_VERSION"),
        crate_name: "it",
        linkage: Linkage::Unknown,
        provides,
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: plugwright_plugin::abi::ABI,
            target: "test",
            profile: "test",
            rustc: "test",
            panic_abort: false,
            unloadable: false,
        },
        name: "",
        description: "",
        license: "",
        authors: "",
        homepage: "",
        metadata: &[],
    }
}

pub(crate) const fn provided(interface: &'static InterfaceShape) -> ProvidedDef {
    ProvidedDef {
        interface,
        keys: &[],
        rank: 0,
        metadata: &[],
    }
}

/// The summary of a plugin whose only interface is `$interface`.
macro_rules! summary_of {
    ($id:literal, $($interface:ty),+) => {{
        const DEF: plugwright_manifest::embed::RecordDef = $crate::record(
            "entry",
            $id,
            &[$($crate::provided(
                <$interface as plugwright_plugin::Interface>::SHAPE,
            )),+],
        );
        const S: usize = plugwright_manifest::embed::summary_note_size(&DEF);
        const D: usize = plugwright_manifest::embed::detail_note_size(&DEF);
        static NOTES: plugwright_manifest::embed::Notes<S, D> =
            plugwright_manifest::embed::notes(&DEF);
        $crate::summary(&NOTES)
    }};
}
pub(crate) use summary_of;

/// The entry function's address, as a loader finds it.
pub(crate) fn address(entry: Entry) -> NonNull<c_void> {
    // SAFETY: a function pointer is an address that is not null.
    unsafe { std::mem::transmute(entry) }
}

pub(crate) fn try_bind(entry: Entry, summary: &Summary) -> Result<BoundPlugin, BindError> {
    let (keep, services) = (KeepAlive::new(Arc::new(())), Arc::new(()));
    // SAFETY: the entry function is one that `#[plugin]` made in this test, whose image is
    // never unloaded.
    unsafe { BoundPlugin::bind(address(entry), keep, summary, services) }
}

pub(crate) fn create<T: ?Sized + Interface>(entry: Entry, summary: &Summary) -> Handle<T> {
    try_bind(entry, summary)
        .expect("the table agrees")
        .create::<T>(None, None)
        .expect("the interface fits")
}

/// The size of a summary's note is what the linker sees: a sanity check of the helper.
#[test]
fn the_helpers_notes_decode() {
    const DEF: RecordDef = record("entry", "org.example.none", &[]);
    const S: usize = embed::summary_note_size(&DEF);
    const D: usize = embed::detail_note_size(&DEF);
    static NOTES: Notes<S, D> = embed::notes(&DEF);
    let decoded = summary(&NOTES);
    assert_eq!(decoded.provides, Vec::<Provided>::new());
}
