//! Two libraries of one SONAME side by side: by other names in the copies that are loaded.

use crate::child::alone;
use crate::{call, load, numbered, os};
use plugwright_dylib::{CopyFolder, Image, LoadErrorKind, Source, loaded_images, unused_name};
use plugwright_testkit::cc;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const SHARED: &str = "libshared.so.1";

/// A plugin whose `number` is that of the library that it brings, with a version of the symbol, and that library.
fn plugin(number: u32) -> (PathBuf, PathBuf) {
    let script = "-Wl,--version-script=/dev/stdin";
    let temp = tempfile::tempdir().unwrap();
    let map = temp.path().join("map");
    fs::write(&map, "SHARED_1 { global: shared; local: *; };").unwrap();
    let script = script.replace("/dev/stdin", map.to_str().unwrap());
    let shared = cc::shared(
        "libshared.so",
        &format!("int shared(void) {{ return {number}; }}"),
        &[os("-Wl,-soname,libshared.so.1"), os(&script)],
    );
    let source = "int shared(void); int number(void) { return shared(); }";
    (
        cc::shared("libplugin.so", source, &[shared.as_os_str()]),
        shared,
    )
}

fn seal(path: &Path, name: &str) -> Image {
    Image::seal(&File::open(path).unwrap(), os(name)).unwrap()
}

fn names(new: &OsString) -> BTreeMap<OsString, OsString> {
    BTreeMap::from([(SHARED.into(), new.clone())])
}

#[test]
fn two_libraries_of_one_soname_are_loaded_side_by_side() {
    alone(
        "rename::two_libraries_of_one_soname_are_loaded_side_by_side",
        || {
            let temp = tempfile::tempdir().unwrap();
            let folder = CopyFolder::below(temp.path()).unwrap();
            for (number, copy) in [(1, false), (2, false), (3, true)] {
                let (plugin, shared) = plugin(number);
                let image = |path: &Path, name: &str| {
                    if copy {
                        Image::private_copy(&File::open(path).unwrap(), &folder, os(name)).unwrap()
                    } else {
                        seal(path, name)
                    }
                };
                let (shared, plugin) = (image(&shared, SHARED), image(&plugin, "libplugin.so"));
                // The first one keeps its name, as that of a library of the system does.
                if number == 1 {
                    load(shared).unwrap();
                    assert_eq!(call(&load(plugin).unwrap(), "number"), 1);
                    continue;
                }
                let new = unused_name(os(SHARED));
                let shared = shared.renamed(&names(&new)).unwrap();
                let plugin = plugin.renamed(&names(&new)).unwrap();
                let expected = if copy {
                    Source::PrivateCopy
                } else {
                    Source::Sealed
                };
                assert_eq!([shared.source(), plugin.source()], [expected; 2]);
                load(shared).unwrap();
                let plugin = load(plugin).unwrap();
                assert_eq!(
                    call(&plugin, "number"),
                    c_int(number),
                    "the library that the plugin brings"
                );
                let images = loaded_images();
                let with = |soname: &OsString| {
                    images
                        .iter()
                        .filter(|image| image.soname.as_ref() == Some(soname))
                        .count()
                };
                assert_eq!([with(&new), with(&SHARED.into())], [1, 1]);
            }
        },
    );
}

fn c_int(number: u32) -> std::ffi::c_int {
    number.try_into().unwrap()
}

/// Without other names the second plugin gets the first one's library: what this is for.
#[test]
fn without_other_names_the_second_gets_the_firsts() {
    alone(
        "rename::without_other_names_the_second_gets_the_firsts",
        || {
            for number in [1, 2] {
                let (plugin, shared) = plugin(number);
                load(seal(&shared, SHARED)).unwrap();
                assert_eq!(
                    call(&load(seal(&plugin, "libplugin.so")).unwrap(), "number"),
                    1
                );
            }
        },
    );
}

/// A real library, with a thread-local segment, relocations and version needs of several files; and names of all lengths.
#[test]
fn what_is_renamed_works_as_before() {
    alone("rename::what_is_renamed_works_as_before", || {
        let current = std::env::current_exe()
            .unwrap()
            .with_file_name("libfixture_current.so");
        for length in [1, 14, 255] {
            let new: OsString = "x".repeat(length).into();
            let image = seal(&numbered(1), "libnumbered.so");
            let size = image.size();
            let same = image.renamed(&names(&new)).unwrap();
            assert_eq!(same.size(), size, "it does not say that name");
            // Whatever a Rust library needs goes by another name for it, and is what is loaded already under its own.
            let all = loaded_images();
            let needed = |name: &str| {
                all.iter()
                    .any(|image| image.soname.as_deref() == Some(os(name)))
            };
            assert!(needed("libc.so.6"));
            let image = seal(&current, "libfixture_current.so");
            let gone = BTreeMap::from([("libc.so.6".into(), new.clone())]);
            let error = load(image.renamed(&gone).unwrap()).unwrap_err();
            let text = error.attempts()[0].answer.to_string();
            assert!(text.starts_with(new.to_str().unwrap()), "{text}");
            let there = BTreeMap::from([("libc.so.6".into(), "libm.so.6".into())]);
            let text = load(image.renamed(&there).unwrap())
                .unwrap_err()
                .to_string();
            assert!(
                text.contains("libm.so.6"),
                "its version needs are renamed too: {text}"
            );
        }
    });
}

#[cfg(feature = "explain")]
#[test]
fn what_is_renamed_is_sound() {
    let (plugin, shared) = plugin(1);
    let current = std::env::current_exe()
        .unwrap()
        .with_file_name("libfixture_current.so");
    for path in [plugin, shared, current] {
        let image = seal(&path, "libx.so");
        let renames = BTreeMap::from([
            (SHARED.into(), "y".repeat(99).into()),
            ("libc.so.6".into(), "c".into()),
        ]);
        let new = image.renamed(&renames).unwrap();
        assert!(new.size() > image.size(), "{path:?}");
        new.check().unwrap();
        // And once more, of what was renamed before.
        let back = BTreeMap::from([("c".into(), "libc.so.6".into())]);
        new.renamed(&back).unwrap().check().unwrap();
    }
}

#[test]
fn new_names_are_names_of_files() {
    let image = seal(&plugin(1).0, "libplugin.so");
    for name in ["", "a/b", "a\0b", &"x".repeat(256)] {
        let error = image.renamed(&names(&name.into())).unwrap_err();
        assert_eq!(error.kind(), LoadErrorKind::NotRenamable, "{name:?}");
    }
    let (one, two) = (unused_name(os(SHARED)), unused_name(os(SHARED)));
    assert_ne!(one, two);
    assert!(
        one.to_str()
            .unwrap()
            .starts_with("libshared.so.1.plugwright-")
    );
    let long = unused_name(os(&"é".repeat(500)));
    assert!(image.renamed(&names(&long)).is_ok());
}

/// Whatever a file says, the answer is an image or a refusal, and quickly.
#[test]
fn damaged_files_are_refused_or_renamed() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("libx.so");
    let bytes = fs::read(plugin(1).0).unwrap();
    let rename = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let image = Image::seal(&File::open(&path).unwrap(), os("libx.so")).unwrap();
        let size = image.size();
        match image.renamed(&names(&"y".into())) {
            Ok(image) => {
                assert!(image.size() < size + (1 << 20));
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), LoadErrorKind::NotRenamable, "{error}");
                false
            }
        }
    };
    assert!(rename(&bytes));
    for length in (0..2048).step_by(31) {
        assert!(!rename(&bytes[..length]), "{length}");
    }
    // Every byte of the header and of the program headers.
    let mut refused = 0;
    for at in 0..64 + 12 * 56 {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        refused += u32::from(!rename(&damaged));
    }
    assert!(refused > 50, "{refused}");
    // Every word of the dynamic section, wherever it is: it holds the tag of the needed libraries, 1, and of the end, 0.
    for at in (0..bytes.len() - 8).step_by(8) {
        let word = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        if matches!(word, 1 | 5 | 10 | 14 | 0x6fff_fffe | 0x6fff_ffff) {
            for value in [1, u64::MAX, 1 << 40, 0xffff] {
                let mut damaged = bytes.clone();
                damaged[at + 8..at + 16].copy_from_slice(&value.to_le_bytes());
                rename(&damaged);
            }
        }
    }
}
