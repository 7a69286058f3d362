//! The plugins that are linked into the program.
//!
//! A list that the linker puts together: each `link_plugin!` adds an entry to a section that
//! is made for it. The entry refers to the plugin, so the plugin's code is linked however
//! little else refers to its crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plugwright_manifest::Id;
use plugwright_plugin::linked::LinkedPlugin;

use crate::registration::{Place, Registration};
use crate::{Origin, Refusal, RefusalKind, Seen, Status};

/// The list. Entries are added by `link_plugin!`.
#[linkme::distributed_slice]
pub static LINKED: [fn() -> LinkedPlugin];

/// Which of the plugins that are linked into the program a host offers.
#[derive(Clone, Debug, Default)]
pub struct Linked {
    only: Option<BTreeSet<String>>,
    without: BTreeSet<String>,
}

impl Linked {
    /// All of them: what a host offers unless it is told otherwise.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::only::<&str>([])
    }

    /// Those with these ids. One that is not linked into the program is told as not used.
    #[must_use]
    pub fn only<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self {
            only: Some(ids.into_iter().map(Into::into).collect()),
            without: BTreeSet::new(),
        }
    }

    /// But for those with these ids.
    #[must_use]
    pub fn without<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.without.extend(ids.into_iter().map(Into::into));
        self
    }

    pub(crate) fn contains(&self, id: &Id) -> bool {
        let wanted = self.only.as_ref();
        wanted.is_none_or(|only| only.contains(id.as_str())) && !self.without.contains(id.as_str())
    }

    /// The ids that were asked for by name.
    pub(crate) fn named(&self) -> impl Iterator<Item = &str> {
        self.only.iter().flatten().map(String::as_str)
    }
}

/// The wanted ones of the plugins that are linked into the program, each once, by id: the
/// linker has its own order.
pub(crate) fn registrations(wanted: &Linked) -> (Vec<Arc<Registration>>, Vec<Seen>) {
    among(LINKED.iter().map(|plugin| plugin()), wanted)
}

fn among(
    linked: impl Iterator<Item = LinkedPlugin>,
    wanted: &Linked,
) -> (Vec<Arc<Registration>>, Vec<Seen>) {
    let mut seen = Vec::new();
    let origin = Origin::Program;
    let mut all: BTreeMap<Id, Registration> = BTreeMap::new();
    for plugin in linked {
        match plugin.record() {
            Ok(record) => {
                let id = record.summary.id.clone();
                all.insert(
                    id,
                    Registration::new(Place::Program(plugin), Arc::new(record)),
                );
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
    (all.into_values().map(Arc::new).collect(), seen)
}

/// Links plugins into the program: types with `#[plugin]`, of crates that the program depends
/// on, and that are Rust libraries (`crate-type = ["rlib"]`, or `["cdylib", "rlib"]` for one
/// that can be loaded, too).
///
/// ```
/// # mod press_stored {
/// #     use plugwright_plugin::{interface, plugin};
/// #     #[interface(id = "org.example.codec", version = "1.0")]
/// #     pub trait Codec: Send + Sync { fn nothing(&self); }
/// #     #[plugin(id = "org.example.stored", provides(Codec))]
/// #     #[derive(Default)]
/// #     pub struct Stored;
/// #     impl Codec for Stored { fn nothing(&self) {} }
/// # }
/// plugwright_host::link_plugin!(press_stored::Stored);
/// # use plugwright_host::Host;
///
/// let host = Host::developer().scan();
/// assert!(host.plugins().any(|plugin| plugin.id().as_str() == "org.example.stored"));
/// ```
///
/// It stands at the top of any module, in the program or in a library that is part of it. Every
/// host in the program offers the plugin from then on, unless
/// [`HostBuilder::linked`](crate::HostBuilder::linked) says otherwise. To link it twice changes
/// nothing.
#[macro_export]
macro_rules! link_plugin {
    ($($plugin:path),+ $(,)?) => {$(
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::LINKED)]
            #[linkme(crate = $crate::__private::linkme)]
            static PLUGIN: fn() -> $crate::__private::LinkedPlugin =
                || <$plugin as $crate::__private::Linkable>::LINKED;
        };
    )+};
}

#[cfg(test)]
mod tests {
    use plugwright_plugin::abi::{HostTable, PluginTable};
    use plugwright_plugin::linked::LinkedPlugin;

    use super::{Linked, among};
    use crate::{Origin, RefusalKind, Status};

    /// A plugin whose record was written by another SDK, in a form that this one does not read.
    #[test]
    fn a_record_that_cannot_be_read_is_told() {
        extern "C" fn entry(_: *const HostTable) -> *const PluginTable {
            std::ptr::null()
        }
        #[expect(unsafe_code, reason = "a plugin is made without the macro")]
        // SAFETY: without a record nobody enters it.
        let plugin = unsafe { LinkedPlugin::new(b"\xff", b"", entry) };
        let (offered, seen) = among([plugin].into_iter(), &Linked::all());
        assert!(offered.is_empty());
        let [seen] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!(seen.origin, Origin::Program);
        let Status::Refused(refusal) = &seen.status else {
            panic!("{seen:?}");
        };
        assert!(
            matches!(refusal.kind(), RefusalKind::Record(_)),
            "{refusal}"
        );
    }
}
