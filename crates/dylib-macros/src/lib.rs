//! The derive macro of `plugwright-dylib`, which re-exports and documents it: `Symbols`, a struct of functions and data that are
//! looked up in a library together.
//!
//! A crate of its own, so that who only loads libraries does not build the macros for plugins.

#![forbid(unsafe_code)]

mod symbols;

use proc_macro::TokenStream;

/// Looks up each field of a struct in a library. Documented with the trait of the same name.
#[proc_macro_derive(Symbols, attributes(symbol))]
pub fn derive_symbols(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input).and_then(|input| symbols::expand(&input));
    expanded
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
