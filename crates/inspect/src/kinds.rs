//! Which systems a library is a plugin for: Plugwright's, Qt's, and those that are known by
//! what a plugin exports.
//!
//! | kind | told by | read at |
//! |---|---|---|
//! | `plugwright` | a record in the notes | *identity* |
//! | `qt` | metadata in the note or section | *identity* |
//! | `kernel-module` | the section `.modinfo` of an object file | *kinds* |
//! | all others | an exported symbol, see [`PluginKind`] | *kinds* |
//!
//! An export is a hint, not a proof: a library that exports `luaopen_x` may do more besides,
//! so that a library has a list of kinds.

use std::ffi::OsStr;
use std::fmt;

use serde::Serialize;

use crate::arch::Format;
use crate::depth::Depth;
use crate::elf;
use crate::foreign;
use crate::headers::ImageHeaders;
use crate::identity::Image;
use crate::macho;
use crate::pe;
use crate::problem::{Problem, Problems};
use crate::read_at::ReadAt;
use crate::source::{self, Source};
use crate::symbols::{ImageSymbols, Symbol};
use crate::untrusted::Untrusted;

/// One kind of plugin that a library is, and what says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recognised {
    /// The kind.
    pub kind: PluginKind,
    /// The export or section that says so; none for metadata, which is in the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Untrusted>,
    /// The plugin's name, where the export carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Untrusted>,
}

/// How an exported name is recognised.
enum Export {
    /// It is this one.
    Is(&'static str),
    /// It begins so; the rest tells nothing.
    Begins(&'static str),
    /// It begins and ends so, with the plugin's name between.
    Around(&'static str, &'static str),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $text:literal [$($export:expr),*],)*) => {
        /// A kind of plugin.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum PluginKind {
            $($(#[$doc])* $name,)*
        }

        impl PluginKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            fn exports(self) -> &'static [Export] {
                match self {
                    $(Self::$name => &[$($export),*],)*
                }
            }
        }
    };
}

use Export::{Around, Begins, Is};

kinds! {
    /// Plugwright: its records.
    Plugwright "plugwright" [],
    /// Qt 5 or 6: its metadata.
    Qt "qt" [],
    /// Qt 4: `qt_plugin_query_verification_data`. What that returns is not read.
    Qt4 "qt4" [Is("qt_plugin_query_verification_data")],
    /// `GStreamer`: `gst_plugin_NAME_get_desc`, or `gst_plugin_desc` of older ones.
    GStreamer "gstreamer" [Around("gst_plugin_", "_get_desc"), Is("gst_plugin_desc")],
    /// A module of `GLib`'s GIO: `g_io_module_load`, or `g_io_NAME_load`.
    Gio "gio-module" [Around("g_io_", "_load")],
    /// LV2, a plugin or its window: `lv2_descriptor`, `lv2_lib_descriptor`,
    /// `lv2ui_descriptor`. The bundle's Turtle files beside it are not read.
    Lv2 "lv2" [Is("lv2_descriptor"), Is("lv2_lib_descriptor"), Is("lv2ui_descriptor")],
    /// LADSPA: `ladspa_descriptor`.
    Ladspa "ladspa" [Is("ladspa_descriptor")],
    /// CLAP: `clap_entry`.
    Clap "clap" [Is("clap_entry")],
    /// VST 3: `GetPluginFactory`.
    Vst3 "vst3" [Is("GetPluginFactory")],
    /// VST 2: `VSTPluginMain`.
    Vst2 "vst2" [Is("VSTPluginMain")],
    /// A Vulkan layer: `vkNegotiateLoaderLayerInterfaceVersion`.
    VulkanLayer "vulkan-layer" [Is("vkNegotiateLoaderLayerInterfaceVersion")],
    /// A Vulkan driver: `vk_icdGetInstanceProcAddr`.
    VulkanDriver "vulkan-driver" [Is("vk_icdGetInstanceProcAddr")],
    /// An `OpenXR` layer: `xrNegotiateLoaderApiLayerInterface`.
    OpenXrLayer "openxr-layer" [Is("xrNegotiateLoaderApiLayerInterface")],
    /// An `OpenXR` runtime: `xrNegotiateLoaderRuntimeInterface`.
    OpenXrRuntime "openxr-runtime" [Is("xrNegotiateLoaderRuntimeInterface")],
    /// A PostgreSQL module: `Pg_magic_func`.
    PostgreSql "postgresql-module" [Is("Pg_magic_func")],
    /// A loadable extension of SQLite: `sqlite3_extension_init`, or `sqlite3_NAME_init`.
    Sqlite "sqlite-extension" [Around("sqlite3_", "_init")],
    /// A Python extension module: `PyInit_NAME`.
    Python "python-extension" [Around("PyInit_", "")],
    /// A Node.js addon: `napi_register_module_v1`, or `node_register_module_vN`.
    Node "node-addon" [Begins("napi_register_module_v"), Begins("node_register_module_v")],
    /// A Lua C module: `luaopen_NAME`.
    Lua "lua-module" [Around("luaopen_", "")],
    /// A PAM module: `pam_sm_…`.
    Pam "pam-module" [Begins("pam_sm_")],
    /// A module of the name service switch: `_nss_NAME_…`.
    Nss "nss-module" [Begins("_nss_")],
    /// An OpenSSL provider: `OSSL_provider_init`.
    OpenSslProvider "openssl-provider" [Is("OSSL_provider_init")],
    /// An OpenSSL engine: `bind_engine`.
    OpenSslEngine "openssl-engine" [Is("bind_engine")],
    /// A PKCS #11 module: `C_GetFunctionList`.
    Pkcs11 "pkcs11-module" [Is("C_GetFunctionList")],
    /// A pass for LLVM: `llvmGetPassPluginInfo`.
    LlvmPass "llvm-pass" [Is("llvmGetPassPluginInfo")],
    /// A plugin for GCC: `plugin_is_GPL_compatible`.
    Gcc "gcc-plugin" [Is("plugin_is_GPL_compatible")],
    /// A module of VLC: `vlc_entry_api_version`, or `vlc_entry__VERSION`.
    Vlc "vlc-module" [Begins("vlc_entry_")],
    /// A Falco plugin: `plugin_get_required_api_version`.
    Falco "falco-plugin" [Is("plugin_get_required_api_version")],
    /// An effect for frei0r hosts: `f0r_get_plugin_info`.
    Frei0r "frei0r-effect" [Is("f0r_get_plugin_info")],
    /// A library with native methods for Java: `JNI_OnLoad`.
    Java "java-native" [Is("JNI_OnLoad")],
    /// A Linux kernel module: the section `.modinfo`.
    KernelModule "kernel-module" [],
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for PluginKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An export of the host itself, which has plugins of this kind built in and is none.
fn host_export(kind: PluginKind) -> Option<&'static [u8]> {
    match kind {
        PluginKind::Sqlite => Some(b"sqlite3_libversion"),
        PluginKind::Python => Some(b"Py_Initialize"),
        PluginKind::Lua => Some(b"lua_newstate"),
        _ => None,
    }
}

/// The part of `name` that is the plugin's, if the export is recognised.
fn matches<'n>(export: &Export, name: &'n [u8]) -> Option<&'n [u8]> {
    match export {
        Is(text) => (name == text.as_bytes()).then_some(&[]),
        Begins(text) => name.starts_with(text.as_bytes()).then_some(&[]),
        Around(before, after) => name
            .strip_prefix(before.as_bytes())?
            .strip_suffix(after.as_bytes())
            .filter(|name| !name.is_empty()),
    }
}

/// Looks at one exported name after the other, and keeps what says something.
pub(crate) struct Recogniser {
    /// Whether names are Darwin's, whose C compilers put an underscore before every one.
    underscored: bool,
    /// Of each kind in [`PluginKind::ALL`] the sign that was seen, with its place among the
    /// kind's signs: an earlier one says more.
    seen: Vec<Option<(usize, Recognised)>>,
    /// Kinds of which the image is a host.
    hosts: Vec<PluginKind>,
}

impl Recogniser {
    /// For an image in `format`.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            underscored: format == Format::MachO,
            seen: vec![None; PluginKind::ALL.len()],
            hosts: Vec::new(),
        }
    }

    /// Takes an exported name, as it stands in the file.
    pub(crate) fn see(&mut self, name: &[u8]) {
        let stripped = name.strip_prefix(b"_").filter(|_| self.underscored);
        let plain = stripped.unwrap_or(name);
        for (kind, seen) in PluginKind::ALL.iter().zip(&mut self.seen) {
            if host_export(*kind) == Some(plain) {
                self.hosts.push(*kind);
            }
            let found = (0..)
                .zip(kind.exports())
                .find_map(|(sign, export)| Some((sign, matches(export, plain)?)));
            if let Some((sign, plugin)) = found
                && seen.as_ref().is_none_or(|(before, _)| sign < *before)
            {
                let recognised = Recognised {
                    kind: *kind,
                    evidence: Some(name.into()),
                    name: (!plugin.is_empty()).then(|| plugin.into()),
                };
                *seen = Some((sign, recognised));
            }
        }
    }

    /// What `image` is a plugin for, each kind once; `is_module` tells of a `.modinfo`.
    pub(crate) fn finish(self, image: &Image, is_module: bool) -> Vec<Recognised> {
        let declared = |kind, evidence: Option<&str>| Recognised {
            kind,
            evidence: evidence.map(Untrusted::from),
            name: None,
        };
        let mut found = Vec::new();
        if !image.records.is_empty() {
            found.push(declared(PluginKind::Plugwright, None));
        }
        if image.qt.is_some() {
            found.push(declared(PluginKind::Qt, None));
        }
        if is_module {
            found.push(declared(PluginKind::KernelModule, Some(".modinfo")));
        }
        let seen = self.seen.into_iter().flatten().map(|(_, found)| found);
        found.extend(seen.filter(|found| !self.hosts.contains(&found.kind)));
        found
    }
}

/// What an image with these headers and exports is a plugin for.
pub(crate) fn recognise(headers: &ImageHeaders, exports: &[Symbol]) -> Vec<Recognised> {
    let mut recogniser = Recogniser::new(headers.image.target.format);
    for symbol in exports {
        recogniser.see(symbol.name.as_bytes());
    }
    let is_module = headers.elf().is_some_and(|elf| !elf.module_info.is_empty());
    recogniser.finish(&headers.image, is_module)
}

/// One image with what it is a plugin for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ImageKinds {
    /// What the quick path tells.
    #[serde(flatten)]
    pub image: Image,
    /// What it is a plugin for, as far as that is known.
    pub kinds: Vec<Recognised>,
}

/// What [`kinds()`] found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Kinds {
    /// The images of the file; none when it is no library in a known format.
    pub images: Vec<ImageKinds>,
    /// Everything that is wrong with the file, as far as this depth looks.
    pub problems: Vec<Problem>,
}

/// Reads what [`crate::identity()`] reads, and of the symbols the names of those that are
/// exported: no relocations, no versions. A scan for other systems' plugins runs it on
/// every file.
///
/// `file_name` is as for [`crate::identity()`]. It never fails as a whole and never panics.
pub fn kinds<R: ReadAt + ?Sized>(reader: &R, file_name: Option<&OsStr>) -> Kinds {
    let (images, problems) = source::read(reader, |source, problems| {
        images(source, file_name, problems)
    });
    Kinds { images, problems }
}

fn images<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    file_name: Option<&OsStr>,
    problems: &mut Problems,
) -> Vec<ImageKinds> {
    let described = |image: ImageSymbols| ImageKinds {
        kinds: recognise(&image.headers, &image.exports),
        image: image.headers.image,
    };
    if elf::is_elf(source.head()) {
        let image = elf::kinds(source, file_name, problems);
        image.into_iter().collect()
    } else if macho::is_macho(source.head()) {
        let images = macho::read(source, Depth::Symbols, file_name, problems);
        images.into_iter().map(described).collect()
    } else if pe::is_pe(source.head()) {
        let image = pe::read(source, Depth::Symbols, file_name, problems);
        image.into_iter().map(described).collect()
    } else {
        problems.push(foreign::describe(source.head(), source.size()));
        Vec::new()
    }
}
