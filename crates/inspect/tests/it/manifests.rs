//! Manifests beside libraries: of LV2, VST 3, Vulkan and `OpenXR`, good and damaged.

use std::fs;
use std::path::Path;

use plugwright_inspect::{
    Beside, Code, ManifestForm, PluginKind, Recognised, beside, limits, manifest_says,
};

use crate::codes;

const LV2: &str = r#"
# Two plugins and a window, of which one is another library's.
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix ui:  <http://lv2plug.in/ns/extensions/ui#>.
<http://example.org/amp>
    a lv2:Plugin , lv2:AmplifierPlugin ;
    lv2:binary <amp.so> ;
    lv2:project [ a lv2:Project ; lv2:binary <nested.so> ] ;
    <http://www.w3.org/2000/01/rdf-schema#comment> """of "no". interest\"""" , 'x.y' .
<http://example.org/other> lv2:binary <other.so> .
<http://example.org/amp#ui>
    <http://lv2plug.in/ns/extensions/ui#binary> <./amp.so> ; lv2:minorVersion 2.0 .
"#;

const VST3: &str = r#"{
    // As moduleinfotool writes it.
    "Name": "Amp \"deluxe\", // no comment",
    "Version": "1.2.3",
    "Factory Info": { "Vendor": "Example", "URL": "https://example.org", },
    "Classes": [ { "Name": "Amp", "Category": "Audio Module Class", }, { "Name": "Amp UI" }, ],
    /* , } */
}"#;

const VULKAN: &str = r#"{"file_format_version": "1.2.0",
    "layer": {"name": "VK_LAYER_EXAMPLE_trace", "library_path": "./libtrace.so",
              "api_version": "1.3.0", "implementation_version": "2", "description": "Traces"}}"#;

/// Kind, name and what is said, as one line.
fn lines(kinds: &[Recognised]) -> Vec<String> {
    let line = |found: &Recognised| {
        let name = found.name.as_ref().map(ToString::to_string);
        let says: Vec<_> = found.says.iter().map(ToString::to_string).collect();
        format!(
            "{} {} {}",
            found.kind,
            name.unwrap_or_default(),
            says.join(" ")
        )
    };
    kinds.iter().map(line).collect()
}

#[track_caller]
fn check(form: ManifestForm, text: &str, library: &str, expected: &[&str]) {
    let (kinds, problems) = manifest_says(form, text.as_bytes(), library.as_ref());
    assert_eq!(problems, []);
    assert_eq!(lines(&kinds), expected);
}

#[test]
fn lv2() {
    let both = [
        "lv2 http://example.org/amp ",
        "lv2 http://example.org/amp#ui ",
    ];
    check(ManifestForm::Lv2, LV2, "amp.so", &both);
    check(
        ManifestForm::Lv2,
        LV2,
        "other.so",
        &["lv2 http://example.org/other "],
    );
    check(ManifestForm::Lv2, LV2, "nested.so", &[]);
    check(ManifestForm::Lv2, "", "amp.so", &[]);
}

#[test]
fn vst3() {
    check(
        ManifestForm::Vst3,
        VST3,
        "amp.so",
        &[
            "vst3 Amp \"deluxe\", // no comment Version=1.2.3 Vendor=Example URL=https://example.org Name=Amp Name=Amp UI",
        ],
    );
}

#[test]
fn vulkan_and_openxr() {
    check(
        ManifestForm::Khronos,
        VULKAN,
        "libtrace.so",
        &[
            "vulkan-layer VK_LAYER_EXAMPLE_trace api_version=1.3.0 implementation_version=2 description=Traces",
        ],
    );
    check(ManifestForm::Khronos, VULKAN, "libother.so", &[]);
    let several = r#"{"layers": [{"name": "a", "library_path": "/x/l.so"}, {"name": "b", "library_path": "l.so"}]}"#;
    check(
        ManifestForm::Khronos,
        several,
        "l.so",
        &["vulkan-layer a ", "vulkan-layer b "],
    );
    let driver = r#"{"ICD": {"library_path": "l.so", "api_version": "1.2.0"}}"#;
    check(
        ManifestForm::Khronos,
        driver,
        "l.so",
        &["vulkan-driver  api_version=1.2.0"],
    );
    let layer = r#"{"api_layer": {"name": "XR_APILAYER_x", "library_path": "l.so"}}"#;
    check(
        ManifestForm::Khronos,
        layer,
        "l.so",
        &["openxr-layer XR_APILAYER_x "],
    );
    let runtime = r#"{"runtime": {"name": "r", "library_path": "l.so"}}"#;
    check(
        ManifestForm::Khronos,
        runtime,
        "l.so",
        &["openxr-runtime r "],
    );
    // Other files in JSON are nobody's fault.
    for text in ["", "{", "[]", r#"{"layer": 7}"#, r#"{"name": "package"}"#] {
        check(ManifestForm::Khronos, text, "l.so", &[]);
    }
}

#[test]
fn damaged_manifests() {
    let told = |form, bytes: &[u8]| {
        let (kinds, problems) = manifest_says(form, bytes, "l.so".as_ref());
        assert_eq!(kinds, []);
        codes(&problems)
    };
    assert_eq!(
        told(ManifestForm::Vst3, b"{\"Name\": "),
        [Code::ManifestInvalid]
    );
    assert_eq!(
        told(ManifestForm::Vst3, b"/* without end"),
        [Code::ManifestInvalid]
    );
    assert_eq!(
        told(ManifestForm::Lv2, b"<a> <b> <without end"),
        [Code::ManifestInvalid]
    );
    assert_eq!(
        told(ManifestForm::Lv2, b"<a> <b> \"without end"),
        [Code::ManifestInvalid]
    );
    let large = vec![b' '; usize::try_from(limits::MANIFEST).expect("small") + 1];
    for form in [ManifestForm::Lv2, ManifestForm::Vst3, ManifestForm::Khronos] {
        assert_eq!(told(form, &large), [Code::LimitReached]);
    }
    // Ten thousand levels, and bytes that are no text.
    assert_eq!(
        told(ManifestForm::Vst3, &[b'['; 10_000]),
        [Code::ManifestInvalid]
    );
    assert_eq!(told(ManifestForm::Lv2, &[b'['; 10_000]), []);
    assert_eq!(told(ManifestForm::Lv2, b"\xff\xfe\x1b[2J ."), []);
}

fn found(path: &Path) -> Beside {
    let mut found = beside(path);
    // What stands in a temporary folder has another path each time.
    for kind in &mut found.kinds {
        assert!(kind.evidence.take().is_some());
    }
    found
}

#[test]
fn files_beside_a_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    };
    assert_eq!(found(&write("alone/x.so", "")), Beside::default());
    write("amp.lv2/manifest.ttl", LV2);
    let amp = found(&write("amp.lv2/amp.so", ""));
    assert_eq!(lines(&amp.kinds).len(), 2);

    write("amp.vst3/Contents/Resources/moduleinfo.json", VST3);
    let amp = found(&write("amp.vst3/Contents/x86_64-linux/amp.so", ""));
    assert_eq!(
        (amp.kinds[0].kind, amp.problems),
        (PluginKind::Vst3, vec![])
    );

    write("layers/a.json", "no JSON");
    write("layers/trace.json", VULKAN);
    write("layers/far/trace.json", VULKAN);
    let trace = found(&write("layers/libtrace.so", ""));
    assert_eq!(
        (trace.kinds.len(), trace.kinds[0].kind),
        (1, PluginKind::VulkanLayer)
    );

    // A damaged one is told with its path.
    write("bad.lv2/manifest.ttl", "<a> <");
    let bad = found(&write("bad.lv2/bad.so", ""));
    assert_eq!(codes(&bad.problems), [Code::ManifestInvalid]);
    assert!(bad.problems[0].found.contains("bad.lv2/manifest.ttl"));
}

/// What is no regular file is passed over and blocks nobody.
#[cfg(unix)]
#[test]
fn a_fifo_as_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["manifest.ttl", "layer.json"] {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join(name),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .expect("a FIFO");
    }
    assert_eq!(beside(&folder.path().join("x.so")), Beside::default());
}
