//! From a struct to the lookup of its fields: read, checked (all mistakes at once), written.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use std::ffi::CString;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Error, Field, Fields, GenericArgument, Ident, LitCStr, LitStr,
    PathArguments, Result, Token, Type,
};

/// The implementation of `Symbols` for a struct.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields(input)?;
    let mut mistakes: Option<Error> = None;
    let mut model = Vec::new();
    for field in fields {
        match Symbol::of(field) {
            Ok(symbol) => model.push(symbol),
            Err(mistake) => match &mut mistakes {
                Some(all) => all.combine(mistake),
                None => mistakes = Some(mistake),
            },
        }
    }
    if let Some(mistakes) = mistakes {
        return Err(mistakes);
    }
    Ok(write(&input.ident, &model))
}

fn fields(input: &DeriveInput) -> Result<&Punctuated<Field, Token![,]>> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(
            input.ident.span(),
            "symbols are looked up for the fields of a struct",
        ));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(
            input.ident.span(),
            "expected named fields: a symbol is called as its field is, unless #[symbol(\"…\")] says otherwise",
        ));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new(
            input.generics.span(),
            "the struct cannot be generic: the type of a symbol is one",
        ));
    }
    Ok(&fields.named)
}

/// A field, and what is looked up for it.
struct Symbol<'a> {
    field: &'a Ident,
    name: LitCStr,
    version: Option<LitCStr>,
    need: Need,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

enum Kind<'a> {
    /// A function pointer of this type.
    Function(&'a Type),
    /// Data of this type.
    Data(&'a Type),
}

impl<'a> Symbol<'a> {
    fn of(field: &'a Field) -> Result<Self> {
        let ident = field
            .ident
            .as_ref()
            .ok_or_else(|| Error::new(field.span(), "expected a field with a name"))?;
        let (need, inner) = match argument(&field.ty, "Option") {
            Some(inner) => (Need::Optional, inner),
            None => (Need::Required, &field.ty),
        };
        let kind = match argument(inner, "NonNull") {
            Some(data) => Kind::Data(data),
            None => Kind::Function(function(inner)?),
        };
        let said = Said::of(&field.attrs)?;
        let text = ident.to_string();
        let name = match said.name {
            Some(name) => name,
            None => c_string(text.trim_start_matches("r#"), ident.span())?,
        };
        Ok(Self {
            field: ident,
            name,
            version: said.version,
            need,
            kind,
        })
    }
}

/// `T` of `wrapper<T>`, by whatever path it is named.
fn argument<'a>(ty: &'a Type, wrapper: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == wrapper)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

/// A type that can be that of a function: a name may stand for one, which the compiler checks.
fn function(ty: &Type) -> Result<&Type> {
    match ty {
        Type::FnPtr(pointer) if pointer.abi.is_none() => Err(Error::new(
            ty.span(),
            "expected `extern \"C\" fn`: functions of Rust's own ABI cannot be called across libraries",
        )),
        Type::FnPtr(_) | Type::Path(_) => Ok(ty),
        _ => Err(Error::new(
            ty.span(),
            "expected a function pointer, or `NonNull<T>` for data; in an `Option` if it may be missing",
        )),
    }
}

/// What the attribute of a field says.
#[derive(Default)]
struct Said {
    name: Option<LitCStr>,
    version: Option<LitCStr>,
}

impl Said {
    fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut said = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("symbol")) {
            attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
                while !input.is_empty() {
                    if input.peek(LitStr) {
                        said.set_name(&input.parse()?)?;
                    } else {
                        let word: Ident = input.parse()?;
                        if word != "version" {
                            return Err(Error::new(
                                word.span(),
                                "expected `\"name\"` or `version = \"…\"`",
                            ));
                        }
                        input.parse::<Token![=]>()?;
                        let text: LitStr = input.parse()?;
                        said.version = Some(c_string(&text.value(), text.span())?);
                    }
                    if !input.is_empty() {
                        input.parse::<Token![,]>()?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(said)
    }

    fn set_name(&mut self, text: &LitStr) -> Result<()> {
        if self.name.is_some() {
            return Err(Error::new(text.span(), "a symbol has one name"));
        }
        self.name = Some(c_string(&text.value(), text.span())?);
        Ok(())
    }
}

fn c_string(text: &str, span: Span) -> Result<LitCStr> {
    let text = CString::new(text)
        .ok()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Error::new(span, "expected a name: not empty and without a byte 0"))?;
    Ok(LitCStr::new(&text, span))
}

fn write(name: &Ident, symbols: &[Symbol<'_>]) -> TokenStream {
    let fields = symbols.iter().map(|symbol| symbol.field);
    // Not called as the fields are, which may have any names.
    let found: Vec<Ident> = (0..symbols.len())
        .map(|index| format_ident!("__symbol_{index}"))
        .collect();
    let lookups = symbols.iter().map(lookup);
    quote! {
        #[automatically_derived]
        impl ::plugwright_dylib::Symbols for #name {
            unsafe fn resolve(
                library: &::plugwright_dylib::Library,
            ) -> ::core::result::Result<Self, ::plugwright_dylib::MissingSymbols> {
                let mut missing = ::std::vec::Vec::new();
                #(let #found = #lookups;)*
                let (#(::core::option::Option::Some(#found),)*) = (#(#found,)*) else {
                    return ::core::result::Result::Err(::plugwright_dylib::__private::missing(missing));
                };
                ::core::result::Result::Ok(Self { #(#fields: #found),* })
            }
        }
    }
}

/// Looks up one field, as an `Option` of it: `None` if it is missing and must not be.
fn lookup(symbol: &Symbol<'_>) -> TokenStream {
    let name = &symbol.name;
    let name = match &symbol.version {
        Some(version) => quote! { ::plugwright_dylib::SymbolName::versioned(#name, #version) },
        None => quote! { ::plugwright_dylib::SymbolName::from(#name) },
    };
    let found = match &symbol.kind {
        // The caller of `resolve` vouches for the type.
        Kind::Function(ty) => quote! { unsafe { library.function::<#ty>(#name) } },
        Kind::Data(ty) => quote! { library.data::<#ty>(#name) },
    };
    match symbol.need {
        Need::Required => quote! { #found.map_err(|error| missing.push(error)).ok() },
        Need::Optional => quote! { ::core::option::Option::Some(#found.ok()) },
    }
}

#[cfg(test)]
mod tests;
