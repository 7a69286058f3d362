//! Enums that grow: those with a variant that is `#[unknown]`.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use syn::ext::IdentExt;

use super::{Named, Variant, as_portable, bytes};
use crate::lifetimes::with_static;
use crate::remarks::comment;

/// The enum whose first `count` variants both sides must have; `unknown` stands for the rest.
pub(super) fn of_enum(
    named: &Named<'_>,
    variants: &[Variant],
    count: usize,
    unknown: &Ident,
) -> TokenStream {
    let raws = variants
        .iter()
        .filter(|variant| variant.has_fields())
        .map(|variant| fields(named, variant));
    let arguments = named.twin_arguments();
    let into = each(variants, |number, variant, pattern| {
        if !variant.has_fields() {
            return quote! { #pattern => __private::RawOpen::bare(#number), };
        }
        let raw = &variant.raw;
        let filled = variant.parts.filled(named, raw);
        quote! {
            #pattern => {
                __private::RawOpen::with::<#raw #arguments>(#number, #filled)
            }
        }
    });
    let contract = comment("SAFETY: by this function's contract.");
    let from = each(variants, |number, variant, pattern| {
        let taken = if variant.has_fields() {
            let raw = &variant.raw;
            let taken = variant.parts.taken(&quote! { __fields });
            let safety =
                comment("SAFETY: this variant's fields lie there, since its fingerprint says so.");
            quote! {
                #safety
                let __fields = unsafe { __raw.take::<#raw #arguments>() }?;
                #taken
            }
        } else {
            quote! {
                #contract
                unsafe { __raw.let_go() };
            }
        };
        quote! {
            if __variant == #number {
                #taken
                return __private::Ok(#pattern);
            }
        }
    });
    let encoded = each(variants, |number, variant, pattern| {
        let fields = variant.parts.encoded();
        let out = if variant.has_fields() {
            quote! { __out }
        } else {
            quote! { _ }
        };
        quote! { #pattern => __out.variant(#number, |#out| { #fields }), }
    });
    let decoded = each(variants, |number, variant, _| {
        let name = &variant.name;
        let value = variant.parts.decoded(&quote! { Self::#name });
        let value = if variant.has_fields() {
            quote! { { #value }.and_then(|__value| __input.ended(__value)) }
        } else {
            quote! { __input.ended(Self::#name {}) }
        };
        quote! {
            if __variant == #number {
                return #value;
            }
        }
    });
    let bytes = bytes(
        &quote! {
            match self {
                #(#encoded)*
                Self::#unknown {} => {
                    __out.variant(__private::RawOpen::UNKNOWN, |_| {});
                }
            }
        },
        &quote! {
            let (__variant, mut __fields) = __input.variant()?;
            let __input = &mut __fields;
            #(#decoded)*
            __private::Ok(Self::#unknown {})
        },
    );
    let shapes: Vec<TokenStream> = variants
        .iter()
        .map(|variant| variant.shape(named))
        .collect();
    let (first, later) = shapes.split_at(count);
    let name = named.ident.unraw().to_string();
    let implementation = named.implementation(&quote! {
        type Abi = __private::RawOpen;

        const SHAPE: &'static __private::Shape =
            &__private::Shape::Open(#name, &[#(#first),*], &[#(#later),*]);

        fn into_abi(self) -> __private::RawOpen {
            match self {
                #(#into)*
                Self::#unknown {} => __private::RawOpen::bare(
                    __private::RawOpen::UNKNOWN,
                ),
            }
        }

        unsafe fn from_abi(
            __raw: __private::RawOpen,
        ) -> __private::Result<Self, __private::Invalid> {
            let __variant = __raw.variant;
            #(#from)*
            #contract
            unsafe { __raw.let_go() };
            __private::Ok(Self::#unknown {})
        }

        #bytes
    });
    let safety = comment(
        "SAFETY: the Abi is that of every enum that grows; the fields of each variant are repr(C), in \
         order, and known by a fingerprint of them.",
    );
    quote! {
        #(#raws)*

        #safety
        #implementation
    }
}

/// What `write` makes of each variant: of its fingerprint, itself and its pattern.
fn each(
    variants: &[Variant],
    write: impl Fn(TokenStream, &Variant, TokenStream) -> TokenStream,
) -> Vec<TokenStream> {
    let numbered = variants.iter().enumerate();
    let each = numbered.map(|(index, variant)| {
        let (index, name) = (Literal::usize_unsuffixed(index), &variant.name);
        let number = quote! { const { <Self as __private::Portable>::SHAPE.variant(#index) } };
        let pattern = variant.parts.at(&quote! { Self::#name });
        write(number, variant, pattern)
    });
    each.collect()
}

/// The twin of a variant's fields, and how they are let go of where nobody takes them over.
fn fields(named: &Named<'_>, variant: &Variant) -> TokenStream {
    let raw_name = &variant.raw;
    let raw = variant.parts.raw(named, raw_name);
    let (params, arguments) = (named.twin_params(), named.twin_arguments());
    let bindings = &variant.parts.bindings;
    let types = variant.parts.types.iter();
    let types = types.map(|ty| as_portable(&with_static(ty)));
    let safety = comment("SAFETY: it is repr(C), and each field is taken over once.");
    let contract = comment("SAFETY: by this function's contract.");
    quote! {
        #raw

        #safety
        unsafe impl #params __private::Fields for #raw_name #arguments {
            unsafe fn release(self) {
                #contract
                #(::core::mem::drop(unsafe { #types::from_abi(self.#bindings) });)*
            }
        }
    }
}
