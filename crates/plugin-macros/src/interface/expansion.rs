//! What becomes of an interface: its trait, its calls and its handle.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, ItemTrait, Meta, TraitItem, TraitItemFn, parse_quote};

use super::{Interface, Method, Receiver};
use crate::lifetimes::with_static;
use crate::portable::as_portable;
use crate::remarks::comment;

impl Interface {
    pub(super) fn expand(&self) -> TokenStream {
        let item = self.completed();
        let constants = self.constants();
        let calls = self.calls();
        let parts = [
            self.vtable(),
            self.called_all(),
            self.handle(),
            self.upcasts(),
            self.owned(),
            self.objects(),
            self.shims(),
            self.interface(),
            self.provided(),
            self.proxies(),
        ];
        quote! {
            #item
            #constants
            #calls

            const _: () = {
                use ::plugwright_plugin::__private;

                #(#parts)*
            };
        }
    }

    /// The trait as it was written, with what the other expansions need of it.
    fn completed(&self) -> ItemTrait {
        let mut item = self.item.clone();
        let ident = &item.ident;
        let hidden = self.methods.iter().filter(|method| method.may_run_here());
        let hidden: Vec<Ident> = hidden.map(|method| method.name.clone()).collect();
        let mut bodies: Vec<TraitItem> = Vec::new();
        for function in &mut item.items {
            if let TraitItem::Fn(function) = function
                && hidden.contains(&function.sig.ident)
            {
                bodies.push(TraitItem::Fn(apart(ident, function)));
            }
        }
        item.items.extend(bodies);
        item.items.push(parse_quote! {
            /// The handle that this object is, when it is one: it is passed on as it came.
            #[doc(hidden)]
            fn __plugwright_handle(
                &self,
            ) -> ::core::option::Option<&::plugwright_plugin::Handle<dyn #ident>> {
                ::core::option::Option::None
            }
        });
        item
    }

    pub(super) fn calls_name(&self) -> Ident {
        format_ident!("{}Calls", self.item.ident)
    }

    /// The type that a handle dereferences to.
    fn calls(&self) -> TokenStream {
        let vis = &self.item.vis;
        let name = self.calls_name();
        let ident = &self.item.ident;
        let doc = format!(
            " The methods of [`{ident}`] on a handle, with failures of the call itself as values."
        );
        quote! {
            #[doc = #doc]
            #[derive(Debug)]
            #[repr(transparent)]
            #vis struct #name(
                ::plugwright_plugin::__private::RawHandle<
                    <dyn #ident as ::plugwright_plugin::Interface>::Vtable,
                >,
            );
        }
    }

    /// A `try_` form of each method.
    fn called_all(&self) -> TokenStream {
        let name = self.calls_name();
        let ident = &self.item.ident;
        let comment = comment(
            "The caller's side: a function for each method that calls the other side's, and gives \
             what went wrong as a value.",
        );
        let methods = self.methods.iter().map(|method| {
            let doc = format!(" As [`{ident}::{}`].", method.name);
            let called = self.called(method);
            let public = match (method.receiver, &method.future) {
                (Receiver::Owned, _) => Some(self.taken_whole(method)),
                (_, Some(_)) => Some(self.tried(method)),
                _ => None,
            };
            let hidden = public.is_some().then(|| quote! { #[doc(hidden)] });
            let head = public.is_none().then(|| {
                quote! {
                    #[doc = #doc]
                    ///
                    /// # Errors
                    /// When the call itself fails: the plugin panicked, for instance.
                }
            });
            quote! {
                #public
                #head
                #hidden
                #called
            }
        });
        quote! {
            #comment
            impl #name {
                #(#methods)*
            }
        }
    }

    /// The function that calls a method through the vtable.
    fn called(&self, method: &Method) -> TokenStream {
        let ident = &self.item.ident;
        let name = method.caller();
        let this = method.borrowed_self();
        let params = method.declarations();
        let arguments = method.given();
        let portables = method.portables();
        let (result, crossing) = (&method.result.ty, method.result.portable());
        let path = format!("{ident}::{}", method.name);
        let pointer = self.pointer(method, &path);
        let converted = self.converted(method);
        let taken = method
            .result
            .take_ok(quote! { unsafe { __reply.take::<#crossing>(#path) } });
        let kept = (!method.params.is_empty()).then(|| {
            let comment = comment("What is cloned in order to be lent goes at the end of this.");
            quote! { #comment let __kept = __private::Kept::when(#converted); }
        });
        let given = comment(
            "SAFETY: object and vtable belong together, and each argument is given away once. What \
             takes `&mut self` or more is borrowed exclusively here, and the object has no other \
             handle.",
        );
        let declared = comment("SAFETY: the vtable declares this result.");
        quote! {
            #[inline]
            pub fn #name(#this, #params)
                -> __private::Result<#result, __private::CallError>
            {
                #pointer
                #kept
                #given
                let __reply = unsafe {
                    __function(
                        self.0.object(),
                        #(#portables::into_abi(#arguments),)*
                    )
                };
                #declared
                #taken
            }
        }
    }

    /// The `try_` form of an asynchronous method: a future whose failures are values.
    fn tried(&self, method: &Method) -> TokenStream {
        let ident = &self.item.ident;
        let (function, try_name, caller) = (&method.name, method.try_name(), method.caller());
        let this = method.borrowed_self();
        let params = method.declarations();
        let arguments = method.names();
        let result = &method.result.ty;
        let path = format!("{ident}::{function}");
        let doc = format!(" As [`{ident}::{function}`], with failures of the call as values.");
        quote! {
            #[doc = #doc]
            #[inline]
            pub fn #try_name(#this, #params) -> __private::Tried<#result> {
                __private::Tried::of(self.#caller(#(#arguments),*), #path)
            }
        }
    }

    /// The `try_` form of a method that takes its object whole: it takes the handle.
    fn taken_whole(&self, method: &Method) -> TokenStream {
        let ident = &self.item.ident;
        let (function, try_name, caller) = (&method.name, method.try_name(), method.caller());
        let params = method.declarations();
        let arguments: Vec<_> = method.names().collect();
        let result = &method.result.ty;
        let path = format!("{ident}::{function}");
        let doc = format!(" As [`{ident}::{function}`].");
        let whole = |called: TokenStream| match &method.future {
            Some(_) => quote! { __private::Tried::of(#called, #path) },
            None => called,
        };
        let (errors, returned) = if method.future.is_some() {
            (None, quote! { __private::Tried<#result> })
        } else {
            let errors = quote! {
                ///
                /// # Errors
                /// When the call itself fails: the plugin panicked, for instance.
            };
            let returned = quote! {
                __private::Result<#result, __private::CallError>
            };
            (Some(errors), returned)
        };
        let absent = method.may_run_here().then(|| {
            let body = body_name(function);
            let called = whole(quote! {
                __private::Ok(#ident::#body(__object, #(#arguments),*))
            });
            quote! {
                if __private::RawHandle::vtable(&__handle.0).#function.is_none() {
                    let __object = __private::Box::new(__handle);
                    return #called;
                }
            }
        });
        let called = whole(quote! { __handle.#caller(#(#arguments),*) });
        quote! {
            #[doc = #doc]
            #errors
            #[inline]
            pub fn #try_name(mut __handle: __private::Handle<dyn #ident>, #params)
                -> #returned
            {
                #absent
                #called
            }
        }
    }

    /// Takes a method's function out of the vtable, or answers the call without it.
    fn pointer(&self, method: &Method, path: &str) -> TokenStream {
        let function = &method.name;
        if method.since == 0 {
            return quote! { let __function = self.0.vtable().#function; };
        }
        let absent = if method.may_run_here() && method.receiver != Receiver::Owned {
            let ident = &self.item.ident;
            let body = body_name(function);
            let arguments = method.names();
            let handle = match method.receiver {
                Receiver::Exclusive => quote! { handle_mut },
                _ => quote! { handle },
            };
            quote! {
                __private::Ok(
                    #ident::#body(self.0.#handle::<dyn #ident>(), #(#arguments),*)
                )
            }
        } else {
            quote! {
                __private::Err(__private::CallError::unsupported(#path))
            }
        };
        quote! {
            let __private::Some(__function) = self.0.vtable().#function else {
                return #absent;
            };
        }
    }

    /// The trait for handles: each method is its `try_` form, with the failure lifted.
    fn handle(&self) -> TokenStream {
        let ident = &self.item.ident;
        let calls = self.calls_name();
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let try_name = method.try_name();
            let params = method.declarations();
            let arguments = method.names();
            let result = &method.result.ty;
            let this = match method.receiver {
                Receiver::Owned => quote! { self: __private::Box<Self> },
                _ => method.borrowed_self(),
            };
            let calls_of = quote! {
                __private::Handle::calls_of::<dyn #ident>(self, &mut __space)
            };
            let safety = comment(
                "SAFETY: the calls are there until the method returns; what its result borrows is \
                 the object's, which the handle keeps.",
            );
            let space = quote! {
                let mut __space = ::core::mem::MaybeUninit::uninit();
                #safety
            };
            let object = match method.receiver {
                Receiver::Shared => quote! { #space let __calls = unsafe { &*#calls_of }; },
                Receiver::Exclusive => quote! { #space let __calls = unsafe { &mut *#calls_of }; },
                Receiver::Owned => quote! { let __calls = (*self).upcast::<dyn #ident>(); },
            };
            let called = match &method.future {
                Some(future) => {
                    let output = &future.output;
                    quote! {
                        #calls::#try_name(__calls, #(#arguments),*).lifted(|__error| {
                            use __private::{LiftAsError as _, LiftAsPanic as _};
                            (&__private::Lift::<#output>::new()).lift(__error)
                        })
                    }
                }
                None => quote! {
                    match #calls::#try_name(__calls, #(#arguments),*) {
                        __private::Ok(__value) => __value,
                        __private::Err(__error) => {
                            use __private::{LiftAsError as _, LiftAsPanic as _};
                            (&__private::Lift::<#result>::new()).lift(__error)
                        }
                    }
                },
            };
            quote! {
                #[inline]
                fn #function(#this, #params) -> #result {
                    #object
                    #called
                }
            }
        });
        let bounds = &self.item.supertraits;
        let bounds = (!bounds.is_empty()).then(|| quote! { Self: #bounds, });
        let comment = comment(
            "A handle is an object of the trait, and of what requires it: a failure becomes the \
             method's own error, where it can, or a panic.",
        );
        quote! {
            #comment
            impl<__I> #ident for __private::Handle<__I>
            where
                __I: ?Sized + __private::Upcast<dyn #ident>,
                #bounds
            {
                #(#methods)*

                fn __plugwright_handle(
                    &self,
                ) -> __private::Option<&__private::Handle<dyn #ident>> {
                    __I::itself(self)
                }
            }
        }
    }

    /// What the interface's objects also are: first, objects of the interface itself.
    fn upcasts(&self) -> TokenStream {
        let ident = &self.item.ident;
        let supers = self.supers.iter().zip(self.super_fields()).map(|(path, field)| {
            let safety = comment("SAFETY: the entry is a vtable for the same objects.");
            quote! {
                #safety
                unsafe impl __private::Upcast<dyn #path> for dyn #ident {
                    #[inline]
                    fn vtable(own: &__Vtable) -> *const <dyn #path as __private::Interface>::Vtable {
                        own.#field
                    }
                }

                const _: () = __private::extends::<dyn #ident, dyn #path>();
            }
        });
        let safety = comment("SAFETY: it is the very same vtable.");
        quote! {
            #safety
            unsafe impl __private::Upcast<Self> for dyn #ident {
                #[inline]
                fn vtable(own: &__Vtable) -> *const __Vtable {
                    own
                }

                #[inline]
                fn itself(
                    handle: &__private::Handle<Self>,
                ) -> __private::Option<&__private::Handle<Self>> {
                    __private::Some(handle)
                }
            }

            #(#supers)*
        }
    }

    /// The vtable's entries for the interfaces that are required.
    pub(super) fn super_fields(&self) -> impl Iterator<Item = Ident> {
        (0..self.supers.len()).map(|index| format_ident!("__super_{index}"))
    }
}

/// Moves a method's body into a method of its own, which runs on a handle whose plugin was
/// built before the method was added, and which is returned.
fn apart(ident: &Ident, function: &mut TraitItemFn) -> TraitItemFn {
    let mut body = function.clone();
    body.attrs = lints(function);
    body.attrs.push(parse_quote! { #[doc(hidden)] });
    body.sig.ident = body_name(&function.sig.ident);
    let mut names = Vec::new();
    for (index, input) in function.sig.inputs.iter_mut().enumerate() {
        if let syn::FnArg::Typed(typed) = input {
            let name = super::parameter_name(index, &typed.pat);
            typed.pat = parse_quote! { #name };
            names.push(name);
        }
    }
    let hidden = &body.sig.ident;
    function.default = Some(parse_quote! { { #ident::#hidden(self, #(#names),*) } });
    body
}

/// The attributes that say which lints a body is looked at with go with the body. What is left
/// has the same head: what is expected there is then nothing to tell of here either.
fn lints(function: &mut TraitItemFn) -> Vec<Attribute> {
    let is = |attribute: &Attribute, names: &[&str]| {
        names.iter().any(|name| attribute.path().is_ident(name))
    };
    let names = ["allow", "expect", "warn", "deny", "forbid"];
    let lints = function.attrs.iter().filter(|lint| is(lint, &names));
    let lints = lints.cloned().collect();
    for attribute in &mut function.attrs {
        if is(attribute, &["expect"])
            && let Meta::List(expected) = &mut attribute.meta
        {
            expected.path = parse_quote! { allow };
        }
    }
    lints
}

fn body_name(function: &Ident) -> Ident {
    format_ident!("__{}_without_plugin", function)
}

impl Method {
    /// Whether the trait's body may have to run on the caller's side.
    fn may_run_here(&self) -> bool {
        self.since > 0 && self.has_body
    }

    pub(super) fn try_name(&self) -> Ident {
        format_ident!("try_{}", self.name)
    }

    /// The function that calls the method of an object that is borrowed.
    pub(super) fn caller(&self) -> Ident {
        match (self.receiver, &self.future) {
            (Receiver::Owned, _) | (_, Some(_)) => format_ident!("__{}", self.name),
            _ => self.try_name(),
        }
    }

    /// What a function has in front that calls the method itself: whoever calls this one is told
    /// that it is deprecated.
    pub(super) fn attributes(&self) -> Option<TokenStream> {
        self.is_deprecated.then(|| {
            quote! { #[expect(deprecated, reason = "who calls this one is told of it")] }
        })
    }

    /// How the object is borrowed for a call.
    pub(super) fn borrowed_self(&self) -> TokenStream {
        match self.receiver {
            Receiver::Shared => quote! { &self },
            Receiver::Exclusive | Receiver::Owned => quote! { &mut self },
        }
    }

    /// The parameters' names, as the arguments of a call.
    pub(super) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.params.iter().map(|param| &param.name)
    }

    /// `name: Type, …` as the trait declares it.
    pub(super) fn declarations(&self) -> TokenStream {
        let names = self.names();
        let types = self.params.iter().map(|param| &param.crossing.ty);
        quote! { #(#names: #types),* }
    }

    /// The arguments of a call, as what crosses in their place.
    fn given(&self) -> impl Iterator<Item = TokenStream> {
        self.params
            .iter()
            .map(|param| param.crossing.give(&param.name))
    }

    /// `<Type as Portable>` for each parameter.
    pub(super) fn portables(&self) -> impl Iterator<Item = TokenStream> {
        self.params
            .iter()
            .map(|param| as_portable(&param.crossing.portable()))
    }

    /// The same, where no lifetime can be named.
    pub(super) fn statics(&self) -> impl Iterator<Item = TokenStream> {
        self.params
            .iter()
            .map(|param| as_portable(&with_static(&param.crossing.portable())))
    }
}
