//! `#[derive(Portable)]`: a `repr(C)` twin of a struct or enum, and both ways between them.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Data, DeriveInput, Fields, Type};

use crate::arguments::Mistakes;

pub(crate) fn expand(item: TokenStream) -> syn::Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let mut mistakes = Mistakes::default();
    if !item.generics.params.is_empty() {
        mistakes.at(&item.generics, "a type that crosses cannot be generic");
    }
    let body = match &item.data {
        Data::Struct(data) => Some(of_struct(&item.ident, &data.fields)),
        Data::Enum(data) => {
            let variants: Vec<Variant> = data
                .variants
                .iter()
                .map(|variant| Variant::new(&item.ident, &variant.ident, &variant.fields))
                .collect();
            if variants.is_empty() {
                mistakes.at(
                    &item.ident,
                    "an enum without variants has no value that could cross",
                );
            }
            Some(of_enum(&item.ident, &variants))
        }
        Data::Union(_) => {
            mistakes.at(
                &item.ident,
                "a union cannot cross: nobody can tell which field is set",
            );
            None
        }
    };
    let body = mistakes.into_result(body)?;
    Ok(quote! { const _: () = { #body }; })
}

/// The fields of a struct or variant: for each its name in patterns, in messages, its type.
struct Parts {
    members: Vec<TokenStream>,
    bindings: Vec<Ident>,
    names: Vec<String>,
    types: Vec<Type>,
}

impl Parts {
    fn new(fields: &Fields) -> Self {
        let mut parts = Self {
            members: Vec::new(),
            bindings: Vec::new(),
            names: Vec::new(),
            types: Vec::new(),
        };
        for (index, field) in fields.iter().enumerate() {
            let member = match &field.ident {
                Some(name) => name.to_token_stream(),
                None => Literal::usize_unsuffixed(index).to_token_stream(),
            };
            parts.names.push(member.to_string());
            parts.members.push(member);
            parts.bindings.push(format_ident!("field_{}", index));
            parts.types.push(field.ty.clone());
        }
        parts
    }

    /// The `repr(C)` struct of the fields' Abis.
    fn raw(&self, name: &Ident) -> TokenStream {
        let Self {
            bindings, types, ..
        } = self;
        quote! {
            #[doc(hidden)]
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct #name {
                #(#bindings: <#types as ::plugwright_plugin::Portable>::Abi,)*
            }
        }
    }

    /// `Path { member: binding, … }`: a pattern and an expression at once.
    fn at(&self, path: &TokenStream) -> TokenStream {
        let Self {
            members, bindings, ..
        } = self;
        quote! { #path { #(#members: #bindings),* } }
    }

    fn filled(&self, name: &Ident) -> TokenStream {
        let bindings = &self.bindings;
        quote! {
            #name { #(#bindings: ::plugwright_plugin::Portable::into_abi(#bindings),)* }
        }
    }

    /// Statements that take all fields over, and then look whether each is valid.
    fn taken(&self, raw: &TokenStream) -> TokenStream {
        let Self {
            bindings, types, ..
        } = self;
        quote! {
            // SAFETY: each field is the Abi of its type. All are taken over before any
            // failure is looked at, so that none is lost.
            #(let #bindings = unsafe {
                <#types as ::plugwright_plugin::Portable>::from_abi(#raw.#bindings)
            };)*
            #(let #bindings = #bindings?;)*
        }
    }

    fn shapes(&self) -> TokenStream {
        let Self { names, types, .. } = self;
        quote! {
            &[#(::plugwright_plugin::__private::FieldShape {
                name: #names,
                shape: <#types as ::plugwright_plugin::Portable>::SHAPE,
            }),*]
        }
    }
}

fn of_struct(ident: &Ident, fields: &Fields) -> TokenStream {
    let parts = Parts::new(fields);
    let raw_name = format_ident!("__Raw{}", ident);
    // A C struct has at least one member.
    let (raw, filled) = if parts.types.is_empty() {
        let raw = quote! {
            #[doc(hidden)]
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct #raw_name { empty: u8 }
        };
        (raw, quote! { #raw_name { empty: 0 } })
    } else {
        (parts.raw(&raw_name), parts.filled(&raw_name))
    };
    let pattern = parts.at(&quote! { Self });
    let taken = parts.taken(&quote! { __raw });
    let shapes = parts.shapes();
    let name = ident.to_string();
    quote! {
        #raw

        // SAFETY: the Abi is repr(C) and has the fields of the shape in order.
        unsafe impl ::plugwright_plugin::Portable for #ident {
            type Abi = #raw_name;

            const SHAPE: &'static ::plugwright_plugin::__private::Shape =
                &::plugwright_plugin::__private::Shape::Struct(#name, #shapes);

            fn into_abi(self) -> #raw_name {
                let #pattern = self;
                #filled
            }

            unsafe fn from_abi(
                __raw: #raw_name,
            ) -> ::core::result::Result<Self, ::plugwright_plugin::Invalid> {
                #taken
                ::core::result::Result::Ok(#pattern)
            }
        }
    }
}

struct Variant {
    name: Ident,
    raw: Ident,
    parts: Parts,
}

impl Variant {
    fn new(ident: &Ident, name: &Ident, fields: &Fields) -> Self {
        Self {
            name: name.clone(),
            raw: format_ident!("__Raw{}{}", ident, name),
            parts: Parts::new(fields),
        }
    }

    fn has_fields(&self) -> bool {
        !self.parts.types.is_empty()
    }
}

fn of_enum(ident: &Ident, variants: &[Variant]) -> TokenStream {
    let raw_name = format_ident!("__Raw{}", ident);
    let union = format_ident!("__Raw{}Fields", ident);
    let with_fields: Vec<&Variant> = variants
        .iter()
        .filter(|variant| variant.has_fields())
        .collect();
    let raws = with_fields
        .iter()
        .map(|variant| variant.parts.raw(&variant.raw));
    let members: Vec<&Ident> = with_fields.iter().map(|variant| &variant.raw).collect();
    let tag = |index: usize| Literal::u32_suffixed(u32::try_from(index).unwrap_or(u32::MAX));
    let into = variants.iter().enumerate().map(|(index, variant)| {
        let (tag, name) = (tag(index), &variant.name);
        let pattern = variant.parts.at(&quote! { Self::#name });
        let fields = if variant.has_fields() {
            let member = &variant.raw;
            let filled = variant.parts.filled(member);
            quote! { #union { #member: #filled } }
        } else {
            quote! { #union { __none: 0 } }
        };
        quote! { #pattern => #raw_name { tag: #tag, fields: #fields }, }
    });
    let from = variants.iter().enumerate().map(|(index, variant)| {
        let (tag, name) = (tag(index), &variant.name);
        let pattern = variant.parts.at(&quote! { Self::#name });
        if !variant.has_fields() {
            return quote! { #tag => ::core::result::Result::Ok(#pattern), };
        }
        let member = &variant.raw;
        let taken = variant.parts.taken(&quote! { __fields });
        quote! {
            #tag => {
                // SAFETY: this variant's fields are initialised, since the tag says so.
                let __fields = unsafe { __raw.fields.#member };
                #taken
                ::core::result::Result::Ok(#pattern)
            }
        }
    });
    let shapes = variants.iter().map(|variant| {
        let name = variant.name.to_string();
        let fields = variant.parts.shapes();
        quote! { ::plugwright_plugin::__private::VariantShape { name: #name, fields: #fields } }
    });
    let name = ident.to_string();
    let expected = format!("a {name} with a known variant");
    quote! {
        #(#raws)*

        #[doc(hidden)]
        #[repr(C)]
        #[derive(Clone, Copy)]
        #[expect(
            non_snake_case,
            clippy::allow_attributes,
            reason = "each member has the name of its type"
        )]
        pub union #union {
            __none: u8,
            #(#members: #members,)*
        }

        #[doc(hidden)]
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct #raw_name {
            tag: u32,
            fields: #union,
        }

        // SAFETY: the Abi is repr(C): a tag, then a union of the variants' fields in order.
        unsafe impl ::plugwright_plugin::Portable for #ident {
            type Abi = #raw_name;

            const SHAPE: &'static ::plugwright_plugin::__private::Shape =
                &::plugwright_plugin::__private::Shape::Enum(#name, &[#(#shapes),*]);

            fn into_abi(self) -> #raw_name {
                match self { #(#into)* }
            }

            unsafe fn from_abi(
                __raw: #raw_name,
            ) -> ::core::result::Result<Self, ::plugwright_plugin::Invalid> {
                match __raw.tag {
                    #(#from)*
                    _ => ::core::result::Result::Err(::plugwright_plugin::Invalid::new(#expected)),
                }
            }
        }
    }
}
