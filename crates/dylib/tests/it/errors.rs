//! The text of every kind of error, as somebody reads it.

use crate::child::alone;
use crate::{in_place, load, numbered, os, seal};
use insta::assert_snapshot;
use plugwright_dylib::{CopyFolder, Hints, Image, Library, LoadError, Request, SymbolName};
use plugwright_testkit::cc;
use plugwright_testkit::elf::{ElfBuilder, Endian, PhdrField, Width};
use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn open(request: &Request) -> LoadError {
    // SAFETY: nothing that these tests ask for is loaded.
    unsafe { Library::open(request, Hints::new()) }.unwrap_err()
}

/// The text and its source, with the folder of the test called `/dir`, and without the system's own folders, which differ.
fn told(error: &dyn Error, folder: &Path) -> String {
    let source = error
        .source()
        .map(|source| format!("\nsource: {source}"))
        .unwrap_or_default();
    let process = format!("/proc/{}/", std::process::id());
    let text = format!("{error}{source}")
        .replace(folder.to_str().unwrap(), "/dir")
        .replace(&process, "/proc/PID/");
    let lines = text.lines().map(|line| {
        line.split_once(", \"/lib")
            .map_or_else(|| line.into(), |(start, _)| format!("{start}, …"))
    });
    lines.collect::<Vec<String>>().join("\n")
}

#[test]
fn requests() {
    let none = Path::new("/nowhere");
    assert_snapshot!(told(&open(&Request::path("sub/zz")), none), @r#"cannot load "sub/zz": expected an absolute path; say what it is relative to"#);
    assert_snapshot!(told(&open(&Request::name("sub/zz")), none), @r#"cannot load "sub/zz": expected the name of a library; to name a file, request it by path"#);
    assert_snapshot!(told(&open(&Request::name("z").with_version("../1")), none), @r#"cannot load "z": expected a version like "3.1", not empty and without "/""#);
    assert_snapshot!(told(&open(&Request::name("z\0z")), none), @r#"cannot load "z\0z": the name contains a byte 0, which no name of a file has; take it out"#);
    let temp = tempfile::tempdir().unwrap();
    assert_snapshot!(told(&open(&Request::path("zz").relative_to(temp.path())), temp.path()), @r#"
    cannot find "zz": none of its names is there; check the path, or install what brings it
      tried "/dir/zz": No such file or directory (os error 2)
      tried "/dir/zz.so": No such file or directory (os error 2)
      tried "/dir/libzz": No such file or directory (os error 2)
      tried "/dir/libzz.so": No such file or directory (os error 2)
    "#);
    // SAFETY: nothing is loaded.
    let error = unsafe { Library::open_checked(&Request::name("z"), Hints::new()) }.unwrap_err();
    assert_snapshot!(told(&error, none), @r#"cannot check "z" before it is loaded: a name leaves the choice of the file to the system; request it by path or from the system's own folders"#);
}

#[test]
fn images() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path();
    assert_snapshot!(told(&Image::seal(&File::open(folder).unwrap(), os("x")).unwrap_err(), folder), @r#"cannot load "x": it is not a regular file; name the library itself, and no folder, pipe or device"#);
    let path = folder.join("libx.so");
    fs::copy(numbered(1), &path).unwrap();
    let error = Image::in_place(&path, File::open(numbered(2)).unwrap()).unwrap_err();
    assert_snapshot!(told(&error, folder), @r#"cannot load "/dir/libx.so": the file changed meanwhile; try again when it is at rest"#);
    assert_snapshot!(told(&CopyFolder::below(&folder.join("none")).unwrap_err(), folder), @r#"
    cannot keep copies below "/dir/none": the system failed; choose a folder that exists and that you can write
    source: No such file or directory (os error 2)
    "#);
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!(told(&CopyFolder::below(folder).unwrap_err(), folder), @r#"cannot keep copies below "/dir": others can replace what is in it; choose a folder that only you can write"#);
}

#[test]
fn files_that_are_no_library_for_this_system() {
    let temp = tempfile::tempdir().unwrap();
    let told = |bytes: &[u8]| {
        let path = temp.path().join("libx.so");
        fs::write(&path, bytes).unwrap();
        told(&open(&Request::path(path)), temp.path())
    };
    assert_snapshot!(told(b"#!/bin/sh\necho this is a script, and no library; it is long enough to have a header"), @r#"
    cannot load "/dir/libx.so": the system refused it
      tried "/dir/libx.so": /dir/libx.so: invalid ELF header
      "/dir/libx.so": not-a-library: expected a library in ELF, Mach-O or PE, found a script (at byte 0x0)
    source: /dir/libx.so: invalid ELF header
    "#);
    let other = ElfBuilder::new(
        Width::Bits64,
        Endian::Little,
        if cfg!(target_arch = "aarch64") {
            62
        } else {
            183
        },
    );
    let text = told(other.export("one").build().bytes());
    assert!(
        text.contains("\"/dir/libx.so\" is for another processor or word size"),
        "{text}"
    );
}

#[test]
fn a_file_that_is_damaged() {
    let temp = tempfile::tempdir().unwrap();
    let mut file = ElfBuilder::x86_64().soname("libx.so").export("one").build();
    let index = file.segment(1, 1);
    file.set_segment(index, PhdrField::Filesz, u64::MAX);
    let path = temp.path().join("libx.so");
    fs::write(&path, file.bytes()).unwrap();
    // SAFETY: nothing is loaded.
    let error = unsafe { Library::open_checked(&Request::path(path), Hints::new()) }.unwrap_err();
    let text = told(&error, temp.path());
    assert_snapshot!(text.lines().next().unwrap(), @r#"cannot load "/dir/libx.so": the file is damaged or not for this system; nothing of it has run"#);
    assert!(text.contains("segment-overflow: "), "{text}");
}

#[test]
fn a_library_that_is_needed() {
    alone("errors::a_library_that_is_needed", || {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        let soname = os("-Wl,-soname,libgone.so.2");
        let gone = cc::shared("libgone.so", "int gone(void) { return 7; }", &[soname]);
        let source = "int gone(void); int number(void) { return gone(); }";
        let build = |name: &str, run_path: &str| {
            let run_path = format!("-Wl,-rpath,{run_path}");
            let mut arguments = vec![gone.as_os_str()];
            arguments.extend((run_path != "-Wl,-rpath,").then_some(os(&run_path)));
            let path = folder.join(name);
            fs::copy(cc::shared(name, source, &arguments), &path).unwrap();
            path
        };
        let none = build("libnone.so", "");
        assert_snapshot!(told(&load(in_place(&none).unwrap()).unwrap_err(), folder), @r#"
        cannot load "/dir/libnone.so": the system refused it
          tried "/dir/libnone.so": libgone.so.2: cannot open shared object file: No such file or directory
          "/dir/libnone.so" needs "libgone.so.2", looked for as an entry of the loader's cache, …
        source: libgone.so.2: cannot open shared object file: No such file or directory
        "#);

        let beside = build("libbeside.so", "$ORIGIN/deps:/nonexistent");
        let other = ElfBuilder::new(Width::Bits64, Endian::Little, 183)
            .soname("libgone.so.2")
            .export("gone");
        fs::create_dir(folder.join("deps")).unwrap();
        fs::write(folder.join("deps/libgone.so.2"), other.build().bytes()).unwrap();
        if cfg!(target_arch = "x86_64") {
            assert_snapshot!(told(&load(in_place(&beside).unwrap()).unwrap_err(), folder), @r#"
            cannot load "/dir/libbeside.so": the system refused it
              tried "/dir/libbeside.so": libgone.so.2: cannot open shared object file: No such file or directory
              "/dir/libbeside.so" needs "libgone.so.2": "/dir/deps/libgone.so.2" is there, but for another processor or word size
            source: libgone.so.2: cannot open shared object file: No such file or directory
            "#);
        }

        let text = told(&load(seal(&beside)).unwrap_err(), folder);
        let (_, explanation) = text.split_once("No such file or directory\n").unwrap();
        assert_snapshot!(explanation, @r#"
          "libbeside.so" needs "libgone.so.2", looked for as "/proc/PID/fd/deps/libgone.so.2", "/nonexistent/libgone.so.2", an entry of the loader's cache, …
          $ORIGIN leads nowhere in a copy: load what lies beside the original before it
        source: libgone.so.2: cannot open shared object file: No such file or directory
        "#);
    });
}

#[test]
fn symbols() {
    alone("errors::symbols", || {
        let source = "int plugin_entry(void) { return 1; } static int hidden_entry(void) { return 2; } int (*use)(void) = hidden_entry; __asm__(\".globl nothing\\n.set nothing, 0\");";
        let library = load(seal(&cc::shared("libsymbols.so", source, &[]))).unwrap();
        let told =
            |symbol: SymbolName<'_>| told(&library.data::<u8>(symbol).unwrap_err(), library.path());
        assert_snapshot!(told(c"plugin_entri".into()), @r#"
        "libsymbols.so" has no symbol "plugin_entri"; did you mean "plugin_entry"
        source: /dir: undefined symbol: plugin_entri
        "#);
        assert_snapshot!(told(c"hidden_entry".into()), @r#"
        "libsymbols.so" has no symbol "hidden_entry"; it has "hidden_entry", and does not export it: make it visible
        source: /dir: undefined symbol: hidden_entry
        "#);
        assert_snapshot!(told(c"quite_different".into()), @r#"
        "libsymbols.so" has no symbol "quite_different"
        source: /dir: undefined symbol: quite_different
        "#);
        assert_snapshot!(told(c"nothing".into()), @r#""libsymbols.so" has the symbol "nothing", and its value is 0"#);
        // glibc: any version will do for a library that has no versions.
        let any = SymbolName::versioned(c"plugin_entry", c"V2");
        assert!(library.address(any).unwrap().is_some());
    });
}
