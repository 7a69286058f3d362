//! Plugins of other systems: exports, sections and data that tell a kind, manifests beside
//! libraries, and the list of crates of cargo-auditable.

use plugwright_inspect::{ManifestForm, headers, kinds, manifest_says, symbols};
use plugwright_testkit::elf::ElfBuilder;

use super::reading;

/// The library that manifests are asked about.
const LIBRARY: &str = "l.so";

/// Takes the first byte for the form, the rest for its bytes.
///
/// # Panics
/// When two depths contradict each other, or a text could act on a terminal.
pub fn run(data: &[u8]) {
    let Some((form, bytes)) = data.split_first() else {
        return;
    };
    match form % 6 {
        0 => manifest(ManifestForm::Lv2, bytes),
        1 => manifest(ManifestForm::Vst3, bytes),
        2 => manifest(ManifestForm::Khronos, bytes),
        3 => crates(bytes),
        4 => exports(bytes),
        _ => {
            let found = kinds(bytes, None);
            reading::texts(&found.problems);
        }
    }
}

fn manifest(form: ManifestForm, bytes: &[u8]) {
    let (kinds, problems) = manifest_says(form, bytes, LIBRARY.as_ref());
    reading::texts(&problems);
    for kind in kinds.iter().take(8) {
        let names = kind.name.iter().chain(&kind.says);
        for text in names {
            assert!(!text.to_string().contains(char::is_control));
        }
    }
}

/// The sum at the end of zlib's format is one that a fuzzer does not guess.
fn crates(bytes: &[u8]) {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(bytes, 1);
    let builder = ElfBuilder::x86_64().compact().export("f");
    let file = builder.section(".dep-v0", 0, &packed).build();
    let found = headers(file.bytes(), None);
    reading::texts(&found.problems);
    // Either the list or what is wrong with it; one without a crate is a list.
    let listed = &found.images[0].crates;
    assert!(listed.is_empty() || found.problems.is_empty());
    for listed in listed.iter().take(8) {
        for text in [&listed.name, &listed.version, &listed.source] {
            assert!(!text.to_string().contains(char::is_control));
        }
    }
}

/// Names between line ends are exported; all of the bytes are the library's data as well.
fn exports(bytes: &[u8]) {
    let mut builder = ElfBuilder::x86_64().compact();
    let names = bytes.split(|byte| *byte == b'\n');
    for name in names
        .take(16)
        .filter_map(|name| std::str::from_utf8(name).ok())
    {
        if !name.is_empty() && !name.contains('\0') {
            builder = builder.export(name);
        }
    }
    let builder = builder.section(".rodata", 2, bytes);
    let file = builder.section(".modinfo", 2, bytes).build();
    let quick = kinds(file.bytes(), None);
    let deep = symbols(file.bytes(), None);
    assert_eq!(quick.images[0].kinds, deep.images[0].kinds);
    reading::texts(&deep.problems);
}
