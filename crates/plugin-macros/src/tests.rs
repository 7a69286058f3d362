//! What the macros write, to be read line by line: a change of it shows as a change of a
//! snapshot. (Comments are no tokens: those of the templates do not show.)

use proc_macro2::TokenStream;
use quote::quote;

use crate::{interface, plugin, portable};

/// The expansion as a person would write it.
#[track_caller]
fn shown(expanded: syn::Result<TokenStream>) -> String {
    let expanded = expanded.expect("no mistakes");
    let file = syn::parse2(expanded).expect("the expansion is Rust");
    prettyplease::unparse(&file)
}

#[test]
fn an_interface() {
    let expanded = interface::expand(
        quote! { id = "org.example.codec", version = "1.2" },
        quote! {
            /// Compresses.
            pub trait Codec: Send + Sync {
                /// The compressed bytes.
                fn encode(&self, input: &[u8], level: Option<u8>) -> Result<Vec<u8>, CodecError>;
                /// The name for people.
                fn name(&self) -> String { String::from("nameless") }
            }
        },
    );
    insta::assert_snapshot!(shown(expanded));
}

/// Its later methods may be absent, and nobody shares it: it need not be `Sync`.
#[test]
fn an_interface_that_grew() {
    let expanded = interface::expand(
        quote! { id = "org.example.meter", version = "1.2" },
        quote! {
            pub trait Meter: Send {
                fn read(&self) -> u64;
                #[since("1.1")]
                fn read_many(&self, values: &mut [u64]) -> u64 { 0 }
                #[since("1.2")]
                fn partner(&self, _: Option<&str>) -> Option<Box<dyn Meter>>;
            }
        },
    );
    insta::assert_snapshot!(shown(expanded));
}

/// What takes its time returns a future.
#[test]
fn an_asynchronous_interface() {
    let expanded = interface::expand(
        quote! { id = "org.example.fetcher", version = "1.0" },
        quote! {
            pub trait Fetcher: Send + Sync {
                fn fetch(&self, key: &str) -> PluginFuture<'_, Result<Vec<u8>, FetchError>>;
            }
        },
    );
    insta::assert_snapshot!(shown(expanded));
}

#[test]
fn a_plugin() {
    let expanded = plugin::expand(
        quote! {
            id = "org.example.zstd",
            provides(Codec, keys = ["zstd", "zst"], rank = 10),
            metadata = { "level": 3 },
            capabilities = ["threads:2"],
        },
        quote! {
            /// Compresses with zstd.
            #[derive(Default)]
            pub struct Zstd;
        },
    );
    // The version is that of the crate which cargo compiles: here it is this one.
    let version = format!("version: \"{}\"", env!("CARGO_PKG_VERSION"));
    let text = format!("__private::RawSlice::of(\"{}\")", env!("CARGO_PKG_VERSION"));
    let shown = shown(expanded)
        .replace(&version, "version: \"1.0.0\"")
        .replace(&text, "__private::RawSlice::of(\"1.0.0\")");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_struct_that_crosses() {
    let expanded = portable::expand(quote! {
        pub struct Point { pub x: u32, pub label: String }
    });
    insta::assert_snapshot!(shown(expanded));
}

#[test]
fn an_enum_that_crosses() {
    let expanded = portable::expand(quote! {
        pub enum CodecError { Corrupt { offset: u64 }, Busy }
    });
    insta::assert_snapshot!(shown(expanded));
}
