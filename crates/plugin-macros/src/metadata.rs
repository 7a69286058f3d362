//! Application metadata: a JSON file, or an object written in the attribute.

use std::path::PathBuf;

use plugwright_manifest::cbor::{self, Reader};
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::arguments::{Argument, Mistakes, Value};

/// Metadata that was read and found to be JSON.
#[derive(Default)]
pub(crate) struct Metadata {
    cbor: Vec<u8>,
    file: Option<String>,
}

impl Metadata {
    /// Reads the value of `metadata = …`.
    pub(crate) fn read(argument: &Argument, mistakes: &mut Mistakes) -> Option<Self> {
        let Value::Given(tokens) = &argument.value else {
            mistakes.at(
                &argument.name,
                "expected `metadata = \"file.json\"` or `metadata = { … }`",
            );
            return None;
        };
        if let Ok(file) = syn::parse2::<LitStr>(tokens.clone()) {
            return Self::from_file(&file, mistakes);
        }
        // JSON's tokens are Rust's tokens, so the attribute's text is the JSON.
        match serde_json::from_str(&tokens.to_string()) {
            Ok(value) => Self::of(&value, None, tokens, mistakes),
            Err(error) => {
                // The error ends with a place in the text of the tokens, which nobody sees.
                let error = error.to_string();
                let what = error.split(" at line ").next().unwrap_or_default();
                let message = format!("neither a file's name nor an object in JSON: {what}");
                mistakes.at(tokens, message);
                None
            }
        }
    }

    fn from_file(file: &LitStr, mistakes: &mut Mistakes) -> Option<Self> {
        let folder = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
        let path = PathBuf::from(folder).join(file.value());
        let shown = path.display();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                mistakes.at(file, format!("cannot read {shown}: {error}"));
                return None;
            }
        };
        match serde_json::from_str(&text) {
            Ok(value) => Self::of(&value, Some(shown.to_string()), file, mistakes),
            Err(error) => {
                mistakes.at(file, format!("{shown} is not JSON: {error}"));
                None
            }
        }
    }

    /// Encodes the value, and looks whether a host will read it: its reader has limits.
    fn of(
        value: &serde_json::Value,
        file: Option<String>,
        place: impl ToTokens,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let cbor = cbor::json_to_cbor(value);
        if let Err(error) = cbor::to_json(&mut Reader::new(&cbor)) {
            mistakes.at(place, format!("no host reads this metadata: {error}"));
            return None;
        }
        Some(Self { cbor, file })
    }

    /// The metadata's CBOR as a byte string.
    pub(crate) fn literal(&self) -> Literal {
        Literal::byte_string(&self.cbor)
    }

    /// What makes cargo compile the plugin again when the file changes.
    pub(crate) fn dependency(&self) -> Option<TokenStream> {
        let file = self.file.as_ref()?;
        Some(quote! { const _: &[u8] = ::core::include_bytes!(#file); })
    }
}
