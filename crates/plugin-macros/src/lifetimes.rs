//! Lifetimes do not cross: the Abi and the shape of a type are the same for all of them.

use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{Lifetime, Type, TypeReference};

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
