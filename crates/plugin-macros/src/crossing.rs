//! `#[encoded]`: what crosses in place of a declared type.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Meta, Type, parse_quote};

use crate::arguments::Mistakes;

/// A declared type, and whether serde turns it into what crosses.
pub(crate) struct Crossing {
    pub(crate) ty: Type,
    is_encoded: bool,
}

impl Crossing {
    /// A type with the marks on its field, parameter or method, as [`take_marks`] gave them.
    pub(crate) fn new(ty: &Type, marks: &[Attribute], mistakes: &mut Mistakes) -> Self {
        for (index, mark) in marks.iter().enumerate() {
            if !matches!(mark.meta, Meta::Path(_)) {
                mistakes.at(mark, "`#[encoded]` has no arguments");
            }
            if index > 0 {
                mistakes.at(mark, "`encoded` is given twice");
            }
        }
        if let (Some(_), Type::Reference(reference)) = (marks.first(), ty) {
            mistakes.at(
                reference,
                "what is encoded is given away: name the value's own type, and no reference",
            );
        }
        Self {
            ty: ty.clone(),
            is_encoded: !marks.is_empty(),
        }
    }

    /// The type that is `Portable`.
    pub(crate) fn portable(&self) -> Type {
        let ty = &self.ty;
        if self.is_encoded {
            let encoded = quote_spanned! { ty.span()=> __private::Encoded<#ty> };
            parse_quote! { #encoded }
        } else {
            ty.clone()
        }
    }

    /// What crosses, of an expression of the declared type.
    pub(crate) fn give(&self, value: impl ToTokens) -> TokenStream {
        if self.is_encoded {
            quote! { __private::Encoded(#value) }
        } else {
            value.to_token_stream()
        }
    }

    /// The value of the declared type, of an expression that crossed.
    pub(crate) fn take(&self, crossed: impl ToTokens) -> TokenStream {
        if self.is_encoded {
            quote! { (#crossed).0 }
        } else {
            crossed.to_token_stream()
        }
    }

    /// The same of a `Result`'s value.
    pub(crate) fn take_ok(&self, crossed: impl ToTokens) -> TokenStream {
        if self.is_encoded {
            quote! { (#crossed).map(|__encoded| __encoded.0) }
        } else {
            crossed.to_token_stream()
        }
    }

    /// The other way.
    pub(crate) fn give_ok(&self, value: impl ToTokens) -> TokenStream {
        if self.is_encoded {
            quote! { (#value).map(__private::Encoded) }
        } else {
            value.to_token_stream()
        }
    }
}

/// Takes the attributes of this name off an item that is written out again.
pub(crate) fn take_marks(attributes: &mut Vec<Attribute>, name: &str) -> Vec<Attribute> {
    attributes
        .extract_if(.., |attribute| attribute.path().is_ident(name))
        .collect()
}

/// The attributes of this name.
pub(crate) fn marks(attributes: &[Attribute], name: &str) -> Vec<Attribute> {
    let mut all = attributes.to_vec();
    take_marks(&mut all, name)
}
