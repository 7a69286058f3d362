//! What the macros write, to be read line by line: a change of it shows as a change of a
//! snapshot. Its comments are those of the functions that write it (`remarks`).

use std::fmt::Write;

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::{interface, plugin, portable};

/// The expansion as a person would write it.
#[track_caller]
fn shown(expanded: syn::Result<TokenStream>) -> String {
    let expanded = expanded.expect("no mistakes");
    let file = syn::parse2(expanded).expect("the expansion is Rust");
    let mut shown = String::new();
    let printed = prettyplease::unparse(&file);
    let mut lines = printed.lines();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        match text.strip_prefix("__comment!(") {
            // A long one stands in a line of its own.
            Some("") => {
                let text = lines.next().expect("the text of the comment").trim();
                assert_eq!(lines.next().map(str::trim), Some(");"));
                comment(&mut shown, indent, text);
            }
            Some(text) => comment(
                &mut shown,
                indent,
                text.strip_suffix(");").expect("its end"),
            ),
            None => writeln!(shown, "{line}").expect("memory"),
        }
    }
    shown
}

/// A comment in lines of at most a hundred letters, with an empty one in front of a part.
#[track_caller]
fn comment(shown: &mut String, indent: &str, text: &str) {
    let text: LitStr = syn::parse_str(text).expect("a comment is a text");
    if indent.len() == 4 {
        shown.push('\n');
    }
    let mut line = format!("{indent}//");
    for word in text.value().split(' ') {
        if line.len() + 1 + word.len() > 100 {
            writeln!(shown, "{line}").expect("memory");
            line = format!("{indent}//");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(shown, "{line}").expect("memory");
}

/// Whoever reads an interface's expansion finds a reason in front of all that is unsafe in it.
#[track_caller]
fn with_reasons(shown: String) -> String {
    let mut before = "";
    for line in shown.lines() {
        let is_unsafe = line.contains("unsafe {") || line.contains("unsafe impl");
        assert!(
            !is_unsafe || before.trim_start().starts_with("//"),
            "no reason in front of `{line}`"
        );
        before = line;
    }
    shown
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
    insta::assert_snapshot!(with_reasons(shown(expanded)));
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
    insta::assert_snapshot!(with_reasons(shown(expanded)));
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
    insta::assert_snapshot!(with_reasons(shown(expanded)));
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
