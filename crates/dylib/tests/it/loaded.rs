//! What is loaded in this process.

use crate::child::alone;
use crate::{in_place, load, os, seal};
use plugwright_dylib::{LoadedImage, image_containing, loaded_images};
use plugwright_testkit::cc;
use std::fs;
use std::path::Path;

#[track_caller]
fn find(name: &str) -> LoadedImage {
    let images = loaded_images();
    let named = |image: &&LoadedImage| {
        image
            .file
            .as_deref()
            .is_some_and(|file| file.to_str().unwrap().contains(name))
    };
    images
        .iter()
        .find(named)
        .unwrap_or_else(|| panic!("no {name} in {images:#?}"))
        .clone()
}

#[test]
fn the_program_and_its_libraries_are_listed() {
    let images = loaded_images();
    let program = &images[0];
    assert_eq!(program.name, Path::new(""));
    assert_eq!(
        program.file.as_deref(),
        Some(fs::canonicalize("/proc/self/exe").unwrap().as_path())
    );
    let libc = find("libc.so.6");
    assert_eq!(libc.soname.as_deref(), Some(os("libc.so.6")));
    assert!(program.needs(&libc));
    assert!(!libc.needs(program));
    assert!(
        libc.segments
            .iter()
            .any(|segment| segment.executable && !segment.writable)
    );
    assert_eq!(libc.build_id.unwrap().len(), 20);
    // The vDSO is no file.
    assert!(images.iter().any(|image| image.file.is_none()));
}

#[test]
fn an_address_is_found_in_its_image() {
    static HERE: u8 = 7;
    let here = image_containing(std::ptr::from_ref(&HERE).cast()).unwrap();
    assert_eq!(here.name, Path::new(""));
    let libc = find("libc.so.6");
    let there = image_containing(std::ptr::without_provenance(
        libc.segments[0].addresses.start,
    ))
    .unwrap();
    assert_eq!(there, libc);
    assert_eq!(image_containing(std::ptr::without_provenance(16)), None);
}

#[test]
fn a_loaded_library_is_told_with_all_that_is_asked_about_it() {
    alone(
        "loaded::a_loaded_library_is_told_with_all_that_is_asked_about_it",
        || {
            let needed = cc::shared(
                "libneeded.so",
                "int needed(void) { return 7; }",
                &[os("-Wl,-soname,libneeded.so.4")],
            );
            let source = "__thread int local; int needed(void); int number(void) { return needed() + local; }";
            let arguments = [
                needed.as_os_str(),
                os("-Wl,-soname,libtold.so.2"),
                os("-Wl,-z,nodelete"),
                os("-Wl,--build-id=0x0102abcd"),
            ];
            let told = cc::shared("libtold.so", source, &arguments);
            load(in_place(&needed).unwrap()).unwrap();
            let library = load(in_place(&told).unwrap()).unwrap();
            let image = find("libtold.so");
            assert_eq!(
                (image.name.as_path(), image.file.as_deref()),
                (told.as_path(), Some(told.as_path()))
            );
            assert_eq!(image.identity, library.identity());
            assert_eq!(image.soname.as_deref(), Some(os("libtold.so.2")));
            assert_eq!(image.needed[0], "libneeded.so.4");
            assert_eq!(
                image.build_id.as_deref(),
                Some([1, 2, 0xab, 0xcd].as_slice())
            );
            assert!(image.no_delete && image.thread_local);
            assert!(image.needs(&find("libneeded.so")));
            let address = library.address(c"number").unwrap().unwrap().as_ptr();
            assert_eq!(image_containing(address.cast()).unwrap(), image);
        },
    );
}

#[test]
fn a_sealed_copy_has_no_file_that_its_name_leads_to() {
    alone(
        "loaded::a_sealed_copy_has_no_file_that_its_name_leads_to",
        || {
            load(seal(&cc::shared(
                "libsealed.so",
                "int number(void) { return 1; }",
                &[],
            )))
            .unwrap();
            let image = find("/memfd:libsealed.so (deleted)");
            assert_eq!(image.identity, None);
        },
    );
}
