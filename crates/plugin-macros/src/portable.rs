//! `#[derive(Portable)]`: a `repr(C)` twin of a struct or enum, and both ways between them.

mod open;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, GenericParam, Generics, Meta, Type,
    TypeParamBound, TypePath, WherePredicate,
};

use crate::arguments::Mistakes;
use crate::crossing::{Crossing, marks};
use crate::lifetimes::{
    borrowed_of, bound_for_ever, lent_for_ever, names_lifetimes, shape, with_static,
};
use crate::remarks::comment;

pub(crate) fn expand(item: TokenStream) -> syn::Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let mut mistakes = Mistakes::default();
    let named = Named::new(&item.ident, &item.generics, &mut mistakes);
    check_fields(&item, &named, &mut mistakes);
    let body = match &item.data {
        Data::Struct(data) => Some(of_struct(&named, &data.fields, &mut mistakes)),
        Data::Enum(data) => {
            let mut variants = Vec::new();
            let mut unknown = Vec::new();
            for variant in &data.variants {
                let read =
                    Variant::new(&item.ident, &variant.ident, &variant.fields, &mut mistakes);
                if let Some(mark) = marks(&variant.attrs, "unknown").first() {
                    check_unknown(mark, &read, unknown.is_empty(), &mut mistakes);
                    unknown.push(read.name);
                    // Those that were read so far stand before it.
                    continue;
                }
                variants.push((read, unknown.is_empty()));
            }
            if data.variants.is_empty() {
                mistakes.at(
                    &item.ident,
                    "an enum without variants has no value that could cross: leave it out, or give it a \
                     variant",
                );
            }
            let (from_the_start, later): (Vec<_>, Vec<_>) =
                variants.into_iter().partition(|(_, is_first)| *is_first);
            let count = from_the_start.len();
            let all = from_the_start.into_iter().chain(later);
            let all: Vec<Variant> = all.map(|(variant, _)| variant).collect();
            Some(match unknown.first() {
                Some(unknown) => open::of_enum(&named, &all, count, unknown),
                None => of_enum(&named, &all),
            })
        }
        Data::Union(_) => {
            mistakes.at(
                &item.ident,
                "a union cannot cross, since nobody can tell which field is set: write an enum",
            );
            None
        }
    };
    let body = mistakes.into_result(body)?;
    Ok(quote! {
        const _: () = {
            use ::plugwright_plugin::__private;

            #body
        };
    })
}

/// Checks what is seen of a field before it is known what crosses: that the type does not hold
/// itself, since a record describes it to its end (two that hold each other are not seen here: the
/// compiler tells of a cycle), and that it is known of what it borrows how that crosses.
fn check_fields(item: &DeriveInput, named: &Named<'_>, mistakes: &mut Mistakes) {
    let fields: Vec<&Field> = match &item.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|one| &one.fields).collect(),
        Data::Union(_) => return,
    };
    for field in fields {
        if !marks(&field.attrs, "encoded").is_empty() {
            continue;
        }
        if let Some(reference) = borrowed_of(&field.ty, &named.types) {
            mistakes.at(
                reference,
                "a reference to a type parameter cannot cross, since how it does depends on the type: have \
                 the parameter itself, which may stand for a reference, or name the type",
            );
        }
        if names_itself(&field.ty, &item.ident) {
            mistakes.at(
                &field.ty,
                "a type that crosses cannot hold itself, since a record describes it to its end: let a \
                 `Vec` have all parts, and number those that they refer to, or mark the field with \
                 `#[encoded]`",
            );
        }
    }
}

/// Whether a type names the one that it is in.
fn names_itself(ty: &Type, ident: &Ident) -> bool {
    struct Find<'a>(&'a Ident, bool);
    impl VisitMut for Find<'_> {
        fn visit_type_path_mut(&mut self, path: &mut TypePath) {
            if let (None, [only]) = (&path.qself, Vec::from_iter(&path.path.segments).as_slice()) {
                self.1 |= only.ident == *self.0 || only.ident == "Self";
            }
            visit_mut::visit_type_path_mut(self, path);
        }
    }
    let mut find = Find(ident, false);
    find.visit_type_mut(&mut ty.clone());
    find.1
}

/// Checks the variant that stands for those which this side does not know.
fn check_unknown(mark: &Attribute, variant: &Variant, is_first: bool, mistakes: &mut Mistakes) {
    if !matches!(mark.meta, Meta::Path(_)) {
        mistakes.at(mark, "`#[unknown]` has no arguments");
    }
    if variant.has_fields() {
        mistakes.at(
            &variant.name,
            "the variant that is `#[unknown]` has no fields, since nobody knows those of a variant \
             that is not known: leave them out",
        );
    }
    if !is_first {
        mistakes.at(
            mark,
            "one variant is `#[unknown]`: a value is not told twice that it is not known",
        );
    }
}

/// `<Type as Portable>`, all of it at the type's own place: that is where the compiler then says
/// that the type does not cross, and it says the same thing about the same place once.
pub(crate) fn as_portable(ty: &Type) -> TokenStream {
    quote_spanned! { ty.span()=> <#ty as __private::Portable> }
}

/// The type's name and what it is generic over.
struct Named<'a> {
    ident: &'a Ident,
    /// The type parameters: those of the twin, which has no lifetimes.
    types: Vec<&'a Ident>,
    generics: &'a Generics,
}

impl<'a> Named<'a> {
    fn new(ident: &'a Ident, generics: &'a Generics, mistakes: &mut Mistakes) -> Self {
        let mut types = Vec::new();
        for param in &generics.params {
            match param {
                GenericParam::Type(param) => types.push(&param.ident),
                GenericParam::Const(param) => {
                    mistakes.at(
                        param,
                        "a type that crosses cannot be generic over a constant: write the number, or have a \
                         `Vec`",
                    );
                }
                GenericParam::Lifetime(_) => {}
            }
        }
        if let Some(lifetime) = bound_for_ever(generics) {
            mistakes.at(
                lifetime,
                "what crosses is lent for a call, and not for ever: leave this bound out",
            );
        }
        Self {
            ident,
            types,
            generics,
        }
    }

    /// `<T: Portable, …>` of the twin, with the bounds that the author gave: a field's type may ask
    /// for them, as a map does of its keys.
    fn twin_params(&self) -> TokenStream {
        let params = self.types.iter().map(|name| {
            let bounds = self.bounds(name);
            quote! { #name: __private::Portable #(+ #bounds)* }
        });
        quote! { <#(#params),*> }
    }

    /// The bounds of a parameter, but for those that name lifetimes, which the twin has none of.
    fn bounds(&self, name: &Ident) -> impl Iterator<Item = &TypeParamBound> {
        let params = self.generics.type_params();
        let params = params.filter(move |param| param.ident == *name);
        let clauses = self.generics.where_clause.iter();
        let clauses = clauses.flat_map(|clause| &clause.predicates);
        let clauses = clauses.filter_map(move |predicate| match predicate {
            WherePredicate::Type(of) => match &of.bounded_ty {
                Type::Path(path) if path.path.is_ident(name) => Some(&of.bounds),
                _ => None,
            },
            _ => None,
        });
        let bounds = params.map(|param| &param.bounds).chain(clauses).flatten();
        bounds.filter(|bound| !names_lifetimes(bound))
    }

    /// `<T, …>` of the twin.
    fn twin_arguments(&self) -> TokenStream {
        let types = &self.types;
        quote! { <#(#types),*> }
    }

    /// `impl<…> Portable for Name<…> where T: Portable, …`
    fn implementation(&self, body: &TokenStream) -> TokenStream {
        let (ident, types) = (self.ident, &self.types);
        let (params, arguments, bounds) = self.generics.split_for_impl();
        let bounds = bounds.map(|bounds| &bounds.predicates);
        let bounds = bounds.into_iter().flatten();
        quote! {
            unsafe impl #params __private::Portable for #ident #arguments
            where
                #(#types: __private::Portable,)*
                #(#bounds,)*
            {
                #body
            }
        }
    }

    /// That the twin `name` can be copied. A derive would make it depend on `T: Copy`, and
    /// where a field's type does not cross, each of its bounds would be reported too. Without the
    /// mark an author's clippy would tell of it.
    fn copy(&self, name: &Ident) -> TokenStream {
        let (params, arguments) = (self.twin_params(), self.twin_arguments());
        quote! {
            #[automatically_derived]
            impl #params ::core::clone::Clone for #name #arguments {
                fn clone(&self) -> Self {
                    *self
                }
            }

            impl #params ::core::marker::Copy for #name #arguments {}
        }
    }
}

/// The fields of a struct or variant: for each its name in patterns, in messages, its type.
struct Parts {
    members: Vec<TokenStream>,
    bindings: Vec<Ident>,
    names: Vec<String>,
    crossings: Vec<Crossing>,
    /// What is `Portable` of each.
    types: Vec<Type>,
}

impl Parts {
    fn new(fields: &Fields, mistakes: &mut Mistakes) -> Self {
        let mut parts = Self {
            members: Vec::new(),
            bindings: Vec::new(),
            names: Vec::new(),
            crossings: Vec::new(),
            types: Vec::new(),
        };
        for (index, field) in fields.iter().enumerate() {
            let member = match &field.ident {
                Some(name) => name.to_token_stream(),
                None => Literal::usize_unsuffixed(index).to_token_stream(),
            };
            for mark in marks(&field.attrs, "unknown") {
                mistakes.at(mark, "a variant of an enum is `#[unknown]`, and no field");
            }
            let marks = marks(&field.attrs, "encoded");
            if let (Some(lifetime), []) = (lent_for_ever(&field.ty), marks.as_slice()) {
                mistakes.at(
                    lifetime,
                    "what crosses is lent for a call, and not for ever: give the type a lifetime, as in \
                     `Name<'a>`, or a field that owns what it has",
                );
            }
            let crossing = Crossing::new(&field.ty, &marks, mistakes);
            let name = field.ident.as_ref().map(IdentExt::unraw);
            parts
                .names
                .push(name.map_or_else(|| index.to_string(), |name| name.to_string()));
            parts.members.push(member);
            parts.bindings.push(format_ident!("field_{}", index));
            parts.types.push(crossing.portable());
            parts.crossings.push(crossing);
        }
        parts
    }

    /// The fields' values, as what crosses in their place.
    fn given(&self) -> impl Iterator<Item = TokenStream> {
        let fields = self.crossings.iter().zip(&self.bindings);
        fields.map(|(crossing, binding)| crossing.give(binding))
    }

    /// The `repr(C)` struct of the fields' Abis, and of a marker for parameters that this
    /// variant's fields do not name.
    fn raw(&self, named: &Named<'_>, name: &Ident) -> TokenStream {
        let bindings = &self.bindings;
        let types = self.types.iter().map(|ty| as_portable(&with_static(ty)));
        let params = named.twin_params();
        let copy = named.copy(name);
        let parameters = &named.types;
        let marker = (!parameters.is_empty()).then(|| {
            quote! { __marker: ::core::marker::PhantomData<(#(#parameters,)*)>, }
        });
        quote! {
            #[doc(hidden)]
            #[repr(C)]
            pub struct #name #params {
                #(#bindings: #types::Abi,)*
                #marker
            }

            #copy
        }
    }

    /// `Path { member: binding, … }`: a pattern and an expression at once.
    fn at(&self, path: &TokenStream) -> TokenStream {
        let Self {
            members, bindings, ..
        } = self;
        quote! { #path { #(#members: #bindings),* } }
    }

    fn filled(&self, named: &Named<'_>, name: &Ident) -> TokenStream {
        let Self {
            bindings, types, ..
        } = self;
        let (types, given) = (types.iter().map(as_portable), self.given());
        let marker =
            (!named.types.is_empty()).then(|| quote! { __marker: ::core::marker::PhantomData, });
        quote! {
            #name {
                #(#bindings: #types::into_abi(#given),)*
                #marker
            }
        }
    }

    /// Statements that take all fields over, and then look whether each is valid.
    fn taken(&self, raw: &TokenStream) -> TokenStream {
        let Self {
            bindings, types, ..
        } = self;
        let types = types.iter().map(as_portable);
        let values = self.crossings.iter().zip(bindings);
        let values = values.map(|(crossing, binding)| crossing.take(quote! { #binding? }));
        let safety = comment(
            "SAFETY: each field is the Abi of its type. All are taken over before any failure is \
             looked at, so that none is lost.",
        );
        quote! {
            #safety
            #(let #bindings = unsafe { #types::from_abi(#raw.#bindings) };)*
            #(let #bindings = #values;)*
        }
    }

    /// Statements that write all fields as bytes.
    fn encoded(&self) -> TokenStream {
        let types = self.types.iter().map(as_portable);
        let given = self.given();
        quote! { #(#types::encode(#given, __out);)* }
    }

    /// `Path { member: …, … }` with each field read from bytes.
    fn decoded(&self, path: &TokenStream) -> TokenStream {
        let fields = self.crossings.iter().zip(&self.types);
        let values = fields.map(|(crossing, ty)| {
            let ty = as_portable(ty);
            crossing.take(quote! { unsafe { #ty::decode(__input) }? })
        });
        let members = &self.members;
        let safety = comment("SAFETY: by this function's contract.");
        quote! {
            #safety
            __private::Ok(#path {
                #(#members: #values,)*
            })
        }
    }

    fn shapes(&self, named: &Named<'_>) -> TokenStream {
        let Self { names, types, .. } = self;
        let shapes = types.iter().map(|ty| shape(ty, ty, &named.types));
        quote! {
            &[#(__private::FieldShape {
                name: #names,
                shape: #shapes,
            }),*]
        }
    }
}

fn of_struct(named: &Named<'_>, fields: &Fields, mistakes: &mut Mistakes) -> TokenStream {
    let parts = Parts::new(fields, mistakes);
    let raw_name = format_ident!("__Raw{}", named.ident, span = Span::call_site());
    // A C struct has at least one member.
    let (raw, filled) = if parts.types.is_empty() {
        let copy = named.copy(&raw_name);
        let raw = quote! {
            #[doc(hidden)]
            #[repr(C)]
            pub struct #raw_name { empty: u8 }

            #copy
        };
        (raw, quote! { #raw_name { empty: 0 } })
    } else {
        (parts.raw(named, &raw_name), parts.filled(named, &raw_name))
    };
    let pattern = parts.at(&quote! { Self });
    let taken = parts.taken(&quote! { __raw });
    let shapes = parts.shapes(named);
    let name = named.ident.unraw().to_string();
    let arguments = named.twin_arguments();
    // Every value takes a byte at least.
    let (written, read) = if parts.types.is_empty() {
        (quote! { __out.count(0); }, quote! { __input.count()?; })
    } else {
        (parts.encoded(), TokenStream::new())
    };
    let decoded = parts.decoded(&quote! { Self });
    let bytes = bytes(
        &quote! {
            let #pattern = self;
            #written
        },
        &quote! {
            #read
            #decoded
        },
    );
    let implementation = named.implementation(&quote! {
        type Abi = #raw_name #arguments;

        const SHAPE: &'static __private::Shape =
            &__private::Shape::Struct(#name, #shapes);

        fn into_abi(self) -> #raw_name #arguments {
            let #pattern = self;
            #filled
        }

        unsafe fn from_abi(
            __raw: #raw_name #arguments,
        ) -> __private::Result<Self, __private::Invalid> {
            #taken
            __private::Ok(#pattern)
        }

        #bytes
    });
    let safety = comment("SAFETY: the Abi is repr(C) and has the fields of the shape in order.");
    quote! {
        #raw

        #safety
        #implementation
    }
}

/// Both ways between a value and bytes.
fn bytes(encoded: &TokenStream, decoded: &TokenStream) -> TokenStream {
    quote! {
        fn encode(self, __out: &mut __private::Encoder<'_>) {
            #encoded
        }

        unsafe fn decode(
            __input: &mut __private::Decoder<'_>,
        ) -> __private::Result<Self, __private::Invalid> {
            #decoded
        }
    }
}

struct Variant {
    name: Ident,
    raw: Ident,
    parts: Parts,
}

impl Variant {
    fn new(ident: &Ident, name: &Ident, fields: &Fields, mistakes: &mut Mistakes) -> Self {
        Self {
            name: name.clone(),
            raw: format_ident!("__Raw{}{}", ident, name, span = Span::call_site()),
            parts: Parts::new(fields, mistakes),
        }
    }

    fn has_fields(&self) -> bool {
        !self.parts.types.is_empty()
    }

    /// The variant's shape: a constant expression.
    fn shape(&self, named: &Named<'_>) -> TokenStream {
        let name = self.name.unraw().to_string();
        let fields = self.parts.shapes(named);
        quote! { __private::VariantShape { name: #name, fields: #fields } }
    }
}

fn of_enum(named: &Named<'_>, variants: &[Variant]) -> TokenStream {
    let raw_name = format_ident!("__Raw{}", named.ident, span = Span::call_site());
    // Not among the names of the variants' fields, one of which may be called anything.
    let union = format_ident!("__Fields{}", named.ident, span = Span::call_site());
    let with_fields: Vec<&Variant> = variants
        .iter()
        .filter(|variant| variant.has_fields())
        .collect();
    let raws = with_fields
        .iter()
        .map(|variant| variant.parts.raw(named, &variant.raw));
    let members: Vec<&Ident> = with_fields.iter().map(|variant| &variant.raw).collect();
    let tag = |index: usize| Literal::u32_suffixed(u32::try_from(index).unwrap_or(u32::MAX));
    let into = variants.iter().enumerate().map(|(index, variant)| {
        let (tag, name) = (tag(index), &variant.name);
        let pattern = variant.parts.at(&quote! { Self::#name });
        let fields = if variant.has_fields() {
            let member = &variant.raw;
            let filled = variant.parts.filled(named, member);
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
            return quote! { #tag => __private::Ok(#pattern), };
        }
        let member = &variant.raw;
        let taken = variant.parts.taken(&quote! { __fields });
        let safety =
            comment("SAFETY: this variant's fields are initialised, since the tag says so.");
        quote! {
            #tag => {
                #safety
                let __fields = unsafe { __raw.fields.#member };
                #taken
                __private::Ok(#pattern)
            }
        }
    });
    let encoded = variants.iter().enumerate().map(|(index, variant)| {
        let (tag, name) = (Literal::usize_unsuffixed(index), &variant.name);
        let pattern = variant.parts.at(&quote! { Self::#name });
        let fields = variant.parts.encoded();
        quote! { #pattern => { __out.count(#tag); #fields } }
    });
    let decoded = variants.iter().enumerate().map(|(index, variant)| {
        let (tag, name) = (Literal::usize_unsuffixed(index), &variant.name);
        let fields = variant.parts.decoded(&quote! { Self::#name });
        quote! { #tag => { #fields } }
    });
    let shapes = variants.iter().map(|variant| variant.shape(named));
    let name = named.ident.unraw().to_string();
    let expected = format!("a {name} with a known variant");
    let unknown = quote! {
        _ => __private::Err(__private::Invalid::new(&#expected)),
    };
    let bytes = bytes(
        &quote! { match self { #(#encoded)* } },
        &quote! { match __input.count()? { #(#decoded)* #unknown } },
    );
    let (params, arguments) = (named.twin_params(), named.twin_arguments());
    let (copy_union, copy_raw) = (named.copy(&union), named.copy(&raw_name));
    let implementation = named.implementation(&quote! {
        type Abi = #raw_name #arguments;

        const SHAPE: &'static __private::Shape =
            &__private::Shape::Enum(#name, &[#(#shapes),*]);

        fn into_abi(self) -> #raw_name #arguments {
            match self { #(#into)* }
        }

        unsafe fn from_abi(
            __raw: #raw_name #arguments,
        ) -> __private::Result<Self, __private::Invalid> {
            match __raw.tag {
                #(#from)*
                #unknown
            }
        }

        #bytes
    });
    let safety = comment(
        "SAFETY: the Abi is repr(C): a tag, then a union of the variants' fields in order.",
    );
    quote! {
        #(#raws)*

        #[doc(hidden)]
        #[repr(C)]
        #[expect(
            non_snake_case,
            clippy::allow_attributes,
            reason = "each member has the name of its type"
        )]
        pub union #union #params {
            __none: u8,
            #(#members: #members #arguments,)*
        }

        #copy_union

        #[doc(hidden)]
        #[repr(C)]
        pub struct #raw_name #params {
            tag: u32,
            fields: #union #arguments,
        }

        #copy_raw

        #safety
        #implementation
    }
}
