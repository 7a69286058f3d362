//! What the macro writes, and what it says of every mistake.

use super::expand;
use insta::assert_snapshot;

fn expanded(source: &str) -> String {
    let tokens = expand(&syn::parse_str(source).unwrap()).unwrap();
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

/// Every mistake, a line each.
fn mistakes(source: &str) -> String {
    let error = expand(&syn::parse_str(source).unwrap()).unwrap_err();
    let texts: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
    texts.join("\n")
}

#[test]
fn fields_become_lookups() {
    assert_snapshot!(expanded(
        r#"struct Table {
        one: extern "C" fn() -> c_int,
        #[symbol("three_v2", version = "V2")]
        three: Option<Three>,
        #[symbol("limit")]
        LIMIT: core::ptr::NonNull<c_int>,
    }"#
    ));
}

#[test]
fn mistakes_are_told_all_at_once() {
    assert_snapshot!(mistakes(
        r#"struct Table {
        a: fn(),
        b: &'static u8,
        #[symbol("")] c: extern "C" fn(),
        #[symbol("x", "y")] d: extern "C" fn(),
        #[symbol(name = "x")] e: extern "C" fn(),
        #[symbol("a\0b")] f: extern "C" fn(),
        #[symbol(version = "")] g: Option<extern "C" fn()>,
        fine: extern "C" fn(),
    }"#
    ));
    assert_snapshot!(mistakes("enum Table { A }"), @"symbols are looked up for the fields of a struct");
    assert_snapshot!(mistakes("struct Table(extern \"C\" fn());"), @r##"expected named fields: a symbol is called as its field is, unless #[symbol("…")] says otherwise"##);
    assert_snapshot!(mistakes("struct Table<T> { a: NonNull<T> }"), @"the struct cannot be generic: the type of a symbol is one");
}
