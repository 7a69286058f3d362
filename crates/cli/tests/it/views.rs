//! `plugwright inspect`: the page of facts, and single facts of it.

use std::fs;
use std::path::Path;

use plugwright_testkit::cc;
use plugwright_testkit::elf::ElfBuilder;
use tempfile::TempDir;

use crate::contracts::check_documented;
use crate::program::run;

/// A folder with a library that exports, imports and needs things, some with hostile names.
fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    let library = ElfBuilder::x86_64()
        .soname("libthing.so.1")
        .needed("liba.so")
        .needed("lib\u{1b}b.so")
        .build_id(&[0xab, 0xcd])
        .export("_ZN5thing4drawEi")
        .export("gst_plugin_thing_get_desc")
        .export_as("versioned", 0x12, Some("A_1"))
        .import("_RNvCs1234_7mycrate3foo", None)
        .import("a\nb", None);
    fs::write(place.path().join("libthing.so"), library.build().bytes()).expect("a file");
    place
}

/// What `inspect ARGUMENTS libthing.so` prints.
#[track_caller]
fn inspect(place: &TempDir, arguments: &[&str], code: i32) -> String {
    let arguments = ["inspect"].iter().chain(arguments).chain(&["libthing.so"]);
    let run = run(place.path(), arguments);
    assert_eq!(run.code, Some(code), "{run:?}");
    run.out + &run.err
}

#[test]
fn the_page_tells_hardening_and_the_kind_of_plugin() {
    insta::assert_snapshot!(inspect(&place(), &[], 0), @r"
    libthing.so
      format        ELF, 64 bits, little endian
      architecture  x86_64
      type          shared library
      soname        libthing.so.1
      needed        liba.so, lib\u{1b}b.so
      build id      abcd
      hardening     stack not executable; weak: no RELRO
      plugin kind   gstreamer thing (by gst_plugin_thing_get_desc)
    ");
}

/// A manifest beside the library, Qt 4's data, and a list of two crates.
#[test]
fn the_page_tells_manifests_and_crates() {
    let place = tempfile::tempdir().expect("a folder");
    let crates =
        b"\x78\xda\x55\xce\x3d\x0a\xc3\x30\x0c\x86\xe1\xbb\x68\x36\xc6\x69\x37\x5f\xa5\x64\x50\x25\
        \x51\x44\x1c\x2b\xf8\xa7\x4b\xf0\xdd\x6b\x32\x94\x76\xd4\x23\x78\xf9\x4e\x38\x90\x36\x7c\
        \x49\x85\xf8\x38\x21\xe3\x2e\x10\x81\x08\x1c\xbc\xa5\x54\xb5\x3c\xcf\xc5\xdf\xfc\x7d\x4a\
        \xb5\x5e\xe8\xfa\x17\x6c\x52\xbd\xda\xc4\x4d\x33\x4f\x7a\x76\x4d\x0c\xc3\x7d\x1b\x3b\xb2\
        \xfc\x55\x82\x5f\x7c\xf8\xad\x24\x23\x4c\x13\x58\x0e\xc9\x2c\x99\xf4\x5a\x11\x56\x07\xc5\
        \xac\x41\x6c\xa5\xcb\x58\xc7\x07\x9b\xc7\x34\x50";
    let library = ElfBuilder::x86_64()
        .export("qt_plugin_query_verification_data")
        .section(
            ".rodata",
            2,
            b"pattern=QT_PLUGIN_VERIFICATION_DATA\nversion=4.8.7\ndebug=false\n\0",
        )
        .section(".dep-v0", 0, crates);
    fs::write(place.path().join("libthing.so"), library.build().bytes()).expect("a file");
    let manifest =
        r#"{"layer": {"name": "VK_LAYER_X", "library_path": "libthing.so", "api_version": "1.3"}}"#;
    fs::write(place.path().join("layer.json"), manifest).expect("a file");
    insta::assert_snapshot!(inspect(&place, &[], 0), @r"
    libthing.so
      format        ELF, 64 bits, little endian
      architecture  x86_64
      type          shared library
      hardening     stack not executable; weak: no RELRO
      plugin kind   qt4 (by qt_plugin_query_verification_data)
        says        version=4.8.7, debug=false
      plugin kind   vulkan-layer VK_LAYER_X (by layer.json)
        says        api_version=1.3
      crates        cc 1.2.3 (crates.io, only to build), made 0.1.0 (local)
    ");
}

#[test]
fn lists_of_names() {
    let place = place();
    insta::assert_snapshot!(inspect(&place, &["--exports"], 0), @r"
    versioned@A_1
    thing::draw(int)
    gst_plugin_thing_get_desc
    ");
    insta::assert_snapshot!(inspect(&place, &["--exports", "--raw"], 0), @r"
    versioned@A_1
    _ZN5thing4drawEi
    gst_plugin_thing_get_desc
    ");
    insta::assert_snapshot!(inspect(&place, &["--imports"], 0), @r"
    mycrate::foo
    a\nb
    ");
    insta::assert_snapshot!(inspect(&place, &["--needed"], 0), @r"
    liba.so
    lib\u{1b}b.so
    ");
    insta::assert_snapshot!(inspect(&place, &["--needed", "libthing.so"], 0), @r"
    libthing.so
    liba.so
    lib\u{1b}b.so
    libthing.so
    liba.so
    lib\u{1b}b.so
    ");
}

#[test]
fn json_has_the_symbols_that_are_asked_for() {
    let place = place();
    let json = |arguments: &[&str]| {
        let text = inspect(&place, &[&["--format", "json"], arguments].concat(), 0);
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        check_documented(&json);
        json["images"][0].clone()
    };
    let plain = json(&[]);
    assert_eq!((plain.get("exports"), plain.get("imports")), (None, None));
    assert_eq!(plain["kinds"][0]["kind"], "gstreamer");
    assert_eq!(plain["kinds"][0]["name"], "thing");
    let exports = json(&["--exports"])["exports"].clone();
    assert_eq!(exports.as_array().map(Vec::len), Some(3), "{exports}");
    assert_eq!(json(&["--imports"])["imports"][1]["name"], "a\nb");
    let both = json(&["--exports", "--imports"]);
    assert_eq!(both["exports"], exports);
    assert_eq!(both["imports"], json(&["--imports"])["imports"]);
}

#[test]
fn of_lines_exports_and_imports_could_not_be_told_apart() {
    let told = inspect(&place(), &["--exports", "--imports"], 2);
    assert!(told.contains("--format json"), "{told}");
}

#[test]
fn keys_are_selected() {
    #[track_caller]
    fn check(key: &str, expected: &str, code: i32) {
        assert_eq!(inspect(&place(), &["--select", key], code), expected);
    }
    check("soname", "libthing.so.1\n", 0);
    check("needed", "liba.so\nlib\\u{1b}b.so\n", 0);
    check("needed.0", "liba.so\n", 0);
    check("elf.build_id", "abcd\n", 0);
    check("elf.flags.bind_now", "false\n", 0);
    check("run_path", "", 0);
    check("exports.1.name", "_ZN5thing4drawEi\n", 0);
    check(
        "elf.nothing",
        "plugwright: libthing.so: nothing under elf.nothing\n",
        1,
    );
}

#[test]
fn what_is_wrong_with_a_file_is_told_beside_the_view() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("libthing.so"), "#!/bin/sh\n").expect("a file");
    for view in ["--exports", "--needed", "--select=soname", "-piid"] {
        let told = inspect(&place, &[view], 1);
        assert!(
            told.starts_with("plugwright: libthing.so: not-a-library: "),
            "{told}"
        );
    }
}

#[test]
fn hardening_of_compiled_libraries() {
    #[track_caller]
    fn check(arguments: &[&str], expected: &str) {
        let arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let object = cc::shared("libhard.so", "int f(void) { return 1; }\n", &arguments);
        let page = run(Path::new("/"), ["inspect".as_ref(), object.as_os_str()]).out;
        let line = page.lines().find(|line| line.contains("hardening"));
        assert!(line.is_some_and(|line| line.contains(expected)), "{page}");
    }
    check(&["-Wl,-z,relro,-z,now"], "full RELRO, stack not executable");
    check(
        &["-Wl,-z,relro,-z,lazy"],
        "partial RELRO, stack not executable",
    );
    check(
        &["-Wl,-z,norelro,-z,execstack"],
        "weak: no RELRO, executable stack",
    );
}

#[test]
fn views_exclude_each_other() {
    let place = place();
    for arguments in [
        &["--exports", "--needed"][..],
        &["--imports", "--select", "soname"],
        &["--exports", "-piid"],
        &["--select", "soname", "--needed"],
        &["--select", "soname", "--format", "json"],
        &["--raw"],
    ] {
        let told = inspect(&place, arguments, 2);
        assert!(told.starts_with("error: "), "{told}");
    }
}

/// On machines that have Qt's own tool, the same lines.
#[test]
fn qt_metadata_is_laid_out_as_by_its_own_tool() {
    for major in ["5", "6"] {
        let tool = format!("/usr/lib/qt{major}/bin/qtplugininfo");
        let plugin = format!("/usr/lib/x86_64-linux-gnu/qt{major}/plugins/imageformats/libqgif.so");
        if !Path::new(&tool).is_file() || !Path::new(&plugin).is_file() {
            continue;
        }
        for parts in [
            &["-p", "iid"][..],
            &["-p", "classname"],
            &["-p", "qtinfo"],
            &["-p", "iid", "-p", "classname", "-p", "qtinfo"],
        ] {
            let theirs = crate::program::command_of(Path::new(&tool), Path::new("/"))
                .args(parts)
                .arg(&plugin)
                .output()
                .expect("the tool starts");
            let ours = run(
                Path::new("/"),
                ["inspect"].iter().chain(parts).chain(&[&*plugin]),
            );
            // Theirs leaves a space at the end of some lines.
            let theirs = String::from_utf8_lossy(&theirs.stdout);
            assert_eq!(ours.out.trim_end(), theirs.trim_end(), "{plugin} {parts:?}");
        }
        let data = run(Path::new("/"), ["inspect", "-p", "userdata", &plugin]).out;
        let json = data.strip_prefix("User Data: ").expect("its heading");
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(json["Keys"], serde_json::json!(["gif"]));
    }
    let told = inspect(&place(), &["-p", "iid"], 1);
    assert_eq!(
        told,
        "plugwright: libthing.so: no metadata of a Qt plugin\n"
    );
}
