//! The application's plugins: where they are, what is accepted, and how one is had by its key.

use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use plugwright::{
    CreateError, Explanation, Handle, Host, InProcess, Interface, InterfaceRange, KeyCase, Query,
    Registry, SearchPaths, Status, read_lock, read_policy,
};
use press_codec::Codec;

/// The versions of the codec's interface that press can use. What a later minor version added has a default, so any will do.
const VERSIONS: &str = "^1.0";

/// The codecs on this machine. Nothing of them runs until one is asked for.
#[derive(Debug)]
pub(crate) struct Codecs {
    host: Host,
    versions: InterfaceRange,
}

impl Codecs {
    /// Looks through the folders that press has by the system's convention (`plugins` beside the program,
    /// `~/.local/share/press/plugins`, `/usr/lib/press/plugins` and so on, and those that `PRESS_PLUGIN_PATH` names), or
    /// through `folder` alone.
    ///
    /// `Host::developer()` accepts what this user built. A program that is installed for many users would begin with
    /// `Host::builder(Policy::server())`, which accepts only what root installed; with a policy of its own, as here when there
    /// is a file with one, it also says whose signatures count.
    ///
    /// # Errors
    /// If a path cannot be made absolute, or policy or lock file cannot be read.
    pub(crate) fn find(
        folder: Option<&Path>,
        policy: Option<&Path>,
        lock: Option<&Path>,
    ) -> Result<Self, Box<dyn Error>> {
        #[expect(
            unsafe_code,
            reason = "the one promise that only the application can make"
        )]
        // SAFETY: what lies in the codec folders was built from this repository with Plugwright's SDK, and none of it
        // contains unsafe code of its own beyond the well-kept libraries that it wraps.
        let permission = unsafe { InProcess::trust_plugins() };
        let builder = match policy {
            Some(path) => {
                let mut policy = read_policy(&std::path::absolute(path)?)?;
                if let Some(lock) = lock {
                    policy = policy.with_lock(read_lock(&std::path::absolute(lock)?)?);
                }
                Host::builder(policy).copies_below(std::env::temp_dir())
            }
            None => Host::developer(),
        };
        let mut host = builder.in_process(permission);
        match folder {
            Some(folder) => host = host.folder(std::path::absolute(folder)?),
            None => {
                host = host.paths(SearchPaths::standard("press"));
                // What is found is kept in the user's cache: the next start reads no codec that is still the same.
                if let Some(registry) = Registry::for_user("press") {
                    host = host.registry(registry);
                }
            }
        }
        Ok(Self {
            host: host.scan(),
            versions: VERSIONS.parse()?,
        })
    }

    /// Prints every codec and every file that is not used, by what the files say of themselves.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn list(&self, out: &mut impl Write) -> io::Result<()> {
        let ours = <dyn Codec as Interface>::SHAPE;
        writeln!(
            out,
            "{:12} {:28} {:9} {:10} FILE",
            "KEYS", "CODEC", "VERSION", "INTERFACE"
        )?;
        for plugin in self.host.providers::<dyn Codec>() {
            // A name or a key may hold what a terminal would act on; an id cannot.
            let origin = plugin.origin();
            let name = origin.path().and_then(Path::file_name);
            let name = name.map_or_else(|| "(in press)".into(), OsStr::to_string_lossy);
            let name = name.escape_debug();
            for provided in plugin
                .provides()
                .iter()
                .filter(|provided| provided.interface == *ours.id)
            {
                let interface = provided.version;
                write!(
                    out,
                    "{:12} {:28} {:9} {:10} {name}",
                    provided.keys.join(", ").escape_debug().to_string(),
                    plugin.id(),
                    plugin.version(),
                    interface.to_string(),
                )?;
                if self.versions.contains(interface) {
                    writeln!(out)?;
                } else {
                    writeln!(
                        out,
                        "  does not fit: this program has interface {}",
                        ours.version
                    )?;
                }
            }
        }
        for seen in self.host.seen() {
            if let Status::Refused(refusal) = &seen.status {
                writeln!(out, "not used: {refusal}")?;
            }
        }
        Ok(())
    }

    /// A handle that implements the trait itself; its library is loaded at the first use. Keys are endings of files, so
    /// `ZST` is `zst`.
    ///
    /// # Errors
    /// Every plugin that was considered, with the reason why it is not used.
    pub(crate) fn get(&self, key: &str) -> Result<Handle<dyn Codec>, CreateError> {
        self.host.create_by(&self.query(key))
    }

    /// Why there is a codec for a key, or none: every folder, every codec with its reason.
    pub(crate) fn explain(&self, key: &str) -> Explanation {
        self.host.explain(&self.query(key))
    }

    fn query(&self, key: &str) -> Query {
        Query::of::<dyn Codec>()
            .with_versions(self.versions.clone())
            .with_key(key)
            .with_key_case(KeyCase::Ignored)
    }

    /// The first key of every codec that fits this program, in the order of their files.
    pub(crate) fn keys(&self) -> Vec<String> {
        let usable = self.host.keys::<dyn Codec>();
        let mut firsts = Vec::new();
        for plugin in self.host.plugins() {
            let keys = plugin
                .provides()
                .iter()
                .filter_map(|provided| provided.keys.first());
            firsts.extend(keys.filter(|key| usable.contains(key)).cloned());
        }
        firsts
    }
}
