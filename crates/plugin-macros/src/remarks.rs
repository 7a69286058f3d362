//! Comments of the generated code. Comments are no tokens, so the compiler never gets them; but
//! who reads what the macros write, which the snapshots of this crate's tests are, needs them most
//! where something is unsafe. So they are written once, where the code is made.

use proc_macro2::TokenStream;

/// A comment in front of an item or a statement: nothing for the compiler, and a mark for the tests
/// that print what is generated.
pub(crate) fn comment(text: &str) -> TokenStream {
    if cfg!(test) {
        quote::quote! { __comment!(#text); }
    } else {
        TokenStream::new()
    }
}
