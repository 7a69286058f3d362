//! The constants of an interface. A trait with associated constants has no `dyn Trait`, so they
//! become constants of the `dyn Trait` itself, the same for all that implement it; and since host
//! and plugin must agree on them, they stand in the shape, in front of the methods.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, ItemTrait, TraitItem, TraitItemConst, Type};

use super::{Interface, generic};
use crate::arguments::Mistakes;

/// A constant, checked.
pub(super) struct Constant {
    attributes: Vec<Attribute>,
    name: Ident,
    ty: Type,
    /// The function that makes its shape.
    function: Ident,
    value: Expr,
}

/// The types that a record can hold the values of.
const TYPES: [&str; 15] = [
    "bool", "char", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32",
    "f64", "str",
];

/// Takes the constants out of the trait.
pub(super) fn take(item: &mut ItemTrait, mistakes: &mut Mistakes) -> Vec<Constant> {
    let is_constant = |item: &mut TraitItem| matches!(item, TraitItem::Const(_));
    let constants: Vec<TraitItem> = item.items.extract_if(.., is_constant).collect();
    let constants = constants.into_iter().filter_map(|item| match item {
        TraitItem::Const(item) => Some(item),
        _ => None,
    });
    constants
        .filter_map(|item| constant(item, mistakes))
        .collect()
}

fn constant(item: TraitItemConst, mistakes: &mut Mistakes) -> Option<Constant> {
    if let Some(mistake) = generic(&item.generics) {
        mistakes.at(
            &item.generics,
            format!("a constant of an interface {mistake}"),
        );
    }
    for attribute in &item.attrs {
        if attribute.path().is_ident("cfg") {
            mistakes.at(
                attribute,
                "a constant cannot be conditional: host and plugin must see the same",
            );
        } else if attribute.path().is_ident("since") {
            mistakes.at(
                attribute,
                "constants are there from the start: raise the interface's major version, or \
                 return the value from a method",
            );
        }
    }
    let Some((_, value)) = item.default else {
        mistakes.at(
            &item.ident,
            "a constant of an interface has its value here, and the same for all that implement \
             it: return what differs from a method",
        );
        return None;
    };
    let ty = match &item.ty {
        Type::Reference(reference) if reference.mutability.is_none() => &*reference.elem,
        other => other,
    };
    let is_reference = matches!(item.ty, Type::Reference(_));
    let function = match ty {
        Type::Path(path) => path.path.get_ident().filter(|name| {
            TYPES.iter().any(|known| name == known) && (*name == "str") == is_reference
        }),
        _ => None,
    };
    let Some(function) = function.cloned() else {
        mistakes.at(
            &item.ty,
            "a constant of an interface is a number of at most 64 bits, `bool`, `char` or `&str`: \
             return other values from a method",
        );
        return None;
    };
    Some(Constant {
        attributes: item.attrs,
        name: item.ident,
        ty: item.ty,
        function: format_ident!("of_{function}"),
        value,
    })
}

impl Interface {
    /// The constants of the `dyn Trait`.
    pub(super) fn constants(&self) -> Option<TokenStream> {
        let (ident, vis) = (&self.item.ident, &self.item.vis);
        let constants = self.constants.iter().map(|constant| {
            let Constant {
                attributes,
                name,
                ty,
                value,
                ..
            } = constant;
            quote! {
                #(#attributes)*
                #vis const #name: #ty = #value;
            }
        });
        (!self.constants.is_empty()).then(|| quote! { impl dyn #ident { #(#constants)* } })
    }

    /// What stands for them in the shape, in front of the methods.
    pub(super) fn constant_shapes(&self) -> impl Iterator<Item = TokenStream> {
        let ident = &self.item.ident;
        self.constants.iter().map(move |constant| {
            let Constant { name, function, .. } = constant;
            let text = name.unraw().to_string();
            quote! {
                __private::MethodShape::new(#text, __private::Receiver::Shared, &[], const {
                        &__private::Shape::Constant(
                            __private::constants::#function(
                                <dyn #ident>::#name,
                            ),
                        )
                    }, 0)
            }
        })
    }

    /// The vtable's fields for them.
    pub(super) fn constant_fields(&self) -> impl Iterator<Item = Ident> {
        (0..self.constants.len()).map(|index| format_ident!("__constant_{index}"))
    }

    /// The number of entries in front of the methods.
    pub(super) fn first_method(&self) -> usize {
        self.supers.len() + self.constants.len()
    }
}
