//! Many symbols at once.

use crate::child::alone;
use crate::{load, seal};
use plugwright_dylib::{SymbolErrorKind, Symbols};
use plugwright_testkit::cc;
use std::ffi::c_int;
use std::ptr::NonNull;

/// A table with an optional function, and with data.
#[derive(Symbols)]
struct Table {
    one: extern "C" fn() -> c_int,
    /// Takes an argument.
    #[symbol("twice")]
    double: unsafe extern "C" fn(c_int) -> c_int,
    three: Option<extern "C" fn() -> c_int>,
    #[symbol("limit")]
    missing: NonNull<c_int>,
    other_limit: Option<NonNull<c_int>>,
}

const SOURCE: &str =
    "int one(void) { return 1; } int twice(int number) { return 2 * number; } int limit = 9;";

#[test]
fn a_table_is_filled_and_what_is_optional_may_be_missing() {
    alone(
        "table::a_table_is_filled_and_what_is_optional_may_be_missing",
        || {
            let with = |source: &str| {
                let library = load(seal(&cc::shared("libtable.so", source, &[]))).unwrap();
                // SAFETY: these are the functions' types.
                unsafe { Table::resolve(&library) }.unwrap()
            };
            let table = with(SOURCE);
            assert_eq!((table.one)(), 1);
            // SAFETY: any number is fine.
            assert_eq!(unsafe { (table.double)(4) }, 8);
            // SAFETY: it is an `int` that nobody writes.
            assert_eq!(unsafe { table.missing.read() }, 9);
            assert!(table.three.is_none() && table.other_limit.is_none());
            let source = format!("{SOURCE} int three(void) {{ return 3; }}");
            assert_eq!(with(&source).three.map(|three| three()), Some(3));
        },
    );
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    alone("table::everything_that_is_missing_is_told_at_once", || {
        let source =
            "int tvice(int number) { return 2 * number; } __asm__(\".globl one\\n.set one, 0\");";
        let library = load(seal(&cc::shared("libtable.so", source, &[]))).unwrap();
        // SAFETY: nothing is handed out.
        let error = unsafe { Table::resolve(&library) }.map(drop).unwrap_err();
        let kinds: Vec<SymbolErrorKind> = error.errors().iter().map(|error| error.kind()).collect();
        assert_eq!(
            kinds,
            [
                SymbolErrorKind::Null,
                SymbolErrorKind::Missing,
                SymbolErrorKind::Missing
            ]
        );
        insta::assert_snapshot!(error, @r#"
        3 symbols are missing
          "libtable.so" has the symbol "one", and its value is 0
          "libtable.so" has no symbol "twice"; did you mean "tvice"
          "libtable.so" has no symbol "limit"
        "#);
    });
}
