//! Which systems a library is a plugin for: Plugwright's, Qt's, and those that are known by
//! what a plugin exports.
//!
//! | kind | told by | read at |
//! |---|---|---|
//! | `plugwright` | a record in the notes | *identity* |
//! | `qt` | metadata in the note or section | *identity* |
//! | `kernel-module` | the section `.modinfo` of an object file | *kinds* |
//! | `lv2`, `vst3`, Vulkan's and `OpenXR`'s | also a manifest beside the library | [`crate::beside`] |
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
use crate::qt;
use crate::read_at::ReadAt;
use crate::source::{self, Source};
use crate::symbols::Symbol;
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
    /// What the plugin or its manifest says besides, as `key=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<Untrusted>,
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
    /// Qt 4: `qt_plugin_query_verification_data`. What that returns is searched for.
    Qt4 "qt4" [Is("qt_plugin_query_verification_data")],
    /// `GStreamer`: `gst_plugin_NAME_get_desc`, or `gst_plugin_desc` of older ones.
    GStreamer "gstreamer" [Around("gst_plugin_", "_get_desc"), Is("gst_plugin_desc")],
    /// A module of `GLib`'s GIO: `g_io_module_load`, or `g_io_NAME_load`.
    Gio "gio-module" [Around("g_io_", "_load"), Is("g_io_module_load")],
    /// LV2, a plugin or its window: `lv2_descriptor`, `lv2_lib_descriptor`,
    /// `lv2ui_descriptor`; or the bundle's manifest.
    Lv2 "lv2" [Is("lv2_descriptor"), Is("lv2_lib_descriptor"), Is("lv2ui_descriptor")],
    /// LADSPA: `ladspa_descriptor`.
    Ladspa "ladspa" [Is("ladspa_descriptor")],
    /// CLAP: `clap_entry`.
    Clap "clap" [Is("clap_entry")],
    /// VST 3: `GetPluginFactory`, or the bundle's manifest.
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
    Sqlite "sqlite-extension" [Around("sqlite3_", "_init"), Is("sqlite3_extension_init")],
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

/// What is read besides, by kind: for docs/formats.md.
#[cfg(test)]
fn read_besides(kind: PluginKind) -> (&'static str, &'static str) {
    match kind {
        PluginKind::Plugwright => (
            "the notes of `plugwright`: ELF segments, else the section `.note.plugwright`; Mach-O \
             `__TEXT,__plugwright`; PE `.plugwrt`",
            "*identity*: summaries; *headers*: details",
        ),
        PluginKind::Qt => (
            "Qt's metadata: ELF note of `qt-project!`, else the section `.qtmetadata`; Mach-O \
             `__TEXT,qtmetadata`; PE `.qtmetadata` or `.qtmetad`",
            "*identity*",
        ),
        PluginKind::Qt4 => ("its verification data, searched for in the file", "*kinds*"),
        PluginKind::KernelModule => (
            "ELF section `.modinfo`; its lines at the depth *headers*",
            "*kinds*",
        ),
        PluginKind::Lv2 => (
            "`manifest.ttl` in the same folder: the plugins' URIs",
            "*kinds*; the manifest by `inspect` only",
        ),
        PluginKind::Vst3 => (
            "`Contents/Resources/moduleinfo.json` of the bundle: name, version, vendor, classes",
            "*kinds*; the manifest by `inspect` only",
        ),
        PluginKind::VulkanLayer
        | PluginKind::VulkanDriver
        | PluginKind::OpenXrLayer
        | PluginKind::OpenXrRuntime => (
            "`*.json` in the same folder that names the library: name, versions, description",
            "*kinds*; the manifest by `inspect` only",
        ),
        _ => ("", "*kinds*"),
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
            // From behind: a sign that names no plugin is also of the form of one that does.
            let mut signs = kind.exports().iter().enumerate().rev();
            let found = signs.find_map(|(sign, export)| Some((sign, matches(export, plain)?)));
            if let Some((sign, plugin)) = found
                && seen.as_ref().is_none_or(|(before, _)| sign < *before)
            {
                let recognised = Recognised {
                    kind: *kind,
                    evidence: Some(name.into()),
                    name: (!plugin.is_empty()).then(|| plugin.into()),
                    says: Vec::new(),
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
            says: Vec::new(),
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
pub(crate) fn recognise<R: ReadAt + ?Sized>(
    headers: &ImageHeaders,
    exports: &[Symbol],
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<Recognised> {
    let mut recogniser = Recogniser::new(headers.image.target.format);
    for symbol in exports {
        recogniser.see(symbol.name.as_bytes());
    }
    let is_module = headers.elf().is_some_and(|elf| !elf.module_info.is_empty());
    let mut found = recogniser.finish(&headers.image, is_module);
    look_further(&mut found, &headers.image, source, problems);
    found
}

/// Reads what plugins of some kinds have in their data.
pub(crate) fn look_further<R: ReadAt + ?Sized>(
    found: &mut [Recognised],
    image: &Image,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) {
    for found in found
        .iter_mut()
        .filter(|found| found.kind == PluginKind::Qt4)
    {
        found.says = qt::verification::read(source, image.offset, image.size, problems);
    }
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
    if elf::is_elf(source.head()) {
        let image = elf::kinds(source, file_name, problems);
        return image.into_iter().collect();
    }
    let images = if macho::is_macho(source.head()) {
        macho::read(source, Depth::Symbols, file_name, problems)
    } else if pe::is_pe(source.head()) {
        let image = pe::read(source, Depth::Symbols, file_name, problems);
        image.into_iter().collect()
    } else {
        problems.push(foreign::describe(source.head(), source.size()));
        Vec::new()
    };
    let described = images.into_iter().map(|image| ImageKinds {
        kinds: recognise(&image.headers, &image.exports, source, problems),
        image: image.headers.image,
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// The table of kinds as docs/formats.md has it.
    fn table() -> String {
        let mut text = String::from(
            "| kind | told by the export | what is read besides | depth of `list` |\n\
             |---|---|---|---|\n",
        );
        for kind in PluginKind::ALL {
            let exports = kind.exports().iter().map(|export| match export {
                Is(name) => format!("`{name}`"),
                Begins(start) => format!("`{start}…`"),
                Around(start, end) => format!("`{start}NAME{end}`"),
            });
            let exports: Vec<_> = exports.collect();
            let (besides, depth) = read_besides(*kind);
            let exports = exports.join(", ");
            writeln!(text, "| `{kind}` | {exports} | {besides} | {depth} |").expect("memory");
        }
        text
    }

    /// `PLUGWRIGHT_BLESS=1` writes it.
    #[test]
    fn docs_have_every_kind() {
        const START: &str = "<!-- begin kinds -->\n";
        const END: &str = "<!-- end kinds -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
        let text = std::fs::read_to_string(path).expect("docs/formats.md");
        let (before, rest) = text.split_once(START).expect("the table's begin");
        let (found, after) = rest.split_once(END).expect("the table's end");
        let table = table();
        if std::env::var_os("PLUGWRIGHT_BLESS").is_some() {
            let whole = format!("{before}{START}{table}{END}{after}");
            std::fs::write(path, whole).expect("docs/formats.md");
        } else {
            assert_eq!(
                found, table,
                "PLUGWRIGHT_BLESS=1 cargo test -p plugwright-inspect docs_have_every_kind"
            );
        }
    }
}
