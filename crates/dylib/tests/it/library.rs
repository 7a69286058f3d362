//! Loading from each source, and symbols.

use crate::child::alone;
use crate::{call, in_place, load, numbered, os, seal};
use plugwright_dylib::{CopyFolder, Image, LoadErrorKind, SymbolErrorKind};
use plugwright_testkit::cc;
use std::error::Error;
use std::ffi::c_int;
use std::fs::{self, File};

#[test]
fn every_source_loads() {
    alone("library::every_source_loads", || {
        let temp = tempfile::tempdir().unwrap();
        let path = numbered(5);
        assert_eq!(call(&load(seal(&path)).unwrap(), "number"), 5);
        assert_eq!(call(&load(in_place(&path).unwrap()).unwrap(), "number"), 5);
        let folder = CopyFolder::below(temp.path()).unwrap();
        let image = Image::private_copy(&File::open(&path).unwrap(), &folder, os("x.so")).unwrap();
        assert_eq!(call(&load(image).unwrap(), "number"), 5);
        // A debugger that comes later still finds the copy.
        let copy = folder.path().join("0-x.so");
        drop(folder);
        assert!(copy.is_file());
    });
}

#[test]
fn each_copy_is_a_library_of_its_own_and_one_file_in_place_is_one_library() {
    alone(
        "library::each_copy_is_a_library_of_its_own_and_one_file_in_place_is_one_library",
        || {
            let path = numbered(5);
            let (first, second) = (load(seal(&path)).unwrap(), load(seal(&path)).unwrap());
            assert_eq!(
                (
                    call(&first, "count"),
                    call(&first, "count"),
                    call(&second, "count")
                ),
                (1, 2, 1)
            );
            let (first, second) = (
                load(in_place(&path).unwrap()).unwrap(),
                load(in_place(&path).unwrap()).unwrap(),
            );
            assert_eq!((call(&first, "count"), call(&second, "count")), (1, 2));
            assert_eq!(first.identity(), second.identity());
        },
    );
}

#[test]
fn symbols_that_are_missing_are_told_from_those_whose_value_is_null() {
    alone(
        "library::symbols_that_are_missing_are_told_from_those_whose_value_is_null",
        || {
            let source = "int data = 41; int function(void) { return ++data; }\n\
                      __asm__(\".globl nothing\\n.set nothing, 0\");";
            let library = load(seal(&cc::shared("libsymbols.so", source, &[]))).unwrap();
            assert_eq!(call(&library, "function"), 42);
            let data = library.data::<c_int>(c"data").unwrap();
            // SAFETY: it is an aligned `int` that nobody writes at this time.
            assert_eq!(unsafe { data.read() }, 42);
            assert_eq!(library.address(c"nothing").unwrap(), None);
            let error = library.data::<c_int>(c"nothing").unwrap_err();
            assert_eq!(error.kind(), SymbolErrorKind::Null);
            assert!(error.source().is_none());
            let error = library.address(c"elsewhere").unwrap_err();
            assert_eq!(error.kind(), SymbolErrorKind::Missing);
            assert_eq!(
                error.to_string(),
                "\"libsymbols.so\" has no symbol \"elsewhere\""
            );
            assert!(
                error
                    .source()
                    .unwrap()
                    .to_string()
                    .contains("undefined symbol: elsewhere")
            );
            // An error that nobody fetched does not stick to the next question.
            assert_eq!(library.address(c"nothing").unwrap(), None);
        },
    );
}

#[test]
fn a_refusal_tells_what_was_tried_and_what_the_system_said() {
    alone(
        "library::a_refusal_tells_what_was_tried_and_what_the_system_said",
        || {
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("text.so");
            fs::write(
                &path,
                "this is no library, however long the text is made for it to be looked at",
            )
            .unwrap();
            let error = load(in_place(&path).unwrap()).unwrap_err();
            assert_eq!(error.kind(), LoadErrorKind::Refused);
            assert_eq!(error.attempts().len(), 1);
            assert_eq!(error.attempts()[0].candidate, path);
            let text = error.to_string();
            let expected = format!(
                "cannot load {path:?}: the system refused it\n  tried {path:?}: {}: invalid ELF header",
                path.display()
            );
            assert!(text.starts_with(&expected), "{text}");
            assert!(
                error
                    .source()
                    .unwrap()
                    .to_string()
                    .contains("invalid ELF header")
            );
        },
    );
}
