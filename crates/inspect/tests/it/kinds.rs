//! Plugins of other systems, recognised by what they export.

use plugwright_inspect::{PluginKind, kinds, symbols};
use plugwright_testkit::elf::{EhdrField, ElfBuilder};
use plugwright_testkit::macho::MachOBuilder;
use plugwright_testkit::pe::PeBuilder;

use crate::QT6;

#[track_caller]
fn check(bytes: &[u8], expected: &[(PluginKind, Option<&str>)]) {
    let found = symbols(bytes, None);
    // The depth of its own finds the same.
    assert_eq!(kinds(bytes, None).images[0].kinds, found.images[0].kinds);
    let kinds: Vec<_> = found.images[0]
        .kinds
        .iter()
        .map(|found| (found.kind, found.name.as_ref().map(ToString::to_string)))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(kind, name)| (*kind, name.map(str::to_owned)))
        .collect();
    assert_eq!(kinds, expected);
}

#[test]
fn by_export() {
    use PluginKind as Kind;

    // What is told by metadata or a section has tests of its own.
    let mut seen = vec![Kind::Plugwright, Kind::Qt, Kind::Qt4, Kind::KernelModule];
    for (export, kind, name) in [
        (
            "gst_plugin_vorbis_get_desc",
            Kind::GStreamer,
            Some("vorbis"),
        ),
        ("gst_plugin_desc", Kind::GStreamer, None),
        ("g_io_gnutls_load", Kind::Gio, Some("gnutls")),
        ("lv2_descriptor", Kind::Lv2, None),
        ("clap_entry", Kind::Clap, None),
        ("GetPluginFactory", Kind::Vst3, None),
        (
            "vkNegotiateLoaderLayerInterfaceVersion",
            Kind::VulkanLayer,
            None,
        ),
        (
            "xrNegotiateLoaderApiLayerInterface",
            Kind::OpenXrLayer,
            None,
        ),
        ("Pg_magic_func", Kind::PostgreSql, None),
        ("sqlite3_series_init", Kind::Sqlite, Some("series")),
        ("PyInit__ssl", Kind::Python, Some("_ssl")),
        ("napi_register_module_v1", Kind::Node, None),
        ("luaopen_socket_core", Kind::Lua, Some("socket_core")),
        ("pam_sm_authenticate", Kind::Pam, None),
        ("_nss_myhostname_gethostbyname_r", Kind::Nss, None),
        ("OSSL_provider_init", Kind::OpenSslProvider, None),
        ("llvmGetPassPluginInfo", Kind::LlvmPass, None),
        ("lv2_lib_descriptor", Kind::Lv2, None),
        ("lv2ui_descriptor", Kind::Lv2, None),
        ("ladspa_descriptor", Kind::Ladspa, None),
        ("VSTPluginMain", Kind::Vst2, None),
        ("vk_icdGetInstanceProcAddr", Kind::VulkanDriver, None),
        (
            "xrNegotiateLoaderRuntimeInterface",
            Kind::OpenXrRuntime,
            None,
        ),
        ("g_io_module_load", Kind::Gio, None),
        ("sqlite3_extension_init", Kind::Sqlite, None),
        ("node_register_module_v115", Kind::Node, None),
        ("bind_engine", Kind::OpenSslEngine, None),
        ("C_GetFunctionList", Kind::Pkcs11, None),
        ("plugin_is_GPL_compatible", Kind::Gcc, None),
        ("vlc_entry_api_version", Kind::Vlc, None),
        ("plugin_get_required_api_version", Kind::Falco, None),
        ("f0r_get_plugin_info", Kind::Frei0r, None),
        ("JNI_OnLoad", Kind::Java, None),
    ] {
        let elf = ElfBuilder::x86_64().export(export).export("other").build();
        check(elf.bytes(), &[(kind, name)]);
        seen.push(kind);
        check(&PeBuilder::amd64().export(export).build(), &[(kind, name)]);
        let macho = MachOBuilder::arm64().section("__TEXT", "__text", 0, &[0; 8]);
        check(
            &macho.symbol(&format!("_{export}"), 0x0f, 1, 0).build(),
            &[(kind, name)],
        );
    }
    for kind in PluginKind::ALL {
        assert!(seen.contains(kind), "{kind} has no row here");
    }
    // The hosts have such functions for what is built in.
    for (export, host) in [
        ("sqlite3_backup_init", "sqlite3_libversion"),
        ("PyInit_zlib", "Py_Initialize"),
        ("luaopen_base", "lua_newstate"),
    ] {
        check(
            ElfBuilder::x86_64()
                .export(export)
                .export(host)
                .build()
                .bytes(),
            &[],
        );
    }
    // An import is no sign, nor is a name without the part that names the plugin.
    let elf = ElfBuilder::x86_64()
        .import("clap_entry", None)
        .export("PyInit_")
        .build();
    check(elf.bytes(), &[]);
}

#[test]
fn by_metadata_and_section() {
    let elf = ElfBuilder::x86_64()
        .qt_note(QT6)
        .export("luaopen_x")
        .build();
    check(
        elf.bytes(),
        &[(PluginKind::Qt, None), (PluginKind::Lua, Some("x"))],
    );
    let info = b"license=GPL\0vermagic=6.1.0 SMP\0";
    let mut module = ElfBuilder::x86_64().section(".modinfo", 2, info).build();
    module.set_header(EhdrField::Type, 1);
    check(module.bytes(), &[(PluginKind::KernelModule, None)]);
    // Without a line it describes no module.
    for empty in [&b""[..], b"\0\0"] {
        let file = ElfBuilder::x86_64()
            .export("f")
            .section(".modinfo", 2, empty);
        check(file.build().bytes(), &[]);
    }
    let found = symbols(module.bytes(), None);
    let info = &found.images[0].headers.elf().expect("ELF").module_info;
    assert_eq!(info[..], ["license=GPL", "vermagic=6.1.0 SMP"]);
}

/// Qt 4's data lie somewhere in the file: here behind the first piece that is searched, and
/// across its end.
#[test]
fn verification_data_of_qt_4() {
    let data = b"pattern=QT_PLUGIN_VERIFICATION_DATA\nversion=4.8.7\ndebug=false\n\
                 buildkey=x86_64 linux g++-4 full-config\0more";
    let with = |before: usize, data: &[u8]| {
        let bytes = [&vec![b'p'; before], data].concat();
        ElfBuilder::x86_64()
            .export("qt_plugin_query_verification_data")
            .section(".rodata", 2, &bytes)
            .build()
            .into_bytes()
    };
    let place = with(0, data)
        .windows(7)
        .position(|bytes| bytes == b"pattern");
    let edge = (64 << 10) - place.expect("the data");
    for before in [0, edge - 35, edge - 10, edge - 1, edge, 200_000] {
        let bytes = with(before, data);
        check(&bytes, &[(PluginKind::Qt4, None)]);
        let found = symbols(&bytes[..], None);
        assert_eq!(found.problems, []);
        assert_eq!(
            found.images[0].kinds[0].says,
            [
                "version=4.8.7",
                "debug=false",
                "buildkey=x86_64 linux g++-4 full-config"
            ],
            "{before}"
        );
    }
    let without = with(0, b"no data");
    let found = symbols(&without[..], None);
    assert_eq!(
        crate::codes(&found.problems),
        [plugwright_inspect::Code::QtMagic]
    );
    assert_eq!(found.images[0].kinds[0].says, Vec::<&str>::new());
}

#[test]
fn every_kind_has_its_own_text() {
    let mut texts: Vec<_> = PluginKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let count = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), count);
}
