//! `#[interface]`: a trait becomes a vtable, a handle that implements it, and a schema.

use plugwright_manifest::InterfaceVersion;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, FnArg, Generics, ItemTrait, LitStr, Pat, ReceiverKind, ReturnType, Safety,
    TraitItem, TraitItemFn, Type, TypeParamBound, TypeReference, parse_quote,
};

use crate::arguments::{Arguments, Mistakes, Slot, check_id};
use crate::lifetimes::with_static;
use crate::portable::as_portable;

/// What the attribute and the trait say, checked.
struct Interface {
    id: LitStr,
    version: InterfaceVersion,
    item: ItemTrait,
    methods: Vec<Method>,
}

struct Method {
    name: Ident,
    params: Vec<Param>,
    result: Type,
    /// The minor version in which it was added.
    since: u16,
    /// Whether the trait has a body for it.
    has_body: bool,
}

struct Param {
    name: Ident,
    ty: Type,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut item: ItemTrait = syn::parse2(item)?;
    let arguments: Arguments = syn::parse2(arguments)?;
    let mut mistakes = Mistakes::default();
    let (mut id, mut version) = (Slot::default(), Slot::default());
    for argument in &arguments.0 {
        let name = &argument.name;
        if name == "id" {
            let value = argument.text(&mut mistakes);
            id.fill(name, value, &mut mistakes);
        } else if name == "version" {
            let value = argument.text(&mut mistakes);
            version.fill(name, value, &mut mistakes);
        } else {
            mistakes.at(name, "unknown argument: `id` and `version` are known");
        }
    }
    let id = id.needed("id", "\"org.example.name\"", &mut mistakes);
    let version = version.needed("version", "\"1.0\"", &mut mistakes);
    if let Some(id) = &id {
        check_id(id, &mut mistakes);
    }
    let version = version.and_then(|text| match text.value().parse() {
        Ok(version) => Some(version),
        Err(_) => {
            mistakes.at(&text, "a version is two numbers, as in \"1.2\"");
            None
        }
    });
    check_trait(&item, &mut mistakes);
    let methods = methods(&mut item, version, &mut mistakes);
    let parts = id.zip(version);
    let (id, version) = mistakes.into_result(parts)?.unwrap_or_else(|| {
        unreachable!("a missing id or version is a mistake, and mistakes were returned")
    });
    Ok(Interface {
        id,
        version,
        item,
        methods,
    }
    .expand())
}

fn check_trait(item: &ItemTrait, mistakes: &mut Mistakes) {
    if let Some(mistake) = generic(&item.generics) {
        mistakes.at(&item.generics, format!("an interface {mistake}"));
    }
    if let Some(token) = &item.unsafety {
        mistakes.at(token, "an interface cannot be an unsafe trait");
    }
    for bound in &item.supertraits {
        let known = match bound {
            TypeParamBound::Trait(bound) => bound
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Send" || last.ident == "Sync"),
            TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
            _ => false,
        };
        if !known {
            mistakes.at(
                bound,
                "an interface can require `Send`, `Sync` and `'static`, nothing else",
            );
        }
    }
}

/// What is wrong with these generics, if anything.
fn generic(generics: &Generics) -> Option<&'static str> {
    if generics.params.is_empty() {
        None
    } else if generics.lifetimes().count() == generics.params.len() {
        Some("names no lifetimes: what is lent ends with the call")
    } else {
        Some("cannot be generic: a plugin is compiled before its host")
    }
}

fn methods(
    item: &mut ItemTrait,
    version: Option<InterfaceVersion>,
    mistakes: &mut Mistakes,
) -> Vec<Method> {
    let mut methods: Vec<Method> = Vec::new();
    for item in &mut item.items {
        match item {
            TraitItem::Fn(function) => {
                let last = methods.last().map_or(0, |last| last.since);
                // One that is told as wrong is not told as out of order too.
                let since = since(function, version, mistakes).unwrap_or(last);
                if since < last {
                    let mistake = if since == 0 {
                        "a method without `#[since(…)]` stands before those that were added \
                         later: move it up, or say which version added it"
                    } else {
                        "the method before this one was added later: methods stand in the \
                         order in which they were added"
                    };
                    mistakes.at(&function.sig.ident, mistake);
                }
                methods.extend(method(function, since, mistakes));
            }
            TraitItem::Const(item) => mistakes.at(
                &item.ident,
                "an interface has methods only: return the value from one",
            ),
            TraitItem::Type(item) => mistakes.at(
                &item.ident,
                "an interface cannot have associated types: name the type itself",
            ),
            other => mistakes.at(other, "an interface has methods only"),
        }
    }
    methods
}

/// The trait without the attributes that only this macro reads, or what is no trait as it is.
pub(crate) fn without_since(item: TokenStream) -> TokenStream {
    let Ok(mut parsed) = syn::parse2::<ItemTrait>(item.clone()) else {
        return item;
    };
    for item in &mut parsed.items {
        if let TraitItem::Fn(function) = item {
            take_since(function);
        }
    }
    parsed.into_token_stream()
}

/// Takes each `#[since(…)]` off a method.
fn take_since(function: &mut TraitItemFn) -> Vec<Attribute> {
    let (since, others) = function
        .attrs
        .drain(..)
        .partition::<Vec<_>, _>(|attribute| attribute.path().is_ident("since"));
    function.attrs = others;
    since
}

/// Takes `#[since("1.2")]` off a method and reads it: the minor version that added it, which
/// is 0 without the attribute, or nothing when it is told as wrong.
fn since(
    function: &mut TraitItemFn,
    version: Option<InterfaceVersion>,
    mistakes: &mut Mistakes,
) -> Option<u16> {
    let attributes = take_since(function);
    let Some((attribute, others)) = attributes.split_first() else {
        return Some(0);
    };
    for other in others {
        mistakes.at(other, "`since` is given twice");
    }
    let Ok(text) = attribute.parse_args::<LitStr>() else {
        mistakes.at(
            attribute,
            "expected `#[since(\"1.2\")]`: the version that added the method",
        );
        return None;
    };
    let Ok(given) = text.value().parse::<InterfaceVersion>() else {
        mistakes.at(&text, "a version is two numbers, as in \"1.2\"");
        return None;
    };
    if let Some(mistake) = version.and_then(|version| misdated(given, version)) {
        mistakes.at(&text, mistake);
        return None;
    }
    Some(given.minor)
}

/// Why an interface that is at `version` has no method that was added in `given`, if so.
fn misdated(given: InterfaceVersion, version: InterfaceVersion) -> Option<String> {
    let major = version.major;
    if given > version {
        Some(format!(
            "later than the interface's own version, {version}: raise that too"
        ))
    } else if given.major < major {
        Some(format!(
            "the interface is at {version}: what was added before {major}.0 is there from the \
             start, and has no `#[since(…)]`"
        ))
    } else if given.minor == 0 {
        Some(format!(
            "what is there from the start, in {given}, has no `#[since(…)]`"
        ))
    } else {
        None
    }
}

fn method(function: &TraitItemFn, since: u16, mistakes: &mut Mistakes) -> Option<Method> {
    let signature = &function.sig;
    for attribute in &function.attrs {
        if attribute.path().is_ident("cfg") {
            mistakes.at(
                attribute,
                "a method cannot be conditional: host and plugin must see the same vtable",
            );
        }
    }
    if let Some(token) = &signature.constness {
        mistakes.at(token, "a method of an interface cannot be const");
    }
    if let Some(token) = &signature.asyncness {
        mistakes.at(token, "a method of an interface cannot be async");
    }
    if let Safety::Unsafe(token) = &signature.safety {
        mistakes.at(token, "a method of an interface cannot be unsafe");
    }
    if let Some(abi) = &signature.abi {
        mistakes.at(
            abi,
            "the method's calling convention is the interface's business: leave it out",
        );
    }
    if let Some(mistake) = generic(&signature.generics) {
        let mistake = format!("a method of an interface {mistake}");
        mistakes.at(&signature.generics, mistake);
    }
    check_receiver(function, mistakes);
    let mut params = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(typed) = input else {
            continue;
        };
        let name = match &*typed.pat {
            Pat::Ident(pattern) if pattern.subpat.is_none() => pattern.ident.clone(),
            Pat::Wild(_) => format_ident!("argument_{index}"),
            other => {
                mistakes.at(other, "a parameter of an interface is a plain name");
                continue;
            }
        };
        check_parameter(&typed.ty, mistakes);
        params.push(Param {
            name,
            ty: (*typed.ty).clone(),
        });
    }
    let result = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => {
            if let Some(reference) = borrowed(ty) {
                mistakes.at(
                    reference,
                    "a result cannot borrow: return `String` for `&str`, `Vec<u8>` for `&[u8]`",
                );
            }
            (**ty).clone()
        }
    };
    Some(Method {
        name: signature.ident.clone(),
        params,
        result,
        since,
        has_body: function.default.is_some(),
    })
}

fn check_receiver(function: &TraitItemFn, mistakes: &mut Mistakes) {
    let receiver = function.sig.receiver();
    match receiver.map(|receiver| &receiver.kind) {
        Some(ReceiverKind::Reference(_, None, None)) => {}
        Some(_) => mistakes.at(receiver, "a method of an interface takes `&self`"),
        None => mistakes.at(
            &function.sig.ident,
            "a method of an interface takes `&self`: a plugin is called through its objects",
        ),
    }
}

fn check_parameter(ty: &Type, mistakes: &mut Mistakes) {
    if let Type::Reference(reference) = ty
        && let Some(token) = &reference.mutability
        && !matches!(*reference.elem, Type::Slice(_))
    {
        mistakes.at(
            token,
            "only a slice of numbers can be lent for writing: return the new value",
        );
    }
}

/// The first reference in a type.
fn borrowed(ty: &Type) -> Option<TypeReference> {
    struct Find(Option<TypeReference>);
    impl VisitMut for Find {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            self.0.get_or_insert_with(|| reference.clone());
        }
    }
    let mut find = Find(None);
    find.visit_type_mut(&mut ty.clone());
    find.0
}

impl Interface {
    fn expand(&self) -> TokenStream {
        let mut item = self.item.clone();
        let ident = &item.ident;
        item.items.push(parse_quote! {
            /// The handle that this object is, when it is one: it is passed on as it came.
            #[doc(hidden)]
            fn __plugwright_handle(&self) -> ::core::option::Option<&::plugwright_plugin::Handle<dyn #ident>> {
                ::core::option::Option::None
            }
        });
        let calls = self.calls();
        let handle = self.handle();
        let vtable = self.vtable();
        let defaults = self.defaults();
        let objects = self.objects();
        let impls = self.impls();
        quote! {
            #item
            #vtable
            #calls
            #handle
            #defaults
            #objects
            #impls
        }
    }

    fn vtable_name(&self) -> Ident {
        format_ident!("__{}Vtable", self.item.ident)
    }

    fn calls_name(&self) -> Ident {
        format_ident!("{}Calls", self.item.ident)
    }

    /// The `repr(C)` table of functions.
    fn vtable(&self) -> TokenStream {
        let vis = &self.item.vis;
        let name = self.vtable_name();
        let fields = self.methods.iter().map(|method| {
            let field = &method.name;
            let params = method.statics();
            let result = as_portable(&method.result);
            let function = quote! {
                unsafe extern "C" fn(
                    *const (),
                    #(#params::Abi,)*
                ) -> ::plugwright_plugin::__private::Reply<#result::Abi>
            };
            if method.since == 0 {
                quote! { #field: #function, }
            } else {
                quote! { #field: ::core::option::Option<#function>, }
            }
        });
        quote! {
            #[doc(hidden)]
            #[repr(C)]
            #vis struct #name {
                __head: ::plugwright_plugin::__private::VtableHead,
                #(#fields)*
            }
        }
    }

    /// The type that a handle dereferences to, with a `try_` form of each method.
    fn calls(&self) -> TokenStream {
        let vis = &self.item.vis;
        let name = self.calls_name();
        let vtable = self.vtable_name();
        let ident = &self.item.ident;
        let doc = format!(
            " The methods of [`{ident}`] on a handle, with failures of the call itself as values."
        );
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let try_name = format_ident!("try_{}", function);
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let portables = method.portables();
            let result = &method.result;
            let path = format!("{ident}::{function}");
            let doc = format!(" As [`{ident}::{function}`].");
            let arguments: Vec<&Ident> = arguments.collect();
            let pointer = self.pointer(method, &path);
            quote! {
                #[doc = #doc]
                ///
                /// # Errors
                /// When the call itself fails: the plugin panicked, for instance.
                #[inline]
                pub fn #try_name(&self, #params)
                    -> ::core::result::Result<#result, ::plugwright_plugin::CallError>
                {
                    #pointer
                    // SAFETY: the handle's object and vtable belong together, and each
                    // argument is given away once.
                    let __reply = unsafe {
                        __function(
                            self.0.object(),
                            #(#portables::into_abi(#arguments),)*
                        )
                    };
                    // SAFETY: the vtable declares this result.
                    unsafe { __reply.take::<#result>(#path) }
                }
            }
        });
        quote! {
            #[doc = #doc]
            #[derive(Debug)]
            #[repr(transparent)]
            #vis struct #name(::plugwright_plugin::__private::RawHandle<#vtable>);

            impl #name {
                #(#methods)*
            }
        }
    }

    /// Takes a method's function out of the vtable, or answers the call without it.
    fn pointer(&self, method: &Method, path: &str) -> TokenStream {
        let function = &method.name;
        if method.since == 0 {
            return quote! { let __function = self.0.vtable().#function; };
        }
        let absent = if method.has_body {
            let (ident, defaults) = (&self.item.ident, self.defaults_name());
            let arguments = method.params.iter().map(|param| &param.name);
            quote! {
                ::core::result::Result::Ok(
                    <#defaults as #ident>::#function(#defaults::of(&self.0), #(#arguments),*)
                )
            }
        } else {
            quote! {
                ::core::result::Result::Err(::plugwright_plugin::CallError::unsupported(#path))
            }
        };
        quote! {
            let ::core::option::Option::Some(__function) = self.0.vtable().#function else {
                return #absent;
            };
        }
    }

    /// A handle on which the methods that may be absent have the trait's own bodies: what a
    /// plugin that was built earlier is completed with.
    fn defaults(&self) -> Option<TokenStream> {
        let later = |method: &&Method| method.since > 0 && method.has_body;
        self.methods.iter().find(later)?;
        let ident = &self.item.ident;
        let name = self.defaults_name();
        let vtable = self.vtable_name();
        let forwarded = self.methods.iter().filter(|method| !later(method));
        let forwarded = forwarded.map(|method| {
            let function = &method.name;
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let result = &method.result;
            quote! {
                fn #function(&self, #params) -> #result {
                    <::plugwright_plugin::Handle<dyn #ident> as #ident>::#function(
                        &self.0, #(#arguments),*
                    )
                }
            }
        });
        Some(quote! {
            #[doc(hidden)]
            #[repr(transparent)]
            struct #name(::plugwright_plugin::Handle<dyn #ident>);

            impl #name {
                fn of(handle: &::plugwright_plugin::__private::RawHandle<#vtable>) -> &Self {
                    // SAFETY: both are transparent over the raw handle.
                    unsafe { &*(&raw const *handle).cast::<Self>() }
                }
            }

            impl #ident for #name {
                #(#forwarded)*
            }
        })
    }

    fn defaults_name(&self) -> Ident {
        format_ident!("__{}Defaults", self.item.ident)
    }

    /// How objects of the interface cross, wrapped on the way out.
    fn objects(&self) -> TokenStream {
        let ident = &self.item.ident;
        let boxed = self.boxed();
        // A shared object that may be sent but not used by two threads at once cannot be
        // given away: the giver would keep a part of it on its own thread.
        let shared = (self.requires("Send") == self.requires("Sync")).then(|| self.shared());
        let forward_box = self.forward("OwnedBox");
        let forward_arc = shared.as_ref().map(|_| self.forward("OwnedArc"));
        quote! {
            #forward_box
            #forward_arc

            // SAFETY: an object crosses as itself with its vtable and what keeps it.
            unsafe impl ::plugwright_plugin::__private::Boxed for dyn #ident {
                #boxed
            }

            #shared
        }
    }

    /// Whether the trait requires this marker trait.
    fn requires(&self, marker: &str) -> bool {
        self.item.supertraits.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => bound
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == marker),
            _ => false,
        })
    }

    /// The trait for a wrapper: each method is the wrapped object's.
    fn forward(&self, wrapper: &str) -> TokenStream {
        let ident = &self.item.ident;
        let wrapper = format_ident!("{}", wrapper);
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let result = &method.result;
            quote! {
                fn #function(&self, #params) -> #result {
                    <dyn #ident as #ident>::#function(&*self.0, #(#arguments),*)
                }
            }
        });
        quote! {
            impl #ident for ::plugwright_plugin::__private::#wrapper<dyn #ident> {
                #(#methods)*
            }
        }
    }

    /// The shape of an object of the interface in a `Box` or an `Arc`.
    fn object_shape(&self, holder: &str) -> TokenStream {
        let ident = &self.item.ident;
        let holder = format_ident!("{}", holder);
        quote! {
            const SHAPE: &'static ::plugwright_plugin::__private::Shape =
                &::plugwright_plugin::__private::Shape::Interface(
                    ::plugwright_plugin::__private::Holder::#holder,
                    <dyn #ident as ::plugwright_plugin::Interface>::ID,
                    <dyn #ident as ::plugwright_plugin::Interface>::VERSION.major,
                );
        }
    }

    fn boxed(&self) -> TokenStream {
        let ident = &self.item.ident;
        let shape = self.object_shape("Box");
        quote! {
            type Abi = ::plugwright_plugin::__private::RawInterface;

            #shape

            fn into_abi(
                this: ::std::boxed::Box<Self>,
            ) -> ::plugwright_plugin::__private::RawInterface {
                match this.__plugwright_handle() {
                    ::core::option::Option::Some(handle) => {
                        ::plugwright_plugin::__private::pass_on(handle)
                    }
                    ::core::option::Option::None => {
                        ::plugwright_plugin::__private::give_box::<dyn #ident>(this)
                    }
                }
            }

            unsafe fn from_abi(
                abi: ::plugwright_plugin::__private::RawInterface,
            ) -> ::core::result::Result<::std::boxed::Box<Self>, ::plugwright_plugin::Invalid> {
                // SAFETY: by this function's contract.
                let handle = unsafe { ::plugwright_plugin::__private::receive::<dyn #ident>(abi) }?;
                ::core::result::Result::Ok(::std::boxed::Box::new(handle))
            }
        }
    }

    fn shared(&self) -> TokenStream {
        let ident = &self.item.ident;
        let shape = self.object_shape("Arc");
        quote! {
            // SAFETY: an object crosses as itself with its vtable and what keeps it.
            unsafe impl ::plugwright_plugin::__private::Shared for dyn #ident {
                #shape

                fn into_abi(
                    this: ::std::sync::Arc<Self>,
                ) -> ::plugwright_plugin::__private::RawInterface {
                    match this.__plugwright_handle() {
                    ::core::option::Option::Some(handle) => {
                        ::plugwright_plugin::__private::pass_on(handle)
                    }
                    ::core::option::Option::None => {
                        ::plugwright_plugin::__private::give_arc::<dyn #ident>(this)
                    }
                }
                }

                unsafe fn from_abi(
                    abi: ::plugwright_plugin::__private::RawInterface,
                ) -> ::core::result::Result<::std::sync::Arc<Self>, ::plugwright_plugin::Invalid> {
                    // SAFETY: by this function's contract.
                    let received =
                        unsafe { ::plugwright_plugin::__private::receive_arc::<dyn #ident>(abi) }?;
                    ::core::result::Result::Ok(match received {
                        ::plugwright_plugin::__private::Received::Home(object) => object,
                        ::plugwright_plugin::__private::Received::Foreign(handle) => {
                            ::std::sync::Arc::new(handle)
                        }
                    })
                }
            }
        }
    }

    /// The trait for handles: each method is its `try_` form, with the failure lifted.
    fn handle(&self) -> TokenStream {
        let ident = &self.item.ident;
        let calls = self.calls_name();
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let try_name = format_ident!("try_{}", function);
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let result = &method.result;
            quote! {
                #[inline]
                fn #function(&self, #params) -> #result {
                    match #calls::#try_name(self, #(#arguments),*) {
                        ::core::result::Result::Ok(__value) => __value,
                        ::core::result::Result::Err(__error) => {
                            use ::plugwright_plugin::__private::{LiftAsError as _, LiftAsPanic as _};
                            (&::plugwright_plugin::__private::Lift::<#result>::new()).lift(__error)
                        }
                    }
                }
            }
        });
        quote! {
            impl #ident for ::plugwright_plugin::Handle<dyn #ident> {
                #(#methods)*

                fn __plugwright_handle(&self) -> ::core::option::Option<&Self> {
                    ::core::option::Option::Some(self)
                }
            }
        }
    }

    /// The shims on the plugin's side and the traits that tie everything together.
    fn impls(&self) -> TokenStream {
        let ident = &self.item.ident;
        let vtable = self.vtable_name();
        let calls = self.calls_name();
        let id = &self.id;
        let (major, minor) = (self.version.major, self.version.minor);
        let entries = self.methods.iter().map(|method| {
            let name = &method.name;
            if method.since == 0 {
                quote! { #name: #name::<__T>, }
            } else {
                quote! { #name: ::core::option::Option::Some(#name::<__T>), }
            }
        });
        let count = self.methods.len();
        let shapes = self.methods.iter().map(Method::shape);
        let shims = self.methods.iter().map(|method| method.shim(ident));
        quote! {
            const _: () = {
                #(#shims)*

                static FINGERPRINTS: [u64; #count] =
                    <dyn #ident as ::plugwright_plugin::Interface>::SHAPE.fingerprints();

                static TABLE: ::plugwright_plugin::__private::InterfaceTable =
                    ::plugwright_plugin::__private::InterfaceTable {
                        id: ::plugwright_plugin::__private::RawSlice::of(#id),
                        major: #major,
                        minor: #minor,
                        methods: ::plugwright_plugin::__private::count(#count),
                        fingerprints: FINGERPRINTS.as_ptr(),
                    };

                // SAFETY: the vtable is repr(C), begins with its head and has the methods
                // of the shape in order; the calls are transparent over the raw handle.
                unsafe impl ::plugwright_plugin::Interface for dyn #ident {
                    const ID: &'static str = #id;
                    const VERSION: ::plugwright_plugin::__private::InterfaceVersion =
                        ::plugwright_plugin::__private::InterfaceVersion::new(#major, #minor);
                    const SHAPE: &'static ::plugwright_plugin::InterfaceShape =
                        &::plugwright_plugin::InterfaceShape {
                            id: Self::ID,
                            version: Self::VERSION,
                            methods: &[#(#shapes),*],
                        };
                    const TABLE: &'static ::plugwright_plugin::__private::InterfaceTable = &TABLE;
                    type Vtable = #vtable;
                    type Calls = #calls;
                }

                // SAFETY: the shims take an object of `__T`, and so does the head.
                unsafe impl<__T: #ident + 'static> ::plugwright_plugin::Provides<__T> for dyn #ident {
                    const VTABLE: &'static #vtable = &#vtable {
                        __head: ::plugwright_plugin::__private::vtable_head::<__T>(
                            ::core::mem::size_of::<#vtable>(),
                            &TABLE,
                        ),
                        #(#entries)*
                    };
                }
            };
        }
    }
}

impl Method {
    /// `name: Type, …` as the trait declares it.
    fn declarations(&self) -> TokenStream {
        let names = self.params.iter().map(|param| &param.name);
        let types = self.params.iter().map(|param| &param.ty);
        quote! { #(#names: #types),* }
    }

    /// `<Type as Portable>` for each parameter.
    fn portables(&self) -> impl Iterator<Item = TokenStream> {
        self.params.iter().map(|param| as_portable(&param.ty))
    }

    /// The same, where no lifetime can be named.
    fn statics(&self) -> impl Iterator<Item = TokenStream> {
        let with_static = |param: &Param| as_portable(&with_static(&param.ty));
        self.params.iter().map(with_static)
    }

    /// The method's shape: a constant expression.
    fn shape(&self) -> TokenStream {
        let name = self.name.to_string();
        let params = self.params.iter().map(|param| {
            let name = param.name.to_string();
            let ty = as_portable(&with_static(&param.ty));
            quote! {
                ::plugwright_plugin::__private::FieldShape {
                    name: #name,
                    shape: #ty::SHAPE,
                }
            }
        });
        let result = as_portable(&self.result);
        let since = self.since;
        quote! {
            ::plugwright_plugin::__private::MethodShape {
                name: #name,
                params: &[#(#params),*],
                result: #result::SHAPE,
                since: #since,
            }
        }
    }

    /// The function that a vtable points to: takes the arguments over, then runs the method
    /// inside the panic boundary.
    fn shim(&self, ident: &Ident) -> TokenStream {
        let function = &self.name;
        let names: Vec<&Ident> = self.params.iter().map(|param| &param.name).collect();
        let types = self.portables();
        let statics = self.statics();
        let result = as_portable(&self.result);
        quote! {
            unsafe extern "C" fn #function<__T: #ident + 'static>(
                __object: *const (),
                #(#names: #statics::Abi,)*
            ) -> ::plugwright_plugin::__private::Reply<#result::Abi> {
                // SAFETY: the caller gave each argument away, as the Abi of its type. All
                // are taken over before anything can fail, so that none is lost.
                #(let #names = unsafe { #types::from_abi(#names) };)*
                let __method = move |__this: &__T| {
                    ::core::result::Result::Ok(#result::into_abi(
                        <__T as #ident>::#function(__this, #(#names?),*),
                    ))
                };
                // SAFETY: the object is one of `__T`, whose vtable holds this function.
                unsafe { ::plugwright_plugin::__private::call::<__T, _>(__object, __method) }
            }
        }
    }
}
