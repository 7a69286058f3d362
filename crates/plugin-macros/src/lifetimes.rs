//! Lifetimes do not cross: the Abi and the shape of a type are the same for all of them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericArgument, Generics, Lifetime, PathArguments, PathSegment, Type, TypeParamBound,
    TypeReference, TypeTraitObject,
};

use crate::portable::as_portable;

/// The type with `'static` for every lifetime: what names its Abi and shape, which are the
/// same for all lifetimes.
pub(crate) fn with_static(ty: &Type) -> Type {
    struct Static;
    impl VisitMut for Static {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            reference.lifetime = Some(Lifetime::new("'static", Span::call_site()));
            visit_mut::visit_type_mut(self, &mut reference.elem);
        }

        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            *lifetime = Lifetime::new("'static", Span::call_site());
        }
    }
    let mut ty = ty.clone();
    Static.visit_type_mut(&mut ty);
    ty
}

/// The first reference for writing in a type.
pub(crate) fn borrowed_mutably(ty: &Type) -> Option<TypeReference> {
    struct Find(Option<TypeReference>);
    impl VisitMut for Find {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            if reference.mutability.is_some() {
                self.0.get_or_insert_with(|| reference.clone());
            }
            visit_mut::visit_type_mut(self, &mut reference.elem);
        }
    }
    let mut find = Find(None);
    find.visit_type_mut(&mut ty.clone());
    find.0
}

/// The first reference to a type that names one of these parameters.
pub(crate) fn borrowed_of(ty: &Type, generic: &[&Ident]) -> Option<TypeReference> {
    struct Find<'a>(&'a [&'a Ident], Option<TypeReference>);
    impl VisitMut for Find<'_> {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            if Loans::of(&reference.elem).names_any(self.0) {
                self.1.get_or_insert_with(|| reference.clone());
            }
        }
    }
    let mut find = Find(generic, None);
    find.visit_type_mut(&mut ty.clone());
    find.1
}

/// Whether a bound names a lifetime.
pub(crate) fn names_lifetimes(bound: &TypeParamBound) -> bool {
    let mut loans = Loans::default();
    loans.visit_type_param_bound_mut(&mut bound.clone());
    loans.is_any
}

/// Whether a type lends something for as long as is written in it.
pub(crate) fn lends(ty: &Type) -> bool {
    Loans::of(ty).is_any
}

/// The first `'static` for which something is lent in a type. None is where a future or an object
/// is held by what it has of its own.
pub(crate) fn lent_for_ever(ty: &Type) -> Option<Lifetime> {
    Loans::of(ty).for_ever
}

/// The same in the bounds of generics: who has a value of such a type may believe them.
pub(crate) fn bound_for_ever(generics: &Generics) -> Option<Lifetime> {
    let mut loans = Loans::default();
    loans.visit_generics_mut(&mut generics.clone());
    loans.for_ever
}

/// `<Type as Portable>::SHAPE` of a parameter, a result or a field, which may not compile: what is
/// lent is lent for a call, so that of a type which lends something the lifetime is written. One
/// that hides in a name, as in `type Name = &'static str`, is `'static`, and would be believed.
/// `generic` are the parameters of the type around it: what they stand for is written elsewhere.
/// `named` is the type as it can be named where its shape stands.
pub(crate) fn shape(ty: &Type, named: &Type, generic: &[&Ident]) -> TokenStream {
    let portable = as_portable(named);
    let mut parts = Vec::new();
    without_lifetimes(ty, generic, &mut parts);
    if Loans::of(ty).is_none(generic) && !parts.is_empty() {
        let owned = owned(ty);
        return quote! { const { #owned(#portable::SHAPE) } };
    }
    let parts = parts.iter().map(|part| {
        let owned = owned(part);
        quote! { let _ = #owned(__private::Part::<#part>::SHAPE); }
    });
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return quote! { #portable::SHAPE };
    }
    quote! {
        const {
            use __private::NoPart as _;
            #(#parts)*
            #portable::SHAPE
        }
    }
}

/// The function that asks it, at the type's own place.
fn owned(ty: &Type) -> TokenStream {
    let place = Span::call_site().located_at(ty.span());
    quote_spanned! { place=> __private::owned }
}

/// The greatest parts of a type in which no lifetime is written, nor one of these parameters.
fn without_lifetimes(ty: &Type, generic: &[&Ident], parts: &mut Vec<Type>) {
    match ty {
        Type::Paren(inner) => without_lifetimes(&inner.elem, generic, parts),
        Type::Group(inner) => without_lifetimes(&inner.elem, generic, parts),
        Type::Slice(slice) => without_lifetimes(&slice.elem, generic, parts),
        _ if is_primitive(ty) => {}
        _ if Loans::of(ty).is_none(generic) => parts.push(ty.clone()),
        Type::Reference(reference) => without_lifetimes(&reference.elem, generic, parts),
        Type::Array(array) => without_lifetimes(&array.elem, generic, parts),
        Type::Tuple(tuple) => {
            for element in &tuple.elems {
                without_lifetimes(element, generic, parts);
            }
        }
        Type::Path(path) => {
            for segment in &path.path.segments {
                if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
                    for argument in &arguments.args {
                        if let GenericArgument::Type(argument) = argument {
                            without_lifetimes(argument, generic, parts);
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// Whether this is a type of the language's own, which is nobody's name for another.
fn is_primitive(ty: &Type) -> bool {
    const NAMES: [&str; 17] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64", "bool", "char", "str",
    ];
    match ty {
        Type::Path(path) => NAMES.iter().any(|name| path.path.is_ident(name)),
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        _ => false,
    }
}

/// What is written in a type of what it is lent for.
#[derive(Default)]
struct Loans {
    is_any: bool,
    for_ever: Option<Lifetime>,
    /// All names in it.
    names: Vec<Ident>,
}

impl Loans {
    fn of(ty: &Type) -> Self {
        let mut loans = Self::default();
        loans.visit_type_mut(&mut ty.clone());
        loans
    }

    /// Whether no lifetime is written, and none of these parameters.
    fn is_none(&self, generic: &[&Ident]) -> bool {
        !self.is_any && !self.names_any(generic)
    }

    fn names_any(&self, generic: &[&Ident]) -> bool {
        self.names.iter().any(|name| generic.contains(&name))
    }
}

impl VisitMut for Loans {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        self.is_any = true;
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        self.is_any = true;
        if lifetime.ident == "static" {
            self.for_ever.get_or_insert_with(|| lifetime.clone());
        }
    }

    fn visit_type_trait_object_mut(&mut self, _: &mut TypeTraitObject) {}

    fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
        self.names.push(segment.ident.clone());
        let is_future = segment.ident == "PluginFuture" || segment.ident == "LocalPluginFuture";
        match &mut segment.arguments {
            PathArguments::AngleBracketed(arguments) if is_future => {
                for argument in &mut arguments.args {
                    if let GenericArgument::Type(argument) = argument {
                        self.visit_type_mut(argument);
                    }
                }
            }
            arguments => self.visit_path_arguments_mut(arguments),
        }
    }
}
